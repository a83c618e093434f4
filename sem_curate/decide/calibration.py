"""What a shown confidence means: from audits where there are enough of them, a rank where there are not. Pure.

``right``: how likely the proposal is right, unknowns included, as an interval from inductive Venn-Abers prediction
(Vovk, Petej 2014, arXiv 1211.0025; package ``venn-abers``). ``temperature``: one number that brings the confidences of
the labels among each other into line (Guo et al. 2017, arXiv 1706.04599), for particles of a known label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from sem_curate.arrays import Bools, Floats, Ints

RANK: Final = "rank"
VENN_ABERS: Final = "venn_abers"
# Fewer audits, or nearly all alike, and the interval is wider than what a reader would take from a rank.
FEWEST: Final = 40
FEWEST_OF_EACH: Final = 5


@dataclass(frozen=True)
class Shown:
    """Confidences to show for N particles.

    Attributes:
        value: (N,) float32 in [0, 1]; a probability, or a rank when ``method`` is ``"rank"``.
        low: (N,) lower end; equals ``value`` for ranks.
        high: (N,) upper end.
        method: ``"venn_abers"`` or ``"rank"``; never show a rank as a percentage.
    """

    value: Floats
    low: Floats
    high: Floats
    method: str


def calibrated(correct: Bools) -> bool:
    """Tell whether the audits suffice to show a probability."""
    right = int(correct.sum())
    return len(correct) >= FEWEST and min(right, len(correct) - right) >= FEWEST_OF_EACH


def show(score: Floats, audit_score: Floats, correct: Bools) -> Shown:
    """Return what to show for decision scores.

    Args:
        score: (N,) in [0, 1], ranks among production.
        audit_score: (n,) of audited particles, a random sample.
        correct: (n,) whether their proposals were right; unknowns are wrong.
    """
    if not calibrated(correct):
        ranked = score.astype(np.float32)
        return Shown(ranked, ranked, ranked, RANK)
    from venn_abers import VennAbers  # pandas behind it takes a second

    model = VennAbers()
    model.fit(_two(audit_score), correct.astype(np.int64))
    if len(score) == 0:
        empty = np.empty(0, np.float32)
        return Shown(empty, empty, empty, VENN_ABERS)
    both, ends = model.predict_proba(_two(score))
    low, high = ends.min(axis=1), ends.max(axis=1)
    return Shown(
        np.clip(both[:, 1], low, high).astype(np.float32), low.astype(np.float32), high.astype(np.float32), VENN_ABERS
    )


def temperature(confidence: Floats, truth: Ints) -> float:
    """Return T by which to divide log confidences, least negative log likelihood on audits of known labels.

    Args:
        confidence: (n, L) rows summing to 1.
        truth: (n,) label index; negative ones (unknown) are left out.

    Returns:
        T in [0.05, 20]; above 1 = the confidences were too sure. 1 without known audits or with one label.
    """
    known = truth >= 0
    if not known.any() or confidence.shape[1] < 2:
        return 1.0
    logs = np.log(np.maximum(confidence[known].astype(np.float64), 1e-6))
    rows = np.arange(len(logs))

    def loss(exponent: float) -> float:
        scaled = logs / np.exp(exponent)
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[rows, truth[known]]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def tempered(confidence: Floats, heat: float) -> Floats:
    """Return confidences at temperature ``heat``, rows summing to 1; the order of the labels stays."""
    logs = np.log(np.maximum(confidence, 1e-6)) / heat
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def calibration_error(
    value: Floats, correct: Bools, *, bins: int = 10, draws: int = 500, seed: int = 0
) -> tuple[float, float, float]:
    """Return the expected calibration error and its 95 % bootstrap interval; NaN-free, (0, 0, 0) without audits.

    Below 100 audits it is mostly noise, which the interval shows.
    """
    if len(value) == 0:
        return 0.0, 0.0, 0.0
    rng = np.random.default_rng(seed)
    resampled = [_error(value[rows], correct[rows], bins) for rows in rng.integers(0, len(value), (draws, len(value)))]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return _error(value, correct, bins), float(low), float(high)


def _error(value: Floats, correct: Bools, bins: int) -> float:
    place = np.minimum((value * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, value - correct.astype(np.float32), minlength=bins)
    return float(np.abs(gap).sum() / len(value))


def _two(score: Floats) -> Floats:
    kept = np.clip(score.astype(np.float64), 0, 1)
    columns: Floats = np.column_stack([1 - kept, kept])
    return columns
