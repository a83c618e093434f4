/** The list of all labels, filtered by typing; works without a mouse and with an input method. */
import * as React from "react";
import type { Label } from "./types";
import { labelName, otherName } from "./texts";
import { Clip, KeyCap, Layer, useWords } from "./ui";

const fold = (text: string) => text.normalize("NFKC").toLowerCase();

export function matching(labels: Label[], typed: string): Label[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  return labels.filter((label) => {
    const text = fold([label.name_ja, label.name_en, label.definition ?? ""].join(" "));
    return words.every((word) => text.includes(word));
  });
}

export function LabelPicker(props: { labels: Label[]; choose: (label: Label) => void; close: () => void }) {
  const { lang, say } = useWords();
  const [typed, setTyped] = React.useState("");
  const [at, setAt] = React.useState(0);
  const found = matching(props.labels, typed);
  const active = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    active.current?.scrollIntoView({ block: "nearest" }); // in braces: new browsers return a promise here
  }, [at, typed]);
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    const direct = props.labels.find((label) => label.hotkey && label.hotkey === event.key);
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter" && found[at]) props.choose(found[at]);
    else if (!typed && direct) props.choose(direct);
    else return;
    event.preventDefault();
  };
  return (
    <Layer label={say("pick_title")} close={props.close} cy="semc-picker">
      <h2>{say("pick_title")}</h2>
      <input
        autoFocus
        className="semc-input"
        data-cy="semc-picker-input"
        value={typed}
        placeholder={say("pick_placeholder")}
        aria-label={say("pick_placeholder")}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="semc-options" role="listbox" aria-label={say("pick_title")}>
        {found.map((label, index) => (
          <button
            key={label.label_id}
            ref={index === at ? active : undefined}
            role="option"
            aria-selected={index === at}
            className={index === at ? "semc-active" : ""}
            onMouseMove={() => setAt(index)}
            onClick={() => props.choose(label)}
          >
            <span className="semc-hot">{label.hotkey && <KeyCap>{label.hotkey}</KeyCap>}</span>
            <Clip>{labelName(label, lang)}</Clip>
            <Clip className="semc-other">{otherName(label, lang)}</Clip>
            {label.definition && <Clip className="semc-definition">{label.definition}</Clip>}
          </button>
        ))}
        {found.length === 0 && <p className="semc-note">{say("pick_none")}</p>}
      </div>
      <p className="semc-note">{say("pick_hint")}</p>
    </Layer>
  );
}
