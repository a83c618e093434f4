/** Every sentence of the panel, Japanese then English. */
import type { Group, Lang, LabelName, Text } from "./types";

const TEXTS = {
  review: ["レビュー", "Review"],
  search: ["検索", "Search"],
  conditions: ["画質", "Quality"],
  trust: ["保証", "Trust"],
  queue_audit: ["監査", "Audit"],
  queue_review: ["要確認", "Needs review"],
  queue_unknown: ["未知", "Unknown"],
  queue_auto: ["自動", "Auto"],
  queue_skipped: ["保留", "Skipped"],
  is_master: ["マスター", "master"],
  left: ["残り {n}", "{n} left"],
  decided_of: ["{all} 粒子中 {n} 件決定済み", "{n} of {all} particles decided"],
  reviewer: ["レビュー担当", "Reviewer"],
  reviewer_edit: ["レビュー担当の名前を変更", "Change the reviewer's name"],
  language: ["表示言語を切り替え (E)", "Switch language (E)"],
  help: ["キー操作の一覧 (?)", "Keyboard help (?)"],
  close: ["閉じる", "Close"],
  loading: ["読み込み中…", "Loading…"],
  missing: ["なし", "missing"],
  recommended: ["推奨", "best view"],
  recommended_long: ["推奨ビュー", "recommended view"],
  tags_of: ["{view} のタグ", "Tags of {view}"],
  no_tags: ["問題なし", "no fault"],
  tags_measured: ["画像からの測定", "measured from the image"],
  tags_by: ["{who} が修正・確認", "corrected or confirmed by {who}"],
  tag_removed: ["測定は「{tag}」、担当者が取り消し", "measured as “{tag}”, taken away by a person"],
  edit_tags: ["タグを直す", "correct the tags"],
  measured: ["測定", "measured"],
  save: ["保存", "Save"],
  cancel: ["やめる", "Cancel"],
  confirm_tags: ["測定どおりでOK", "Measured is right"],
  confirm_tags_long: ["測定されたタグが正しいと記録します", "Record that the measured tags are right"],
  tags_unchanged: ["タグは変わっていません", "The tags are as they were"],
  did_tags: ["{particle} {view} のタグを保存: {tags}", "Tags of {particle} {view} saved: {tags}"],
  did_undo_tags: ["{particle} {view} のタグの修正を元に戻しました", "Undid the tag correction of {particle} {view}"],
  no_such_view: ["このビューには画像がありません", "There is no image of this view"],
  vlm_denies: ["「{tag}」ではない?", "not {tag}?"],
  vlm_long: ["VLM(画像と言葉のモデル)の見立て。品質の値には使いません。", "What the image-text model sees; never used for the quality value."],
  vlm_disputes: ["VLM の見立てが測定と食い違っています。確かめてください。", "The image-text model contradicts the measured tags; please check."],
  retake: ["再撮影の提案", "Retake"],
  measures_of: ["{view} の測定値", "Measures of {view}"],
  basis_rank: ["同条件での順位", "by rank within the condition"],
  basis_prior: ["絶対値による判定", "by absolute values"],
  ranked: ["順位", "rank"],
  ranked_long: ["同じ撮像条件の中での順位も判定に使います", "also judged by its rank within the same imaging condition"],
  more_is_better: ["大きいほど良い", "higher is better"],
  less_is_better: ["小さいほど良い", "lower is better"],
  not_measured: ["まだ測定されていません", "Not measured yet"],
  nothing_measured: ["まだ画質を測定したビューがありません", "No view has been measured yet"],
  nothing_measured_how: [
    "` キーで操作一覧を開き「SEM: 画質評価 / run quality」を実行するか、ターミナルで:",
    "Press ` and run “SEM: 画質評価 / run quality”, or in a terminal:",
  ],
  group_by: ["分け方", "Group by"],
  group_none: ["ビューだけ", "view only"],
  group_unknown: ["(不明)", "(unknown)"],
  condition: ["ビュー", "view"],
  c_missing: ["欠損", "missing"],
  c_unusable: ["使用不可", "unusable"],
  sort_by: ["この列で並べ替え", "sort by this column"],
  n_views: ["{n} 枚", "{n} views"],
  never: ["一度もないもの:", "Never seen:"],
  heat_note: [
    "数字はビューの割合(%)。マスを押すとその粒子をグリッドに表示します。「品質」の順では、平均品質×撮影できた割合が低い条件が上です。",
    "Share of views in %. Press a cell to see its particles in the grid. Sorted by quality, conditions with the lowest mean quality times share of views taken come first.",
  ],
  retake_list: ["再撮影の候補 {n} 粒子", "{n} particles to retake"],
  quality: ["品質", "quality"],
  weight: ["重み", "weight"],
  enlarge: ["{view} を拡大", "Enlarge {view}"],
  proposal: ["提案", "Proposal"],
  no_proposal: ["提案はありません", "No proposal"],
  rank_top: ["上位 {n} %", "top {n} %"],
  rank_bottom: ["下位 {n} %", "bottom {n} %"],
  rank_long: [
    "このデータセットの中での確信度の順位です。正解率ではありません。",
    "Rank of certainty within this dataset; not a probability of being right.",
  ],
  margin: ["2位との差", "margin"],
  knownness: ["既知らしさ", "known-ness"],
  nearest_similarity: ["このラベルで最も近いマスターとの類似度", "similarity to the nearest master of this label"],
  candidates: ["候補", "Candidates"],
  masters: ["似ているマスター", "Nearest masters"],
  reasons: ["理由", "Reasons"],
  accept: ["確定", "Accept"],
  other_label: ["別のラベル", "Other label"],
  unknown: ["未知", "Unknown"],
  skip: ["保留", "Skip"],
  undo: ["元に戻す", "Undo"],
  previous: ["前へ", "Previous"],
  next: ["次へ", "Next"],
  by: ["{who}が決定", "by {who}"],
  decision_undecided: ["未決定", "undecided"],
  decision_auto: ["自動確定", "auto"],
  decision_confirmed: ["確定済み", "confirmed"],
  decision_unknown: ["未知", "unknown"],
  decision_skipped: ["保留中", "skipped"],
  did_label: ["{particle} を「{label}」に確定しました", "{particle} confirmed as “{label}”"],
  did_unknown: ["{particle} を未知にしました", "{particle} marked as unknown"],
  did_skip: ["{particle} を保留にしました", "{particle} skipped"],
  did_undo_many: ["まとめて行った {n} 件を元に戻しました", "Undid {n} that were done together"],
  kept_by_others: ["（{n} 件は他の人が変更済みのためそのままです）", " ({n} stay: somebody else changed them since)"],
  did_undo: ["{particle} の決定を元に戻しました", "Undid the decision on {particle}"],
  nothing_to_undo: ["元に戻せる決定はありません", "There is nothing of yours to undo"],
  saving: ["保存中…", "saving…"],
  only_one: ["このキューの粒子はこれだけです", "This is the only particle in the queue"],
  no_more_before: ["これより前に見た粒子はありません", "No particle was seen before this one"],
  no_such_candidate: ["候補 {n} はありません", "There is no candidate {n}"],
  accept_needs_proposal: [
    "提案がないため確定できません。L で別のラベルを選ぶか、U で未知にします。",
    "No proposal to accept: choose a label (L) or mark it unknown (U).",
  ],
  conflict: ["{particle} はほかの人が先に決定しました。最新の状態を表示しています。", "Somebody else decided on {particle} first. This is the latest."],
  failed: ["できませんでした", "That did not work"],
  retry: ["もう一度", "Try again"],
  pick_title: ["ラベルを選ぶ", "Choose a label"],
  pick_placeholder: ["名前・同義語で絞り込み", "Type to filter"],
  pick_none: ["一致するラベルがありません", "No label matches"],
  pick_hint: ["↑↓ 選択 · Enter 確定 · Esc 戻る", "↑↓ move · Enter choose · Esc back"],
  no_dataset: ["データセットが開かれていません", "No dataset is open"],
  no_dataset_how: ["左上の一覧からデータセットを選んでください。", "Choose a dataset at the top left."],
  foreign: ["SEM Curate のデータセットではありません", "This dataset was not made by SEM Curate"],
  foreign_how: ["ターミナルで画像を取り込みます:", "Read your images in from a terminal:"],
  empty: ["粒子がまだありません", "There are no particles yet"],
  no_masters: ["マスターがまだありません", "There are no masters yet"],
  no_masters_how: [
    "グリッドで各ラベルの代表的な粒子を数個選び、` キーで操作一覧を開いて「SEM: マスター登録 / register masters」を実行します。そのあと「SEM: すべて実行 / run all」で提案ができます。",
    "In the grid select a few typical particles of one label, press ` and run “SEM: マスター登録 / register masters”. Then run “SEM: すべて実行 / run all” to get proposals.",
  ],
  nothing_proposed: ["提案がまだありません", "Nothing has been proposed yet"],
  nothing_proposed_how: [
    "` キーで操作一覧を開き「SEM: すべて実行 / run all」を実行するか、ターミナルで:",
    "Press ` and run “SEM: すべて実行 / run all”, or in a terminal:",
  ],
  queue_done: ["このキューは空です", "This queue is empty"],
  all_done: ["すべて確認できました", "All reviewed"],
  auto_needs: [
    "自動にできる提案はまだありません。監査を判定して保証を得ると、ここに入ります。",
    "No proposal is automatic yet: judge audits until something can be certified.",
  ],
  others_wait: ["ほかのキューに残っています。", "Other queues are waiting."],
  queue_done_how: ["お疲れさまでした。", "Well done."],
  go_to: ["{queue}を見る ({n})", "Go to {queue} ({n})"],
  reload: ["再読み込み", "Reload"],
  c_particles: ["粒子", "particles"],
  c_decided: ["決定済み", "decided"],
  c_skipped: ["保留", "skipped"],
  c_left: ["残り", "left"],
  search_placeholder: ["言葉で探す(日本語・英語)", "Search in words (Japanese or English)"],
  search_go: ["検索", "Search"],
  search_intro: ["見た目を言葉で書くと、近い粒子から順に並びます。", "Describe what you see; the closest particles come first."],
  search_try: ["例", "Try"],
  search_none: ["「{query}」に近い粒子は見つかりませんでした", "No particle comes close to “{query}”"],
  search_none_how: ["短い言葉や別の言い方を試してください。", "Try fewer words, or say it another way."],
  search_not_ready: ["まだ検索できません", "Search is not ready yet"],
  search_found: ["{n} 粒子", "{n} particles"],
  show_in_grid: ["グリッドに表示", "Show in grid"],
  shown_in_grid: ["{n} 粒子をグリッドに並べました", "{n} particles shown in the grid"],
  open_particle: ["{particle} をレビューで開く", "Open {particle} in Review"],
  not_available: ["画像なし", "not available"],
  contribution: ["寄与", "contribution"],
  contribution_long: [
    "このビューの寄与 {value}（正確な Shapley 値。右 = 提案を支持、左 = 反対）。このビューを除くと差は {removal} 変わります。",
    "contribution of this view {value} (exact Shapley value; right = for the proposal, left = against). Without it the margin falls by {removal}.",
  ],
  votes_other: ["このビューだけなら「{label}」", "alone it says “{label}”"],
  agreement: ["ビュー一致", "views agree"],
  entropy_long: ["ビューの票の割れ方 {value}（0 = 全部同じ）", "entropy of the views' votes {value} (0 = all say the same)"],
  right: ["正解の見込み {value} %", "{value} % likely right"],
  right_long: [
    "監査で測った見込みです（95 % の幅ではなく Venn-Abers の幅: {low} – {high} %）。",
    "Measured on audits (Venn-Abers range {low} to {high} %).",
  ],
  share_long: ["候補の中での割合 {value} %（監査で調整）", "share among the candidates {value} % (calibrated on audits)"],
  distance: ["距離", "distance"],
  set_aside: ["保証により見なくてよい理由", "set aside under the certificate"],
  blind_title: ["先入観なしの判定", "Judged blind"],
  blind_accept: ["監査では提案を確定できません。画像を見て L でラベルを選ぶか、U で未知にします。", "An audit has nothing to accept: choose the label you see (L), or unknown (U)."],
  stale: ["マスターか保証が変わったため、{n} 件の提案が古くなっています", "{n} proposals are out of date: masters or certificate changed"],
  stale_card: ["古い提案", "out of date"],
  repropose: ["提案をやり直す", "Propose again"],
  reproposed: ["{n} 件を提案し直しました。人の決定はそのままです。", "{n} proposed again; what people decided stays."],
  trust_open: ["保証と監査を見る", "See certificate and audits"],
  promise: ["約束する誤り率", "Promise"],
  alpha: ["誤りの上限", "at most wrong"],
  delta: ["外れる危険", "risk of failing"],
  certify: ["保証を試す", "Try to certify"],
  certify_long: [
    "同じ監査で試すたびに危険の一部を使います。必要な件数がそろってから押してください。",
    "Each try on the same audits spends part of the risk; press when enough are judged.",
  ],
  draw: ["監査を {n} 件引く", "Draw {n} audits"],
  drawn: ["監査を {n} 件引きました。提案は判定が終わるまで隠れます。", "{n} audits drawn; their proposals stay hidden until all are judged."],
  judge: ["監査を判定する ({n})", "Judge audits ({n})"],
  close_draw: ["打ち切る", "Close the draw"],
  close_long: ["未判定の監査は誤りとして数えます", "What nobody judged counts as wrong"],
  opt_in: ["保証なしでも自動確定する（誤り率は不明）", "Confirm auto proposals without a certificate (error rate unknown)"],
  opt_in_done: ["次の提案から有効です", "In force from the next proposals on"],
  t_audits: ["監査", "audits"],
  t_errors: ["うち誤り", "of these wrong"],
  t_automation: ["自動確定できる割合", "can be automatic"],
  t_waiting: ["判定待ち", "waiting"],
  t_left: ["監査できる残り", "left to audit"],
  evidence_by_label: ["提案ラベルごとの根拠", "Evidence by proposed label"],
  evidence_note: [
    "約束は全ラベル合計についてのもので、ラベルごとではありません。",
    "The promise is about all labels together, not about each.",
  ],
  e_accepted: ["自動圏内", "automatic"],
  health: ["マスターの健康診断", "Master health"],
  health_none: ["マスターがまだありません", "There are no masters yet"],
  h_master: ["マスター", "master"],
  h_drives: ["決めた割合", "drives"],
  h_drives_long: ["このマスターが最も近く、その提案になった粒子の割合", "share of particles that lie nearest to it and are proposed its label"],
  h_reversals: ["覆された", "reversed"],
  h_reversals_long: ["人が別の決定をした件数 / 人が決定した件数", "decided otherwise by people / decided by people"],
  h_sibling: ["同ラベル", "sibling"],
  h_sibling_long: ["同じラベルの最も近いマスターとの類似度", "cosine to the nearest other master of its label"],
  h_rival: ["最も近い他ラベル", "nearest rival"],
  h_changed: ["外すと変わる", "changes"],
  h_changed_long: ["外すと提案が変わる割合（カッコ内: 確定済みでの正解の増減）", "proposals that change without it (in brackets: points of accuracy on confirmed particles)"],
  h_suggestion: ["提案", "suggestion"],
  h_label: ["ラベル", "label"],
  h_recall: ["正解率", "recall"],
  h_promote: ["マスターに加えるとよい粒子", "would make useful masters"],
  h_basis: ["{n} 粒子での見積もり（うち人が確定 {d} 件）", "estimated on {n} particles, {d} of them confirmed by people"],
  modal_choose: ["粒子を選ぶとここに表示されます", "Open a particle to see it here"],
} satisfies Record<string, [string, string]>;

export type TextKey = keyof typeof TEXTS;
export type Say = (key: TextKey, values?: Record<string, string | number>) => string;

export function sayIn(lang: Lang): Say {
  return (key, values = {}) =>
    TEXTS[key][lang === "ja" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export const both = (text: Text, lang: Lang) => (lang === "ja" ? text.ja : text.en) || text.en || text.ja;

export const labelName = (label: LabelName, lang: Lang) =>
  (lang === "ja" ? label.name_ja || label.name_en : label.name_en || label.name_ja) || label.label_id;

/** The same name in the other language, when there is one. */
export function otherName(label: LabelName, lang: Lang): string {
  const other = lang === "ja" ? label.name_en : label.name_ja;
  return other && other !== labelName(label, lang) ? other : "";
}

/** A group of the condition report; whole floats lose their ".0". */
export const groupName = (group: Group, unknown: string) => (group === null || group === "" ? unknown : String(group));

export const HELP: [string, Text][] = [
  ["Enter / A", { ja: "提案を確定", en: "accept the proposal" }],
  ["1 – 4", { ja: "その候補に確定", en: "choose that candidate" }],
  ["L", { ja: "別のラベルを選ぶ", en: "choose another label" }],
  ["U", { ja: "未知にする", en: "mark as unknown" }],
  ["S", { ja: "保留にする", en: "skip" }],
  ["Z / Ctrl+Z", { ja: "元に戻す", en: "undo" }],
  ["J / →", { ja: "次の粒子へ(決定せず)", en: "next without deciding" }],
  ["K / ←", { ja: "前の粒子へ", en: "previous" }],
  ["↓ ↑ / Shift+1 – 6", { ja: "ビューを選ぶ", en: "choose a view" }],
  ["T", { ja: "そのビューのタグを直す", en: "correct the tags of that view" }],
  ["I", { ja: "そのビューの測定値", en: "measures of that view" }],
  ["/", { ja: "検索へ", en: "go to search" }],
  ["E", { ja: "日本語 ⇄ English", en: "日本語 ⇄ English" }],
  ["Esc", { ja: "閉じる", en: "close" }],
  ["?", { ja: "この一覧", en: "this list" }],
];

const LANG_KEY = "sem-curate-language";

export function rememberedLanguage(): Lang {
  try {
    const kept = localStorage.getItem(LANG_KEY);
    if (kept === "ja" || kept === "en") return kept;
  } catch {
    // storage may be switched off; the browser's language is good enough
  }
  return navigator.language?.startsWith("ja") ? "ja" : "en";
}

export function rememberLanguage(lang: Lang): void {
  try {
    localStorage.setItem(LANG_KEY, lang);
  } catch {
    // the choice then lasts until the page closes
  }
}
