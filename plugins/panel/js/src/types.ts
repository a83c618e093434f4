/** The values that the Python side sends. Every text for people comes in Japanese and English. */

export type Lang = "ja" | "en";
export type Text = { ja: string; en: string };
export type Queue = "review" | "unknown" | "auto" | "audit" | "skipped";
export type Action = "accept" | "label" | "unknown" | "skip";

export type LabelName = { label_id: string; name_ja: string; name_en: string };
export type Label = LabelName & { definition?: string | null; hotkey?: string | null };

export type Tag = Text & { code: string };
export type TagChoice = Tag & { hotkey: string | null };

export type ViewTile = {
  view: string;
  title_ja: string;
  title_en: string;
  present: boolean;
  filepath: string | null;
  quality: number | null;
  weight: number | null; // null: not available
  contribution: number | null; // exact Shapley value of the margin; null: not available
  removal: number | null; // how much the margin falls without this view
  vote: LabelName | null; // what this view alone would say
  agrees: boolean | null;
  usable: boolean;
  tags: Tag[]; // in force: a person's, else the measured ones
  measured_tags: Tag[];
  tags_by: string | null;
  basis: "rank" | "prior" | null;
  basis_text: Text | null;
  second_opinion: Tag[];
  disputed: Tag[];
  measures: Record<string, number | null>;
  recommended: boolean;
};

export type Proposal = LabelName & {
  confidence: number | null;
  confidence_rank: number | null;
  margin: number | null;
  knownness: number | null;
  agreement: number | null;
  entropy: number | null;
  right: { value: number; low: number; high: number } | null; // measured on audits; null: only a rank may be shown
};

// `share` is null unless it was calibrated: a share of confidence that is not would be read as a percentage.
export type Candidate = LabelName & { similarity: number | null; share: number | null };
export type Master = LabelName & { particle_id: string; similarity: number; distance: number; filepath: string | null };

export type Card = {
  particle_id: string;
  seq: number | null;
  state: "review" | "unknown" | "auto" | null;
  decision: "undecided" | "auto" | "confirmed" | "unknown" | "skipped";
  label: LabelName | null;
  decided_by: string | null;
  is_master: boolean;
  views: ViewTile[];
  proposal: Proposal | null;
  candidates: Candidate[];
  masters: Master[];
  reasons: (Text & { code: string })[];
  set_aside: (Text & { code: string })[]; // reasons that a certificate overruled
  one_view: (Text & { view: string }) | null;
  audit: { place: number; count: number; left: number; judged: boolean } | null; // the proposal is hidden
  stale: boolean;
  certified: boolean;
  notice: Text | null;
  recommended: { view: string; reason: Tag } | null;
  retake: (Text & { view: string; separation: number; best_present: number }) | null;
};

export type Counts = Partial<
  Record<"particles" | "auto" | "review" | "unknown" | "audit" | "skipped" | "decided" | "proposed" | "left", number>
>;

export type Overview = {
  status: "ready" | "no_dataset" | "foreign" | "empty";
  dataset: string | null;
  counts: Counts;
  labels: Label[];
  tags: TagChoice[];
  ranked: string[]; // measures that are judged by rank where the condition is known
  retake: number; // particles for which another photograph is advised
  masters: number;
  reviewer: string;
  certificate: Certificate | null;
  stale: number;
};

/** What is promised about automatic decisions; `ja` and `en` say it in one line. */
export type Certificate = Text & {
  status: "certified" | "suggestion" | "suspended";
  alpha: number;
  delta: number;
  audited: number;
  accepted: number;
  errors: number;
  automation: number;
  threshold: number | null;
  more_audits: number | null;
  waiting: number;
  judged: number;
  left: number;
  production: number;
  can_try: boolean;
  opted_in: boolean;
  why: (Text & { code: string })[];
  labels: { label_id: string; audited: number; accepted: number; errors: number }[];
};
export type Trust = { certificate: Certificate; stale: number; counts: Counts };

export type MasterHealth = LabelName & {
  particle_id: string;
  drives: number;
  decided: number;
  reversals: number;
  sibling: number | null;
  rival: number | null;
  rival_ja: string | null;
  rival_en: string | null;
  changed: number;
  gain: number | null;
  suggestion: Tag;
  filepath: string | null;
};
export type LabelHealth = LabelName & {
  masters: number;
  recall: number | null;
  promote: { particle_id: string; filepath: string | null }[];
};
export type Health = { masters: MasterHealth[]; labels: LabelHealth[]; particles: number; decided: number };

export type Hit = { particle_id: string; score: number; best_view: string | null; filepath: string | null };
export type SearchResult = { query: string; hits: Hit[]; encoder: string };

export type Group = string | number | boolean | null;
/** One row of the condition report; shares in [0, 1], 0 is best. */
export type ConditionRow = {
  view: string;
  group: Group;
  views: number;
  measured: number;
  missing_share: number;
  unusable_share: number;
  mean_quality: number | null;
  tags: Record<string, number>;
};
export type ConditionReport = { by: string | null; groups: ConditionRow[]; fields: string[]; notice: Text | null };
export type Cell = { view: string; what: string; by: string | null; group: Group };

export type Failure = { kind: string; message: string };
