/** A change of a label: first what it would touch, then, knowingly, the change. */
import * as React from "react";
import { Api, requestId } from "./api";
import { kindOf, labelName } from "./texts";
import { useToasts } from "./toast";
import type { ChangeKind, DryRun, LabelChange, LabelDetails, LabelRow, Wanted } from "./types";
import { Clip, Layer, useWords } from "./ui";

export type Change = { kind: Exclude<ChangeKind, "rollback"> } | { kind: "rollback"; found: LabelChange };
type Part = { name_ja: string; name_en: string; definition_ja: string; definition_en: string };
type Draft = {
  name_ja: string;
  name_en: string;
  definition_ja: string;
  definition_en: string;
  synonyms_ja: string;
  synonyms_en: string;
  into: string;
  parts: Part[];
  given: Record<string, number>; // master -> part
};

const NO_PART: Part = { name_ja: "", name_en: "", definition_ja: "", definition_en: "" };
const NEVER_SHOWN = ["deprecate", "restore", "rollback"];

const draftOf = (card: LabelDetails): Draft => ({
  name_ja: card.name_ja,
  name_en: card.name_en,
  definition_ja: card.definition_ja,
  definition_en: card.definition_en,
  synonyms_ja: card.synonyms_ja.join("、"),
  synonyms_en: card.synonyms_en.join(", "),
  into: "",
  parts: [NO_PART, NO_PART],
  given: {},
});

const words = (text: string) => text.split(/[,、，;；\n]/).map((word) => word.trim()).filter(Boolean);

function wantedOf(change: Change, draft: Draft): Wanted {
  if (change.kind === "rollback") return { change_id: change.found.change_id };
  if (change.kind === "rename") return { name_ja: draft.name_ja, name_en: draft.name_en };
  if (change.kind === "merge") return { into: draft.into };
  if (change.kind === "split")
    return {
      parts: draft.parts.map((part, index) => ({
        ...part,
        masters: Object.keys(draft.given).filter((particle) => draft.given[particle] === index),
      })),
    };
  if (change.kind === "redefine")
    return {
      definition_ja: draft.definition_ja,
      definition_en: draft.definition_en,
      synonyms_ja: words(draft.synonyms_ja),
      synonyms_en: words(draft.synonyms_en),
    };
  return {};
}

export function ChangeForm(props: { api: Api; card: LabelDetails; labels: LabelRow[]; change: Change; close: () => void; done: () => void }) {
  const { api, card, change } = props;
  const { lang, say } = useWords();
  const toasts = useToasts();
  const [draft, setDraft] = React.useState(() => draftOf(card));
  const [reason, setReason] = React.useState("");
  const [found, setFound] = React.useState<DryRun | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  const [busy, setBusy] = React.useState(false);
  const request = React.useRef(requestId());
  const ask = { kind: change.kind, label_id: card.label_id, wanted: wantedOf(change, draft) };
  const fillsIn = !NEVER_SHOWN.includes(change.kind);

  const edit = (part: Partial<Draft>) => {
    setDraft({ ...draft, ...part });
    setFound(null); // what was counted belongs to other words
  };
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const check = () => attempt(async () => setFound(await api.label_dry_run(ask)));
  const apply = () =>
    attempt(async () => {
      const { samples } = await api.label_apply({ ...ask, reason, request_id: request.current });
      toasts.add({ text: say("label_changed", { what: say(`kind_${kindOf(change.kind)}`), n: samples }), tone: "done" });
      props.done();
    });
  React.useEffect(() => {
    if (!fillsIn) void check();
  }, []);

  return (
    <Layer label={say(`kind_${change.kind}`)} close={props.close} cy="semc-label-form">
      <form
        className="semc-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void (found ? apply() : check());
        }}
      >
        <h2>
          {say(`kind_${change.kind}`)} <Clip>{labelName(card, lang)}</Clip>
        </h2>
        <p className="semc-note">{say(`about_${change.kind}`)}</p>
        {change.kind === "rollback" && <p className="semc-words">{say(`kind_${kindOf(change.found.kind)}`)} {change.found.by} {change.found.reason}</p>}
        {change.kind === "rename" && <Names draft={draft} edit={edit} />}
        {change.kind === "redefine" && <Words draft={draft} edit={edit} />}
        {change.kind === "merge" && <Into draft={draft} edit={edit} labels={props.labels} not={card.label_id} />}
        {change.kind === "split" && <Parts draft={draft} edit={edit} card={card} />}
        <Field label={say("why")} value={reason} set={setReason} cy="semc-label-reason" />
        {problem !== null && <p className="semc-problem" role="alert">{problem}</p>}
        {found && <Effects found={found} />}
        <footer className="semc-row">
          <button type="button" onClick={props.close}>{say("cancel")}</button>
          <button type="submit" className={found ? "semc-primary" : ""} aria-busy={busy} data-cy={found ? "semc-label-apply" : "semc-label-check"}>
            {busy ? say("loading") : say(found ? "apply_change" : "check_effects")}
          </button>
        </footer>
      </form>
    </Layer>
  );
}

type FormPart = { draft: Draft; edit: (part: Partial<Draft>) => void };

function Field(props: { label: string; value: string; set: (text: string) => void; cy?: string; long?: boolean; first?: boolean }) {
  const shared = {
    className: "semc-input",
    value: props.value,
    "data-cy": props.cy,
    autoFocus: props.first,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => props.set(event.target.value),
  };
  return (
    <label>
      <span>{props.label}</span>
      {props.long ? <textarea rows={3} {...shared} /> : <input {...shared} />}
    </label>
  );
}

function Names({ draft, edit }: FormPart) {
  const { say } = useWords();
  return (
    <>
      <Field first label={say("name_ja")} value={draft.name_ja} set={(name_ja) => edit({ name_ja })} cy="semc-name-ja" />
      <Field label={say("name_en")} value={draft.name_en} set={(name_en) => edit({ name_en })} cy="semc-name-en" />
    </>
  );
}

function Words({ draft, edit }: FormPart) {
  const { say } = useWords();
  return (
    <>
      <Field first long label={say("definition_ja")} value={draft.definition_ja} set={(definition_ja) => edit({ definition_ja })} cy="semc-definition-ja" />
      <Field long label={say("definition_en")} value={draft.definition_en} set={(definition_en) => edit({ definition_en })} cy="semc-definition-en" />
      <Field label={say("synonyms_ja")} value={draft.synonyms_ja} set={(synonyms_ja) => edit({ synonyms_ja })} />
      <Field label={say("synonyms_en")} value={draft.synonyms_en} set={(synonyms_en) => edit({ synonyms_en })} />
    </>
  );
}

function Into(props: FormPart & { labels: LabelRow[]; not: string }) {
  const { lang, say } = useWords();
  const choices = props.labels.filter((label) => label.status === "active" && label.label_id !== props.not);
  return (
    <label>
      <span>{say("merge_into")}</span>
      <select autoFocus required className="semc-input" data-cy="semc-merge-into" value={props.draft.into} onChange={(event) => props.edit({ into: event.target.value })}>
        <option value="">{say("choose")}</option>
        {choices.map((label) => (
          <option key={label.label_id} value={label.label_id}>{labelName(label, lang)}</option>
        ))}
      </select>
    </label>
  );
}

function Parts({ draft, edit, card }: FormPart & { card: LabelDetails }) {
  const { lang, say } = useWords();
  const put = (index: number, part: Partial<Part>) =>
    edit({ parts: draft.parts.map((old, at) => (at === index ? { ...old, ...part } : old)) });
  return (
    <>
      {draft.parts.map((part, index) => (
        <fieldset key={index}>
          <legend>{say("part_n", { n: index + 1 })}</legend>
          <Field first={index === 0} label={say("name_ja")} value={part.name_ja} set={(name_ja) => put(index, { name_ja })} />
          <Field label={say("name_en")} value={part.name_en} set={(name_en) => put(index, { name_en })} />
          <Field
            label={say("definition")}
            value={lang === "ja" ? part.definition_ja : part.definition_en}
            set={(text) => put(index, lang === "ja" ? { definition_ja: text } : { definition_en: text })}
          />
        </fieldset>
      ))}
      <button type="button" onClick={() => edit({ parts: [...draft.parts, NO_PART] })}>{say("add_part")}</button>
      {card.masters.length > 0 && (
        <div className="semc-given" aria-label={say("count_masters")}>
          {card.masters.map(({ particle_id }) => (
            <label key={particle_id}>
              <Clip>{particle_id}</Clip>
              <select
                className="semc-input"
                value={draft.given[particle_id] ?? ""}
                onChange={(event) => {
                  const { [particle_id]: _, ...given } = draft.given;
                  edit({ given: event.target.value === "" ? given : { ...given, [particle_id]: Number(event.target.value) } });
                }}
              >
                <option value="">{say("part_open")}</option>
                {draft.parts.map((part, index) => (
                  <option key={index} value={index}>{(lang === "ja" ? part.name_ja : part.name_en) || say("part_n", { n: index + 1 })}</option>
                ))}
              </select>
            </label>
          ))}
        </div>
      )}
    </>
  );
}

const COUNTED = ["particles", "by_people", "masters", "proposals", "queue"] as const;

function Effects({ found }: { found: DryRun }) {
  const { say } = useWords();
  const { nearest, valid } = found;
  const broken = (["heads", "certificates"] as const).filter((what) => !valid[what]);
  return (
    <section className="semc-box semc-effects" data-cy="semc-effects">
      <h3>{say("effects")}</h3>
      <dl className="semc-numbers">
        {COUNTED.map((what) => (
          <div key={what}>
            <dt>{say(`touches_${what}`)}</dt>
            <dd>{found[what]}</dd>
          </div>
        ))}
        <div>
          <dt>{say("touches_exports")}</dt>
          <dd>{found.exports.length}</dd>
        </div>
      </dl>
      <p>{nearest.looked_at ? say("nearest_change", { n: nearest.count, looked: nearest.looked_at, of: nearest.of }) : say("nearest_same")}</p>
      {nearest.changed.length > 0 && (
        <ul className="semc-flips">
          {nearest.changed.slice(0, 8).map((one) => (
            <li key={one.particle_id}>
              <b>{one.particle_id}</b> {one.from_name ?? "–"} → {one.to_name ?? "–"}
            </li>
          ))}
        </ul>
      )}
      <p className="semc-note">{say("embeddings_stay")}</p>
      {broken.map((what) => (
        <p key={what} className="semc-warning">{say(`breaks_${what}`)}</p>
      ))}
    </section>
  );
}
