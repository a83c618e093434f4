/** One promise per Python method. Errors arrive as `PanelError`, never as a crashed panel. */
import * as React from "react";
import { useTriggerPanelEvent } from "@fiftyone/operators";
import type {
  Action, Bundle, Card, Cell, ChangeKind, ConditionReport, Counts, DryRun, Failure, Health, LabelChange, LabelDetails,
  LabelsAnswer, Ledger, Overview, Queue, SearchResult, Trust, Wanted,
} from "./types";

export class PanelError extends Error {
  constructor(public kind: string, message: string) {
    super(message);
  }
}

export type Decided = { event_id: string; card: Card; counts: Counts };
export type Undone = { particle_id: string; view: string | null; count: number; kept: number; card: Card } | null;

export type Api = {
  overview(): Promise<Overview>;
  go(params: { queue?: Queue; after?: string; particle?: string }): Promise<{ card: Card | null; counts: Counts }>;
  decide(params: {
    particle: string;
    action: Action;
    label_id?: string;
    request_id: string;
    seen_seq: number | null;
    seconds: number;
  }): Promise<Decided>;
  correct_tags(params: {
    particle: string;
    view: string;
    tags: string[];
    request_id: string;
    seen_seq: number | null;
  }): Promise<{ event_id: string; card: Card }>;
  undo(params: { request_id: string }): Promise<{ undone: Undone; counts: Counts }>;
  search(params: { text: string }): Promise<SearchResult>;
  show_in_grid(params: { particles: string[] }): Promise<{ shown: number }>;
  condition_report(params: { by: string | null }): Promise<ConditionReport>;
  show_condition(params: Cell): Promise<{ shown: number }>;
  retake(): Promise<{ shown: number }>;
  set_reviewer(params: { name: string }): Promise<{ reviewer: string }>;
  trust(): Promise<Trust>;
  draw_audits(params: { count: number | null }): Promise<Trust & { drawn: number }>;
  close_audits(): Promise<Trust>;
  certify(params: { alpha: number; delta: number }): Promise<Trust>;
  opt_in(params: { on: boolean }): Promise<Trust>;
  reinstate(params: { reason: string }): Promise<Trust>;
  repropose(): Promise<Trust & { proposed: number }>;
  health(): Promise<Health>;
  labels_tab(params: { search: string }): Promise<LabelsAnswer>;
  label_card(params: { label_id: string }): Promise<LabelDetails>;
  label_timeline(params: { label_id: string }): Promise<Ledger>;
  label_dry_run(params: LabelAsk): Promise<DryRun>;
  label_apply(params: LabelAsk & { reason: string; request_id: string }): Promise<{ change: LabelChange; samples: number }>;
  label_bundles(params: { label_id: string; why: "split" | "drift" }): Promise<{ bundles: Bundle[] }>;
};
export type LabelAsk = { kind: ChangeKind; label_id: string; wanted: Wanted };

const METHODS: (keyof Api)[] = [
  "overview",
  "go",
  "decide",
  "correct_tags",
  "undo",
  "search",
  "show_in_grid",
  "condition_report",
  "show_condition",
  "retake",
  "set_reviewer",
  "trust",
  "draw_audits",
  "close_audits",
  "certify",
  "opt_in",
  "reinstate",
  "repropose",
  "health",
  "labels_tab",
  "label_card",
  "label_timeline",
  "label_dry_run",
  "label_apply",
  "label_bundles",
];

type Reply = { result?: { failure?: Failure }; error?: unknown; errorMessage?: unknown };

export function useApi(uris: Record<string, string>): Api {
  const trigger = useTriggerPanelEvent();
  const latest = React.useRef({ trigger, uris });
  latest.current = { trigger, uris };
  return React.useMemo(() => {
    const call = (method: string) => (params: Record<string, unknown> = {}) =>
      new Promise((resolve, reject) => {
        latest.current.trigger(latest.current.uris[method], params, false, (reply: Reply) => {
          if (reply?.result?.failure) {
            reject(new PanelError(reply.result.failure.kind, reply.result.failure.message));
          } else if (reply?.error || !reply?.result) {
            reject(new PanelError("Error", String(reply?.errorMessage || reply?.error || "no answer").slice(0, 500)));
          } else {
            resolve(reply.result);
          }
          return false; // we show the error ourselves; otherwise the App replaces the whole panel by an error page
        });
      });
    return Object.fromEntries(METHODS.map((name) => [name, call(name)])) as unknown as Api;
  }, []);
}

/** A random id; one decision keeps its id through double clicks and retries, so it is stored once. */
export function requestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
