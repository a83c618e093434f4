/** The line above the tabs: tabs, reviewer, language, help. */
import * as React from "react";
import type { Api } from "./api";
import { useToasts } from "./toast";
import type { Overview } from "./types";
import { Clip, useWords } from "./ui";

export const TABS = ["review", "search", "conditions", "labels", "trust"] as const;
export type Tab = (typeof TABS)[number];

export function Header(props: {
  api: Api;
  overview: Overview;
  inModal: boolean;
  tab: Tab;
  setTab: (tab: Tab) => void;
  toggleLanguage: () => void;
  setReviewer: (name: string) => void;
  help: () => void;
}) {
  const { lang, say } = useWords();
  return (
    <header className="semc-header">
      {!props.inModal && (
        <div className="semc-tabs" role="tablist">
          {TABS.map((name) => (
            <button
              key={name}
              role="tab"
              aria-selected={props.tab === name}
              data-cy={`semc-tab-${name}`}
              onClick={() => props.setTab(name)}
            >
              {say(name)}
            </button>
          ))}
        </div>
      )}
      <Reviewer {...props} />
      <button className="semc-plain" data-cy="semc-language" onClick={props.toggleLanguage} title={say("language")}>
        {lang === "ja" ? "English" : "日本語"}
      </button>
      <button className="semc-plain" onClick={props.help} title={say("help")} aria-label={say("help")}>
        ?
      </button>
    </header>
  );
}

function Reviewer(props: { api: Api; overview: Overview; setReviewer: (name: string) => void }) {
  const { say } = useWords();
  const toasts = useToasts();
  const [typed, setTyped] = React.useState<string | null>(null);
  const save = async () => {
    const name = (typed ?? "").trim();
    setTyped(null);
    if (!name || name === props.overview.reviewer) return;
    try {
      props.setReviewer((await props.api.set_reviewer({ name })).reviewer);
    } catch (error) {
      toasts.add({ text: (error as Error).message, tone: "plain" });
    }
  };
  if (typed === null)
    return (
      <button className="semc-plain semc-reviewer" data-cy="semc-reviewer" onClick={() => setTyped(props.overview.reviewer)} title={say("reviewer_edit")}>
        <span>{say("reviewer")}</span> <Clip>{props.overview.reviewer}</Clip>
      </button>
    );
  return (
    <input
      autoFocus
      className="semc-input semc-reviewer-input"
      data-cy="semc-reviewer-input"
      value={typed}
      maxLength={100}
      aria-label={say("reviewer")}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
        if (event.key === "Enter") void save();
        else if (event.key === "Escape") setTyped(null);
        else return;
        event.stopPropagation();
      }}
    />
  );
}
