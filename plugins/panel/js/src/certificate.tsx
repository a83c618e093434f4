/** The line that says what is promised about automatic decisions, and the one about proposals out of date. */
import * as React from "react";
import { both } from "./texts";
import type { Certificate } from "./types";
import { useWords } from "./ui";

export const MARKS = { certified: "✓", suggestion: "○", suspended: "!" };

export function CertificateLine({ certificate, open }: { certificate: Certificate; open: () => void }) {
  const { lang, say } = useWords();
  const why = certificate.why.map((reason) => both(reason, lang));
  return (
    <button
      className={`semc-line semc-line-${certificate.status}`}
      data-cy="semc-certificate-line"
      data-status={certificate.status}
      onClick={open}
      title={[...why, say("trust_open")].join("\n")}
    >
      <b aria-hidden>{MARKS[certificate.status]}</b>
      <span>
        {both(certificate, lang)}
        {why.length > 0 && <small> · {why.join(" · ")}</small>}
      </span>
      <i aria-hidden>›</i>
    </button>
  );
}

export function Stale({ count, repropose }: { count: number; repropose: () => Promise<void> }) {
  const { say } = useWords();
  const [busy, setBusy] = React.useState(false);
  const run = async () => {
    setBusy(true);
    await repropose();
    setBusy(false);
  };
  return (
    <div className="semc-line semc-line-stale" role="status" data-cy="semc-stale">
      <b aria-hidden>↻</b>
      <span>{say("stale", { n: count })}</span>
      <button data-cy="semc-repropose" disabled={busy} onClick={() => void run()}>
        {busy ? say("loading") : say("repropose")}
      </button>
    </div>
  );
}
