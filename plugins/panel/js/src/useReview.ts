/** The review loop: which particle is shown, what was done to it, what comes next.
 *
 * The next particle is fetched ahead, so a decision shows it at once; the decision itself is confirmed behind it.
 * When the server refuses (somebody else was first), the refused particle comes back with the message.
 */
import * as React from "react";
import { getSampleSrc } from "@fiftyone/state";
import { Api, PanelError, requestId } from "./api";
import type { Action, Card, Counts, LabelName, Queue, TagChoice, ViewTile } from "./types";
import { both, labelName } from "./texts";
import { useToasts } from "./toast";
import { useWords } from "./ui";

export type Review = ReturnType<typeof useReview>;
type Start = { queue: Queue; particle: string | null; inModal: boolean; counts: Counts };

export function useReview(api: Api, start: Start) {
  const { lang, say } = useWords();
  const toasts = useToasts();
  const [queue, setQueue] = React.useState<Queue>(start.queue);
  const [card, setCard] = React.useState<Card | null>(null);
  const [phase, setPhase] = React.useState<"loading" | "shown" | "empty" | "failed">("loading");
  const [counts, setCounts] = React.useState<Counts>(start.counts);
  const [problem, setProblem] = React.useState<string | null>(null);
  const ahead = React.useRef<{ after: string; queue: Queue; card: Promise<Card | null> } | null>(null);
  const trail = React.useRef<string[]>([]);
  const writes = React.useRef<Promise<unknown>>(Promise.resolve());
  const busyOn = React.useRef<string | null>(null);
  const visit = React.useRef(0);
  const shownAt = React.useRef(0);
  const written = React.useRef<{ particle: string; seq: number | null } | null>(null); // by our last tag correction

  const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

  const show = (next: Card | null) => {
    shownAt.current = performance.now();
    setCard(next);
    setPhase(next ? "shown" : "empty");
    busyOn.current = null;
  };

  const load = async (params: { queue?: Queue; after?: string; particle?: string }) => {
    const mine = ++visit.current;
    try {
      const answer = await api.go(params);
      if (mine !== visit.current) return; // the reviewer has moved on meanwhile
      setCounts(answer.counts);
      show(answer.card);
    } catch (error) {
      if (mine !== visit.current) return;
      setProblem(message(error));
      setPhase("failed");
    }
  };

  const lookAhead = (from: Card, inQueue: Queue) => {
    // After what is being saved, or at the end of the queue the particle just decided would come round again.
    const found = writes.current.then(() => api.go({ queue: inQueue, after: from.particle_id })).then(
      (answer) => {
        answer.card?.views.forEach((view) => {
          if (view.present && view.filepath) new Image().src = getSampleSrc(view.filepath);
        });
        return answer.card;
      },
      () => null,
    );
    ahead.current = { after: from.particle_id, queue: inQueue, card: found };
  };

  React.useEffect(() => {
    void load(start.particle ? { particle: start.particle } : { queue });
  }, []);
  React.useEffect(() => {
    if (card && !start.inModal) lookAhead(card, queue);
  }, [card?.particle_id, queue]);

  const advance = async (from: Card) => {
    trail.current.push(from.particle_id);
    const mine = ++visit.current;
    const known = ahead.current;
    const next = known && known.after === from.particle_id && known.queue === queue ? await known.card : null;
    if (mine !== visit.current) return;
    if (next && next.particle_id !== from.particle_id) show(next);
    else await writes.current.then(() => load({ queue }));
  };

  const open = (particle: string) => {
    if (card) trail.current.push(card.particle_id);
    setProblem(null);
    return load({ particle });
  };

  const choose = async (action: Action, label?: LabelName) => {
    if (!card || busyOn.current === card.particle_id) return;
    const target = card;
    busyOn.current = target.particle_id;
    setProblem(null);
    const seconds = Math.round((performance.now() - shownAt.current) / 100) / 10;
    const request = { particle: target.particle_id, action, label_id: label?.label_id, request_id: requestId(), seconds };
    const name = label ?? target.proposal;
    const text =
      action === "unknown" || action === "skip"
        ? say(`did_${action}`, { particle: target.particle_id })
        : say("did_label", { particle: target.particle_id, label: name ? labelName(name, lang) : "" });
    const pending = toasts.add({ text: `${text}  ${say("saving")}`, tone: "busy" });
    const write = writes.current.then(() => api.decide({ ...request, seen_seq: seenSeq(target) }));
    writes.current = write.catch(() => null);
    if (!start.inModal) void advance(target);
    try {
      const answer = await write;
      setCounts(answer.counts);
      toasts.replace(pending, { text, tone: "done", undo: true });
      if (start.inModal) show(answer.card);
    } catch (error) {
      toasts.remove(pending);
      const conflict = error instanceof PanelError && error.kind === "ConflictError";
      await load({ particle: target.particle_id });
      setProblem(conflict ? say("conflict", { particle: target.particle_id }) : message(error));
    }
  };

  /** What this reviewer has seen: the card, or what came of correcting its tags since. */
  const seenSeq = (target: Card) =>
    written.current?.particle === target.particle_id ? Math.max(written.current.seq ?? 0, target.seq ?? 0) : target.seq;

  const correctTags = async (view: ViewTile, tags: string[], known: TagChoice[]) => {
    if (!card) return;
    const target = card;
    const chosen = known.filter((tag) => tags.includes(tag.code));
    const before = view.tags.map((tag) => tag.code);
    if (view.tags_by !== null && before.length === chosen.length && chosen.every((tag) => before.includes(tag.code)))
      return toasts.add({ text: say("tags_unchanged"), tone: "plain" });
    setProblem(null);
    const names = chosen.map((tag) => both(tag, lang)).join(lang === "ja" ? "、" : ", ") || say("no_tags");
    const text = say("did_tags", { particle: target.particle_id, view: view.view, tags: names });
    const pending = toasts.add({ text: `${text}  ${say("saving")}`, tone: "busy" });
    const request = { particle: target.particle_id, view: view.view, tags, request_id: requestId() };
    const write = writes.current.then(async () => {
      const answer = await api.correct_tags({ ...request, seen_seq: seenSeq(target) });
      written.current = { particle: target.particle_id, seq: answer.card.seq };
      return answer;
    });
    writes.current = write.catch(() => null);
    const mine = visit.current;
    try {
      const answer = await write;
      toasts.replace(pending, { text, tone: "done", undo: true });
      if (mine === visit.current) setCard(answer.card);
    } catch (error) {
      toasts.remove(pending);
      await load({ particle: target.particle_id });
      const conflict = error instanceof PanelError && error.kind === "ConflictError";
      setProblem(conflict ? say("conflict", { particle: target.particle_id }) : message(error));
    }
  };

  const undo = async () => {
    setProblem(null);
    const write = writes.current.then(() => api.undo({ request_id: requestId() }));
    writes.current = write.catch(() => null);
    try {
      const answer = await write;
      setCounts(answer.counts);
      if (!answer.undone) return toasts.add({ text: say("nothing_to_undo"), tone: "plain" });
      toasts.undone();
      const { particle_id: particle, view, count, kept } = answer.undone;
      const one = view ? say("did_undo_tags", { particle, view }) : say("did_undo", { particle });
      const text = count > 1 || kept ? say("did_undo_many", { n: count }) : one;
      toasts.add({ text: kept ? text + say("kept_by_others", { n: kept }) : text, tone: "done" });
      written.current = null;
      visit.current += 1;
      ahead.current = null;
      show(answer.undone.card);
    } catch (error) {
      setProblem(message(error));
    }
  };

  const accept = () => {
    if (card?.proposal) return choose("accept");
    toasts.add({ text: say(card?.audit ? "blind_accept" : "accept_needs_proposal"), tone: "plain" });
  };
  const candidate = (index: number) => {
    const picked = card?.candidates[index];
    if (picked) return label(picked);
    if (card) toasts.add({ text: say("no_such_candidate", { n: index + 1 }), tone: "plain" });
  };
  const label = (picked: LabelName) =>
    picked.label_id === card?.proposal?.label_id ? choose("accept") : choose("label", picked);

  const next = async () => {
    if (!card) return load({ queue });
    setProblem(null);
    const known = ahead.current?.after === card.particle_id ? await ahead.current.card : null;
    if (known && known.particle_id !== card.particle_id) return void advance(card);
    toasts.add({ text: say("only_one"), tone: "plain" });
  };
  const previous = () => {
    const before = trail.current.pop();
    setProblem(null);
    if (before) return load({ particle: before });
    toasts.add({ text: say("no_more_before"), tone: "plain" });
  };
  const enter = (chosen: Queue) => {
    setQueue(chosen);
    setProblem(null);
    trail.current = [];
    return load({ queue: chosen });
  };
  const reload = () => {
    setProblem(null);
    return load(card ? { particle: card.particle_id } : { queue });
  };

  /** Run something when everything written so far is stored. */
  const behind = (work: () => unknown) => void writes.current.then(work);

  return { behind, queue, card, phase, counts, problem, open, choose, correctTags, undo, accept, candidate, label, next, previous, enter, reload };
}
