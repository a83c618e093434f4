/** Saying which quality tags are right for one view: every tag has a key, Enter saves, C confirms what was measured. */
import * as React from "react";
import type { TagChoice, ViewTile } from "./types";
import { both } from "./texts";
import { SecondOpinion, viewTitle } from "./tile";
import { Clip, KeyCap, Layer, Picture, useWords } from "./ui";

type Props = { view: ViewTile; particle: string; tags: TagChoice[]; save: (tags: string[]) => void; close: () => void };

export function TagEditor(props: Props) {
  const { view, tags } = props;
  const { lang, say } = useWords();
  const codes = (of: { code: string }[]) => of.map((tag) => tag.code);
  const [chosen, setChosen] = React.useState(() => new Set(codes(view.tags)));
  const [at, setAt] = React.useState(0);
  const list = React.useRef<HTMLDivElement>(null);
  const active = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => list.current?.focus({ preventScroll: true }), []);
  React.useEffect(() => {
    active.current?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const toggle = (index: number) => {
    const next = new Set(chosen);
    if (!next.delete(tags[index].code)) next.add(tags[index].code);
    setChosen(next);
    setAt(index);
  };
  const offered = (of: Iterable<string>) => tags.map((tag) => tag.code).filter((code) => new Set(of).has(code));
  const save = () => props.save(offered(chosen));
  const confirm = () => props.save(offered(codes(view.measured_tags)));
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing) return;
    const onButton = (event.target as HTMLElement).closest("button");
    const key = event.key.toLowerCase();
    const direct = tags.findIndex((tag) => tag.hotkey === key);
    if (onButton && (key === "enter" || key === " ")) return; // they press the focused button
    if (key === "arrowdown") setAt((at + 1) % tags.length);
    else if (key === "arrowup") setAt((at + tags.length - 1) % tags.length);
    else if (event.repeat) return;
    else if (key === " ") toggle(at);
    else if (key === "enter") save();
    else if (direct >= 0) toggle(direct);
    else if (key === "c") confirm();
    else return;
    event.preventDefault();
  };
  const name = viewTitle(view, lang);
  return (
    <Layer label={say("tags_of", { view: name })} close={props.close} cy="semc-tag-editor">
      <div className="semc-tagging" onKeyDown={onKeyDown}>
        <h2>
          {say("tags_of", { view: name })} <Clip className="semc-other">{props.particle}</Clip>
        </h2>
        <figure>
          <Picture path={view.filepath} alt={name} />
          <figcaption className="semc-note">
            {view.tags_by !== null ? say("tags_by", { who: view.tags_by }) : say("tags_measured")}
            <SecondOpinion view={view} />
          </figcaption>
        </figure>
        <div
          ref={list}
          className="semc-tag-list"
          role="listbox"
          aria-multiselectable
          aria-label={say("tags_of", { view: name })}
          aria-activedescendant={`semc-tag-${tags[at]?.code}`}
          tabIndex={0}
          data-cy="semc-tag-list"
        >
          {tags.map((tag, index) => (
            <div
              key={tag.code}
              id={`semc-tag-${tag.code}`}
              ref={index === at ? active : undefined}
              role="option"
              aria-selected={chosen.has(tag.code)}
              className={index === at ? "semc-active" : ""}
              data-cy={`semc-tag-${tag.code}`}
              onClick={() => toggle(index)}
            >
              <KeyCap>{(tag.hotkey ?? "").toUpperCase()}</KeyCap>
              <i aria-hidden>{chosen.has(tag.code) ? "✓" : ""}</i>
              <Clip>{both(tag, lang)}</Clip>
              <Clip className="semc-other">{lang === "ja" ? tag.en : tag.ja}</Clip>
              {codes(view.measured_tags).includes(tag.code) && <small>{say("measured")}</small>}
            </div>
          ))}
        </div>
        <footer>
          <button className="semc-primary" data-cy="semc-tags-save" onClick={save}>
            {say("save")} <KeyCap>Enter</KeyCap>
          </button>
          <button data-cy="semc-tags-confirm" onClick={confirm} title={say("confirm_tags_long")}>
            {say("confirm_tags")} <KeyCap>C</KeyCap>
          </button>
          <button onClick={props.close}>
            {say("cancel")} <KeyCap>Esc</KeyCap>
          </button>
        </footer>
      </div>
    </Layer>
  );
}
