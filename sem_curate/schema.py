"""Every field, slice, stage and run key that this project writes into FiftyOne. No other file spells one.

A view is one slice of the group; a *particle* value is repeated on every slice of its group, because the App
shows, filters and counts only the active slice.
"""

from __future__ import annotations

from typing import Final

GROUP: Final = "group"
DEFAULT_VIEWS: Final = ("view1", "view2", "view3", "view4", "view5", "view6")
INFO_KEY: Final = "sem_curate"  # our corner of dataset.info

# -- identity, on every sample ---------------------------------------------------------------------------------
PARTICLE_ID: Final = "particle_id"
VIEW: Final = "view"
PRESENT: Final = "present"  # False on the placeholder that stands in for a missing anchor view
PENDING: Final = "pending"  # stages that still have to look at this sample
SOURCE_PATH: Final = "source_path"  # the user's own file; `filepath` may be a display copy
SOURCE_STAT: Final = "source_stat"  # "size:mtime_ns", to skip unchanged files without reading them
CONTENT_HASH: Final = "content_hash"
DISPLAY_MAPPING: Final = "display_mapping"  # how raw grey levels became the display copy

# -- instrument metadata, per view, None when unknown ----------------------------------------------------------
PIXEL_SIZE_NM: Final = "pixel_size_nm"
VOLTAGE_KV: Final = "voltage_kv"
DETECTOR: Final = "detector"
MAGNIFICATION: Final = "magnification"
INSTRUMENT: Final = "instrument"
BIT_DEPTH: Final = "bit_depth"
INFO_BAR_ROWS: Final = "info_bar_rows"  # at the bottom of the file, by the instrument's own tags
PIXEL_SIZE_FROM: Final = "pixel_size_from"  # "scale_bar" when `sem-curate pixel-size` filled it in; else None

# -- quality, per view -----------------------------------------------------------------------------------------
QUALITY: Final = "quality"  # [0, 1], higher is better
QUALITY_TAGS: Final = "quality_tags"  # in force: a reviewer's correction, else what was measured
MEASURED_TAGS: Final = "measured_tags"
TAGS_BY: Final = "tags_corrected_by"  # the reviewer whose tags are in force, None when nobody corrected them
QUALITY_BASIS: Final = "quality_basis"  # "prior" (absolute values) or "rank" (among the same imaging condition)
USABLE: Final = "usable"
PARTICLE_MASK: Final = "particle_mask"  # Segmentation, small, stretched over the image
SECOND_OPINION: Final = "second_opinion"  # tags that the VLM sees; shown, never used for quality
DISPUTED_TAGS: Final = "disputed_tags"  # tags on which the VLM strongly contradicts the tags in force
VIEW_WEIGHT: Final = "view_weight"  # share of this view in the particle vector, [0, 1]
VIEW_CONTRIBUTION: Final = "view_contribution"  # exact Shapley value of this view, in cosine units; None = no view
VIEW_REMOVAL: Final = "view_removal"  # how much the margin falls without this view; None = no view
MEASURES: Final = (
    "sharpness",
    "spectral_centroid",
    "noise_sigma",
    "snr",
    "contrast",
    "saturation_low",
    "saturation_high",
    "charging",
    "drift",
    "contour_completeness",
    "frame_cut",
    "particle_area",
    "other_particles",
    "info_bar",
    "scale_bar_px",
    "overlay",
)

# -- particle values, on every slice ---------------------------------------------------------------------------
N_VIEWS: Final = "n_views"
MANIFEST_LABEL: Final = "manifest_label"  # what the manifest claimed; never used for a decision by itself
LABEL: Final = "label"  # Classification in force: label=display name, label_id=immutable id
DECISION: Final = "decision"
DECIDED_BY: Final = "decided_by"
DECIDED_AT: Final = "decided_at"
PROPOSAL: Final = "proposal"  # Classification: label, label_id, confidence (uncalibrated)
PROPOSAL_STATE: Final = "proposal_state"
CONFIDENCE_RANK: Final = "confidence_rank"  # the decision score in [0, 1]: worse rank of confidence and known-ness
MARGIN: Final = "margin"
KNOWNNESS: Final = "knownness"
AGREEMENT: Final = "view_agreement"  # [0, 1], weight share of the views that alone would say the same
ENTROPY: Final = "view_entropy"  # [0, 1], of the views' votes; 0 = all say the same
ONE_VIEW: Final = "one_view"  # the view without which the proposal would be another label, None without such
STALE: Final = "proposal_stale"  # masters changed since; cleared by the next proposal
REVIEW_REASONS: Final = "review_reasons"
REVIEWERS: Final = "reviewers"  # what came of asking several about a boundary sample; None: only one was asked
REVIEWERS_WAITING: Final = "waiting"  # for another reviewer
REVIEWERS_AGREE: Final = "agree"
REVIEWERS_DISAGREE: Final = "disagree"
REVIEW_PRIORITY: Final = "review_priority"  # lower comes first
MASTER_OF: Final = "master_of"  # display name of the label this particle is a master of
MASTER_SET_VERSION: Final = "master_set_version"
RECEIPT_ID: Final = "receipt_id"
RECOMMENDED_VIEW: Final = "recommended_view"
RECOMMENDED_WHY: Final = "recommended_why"  # one of quality.recommend.REASONS
RETAKE_VIEW: Final = "retake_view"  # the condition to photograph again, None when that would not help

# -- audits, on every slice; proposals of an open draw are kept out of the fields until it closes ----------------
AUDIT: Final = "audit"  # "open" (to be judged), "judged" (the draw is not finished), "closed"; None: never drawn
AUDIT_ORDER: Final = "audit_order"  # place in the draw: the order of the queue must not give the proposal away
AUDIT_OPEN: Final = "open"
AUDIT_JUDGED: Final = "judged"
AUDIT_CLOSED: Final = "closed"
AUDIT_HIDDEN: Final = (AUDIT_OPEN, AUDIT_JUDGED)

# -- bundles to review again, because a label was split or means something else; on every slice -------------------
BUNDLE: Final = "bundle"  # its id; None: nothing to review again
BUNDLE_ORDER: Final = "bundle_order"  # place in the queue: bundle by bundle, the most typical first

# -- states ----------------------------------------------------------------------------------------------------
AUTO: Final = "auto"
REVIEW: Final = "review"
UNKNOWN: Final = "unknown"
PROPOSAL_STATES: Final = (AUTO, REVIEW, UNKNOWN)

UNDECIDED: Final = "undecided"
CONFIRMED: Final = "confirmed"  # by a person; AUTO and UNKNOWN are decisions too
SKIPPED: Final = "skipped"  # set aside by a person, still undecided
DECISIONS: Final = (UNDECIDED, AUTO, CONFIRMED, UNKNOWN, SKIPPED)

# -- stages and brain keys -------------------------------------------------------------------------------------
STAGE_QUALITY: Final = "quality"
STAGE_EMBED: Final = "embed"
STAGE_PROPOSE: Final = "propose"
STAGES: Final = (STAGE_QUALITY, STAGE_EMBED, STAGE_PROPOSE)

BRAIN_KEYS: Final = {
    STAGE_QUALITY: "sem_quality",
    STAGE_EMBED: "sem_embed",
    STAGE_PROPOSE: "sem_propose",
    "search": "sem_search",
}

# Names a manifest column must not take, because they are ours or FiftyOne's.
RESERVED: Final = frozenset(
    {
        "id", "filepath", "tags", "metadata", "created_at", "last_modified_at", GROUP,
        PARTICLE_ID, VIEW, PRESENT, PENDING, SOURCE_PATH, SOURCE_STAT, CONTENT_HASH, DISPLAY_MAPPING,
        BIT_DEPTH, INFO_BAR_ROWS, PIXEL_SIZE_FROM, QUALITY, QUALITY_TAGS, MEASURED_TAGS, TAGS_BY, QUALITY_BASIS, USABLE,
        VIEW_WEIGHT, *MEASURES, PARTICLE_MASK, SECOND_OPINION, DISPUTED_TAGS, RECOMMENDED_WHY, RETAKE_VIEW,
        VIEW_CONTRIBUTION, VIEW_REMOVAL, AGREEMENT, ENTROPY, ONE_VIEW, STALE,
        N_VIEWS, MANIFEST_LABEL, LABEL, DECISION, DECIDED_BY, DECIDED_AT, PROPOSAL, PROPOSAL_STATE,
        CONFIDENCE_RANK, MARGIN, KNOWNNESS, REVIEW_REASONS, REVIEW_PRIORITY, MASTER_OF, MASTER_SET_VERSION,
        RECEIPT_ID, RECOMMENDED_VIEW, AUDIT, AUDIT_ORDER, REVIEWERS, BUNDLE, BUNDLE_ORDER,
    }
)  # fmt: skip
