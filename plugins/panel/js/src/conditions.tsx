/** The Quality tab: which imaging condition fails how often, as a heat table; a cell leads to its particles. */
import * as React from "react";
import type { Api } from "./api";
import { both, groupName } from "./texts";
import { useToasts } from "./toast";
import type { Cell, ConditionReport, ConditionRow, Tag } from "./types";
import { Empty, useWords } from "./ui";

export type ConditionMemory = { by: string | null; sort: string };
type Column = { code: string; title: string; share: (row: ConditionRow) => number };

const WORST_SHOWN = 0.5; // half of all views failing is as bad as it looks; the same in review/pictures.py

/** Lowest first: what a view of this row is worth, a missing one being worth nothing. */
const worth = (row: ConditionRow) => (row.mean_quality ?? 1) * (1 - row.missing_share);

export function ConditionsTab(props: { api: Api; tags: Tag[]; retake: number; memory: ConditionMemory; refresh: () => void }) {
  const { api, memory } = props;
  const { say } = useWords();
  const toasts = useToasts();
  const [by, setBy] = React.useState(memory.by);
  const [report, setReport] = React.useState<ConditionReport | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const asked = React.useRef(0);

  const load = (field: string | null) => {
    const mine = ++asked.current;
    setBy(field);
    setProblem(null);
    memory.by = field;
    api.condition_report({ by: field }).then(
      (found) => mine === asked.current && setReport(found),
      (error: Error) => mine === asked.current && setProblem(error.message),
    );
  };
  React.useEffect(() => {
    load(memory.by);
    props.refresh(); // the number of retakes may have changed since the panel was opened
  }, []);
  const show = async (asking: Promise<{ shown: number }>) => {
    try {
      const { shown } = await asking;
      toasts.add({ text: say("shown_in_grid", { n: shown }), tone: "done" });
    } catch (error) {
      toasts.add({ text: (error as Error).message, tone: "plain" });
    }
  };

  if (problem !== null)
    return (
      <Empty mark="!" title={say("failed")} cy="semc-conditions-failed">
        <p>{problem}</p>
        <button onClick={() => load(null)}>{say("retry")}</button>
      </Empty>
    );
  if (!report) return <div className="semc-loading" aria-busy>{say("loading")}</div>;
  if (report.notice)
    return (
      <Empty mark="○" title={say("nothing_measured")} cy="semc-conditions-empty">
        <p>{say("nothing_measured_how")}</p>
        <code>sem-curate run --stage quality --dataset NAME</code>
        <button onClick={() => load(by)}>{say("reload")}</button>
      </Empty>
    );
  return (
    <div className="semc-scroll semc-conditions" data-cy="semc-conditions">
      <div className="semc-found">
        <label>
          {say("group_by")}{" "}
          <select className="semc-input" data-cy="semc-group-by" value={by ?? ""} onChange={(event) => load(event.target.value || null)}>
            <option value="">{say("group_none")}</option>
            {report.fields.map((field) => (
              <option key={field}>{field}</option>
            ))}
          </select>
        </label>
        <button data-cy="semc-retakes" disabled={!props.retake} onClick={() => void show(api.retake())}>
          {say("retake_list", { n: props.retake })}
        </button>
      </div>
      <HeatTable report={report} tags={props.tags} memory={memory} busy={report.by !== by} show={(cell) => void show(api.show_condition(cell))} />
      <p className="semc-note">{say("heat_note")}</p>
    </div>
  );
}

function HeatTable(props: {
  report: ConditionReport;
  tags: Tag[];
  memory: ConditionMemory;
  busy: boolean;
  show: (cell: Cell) => void;
}) {
  const { report, memory } = props;
  const { lang, say } = useWords();
  const [sort, setSort] = React.useState(memory.sort);
  const columns: Column[] = [
    { code: "missing", title: say("c_missing"), share: (row) => row.missing_share },
    { code: "unusable", title: say("c_unusable"), share: (row) => row.unusable_share },
    ...props.tags.map((tag) => ({ code: tag.code, title: both(tag, lang), share: (row: ConditionRow) => row.tags[tag.code] ?? 0 })),
  ];
  const never = columns.slice(2).filter((column) => report.groups.every((row) => !column.share(row)));
  const shown = columns.filter((column) => !never.includes(column));
  const sorted = [...report.groups].sort(order(shown, sort));
  const choose = (code: string) => {
    memory.sort = code;
    setSort(code);
  };
  const head = (code: string, title: string, upright = false) => (
    <th key={code} scope="col" aria-sort={sort === code ? (code === "worst" ? "ascending" : "descending") : undefined}>
      <button onClick={() => choose(code)} title={`${title} · ${say("sort_by")}`}>
        <span className={upright ? "" : "semc-upright"}>{title}</span>
        {sort === code && <i aria-hidden>{code === "worst" ? "▲" : "▼"}</i>}
      </button>
    </th>
  );
  return (
    <>
      <div className={`semc-heat ${props.busy ? "semc-dim" : ""}`} tabIndex={0} role="region" aria-label={say("conditions")} aria-busy={props.busy}>
        <table data-cy="semc-heat" data-by={report.by ?? ""}>
          <thead>
            <tr>
              <th scope="col" className="semc-row-name">{report.by ?? say("condition")}</th>
              {head("worst", say("quality"), true)}
              {shown.map((column) => head(column.code, column.title))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <Row key={`${row.view}/${String(row.group)}`} row={row} by={report.by} columns={shown} show={props.show} />
            ))}
          </tbody>
        </table>
      </div>
      {never.length > 0 && (
        <p className="semc-note" data-cy="semc-never">
          {say("never")} {never.map((column) => column.title).join(lang === "ja" ? "、" : ", ")}
        </p>
      )}
    </>
  );
}

const order = (columns: Column[], sort: string) => (a: ConditionRow, b: ConditionRow) => {
  const column = columns.find((column) => column.code === sort);
  return (column ? column.share(b) - column.share(a) : 0) || worth(a) - worth(b);
};

function Row(props: { row: ConditionRow; by: string | null; columns: Column[]; show: (cell: Cell) => void }) {
  const { row, by } = props;
  const { say } = useWords();
  const group = by === null ? "" : groupName(row.group, say("group_unknown"));
  const name = group ? `${row.view} · ${group}` : row.view;
  return (
    <tr data-cy="semc-heat-row" data-view={row.view} data-group={group}>
      <th scope="row" className="semc-row-name" title={`${name} · ${say("n_views", { n: row.views })}`}>
        <b>{row.view}</b> {group && <span>{group}</span>} <small>{row.views}</small>
      </th>
      <td className="semc-mean">{row.mean_quality === null ? "–" : row.mean_quality.toFixed(2)}</td>
      {props.columns.map((column) => (
        <Heat
          key={column.code}
          share={column.share(row)}
          label={`${name}, ${column.title}`}
          cy={`semc-heat-${row.view}-${column.code}`}
          show={() => props.show({ view: row.view, what: column.code, by, group: row.group })}
        />
      ))}
    </tr>
  );
}

function Heat({ share, label, cy, show }: { share: number; label: string; cy: string; show: () => void }) {
  const { say } = useWords();
  if (!share) return <td className="semc-zero">0</td>;
  const percent = share < 0.005 ? "<1" : String(Math.round(100 * share));
  const heat = Math.min(1, share / WORST_SHOWN);
  return (
    <td>
      <button
        className={heat > 0.6 ? "semc-hot-cell" : ""}
        style={{ background: `color-mix(in srgb, var(--accent) ${Math.round(12 + 88 * heat)}%, var(--sunken))` }}
        data-cy={cy}
        title={`${label}: ${percent} % · ${say("show_in_grid")}`}
        aria-label={`${label}: ${percent} %. ${say("show_in_grid")}`}
        onClick={show}
      >
        {percent}
      </button>
    </td>
  );
}
