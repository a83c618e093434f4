"""Where "known" begins. Learned from the masters themselves, and honest about how little they can say.

Masters are hand-picked and typical, so these thresholds order the work; they certify nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sem_curate.arrays import Floats, Ints
from sem_curate.config import DecideConfig

LEAVE_ONE_OUT = "leave-one-out"  # each master against all others
RIVALS = "rivals"  # too few masters per label: from masters of other labels
NONE = "none"  # a single master: nothing can be said

# Fewer leave-one-out values than this make a 5 % quantile meaningless.
MIN_VALUES = 8


@dataclass(frozen=True)
class Thresholds:
    """Known-ness (cosine) below ``unknown`` is unknown; from ``auto`` on a proposal may be auto."""

    unknown: float
    auto: float
    source: str
    n: int


def from_masters(masters: Floats, labels: Ints, config: DecideConfig) -> Thresholds:
    """Derive thresholds from how well masters know each other.

    With enough masters that have a sibling of their label: quantiles of each such master's cosine to the nearest other
    master of any label, which is the known-ness it would have as a new particle. With fewer: "unknown" is where masters
    of *different* labels typically stand to each other, "auto" half-way from there to identity.

    Args:
        masters: (M, D) unit rows.
        labels: (M,) label index of each master.
        config: the quantiles.
    """
    similarity = masters @ masters.T
    np.fill_diagonal(similarity, -np.inf)
    same = labels[:, None] == labels[None, :]
    known = similarity.max(axis=1, initial=-np.inf)[same.sum(axis=1) > 1]
    if len(known) >= MIN_VALUES:
        unknown, auto = np.quantile(known, [config.unknown_quantile, config.auto_quantile])
        return Thresholds(float(unknown), float(auto), LEAVE_ONE_OUT, len(known))
    rivals = np.where(~same, similarity, -np.inf).max(axis=1, initial=-np.inf)
    # Masters of two labels that are one picture say nothing about where labels stand to each other.
    rivals = rivals[np.isfinite(rivals) & (rivals < 1 - 1e-5)]
    if len(rivals):
        floor = float(np.median(rivals))
        return Thresholds(floor, floor + (1 - floor) / 2, RIVALS, len(rivals))
    return Thresholds(-1.0, 2.0, NONE, len(masters))  # everything goes to review
