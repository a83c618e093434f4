/** One label: its words, pictures, numbers, versions, and what can be done with it. */
import * as React from "react";
import type { Api } from "./api";
import { ChangeForm, Change } from "./labelForm";
import { kindOf, labelName, otherName } from "./texts";
import { useToasts } from "./toast";
import type { Bundle, LabelChange, LabelDetails, LabelRow, Ledger, Pictured, VersionRow } from "./types";
import { Clip, Meter, Picture, useWords } from "./ui";

type CardProps = {
  api: Api;
  card: LabelDetails;
  labels: LabelRow[];
  open: (particle: string) => void;
  changed: () => void;
  choose: (labelId: string) => void;
};

export function LabelCard(props: CardProps) {
  const { api, card, labels } = props;
  const { lang, say } = useWords();
  const [change, setChange] = React.useState<Change | null>(null);
  const [ledger, setLedger] = React.useState<Ledger | null>(null);
  React.useEffect(() => {
    let wanted = true;
    api.label_timeline({ label_id: card.label_id }).then((found) => wanted && setLedger(found), () => undefined);
    return () => {
      wanted = false;
    };
  }, [card.label_id, card.version]);
  const active = card.status === "active";
  const leadsTo = card.merged_into ? [card.merged_into] : card.split_into;
  return (
    <article className="semc-label-card" data-cy="semc-label-card">
      <header>
        <i style={card.colour ? { background: card.colour } : undefined} aria-hidden />
        <div>
          <h2><Clip>{labelName(card, lang)}</Clip></h2>
          <Clip className="semc-other">{otherName(card, lang)}</Clip>
        </div>
        <small title={say("label_id_long")}>{card.label_id}</small>
        <small>v{card.version}</small>
        {!active && <small className="semc-reason">{say(`status_${card.status}`)}</small>}
      </header>
      {leadsTo.length > 0 && (
        <p className="semc-advice">
          <b>{say(card.merged_into ? "read_as" : "split_into")}</b>
          {leadsTo.map((id) => (
            <button key={id} onClick={() => props.choose(id)}>
              {nameOf(labels, id, lang)}
            </button>
          ))}
        </p>
      )}
      <dl className="semc-numbers">
        {(["decided", "by_people", "in_queue", "proposed", "masters"] as const).map((what) => (
          <div key={what}>
            <dt>{say(`count_${what}`)}</dt>
            <dd>{card.counts[what]}</dd>
          </div>
        ))}
      </dl>
      <div className="semc-row semc-label-actions">
        <button data-cy="semc-label-rename" onClick={() => setChange({ kind: "rename" })} disabled={!active}>{say("do_rename")}</button>
        <button data-cy="semc-label-redefine" onClick={() => setChange({ kind: "redefine" })} disabled={!active}>{say("do_redefine")}</button>
        <button data-cy="semc-label-merge" onClick={() => setChange({ kind: "merge" })} disabled={!active}>{say("do_merge")}</button>
        <button data-cy="semc-label-split" onClick={() => setChange({ kind: "split" })} disabled={!active}>{say("do_split")}</button>
        {card.status === "deprecated" ? (
          <button onClick={() => setChange({ kind: "restore" })}>{say("do_restore")}</button>
        ) : (
          <button data-cy="semc-label-deprecate" onClick={() => setChange({ kind: "deprecate" })} disabled={!active}>{say("do_deprecate")}</button>
        )}
      </div>
      <Definition card={card} />
      {(["example", "counter", "borderline"] as const).map((role) => (
        <Pictures key={role} title={say(`role_${role}`)} items={card.picked.filter((one) => one.role === role)} open={props.open} />
      ))}
      <Pictures title={say("count_masters")} items={card.masters} more={card.counts.masters - card.masters.length} open={props.open} empty={say("no_label_masters")} />
      <Waiting api={api} card={card} outdated={ledger?.outdated ?? 0} />
      <Timeline ledger={ledger} />
      <History changes={card.history} rollBack={(found) => setChange({ kind: "rollback", found })} />
      {change && (
        <ChangeForm
          api={api}
          card={card}
          labels={labels}
          change={change}
          close={() => setChange(null)}
          done={() => {
            setChange(null);
            props.changed();
          }}
        />
      )}
    </article>
  );
}

const nameOf = (labels: LabelRow[], id: string, lang: "ja" | "en") => {
  const found = labels.find((label) => label.label_id === id);
  return found ? labelName(found, lang) : id;
};

function Definition({ card }: { card: LabelDetails }) {
  const { lang, say } = useWords();
  const both = [card.definition_ja, card.definition_en];
  const [own, other] = lang === "ja" ? both : [...both].reverse();
  const words = [...(lang === "ja" ? card.synonyms_ja : card.synonyms_en), ...(lang === "ja" ? card.synonyms_en : card.synonyms_ja)];
  return (
    <section className="semc-box">
      <h3>{say("definition")}</h3>
      {own || other ? <p className="semc-words">{own || other}</p> : <p className="semc-note">{say("no_definition")}</p>}
      {own && other && <p className="semc-words semc-other">{other}</p>}
      {words.length > 0 && (
        <div className="semc-chips" aria-label={say("synonyms")}>
          {words.map((word) => (
            <span key={word}>{word}</span>
          ))}
        </div>
      )}
    </section>
  );
}

function Pictures(props: { title: string; items: (Pictured & { note?: string })[]; more?: number; empty?: string; open: (particle: string) => void }) {
  const { say } = useWords();
  if (!props.items.length && !props.empty) return null;
  return (
    <section className="semc-box">
      <h3>{props.title}</h3>
      {props.items.length === 0 && <p className="semc-note">{props.empty}</p>}
      <div className="semc-masters">
        {props.items.map((one) => (
          <button key={one.particle_id} className="semc-master" title={say("open_particle", { particle: one.particle_id })} onClick={() => props.open(one.particle_id)}>
            <Picture path={one.filepath} alt={one.particle_id} />
            <Clip>{one.note || one.particle_id}</Clip>
          </button>
        ))}
        {(props.more ?? 0) > 0 && <span className="semc-note">{say("and_more", { n: props.more ?? 0 })}</span>}
      </div>
    </section>
  );
}

/** After a split or another meaning: what a person should look at again, in bundles that are judged alike. */
function Waiting({ api, card, outdated }: { api: Api; card: LabelDetails; outdated: number }) {
  const { say } = useWords();
  const toasts = useToasts();
  const [found, setFound] = React.useState<Bundle[] | null>(null);
  const why = card.status === "split" ? "split" : "drift";
  React.useEffect(() => {
    setFound(null);
    if (why === "split" || outdated > 0)
      api.label_bundles({ label_id: card.label_id, why }).then((answer) => setFound(answer.bundles), () => setFound([]));
  }, [card.label_id, card.version, outdated]);
  const waiting = (found ?? []).filter((bundle) => bundle.left > 0);
  if (!waiting.length) return null;
  const show = async (bundle: Bundle) => {
    const { shown } = await api.show_in_grid({ particles: bundle.waiting });
    toasts.add({ text: say("shown_in_grid", { n: shown }), tone: "done" });
  };
  return (
    <section className="semc-box semc-proposal" data-cy="semc-bundles">
      <h3>{say(why === "split" ? "bundles_split" : "bundles_drift")}</h3>
      {waiting.map((bundle) => (
        <button key={bundle.bundle_id} className="semc-candidate" onClick={() => void show(bundle)} title={say("show_in_grid")}>
          <span className="semc-candidate-text">
            <Clip>{bundle.suggested_name ?? say("bundle_unsorted")}</Clip>
          </span>
          <b>{say("c_left")} {bundle.left}</b>
        </button>
      ))}
    </section>
  );
}

/** The drift ledger: what was decided under each version, how far its centre moved, how often proposals agreed. */
function Timeline({ ledger }: { ledger: Ledger | null }) {
  const { lang, say } = useWords();
  if (!ledger) return <div className="semc-loading" aria-busy>{say("loading")}</div>;
  const { label_id, versions, in_force, outdated, looked_at } = ledger;
  return (
    <section className="semc-box" data-cy="semc-timeline">
      <h3>{say("timeline")}</h3>
      <ol className="semc-timeline">
        {[...versions].reverse().map((row) => (
          <Version key={row.version} row={row} name={labelName({ label_id, ...row }, lang)} now={row.version === in_force} />
        ))}
      </ol>
      {outdated > 0 && <p className="semc-note">{say("outdated", { n: outdated, of: looked_at })}</p>}
    </section>
  );
}

function Version({ row, name, now }: { row: VersionRow; name: string; now: boolean }) {
  const { say } = useWords();
  const title = row.version === 0 ? say("merged_from_others") : `v${row.version} ${name}`;
  return (
    <li className={now ? "semc-now" : ""} data-cy="semc-version">
      <div>
        <Clip>{title}</Clip>
        <small>
          {when(row.at)} {row.by} {row.reason && say("quoted", { words: row.reason })}
        </small>
      </div>
      <div className="semc-version-numbers">
        <span>{say("decisions_n", { n: row.decisions })}</span>
        {/* A centre that moved by half a right angle is another label; the bar is full there. */}
        {row.shift !== null && <Meter label={say("shift")} value={row.shift / 0.3} text={row.shift.toFixed(3)} tone="semc-warn" />}
        {row.agreement !== null && <Meter label={say("agreement")} value={row.agreement} text={`${Math.round(100 * row.agreement)}%`} />}
      </div>
    </li>
  );
}

function History({ changes, rollBack }: { changes: LabelChange[]; rollBack: (change: LabelChange) => void }) {
  const { say } = useWords();
  if (!changes.length) return null;
  return (
    <section className="semc-box" data-cy="semc-label-history">
      <h3>{say("changes")}</h3>
      <ol className="semc-changes">
        {[...changes].reverse().map((change) => (
          <li key={change.change_id} className={change.undone_by ? "semc-dim" : ""}>
            <span>
              {say(`kind_${kindOf(change.kind)}`)} <small>{when(change.at)} {change.by} {change.reason && say("quoted", { words: change.reason })}</small>
            </span>
            {change.undone_by ? (
              <small>{say("rolled_back")}</small>
            ) : (
              change.kind !== "create" && (
                <button data-cy="semc-rollback" onClick={() => rollBack(change)}>
                  {say("do_rollback")}
                </button>
              )
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

const when = (at: string) => (at ? new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "");
