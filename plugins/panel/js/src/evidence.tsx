/** Why the proposal is what it is: rank, margin, candidates, masters, reasons. */
import * as React from "react";
import type { Candidate, Card, Proposal } from "./types";
import { both, labelName, otherName } from "./texts";
import type { Say } from "./texts";
import { Clip, KeyCap, Meter, Picture, useWords } from "./ui";

type Choose = (candidate: Candidate) => void;

export function Evidence({ card, choose, open }: { card: Card; choose: Choose; open: (particle: string) => void }) {
  return (
    <aside className="semc-side">
      {card.audit ? <Blind card={card} /> : <ProposalBox card={card} />}
      {card.candidates.length > 0 && <Candidates card={card} choose={choose} />}
      {card.masters.length > 0 && <Masters card={card} open={open} />}
    </aside>
  );
}

/** An audit: what was proposed is not here, and the panel was not told either. */
function Blind({ card }: { card: Card }) {
  const { lang, say } = useWords();
  return (
    <section className="semc-box semc-wide semc-blind" data-cy="semc-blind">
      <h3>◐ {say("blind_title")}</h3>
      {card.notice && <p>{both(card.notice, lang)}</p>}
    </section>
  );
}

function ProposalBox({ card }: { card: Card }) {
  const { lang, say } = useWords();
  const { proposal } = card;
  if (!proposal) return <section className="semc-box semc-quiet">{say("no_proposal")}</section>;
  return (
    <section className="semc-box semc-proposal" data-cy="semc-proposal">
      <header>
        <h3>{say("proposal")}</h3>
        <How proposal={proposal} />
      </header>
      <div className="semc-name">
        <Clip>{labelName(proposal, lang)}</Clip>
        {otherName(proposal, lang) && <Clip className="semc-other">{otherName(proposal, lang)}</Clip>}
      </div>
      <Certainty proposal={proposal} />
      {card.set_aside.length > 0 && (
        <p className="semc-note">
          {say("set_aside")}: {card.set_aside.map((reason) => both(reason, lang)).join(", ")}
        </p>
      )}
      {card.notice && (
        <p className={`semc-note ${card.certified ? "semc-certified" : ""}`} data-cy="semc-notice">
          {card.certified ? "✓ " : ""}
          {both(card.notice, lang)}
        </p>
      )}
    </section>
  );
}

/** How sure: a percentage only where audits measured it, else a rank. */
function How({ proposal }: { proposal: Proposal }) {
  const { say } = useWords();
  const { right, confidence_rank: rank } = proposal;
  if (right) {
    const whole = (value: number) => Math.round(100 * value);
    const title = say("right_long", { low: whole(right.low), high: whole(right.high) });
    return <em data-cy="semc-right" title={title}>{say("right", { value: whole(right.value) })}</em>;
  }
  return rank === null ? null : <em data-cy="semc-rank" title={say("rank_long")}>{rankText(rank, say)}</em>;
}

/** 0.88 of the dataset is less certain -> "top 12 %"; 0.12 -> "bottom 12 %". */
const rankText = (rank: number, say: Say) =>
  say(rank >= 0.5 ? "rank_top" : "rank_bottom", { n: Math.max(1, Math.round(100 * Math.min(rank, 1 - rank))) });

function Certainty({ proposal }: { proposal: Proposal }) {
  const { say } = useWords();
  const { margin, knownness, agreement, entropy } = proposal;
  return (
    <>
      {margin !== null && <Meter label={say("margin")} value={margin} text={margin.toFixed(2)} />}
      {knownness !== null && <Meter label={say("knownness")} value={knownness} text={knownness.toFixed(2)} />}
      {agreement !== null && (
        <div title={entropy === null ? undefined : say("entropy_long", { value: entropy.toFixed(2) })}>
          <Meter label={say("views_agree")} value={agreement} text={agreement.toFixed(2)} />
        </div>
      )}
    </>
  );
}

function Candidates({ card, choose }: { card: Card; choose: Choose }) {
  const { lang, say } = useWords();
  return (
    <section className="semc-box">
      <h3>{say("candidates")}</h3>
      {card.candidates.map((candidate, index) => (
        <button
          key={candidate.label_id}
          className="semc-candidate"
          data-cy={`semc-candidate-${index + 1}`}
          onClick={() => choose(candidate)}
        >
          <KeyCap>{String(index + 1)}</KeyCap>
          <span className="semc-candidate-text">
            <Clip>{labelName(candidate, lang)}</Clip>
            {otherName(candidate, lang) && <Clip className="semc-other">{otherName(candidate, lang)}</Clip>}
          </span>
          <b title={similarityTitle(candidate, say)}>{candidate.similarity?.toFixed(2) ?? "–"}</b>
        </button>
      ))}
    </section>
  );
}

// In the tooltip alone: it is a share among known labels, and would be read beside "likely right".
const similarityTitle = ({ share }: Candidate, say: Say) =>
  say("nearest_similarity") + (share === null ? "" : ` · ${say("share_long", { value: Math.round(100 * share) })}`);

function Masters({ card, open }: { card: Card; open: (particle: string) => void }) {
  const { lang, say } = useWords();
  return (
    <section className="semc-box semc-wide">
      <h3>{say("masters")}</h3>
      <div className="semc-masters">
        {card.masters.map((master) => (
          <button
            key={`${master.label_id}/${master.particle_id}`}
            className="semc-master"
            onClick={() => open(master.particle_id)}
            title={`${master.particle_id} · ${labelName(master, lang)} · ${say("distance")} ${master.distance.toFixed(3)}`}
          >
            <Picture path={master.filepath} alt={master.particle_id} />
            <Clip>{labelName(master, lang)}</Clip>
            <small>
              {say("distance")} {master.distance.toFixed(2)}
            </small>
          </button>
        ))}
      </div>
    </section>
  );
}
