"""Which condition to photograph (again) so that two close candidates can be told apart. Pure.

What a condition can show is estimated on the masters: how well their views of that condition alone separate one label
from another. Letters: M masters, V views, D vector length, L labels, N particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import erf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats, Ints

Doubles = NDArray[np.float64]

CHANCE: Final = 0.5  # separation of labels that look alike, and where too few masters can tell
LEAST_MASTERS: Final = 2  # of each label with that view: with one, leaving it out leaves nothing to compare with
# n masters count n / (n + SHRINK), the rest is what the view separates on average over all pairs of labels: with
# three masters per label advice from the pair alone was no better than a random view (rendered particles).
SHRINK: Final = 4.0
MARGIN: Final = 0.05  # an advice must promise this much more than the best good view already there
GOOD: Final = 0.5  # quality from which a view need not be taken again; 0.5 is where people start to complain


@dataclass(frozen=True)
class Advice:
    """One view to take, and what it promises.

    Attributes:
        slot: index of the view.
        missing: True when there is no such view yet, False when it is poor.
        separation: of the two labels by that view of the masters, [0, 1], 0.5 is chance.
        best_present: the same for the best good view that the particle has; 0.5 without any.
    """

    slot: int
    missing: bool
    separation: float
    best_present: float


def separations(views: Floats, usable: Bools, labels: Ints) -> Floats:
    """Return how well each view alone separates each pair of labels, estimated on the masters.

    For a pair (a, b), every master of a and b is scored by its cosine to the mean of a minus its cosine to the mean of
    b, itself left out of its own mean. The separation is the share of (master of a, master of b) in the right order,
    the area under the ROC curve (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747), taken for normally
    distributed scores so that a handful of masters does not saturate at 1, and shrunk towards the mean over all pairs.

    Args:
        views: (M, V, D) slot-centred unit view vectors; zero where missing.
        usable: (M, V) True where a view exists and counts.
        labels: (M,) label indices 0..L-1.

    Returns:
        (V, L, L) float32 in [0, 1], symmetric, 1 is best; 0.5 on the diagonal and where fewer than two masters of
        either label have the view.
    """
    count = int(labels.max()) + 1 if len(labels) else 0
    slots = [_slot(views[:, slot], usable[:, slot], labels, count) for slot in range(views.shape[1])]
    return np.stack(slots).astype(np.float32) if slots else np.empty((0, count, count), np.float32)


def advise(
    first: int, second: int, separation: Floats, present: Bools, quality: Sequence[float] | Floats
) -> Advice | None:
    """Choose the view of one particle that is worth photographing (again).

    Args:
        first: index of one candidate label.
        second: index of the other.
        separation: (V, L, L) from :func:`separations`.
        present: (V,) True where the particle has the view.
        quality: (V,) in [0, 1]; NaN (not measured) counts as good.

    Returns:
        The missing or poor view with the largest separation, or None when it does not beat the best good view there
        is by ``MARGIN``.
    """
    by_view = separation[:, first, second]
    grade = np.where(np.isnan(np.asarray(quality, dtype=np.float32)), 1.0, quality)
    good = present & (grade >= GOOD)
    if good.all() or not len(by_view):
        return None
    best = float(by_view[good].max(initial=CHANCE))
    slot = int(np.where(good, -1.0, by_view).argmax())
    if float(by_view[slot]) < best + MARGIN:
        return None
    return Advice(slot, not bool(present[slot]), float(by_view[slot]), best)


def _slot(vectors: Floats, usable: Bools, labels: Ints, count: int) -> Floats:
    x, own = vectors[usable].astype(np.float64), labels[usable]
    members = np.bincount(own, minlength=count)
    scores = _scores(x, own, count)
    pairs = [(a, b) for a, b in combinations(range(count), 2) if min(members[a], members[b]) >= LEAST_MASTERS]
    areas = [
        _area(scores[own == a, a] - scores[own == a, b], scores[own == b, a] - scores[own == b, b]) for a, b in pairs
    ]
    usual = CHANCE + float(np.sum(np.array(areas) - CHANCE)) / (len(pairs) + 1)  # a single pair says little of the view
    found = np.full((count, count), CHANCE, dtype=np.float32)
    for (a, b), area in zip(pairs, areas, strict=True):
        n = float(min(members[a], members[b]))
        found[a, b] = found[b, a] = (n * area + SHRINK * usual) / (n + SHRINK)
    return found


def _scores(x: Doubles, own: Ints, count: int) -> Doubles:
    """Return the cosine of each of n vectors to each label's mean, itself left out of its own: (n, L)."""
    sums = np.zeros((count, x.shape[1]))
    np.add.at(sums, own, x)
    dots: Doubles = x @ sums.T
    squares = np.broadcast_to((sums**2).sum(axis=1), dots.shape).copy()
    rows, self_dot = np.arange(len(x)), (x**2).sum(axis=1)
    squares[rows, own] += self_dot - 2 * dots[rows, own]
    dots[rows, own] -= self_dot
    cosines: Doubles = dots / np.sqrt(np.maximum(squares, 1e-12))
    return cosines


def _area(of_a: Doubles, of_b: Doubles) -> float:
    """Return the area under the ROC curve of two small groups of normally distributed scores."""
    spread = float(np.sqrt(of_a.var(ddof=1) + of_b.var(ddof=1)))
    gap = float(of_a.mean() - of_b.mean())
    return 0.5 * (1 + erf(gap / max(spread, 1e-6) / sqrt(2)))
