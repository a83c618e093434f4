/** The values that the Python side sends. Every text for people comes in Japanese and English. */

export type Lang = "ja" | "en";
export type Text = { ja: string; en: string };
export type Queue = "review" | "unknown" | "auto" | "audit" | "bundles" | "second" | "skipped";
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
  Record<Queue | "particles" | "decided" | "proposed" | "left", number>
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

export type LabelStatus = "active" | "deprecated" | "merged" | "split" | "withdrawn";
export type LabelRow = LabelName & {
  name: string;
  status: LabelStatus;
  version: number;
  colour: string;
  hotkey: string;
  parent: string | null;
  merged_into: string | null;
  split_into: string[];
  aliases: string[];
  counts: { decided: number; by_people: number; proposed: number; in_queue: number; masters: number };
};
export type LabelsAnswer = { catalogue: string; seq: number; language: Lang; labels: LabelRow[] };
export type Pictured = { particle_id: string; filepath: string | null };
export type LabelChange = {
  change_id: string;
  seq: number;
  kind: string;
  label_id: string;
  touched: { label_id: string; before: number; after: number }[];
  undoes: string | null;
  undone_by: string | null;
  by: string;
  at: string;
  reason: string;
};
/** One version of a label and what was decided under it; version 0 is what another label was merged with. */
export type VersionRow = {
  version: number;
  at: string;
  by: string;
  reason: string;
  kind: string;
  name_ja: string;
  name_en: string;
  definition_ja: string;
  definition_en: string;
  same_meaning: boolean;
  decisions: number;
  shift: number | null;
  agreement: number | null;
  agreement_of: number;
};
export type LabelDetails = LabelRow & {
  definition_ja: string;
  definition_en: string;
  synonyms_ja: string[];
  synonyms_en: string[];
  picked: (Pictured & { role: "example" | "counter" | "borderline"; note: string })[];
  masters: Pictured[];
  history: LabelChange[];
};
export type ChangeKind = "rename" | "redefine" | "merge" | "split" | "deprecate" | "restore" | "rollback";
export type Wanted = Record<string, unknown>;
type NamedLabel = { label_id: string; name: string; status: LabelStatus; version: number };
export type DryRun = {
  before: NamedLabel[];
  after: NamedLabel[];
  particles: number;
  by_people: number;
  auto: number;
  masters: number;
  proposals: number;
  queue: number;
  pending: number;
  exports: { what: string; path: string; by: string; at: string }[];
  nearest: {
    looked_at: number;
    of: number;
    count: number;
    changed: { particle_id: string; from_name: string | null; to_name: string | null }[];
  };
  valid: { embeddings: boolean; heads: boolean; certificates: boolean; why: string[] };
};
export type Bundle = {
  bundle_id: string;
  suggested: string | null;
  suggested_name: string | null;
  cluster: number;
  particles: string[];
  left: number;
  waiting: string[];
};

export type Failure = { kind: string; message: string };

/** The drift ledger of a label; asked for after its card, because it looks at every decision. */
export type Ledger = { label_id: string; in_force: number; versions: VersionRow[]; outdated: number; looked_at: number };
