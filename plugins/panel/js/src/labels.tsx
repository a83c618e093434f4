/** The Labels tab: every label with its counts on the left, the card of one on the right. */
import * as React from "react";
import type { Api } from "./api";
import { LabelCard } from "./labelCard";
import { labelName, otherName } from "./texts";
import type { LabelDetails, LabelRow } from "./types";
import { Clip, Empty, KeyCap, useWords } from "./ui";

export type LabelsMemory = { search: string; chosen: string | null };

export function LabelsTab(props: { api: Api; memory: LabelsMemory; open: (particle: string) => void; changed: () => void }) {
  const { api, memory } = props;
  const { say } = useWords();
  const [search, setSearch] = React.useState(memory.search);
  const [rows, setRows] = React.useState<LabelRow[] | null>(null);
  const [chosen, setChosen] = React.useState(memory.chosen);
  const [card, setCard] = React.useState<LabelDetails | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const asked = React.useRef(0);
  Object.assign(memory, { search, chosen });

  const fail = (error: Error) => setProblem(error.message);
  const list = (text: string) => {
    const mine = ++asked.current;
    api.labels_tab({ search: text }).then((found) => {
      if (mine !== asked.current) return;
      setRows(found.labels);
      setProblem(null);
      if (!chosen && found.labels.length) setChosen(found.labels[0].label_id);
    }, fail);
  };
  React.useEffect(() => {
    const waiting = window.setTimeout(() => list(search), rows ? 150 : 0);
    return () => window.clearTimeout(waiting);
  }, [search]);
  const look = () => {
    if (chosen) api.label_card({ label_id: chosen }).then(setCard, fail);
  };
  React.useEffect(look, [chosen]);

  const reload = () => {
    list(search);
    look();
    props.changed(); // the names in the review picker may be others now
  };
  const step = (event: React.KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by || !rows?.length) return;
    event.preventDefault();
    const at = rows.findIndex((row) => row.label_id === chosen);
    setChosen(rows[Math.max(0, Math.min(rows.length - 1, at + by))].label_id);
  };

  if (problem !== null && !rows)
    return (
      <Empty mark="!" title={say("failed")} cy="semc-labels-failed">
        <p>{problem}</p>
        <button onClick={reload}>{say("retry")}</button>
      </Empty>
    );
  if (!rows) return <div className="semc-loading">{say("loading")}</div>;
  if (!rows.length && !search)
    return (
      <Empty mark="○" title={say("labels_none")} cy="semc-labels-empty">
        <p>{say("labels_none_how")}</p>
        <code>sem-curate masters register --csv masters.csv --dataset NAME</code>
      </Empty>
    );
  return (
    <div className="semc-labels" data-cy="semc-labels">
      <nav onKeyDown={step} aria-label={say("labels")}>
        <input
          className="semc-input"
          data-cy="semc-labels-search"
          value={search}
          placeholder={say("pick_placeholder")}
          aria-label={say("pick_placeholder")}
          onChange={(event) => setSearch(event.target.value)}
        />
        <div className="semc-label-list" role="listbox" aria-label={say("labels")}>
          {rows.map((row) => (
            <Row key={row.label_id} row={row} chosen={row.label_id === chosen} choose={() => setChosen(row.label_id)} />
          ))}
          {!rows.length && <p className="semc-note">{say("pick_none")}</p>}
        </div>
      </nav>
      <div className="semc-scroll">
        {problem !== null && <p className="semc-problem" role="alert">{problem}</p>}
        {card && card.label_id === chosen ? (
          <LabelCard key={card.label_id} api={api} card={card} labels={rows} open={props.open} changed={reload} choose={setChosen} />
        ) : (
          problem === null && <div className="semc-loading">{say("loading")}</div>
        )}
      </div>
    </div>
  );
}

function Row({ row, chosen, choose }: { row: LabelRow; chosen: boolean; choose: () => void }) {
  const { lang, say } = useWords();
  const button = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    if (chosen) button.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <button
      ref={button}
      role="option"
      aria-selected={chosen}
      className={`${chosen ? "semc-active" : ""} semc-status-${row.status}`}
      data-cy="semc-label-row"
      data-label={row.label_id}
      onClick={choose}
    >
      <i style={row.colour ? { background: row.colour } : undefined} aria-hidden />
      <span>
        <Clip>{labelName(row, lang)}</Clip>
        <Clip className="semc-other">{otherName(row, lang)}</Clip>
      </span>
      {row.hotkey && <KeyCap>{row.hotkey}</KeyCap>}
      {row.status === "active" ? (
        <b title={say("label_decided", { n: row.counts.decided })}>{row.counts.decided}</b>
      ) : (
        <small>{say(`status_${row.status}`)}</small>
      )}
    </button>
  );
}
