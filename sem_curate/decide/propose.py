"""From a match to a proposal: label, state and the reasons a reviewer should look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sem_curate import schema
from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.config import DecideConfig
from sem_curate.decide.match import Match
from sem_curate.decide.thresholds import NONE, Thresholds

# Review reasons; their texts stand in messages.py.
LOW_KNOWNNESS = "low_confidence"
CLOSE_CANDIDATES = "close_candidates"
VIEWS_DISAGREE = "views_disagree"
POOR_QUALITY = "poor_quality"
VLM_QUALITY = "vlm_quality"  # the VLM strongly contradicts the quality tags of a view that counts
NOT_KNOWN = "unknown"
ONE_VIEW = "one_view"  # without one view, named beside it, the proposal would be another label
NO_USABLE_VIEW = "no_usable_view"
TOO_FEW_MASTERS = "too_few_masters"
# Would be auto by itself, but nobody promised anything about such proposals; see confirming.py.
NOT_CERTIFIED = "not_certified"
SUSPENDED = "certificate_suspended"
BELOW_CERTIFICATE = "below_certificate"  # less certain than what the certificate covers
WITHHELD = (NOT_CERTIFIED, SUSPENDED, BELOW_CERTIFICATE)
REASONS = (
    NO_USABLE_VIEW,
    TOO_FEW_MASTERS,
    NOT_KNOWN,
    CLOSE_CANDIDATES,
    VIEWS_DISAGREE,
    ONE_VIEW,
    LOW_KNOWNNESS,
    POOR_QUALITY,
    VLM_QUALITY,
)


@dataclass(frozen=True)
class Proposals:
    """N proposals.

    Attributes:
        label: (N,) int64 label index; -1 when nothing can be proposed.
        confidence: (N,) float32 in [0, 1], uncalibrated, of the proposed label.
        margin: (N,) float32 in [0, 1]; confidence of the best minus the second label. Small = ambiguous.
        knownness: (N,) float32 cosine to the nearest master. Small = unlike everything known.
        agreement: (N,) float32 in [0, 1]; weight share of the views that alone would say the same.
        state: (N,) one of :data:`schema.PROPOSAL_STATES`.
        reasons: N tuples of reason codes, most important first; empty for auto.
    """

    label: Ints
    confidence: Floats
    margin: Floats
    knownness: Floats
    agreement: Floats
    state: tuple[str, ...]
    reasons: tuple[tuple[str, ...], ...]


def propose(
    found: Match,
    agreement: Floats,
    quality: Floats,
    usable: Bools,
    thresholds: Thresholds,
    config: DecideConfig,
    disputed: Bools | None = None,
    single: Ints | None = None,
) -> Proposals:
    """Turn a match into proposals.

    Args:
        found: the match of N particles.
        agreement: (N,) weight share of the views that alone would say the same, see contributions.agreement.
        quality: (N,) weighted mean quality of the particle's views, in [0, 1].
        usable: (N,) False where the particle has no vector.
        thresholds: where known begins.
        config: margins.
        disputed: (N,) True where the VLM contradicts the quality of a view that counts; a reason to look, and never
            more than that. None: nowhere.
        single: (N,) the view without which the proposal would be another label, -1 for none. None: nowhere.
    """
    label = np.where(usable, found.confidence.argmax(axis=1), -1)
    ordered = np.sort(found.confidence, axis=1)[:, ::-1]
    best = ordered[:, 0]
    margin = best - ordered[:, 1] if ordered.shape[1] > 1 else best
    raised = {
        NO_USABLE_VIEW: ~usable,
        TOO_FEW_MASTERS: np.full(len(label), thresholds.source == NONE),
        NOT_KNOWN: usable & (found.knownness < thresholds.unknown),
        CLOSE_CANDIDATES: usable & (margin < config.min_margin),
        VIEWS_DISAGREE: usable & (agreement < config.min_agreement),
        ONE_VIEW: np.zeros(len(label), np.bool_) if single is None else usable & (single >= 0),
        LOW_KNOWNNESS: usable & (found.knownness >= thresholds.unknown) & (found.knownness < thresholds.auto),
        POOR_QUALITY: usable & (quality < config.min_quality),
        VLM_QUALITY: np.zeros(len(label), np.bool_) if disputed is None else usable & disputed,
    }
    reasons = tuple(tuple(code for code in REASONS if raised[code][row]) for row in range(len(label)))
    return Proposals(
        label=label.astype(np.int64),
        confidence=np.where(usable, best, 0.0).astype(np.float32),
        margin=np.where(usable, margin, 0.0).astype(np.float32),
        knownness=np.where(usable, found.knownness, -1.0).astype(np.float32),
        agreement=agreement,
        state=tuple(_state(row) for row in reasons),
        reasons=reasons,
    )


def ranks(values: Floats, grid: Floats) -> Floats:
    """Return where values stand in a reference distribution, (N,) float32 in [0, 1]; 1 = above all of it.

    Args:
        values: (N,) floats.
        grid: (G,) ascending quantiles of the reference; empty gives 0.5 for everything.
    """
    if len(grid) == 0:
        return np.full(len(values), 0.5, dtype=np.float32)
    return (np.searchsorted(grid, values, side="right") / len(grid)).astype(np.float32)


def _state(reasons: tuple[str, ...]) -> str:
    if NOT_KNOWN in reasons:
        return schema.UNKNOWN
    return schema.REVIEW if reasons else schema.AUTO
