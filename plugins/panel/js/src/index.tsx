import * as React from "react";
import { PluginComponentType, registerComponent } from "@fiftyone/plugins";
import { SemCurate } from "./panel";
import { STYLES } from "./styles";

const withStyles = (props: React.ComponentProps<typeof SemCurate>) => (
  <>
    <style>{STYLES}</style>
    <SemCurate {...props} />
  </>
);

registerComponent({
  name: "SemCurate",
  label: "SEM Curate",
  component: withStyles,
  type: PluginComponentType.Component,
  activator: () => true,
});
