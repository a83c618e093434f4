/** The Trust tab: what is promised and on which audits, how to get there, and how well the masters serve. */
import * as React from "react";
import type { Api } from "./api";
import { MARKS, Stale } from "./certificate";
import { MasterHealthBox } from "./health";
import { both, labelName } from "./texts";
import { useToasts } from "./toast";
import type { Certificate, Overview, Trust } from "./types";
import { Clip, Empty, useWords } from "./ui";

export function TrustTab(props: {
  api: Api;
  overview: Overview;
  trusted: (trust: Trust) => void;
  changed: () => void;
  repropose: () => Promise<void>;
  judge: () => void;
  open: (particle: string) => void;
}) {
  const { api, overview, trusted } = props;
  const { lang, say } = useWords();
  const toasts = useToasts();
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<string | null>(null);
  React.useEffect(() => void api.trust().then(trusted, (error: Error) => setProblem(error.message)), []);

  const run = async <T extends Trust>(asking: Promise<T>, told?: (answer: T) => string) => {
    setBusy(true);
    setProblem(null);
    try {
      const answer = await asking;
      trusted(answer);
      props.changed();
      if (told) toasts.add({ text: told(answer), tone: "done" });
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  const { certificate } = overview;
  if (!certificate) return <Empty mark="○" title={say("nothing_proposed")} cy="semc-trust-empty" />;
  return (
    <div className="semc-scroll semc-trust" data-cy="semc-trust">
      {problem && (
        <div className="semc-problem" role="alert" data-cy="semc-trust-problem">
          <span>{problem}</span>
        </div>
      )}
      {overview.stale > 0 && <Stale count={overview.stale} repropose={props.repropose} />}
      <section className={`semc-box semc-promise semc-promise-${certificate.status}`} data-cy="semc-certificate" aria-busy={busy}>
        <h2>
          <b aria-hidden>{MARKS[certificate.status]}</b> {both(certificate, lang)}
        </h2>
        <Why certificate={certificate} />
        <Numbers certificate={certificate} />
        <Steps
          certificate={certificate}
          busy={busy}
          judge={props.judge}
          draw={(count) => run(api.draw_audits({ count }), (answer) => say("drawn", { n: answer.drawn }))}
          close={() => run(api.close_audits())}
        />
        <Promise_ key={`${certificate.alpha}/${certificate.delta}`} certificate={certificate} busy={busy} certify={(alpha, delta) => run(api.certify({ alpha, delta }), (answer) => both(answer.certificate, lang))} />
        {certificate.status === "suspended" && <Reinstate busy={busy} reinstate={(reason) => run(api.reinstate({ reason }), (answer) => both(answer.certificate, lang))} />}
        <label className="semc-check">
          <input
            type="checkbox"
            data-cy="semc-opt-in"
            checked={certificate.opted_in}
            disabled={busy}
            onChange={(event) => run(api.opt_in({ on: event.target.checked }), () => say("opt_in_done"))}
          />
          <span>{say("opt_in")}</span>
        </label>
        <EvidenceByLabel certificate={certificate} overview={overview} />
      </section>
      <MasterHealthBox api={api} open={props.open} />
    </div>
  );
}

function Why({ certificate }: { certificate: Certificate }) {
  const { lang } = useWords();
  if (!certificate.why.length) return null;
  return (
    <ul className="semc-why">
      {certificate.why.map((reason) => (
        <li key={reason.code}>{both(reason, lang)}</li>
      ))}
    </ul>
  );
}

function Numbers({ certificate }: { certificate: Certificate }) {
  const { say } = useWords();
  const { audited, accepted, errors, waiting, left } = certificate;
  const certified = certificate.status === "certified";
  const shown: [string, string | number][] = [
    [say("t_audits"), audited],
    // Errors below the threshold break no promise; without a threshold all count.
    ...(certified ? [[say("t_accepted"), accepted] as [string, number]] : []),
    [say("t_errors"), errors],
    [say("t_automation"), certified ? `${Math.round(100 * certificate.automation)} %` : "–"],
    [say("t_waiting"), waiting],
    [say("t_left"), left],
  ];
  return (
    <dl className="semc-counts">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Steps(props: {
  certificate: Certificate;
  busy: boolean;
  judge: () => void;
  draw: (count: number | null) => void;
  close: () => void;
}) {
  const { certificate, busy } = props;
  const { say } = useWords();
  const undrawn = Math.min(Math.max((certificate.more_audits ?? 0) - certificate.waiting, 0), certificate.left);
  return (
    <div className="semc-row semc-start">
      {certificate.waiting > 0 && (
        <button className="semc-primary" data-cy="semc-judge" onClick={props.judge}>
          {say("judge", { n: certificate.waiting })}
        </button>
      )}
      {undrawn > 0 && (
        <button className={certificate.waiting ? "" : "semc-primary"} data-cy="semc-draw" disabled={busy} onClick={() => props.draw(undrawn)}>
          {say("draw", { n: undrawn })}
        </button>
      )}
      {certificate.waiting > 0 && (
        <button className="semc-plain" data-cy="semc-close-draw" disabled={busy} title={say("close_long")} onClick={props.close}>
          {say("close_draw")}（{say("close_long")}）
        </button>
      )}
    </div>
  );
}

/** Somebody looked and found nothing wrong: the way back without new audits, with a name and a reason. */
function Reinstate({ busy, reinstate }: { busy: boolean; reinstate: (reason: string) => void }) {
  const { say } = useWords();
  const [reason, setReason] = React.useState("");
  return (
    <details className="semc-details" data-cy="semc-reinstate">
      <summary>{say("reinstate")}</summary>
      <form
        className="semc-row semc-start"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() && !busy) reinstate(reason.trim());
        }}
      >
        <input className="semc-input semc-wide-input" data-cy="semc-reinstate-reason" value={reason} placeholder={say("reinstate_reason")} aria-label={say("reinstate_reason")} onChange={(event) => setReason(event.target.value)} />
        <button type="submit" data-cy="semc-reinstate-go" disabled={busy || !reason.trim()}>
          {say("reinstate_go")}
        </button>
      </form>
      <p className="semc-note">{say("reinstate_long")}</p>
    </details>
  );
}

/** Percentages are typed, shares are sent. */
function Promise_(props: { certificate: Certificate; busy: boolean; certify: (alpha: number, delta: number) => void }) {
  const { certificate, busy } = props;
  const { say } = useWords();
  const shown = (share: number) => String(Number((100 * share).toPrecision(3)));
  const [alpha, setAlpha] = React.useState(shown(certificate.alpha));
  const [delta, setDelta] = React.useState(shown(certificate.delta));
  const valid = [alpha, delta].every((value) => Number(value) > 0 && Number(value) < 100);
  const field = (name: "alpha" | "delta", value: string, set: (value: string) => void) => (
    <label>
      {say(name)}
      <input className="semc-input" data-cy={`semc-${name}`} inputMode="decimal" value={value} onChange={(event) => set(event.target.value)} aria-invalid={!valid} />
      %
    </label>
  );
  return (
    <form
      className="semc-row semc-start semc-asked"
      onSubmit={(event) => {
        event.preventDefault();
        if (valid && !busy) props.certify(Number(alpha) / 100, Number(delta) / 100);
      }}
    >
      {field("alpha", alpha, setAlpha)}
      {field("delta", delta, setDelta)}
      <button type="submit" className={certificate.can_try && !certificate.more_audits ? "semc-primary" : ""} data-cy="semc-certify" disabled={busy || !valid || certificate.waiting > 0} title={say("certify_long")}>
        {say("certify")}
      </button>
      <small className="semc-note">{say("certify_long")}</small>
    </form>
  );
}

function EvidenceByLabel({ certificate, overview }: { certificate: Certificate; overview: Overview }) {
  const { lang, say } = useWords();
  if (!certificate.labels.length) return null;
  const certified = certificate.status === "certified"; // without a threshold none is automatic
  const named = (id: string) => {
    const label = overview.labels.find((label) => label.label_id === id);
    return label ? labelName(label, lang) : id;
  };
  return (
    <details className="semc-details">
      <summary>{say("evidence_by_label")}</summary>
      <table className="semc-table">
        <thead>
          <tr>
            <th scope="col">{say("h_label")}</th>
            <th scope="col">{say("t_audits")}</th>
            {certified && <th scope="col">{say("e_accepted")}</th>}
            {certified && <th scope="col">{say("t_errors")}</th>}
          </tr>
        </thead>
        <tbody>
          {certificate.labels.map((row) => (
            <tr key={row.label_id}>
              <th scope="row">
                <Clip>{named(row.label_id)}</Clip>
              </th>
              <td>{row.audited}</td>
              {certified && <td>{row.accepted}</td>}
              {certified && <td>{row.errors}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="semc-note">{say("evidence_note")}</p>
    </details>
  );
}
