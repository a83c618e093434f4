/** The Review tab: one particle, its evidence, and what can be done with it. */
import * as React from "react";
import type { Card, Counts, Overview, Queue } from "./types";
import { both, labelName } from "./texts";
import type { TextKey } from "./texts";
import { CertificateLine, Stale } from "./certificate";
import { Evidence } from "./evidence";
import { Clip, Empty, KeyCap, useWords } from "./ui";
import type { Review } from "./useReview";
import { Measures } from "./measures";
import { Advice, Views } from "./views";

/** Which view the keys act on, and what can be done with a view. */
export type Eye = {
  index: number;
  chosen: boolean; // by the reviewer; not shown otherwise
  details: boolean;
  enlarge: (index: number) => void;
  edit: (index: number) => void;
};

const QUEUES: Queue[] = ["review", "unknown", "auto", "audit", "bundles", "second", "skipped"];
const ONLY_IF_ANY: Queue[] = ["audit", "bundles", "second", "skipped"];

export function ReviewTab(props: {
  review: Review;
  overview: Overview;
  inModal: boolean;
  refresh: () => void;
  eye: Eye;
  pick: () => void;
  trust: () => void;
  repropose: () => Promise<void>;
}) {
  const { review, overview, inModal } = props;
  const { say } = useWords();
  return (
    <>
      {!inModal && <QueueBar review={review} />}
      {!inModal && overview.certificate && <CertificateLine certificate={overview.certificate} open={props.trust} />}
      {!inModal && overview.stale > 0 && <Stale count={overview.stale} repropose={props.repropose} />}
      {review.problem && (
        <div className="semc-problem" role="alert" data-cy="semc-problem">
          <span>{review.problem}</span>
          <button onClick={review.reload}>{say("reload")}</button>
        </div>
      )}
      {review.phase === "loading" && <div className="semc-loading" aria-busy>{say("loading")}</div>}
      {review.phase === "failed" && (
        <Empty mark="!" title={say("failed")} cy="semc-failed">
          <button className="semc-primary" onClick={review.reload}>{say("retry")}</button>
        </Empty>
      )}
      {review.phase === "empty" && <NoCard review={review} overview={overview} refresh={props.refresh} />}
      {review.phase === "shown" && review.card && (
        <Particle card={review.card} review={review} ranked={overview.ranked} pick={props.pick} eye={props.eye} inModal={inModal} />
      )}
    </>
  );
}

function QueueBar({ review }: { review: Review }) {
  const { say } = useWords();
  const { counts } = review;
  const all = counts.particles ?? 0;
  const done = counts.decided ?? 0;
  return (
    <div className="semc-queues">
      <div className="semc-segments" role="radiogroup" aria-label={say("review")}>
        {QUEUES.filter((queue) => !ONLY_IF_ANY.includes(queue) || counts[queue] || review.queue === queue).map((queue) => (
          <button
            key={queue}
            role="radio"
            aria-checked={review.queue === queue}
            data-cy={`semc-queue-${queue}`}
            onClick={() => review.enter(queue)}
          >
            {say(`queue_${queue}`)} <b>{queueSize(counts, queue)}</b>
          </button>
        ))}
      </div>
      <div className="semc-progress" title={say("decided_of", { n: done, all })}>
        <div className="semc-bar">
          <i style={{ width: `${all ? (100 * done) / all : 0}%` }} />
        </div>
        <span data-cy="semc-left">{say("left", { n: counts.left ?? 0 })}</span>
      </div>
    </div>
  );
}

const queueSize = (counts: Counts, queue: Queue) => counts[queue] ?? 0;

function Particle(props: { card: Card; review: Review; ranked: string[]; inModal: boolean; pick: () => void; eye: Eye }) {
  const { card, review, eye } = props;
  const { lang, say } = useWords();
  return (
    <>
      <div className="semc-scroll">
        <div className="semc-identity">
          <Clip className="semc-id">{card.particle_id}</Clip>
          {card.state && <small className={`semc-state semc-state-${card.state}`}>{say(`queue_${card.state}`)}</small>}
          {card.reasons.filter((reason) => reason.code !== "one_view" || !card.one_view).map((reason) => (
            <small key={reason.code} className="semc-reason" title={`${say("reasons")}: ${both(reason, lang)}`}>
              {both(reason, lang)}
            </small>
          ))}
          {card.decision !== "undecided" && (
            <small className={`semc-decision semc-decision-${card.decision}`} data-cy="semc-decision">
              {say(`decision_${card.decision}`)}
              {card.label ? `: ${labelName(card.label, lang)}` : ""}
              {card.decided_by ? ` (${say("by", { who: card.decided_by })})` : ""}
            </small>
          )}
          {card.stale && <small className="semc-stale-mark" data-cy="semc-stale-card">{say("stale_card")}</small>}
          {card.is_master && <small className="semc-master-mark">★ {say("is_master")}</small>}
        </div>
        <div className="semc-columns" data-cy="semc-card" data-particle={card.particle_id}>
          <div className="semc-seen">
            <Advice card={card} />
            <Views views={card.views} at={eye.index} marked={eye.chosen || eye.details} open={eye.enlarge} edit={eye.edit} />
            {eye.details && card.views[eye.index] && <Measures view={card.views[eye.index]} ranked={props.ranked} />}
          </div>
          <Evidence card={card} choose={review.label} open={review.open} />
        </div>
      </div>
      <Actions card={card} review={review} pick={props.pick} inModal={props.inModal} />
    </>
  );
}

function Actions(props: { card: Card; review: Review; inModal: boolean; pick: () => void }) {
  const { review, card } = props;
  const { lang, say } = useWords();
  const action = (cy: string, text: string, key: string, run: () => unknown, style = "") => (
    <button className={style} data-cy={`semc-${cy}`} onClick={() => void run()} title={`${text} (${key})`}>
      <span>{text}</span> <KeyCap>{key}</KeyCap>
    </button>
  );
  return (
    <div className="semc-actions" role="toolbar" aria-label={say("review")}>
      {card.proposal ? (
        <button className="semc-primary" data-cy="semc-accept" onClick={() => void review.accept()}>
          <span className="semc-accept-verb">{say("accept")}</span>
          <Clip>{labelName(card.proposal, lang)}</Clip> <KeyCap>A</KeyCap>
        </button>
      ) : null}
      {action("pick", say("other_label"), "L", props.pick, card.proposal ? "" : "semc-primary")}
      {action("unknown", say("unknown"), "U", () => review.choose("unknown"))}
      {action("skip", say("skip"), "S", () => review.choose("skip"))}
      {action("undo", say("undo"), "Z", review.undo)}
      {!props.inModal && (
        <span className="semc-push">
          <button data-cy="semc-previous" onClick={() => void review.previous()} aria-label={say("previous")} title={`${say("previous")} (K)`}>
            ‹ <KeyCap>K</KeyCap>
          </button>
          <button data-cy="semc-next" onClick={() => void review.next()} aria-label={say("next")} title={`${say("next")} (J)`}>
            <KeyCap>J</KeyCap> ›
          </button>
        </span>
      )}
    </div>
  );
}

function NoCard({ review, overview, refresh }: { review: Review; overview: Overview; refresh: () => void }) {
  const { say } = useWords();
  const { counts } = review;
  if (!counts.proposed) return <NotReady overview={overview} refresh={refresh} />;
  const others = QUEUES.filter((queue) => queue !== review.queue && queueSize(counts, queue));
  return (
    <Empty mark="✓" title={say((counts.left ?? 0) > 0 ? "queue_done" : "all_done")} cy="semc-queue-empty">
      <p>{say(emptyText(review.queue, counts, overview))}</p>
      <dl className="semc-counts">
        {(["particles", "decided", "skipped", "left"] as const).map((name) => (
          <div key={name}>
            <dt>{say(`c_${name}`)}</dt>
            <dd>{counts[name] ?? 0}</dd>
          </div>
        ))}
      </dl>
      <div className="semc-row">
        {others.map((queue) => (
          <button key={queue} onClick={() => review.enter(queue)}>
            {say("go_to", { queue: say(`queue_${queue}`), n: queueSize(counts, queue) })}
          </button>
        ))}
        <button onClick={review.undo}>
          {say("undo")} <KeyCap>Z</KeyCap>
        </button>
      </div>
    </Empty>
  );
}

function emptyText(queue: Queue, counts: Counts, overview: Overview): TextKey {
  if (!counts.left) return "queue_done_how";
  const promised = overview.certificate?.status === "certified" || overview.certificate?.opted_in;
  return queue === "auto" && !promised ? "auto_needs" : "others_wait";
}

function NotReady({ overview, refresh }: { overview: Overview; refresh: () => void }) {
  const { say } = useWords();
  if (!overview.masters) {
    return (
      <Empty mark="◇" title={say("no_masters")} cy="semc-no-masters">
        <p>{say("no_masters_how")}</p>
        <code>sem-curate masters --help</code>
        <button onClick={refresh}>{say("reload")}</button>
      </Empty>
    );
  }
  return (
    <Empty mark="…" title={say("nothing_proposed")} cy="semc-nothing-proposed">
      <p>{say("nothing_proposed_how")}</p>
      <code>sem-curate run --help</code>
      <button onClick={refresh}>{say("reload")}</button>
    </Empty>
  );
}
