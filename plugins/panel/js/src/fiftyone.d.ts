// The few things we use of what the App exposes to plugins.
declare module "@fiftyone/operators" {
  export function useTriggerPanelEvent(): (
    uri: string,
    params: Record<string, unknown>,
    prompt: boolean,
    callback: (reply: any) => boolean,
  ) => void;
}
declare module "@fiftyone/state" {
  export function getSampleSrc(filepath: string): string;
}
declare module "@fiftyone/plugins" {
  export const PluginComponentType: { Component: number };
  export function registerComponent(registration: {
    name: string;
    label: string;
    component: unknown;
    type: number;
    activator: () => boolean;
  }): void;
}
