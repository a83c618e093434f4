"""The drift ledger of a label: what was accepted under each version, and what would not be accepted now. Pure.

Letters: N accepted particles, D vector length, K other labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints, unit_rows

# With fewer the centre of a version is one or two particles, and "far from it" says nothing.
ENOUGH: Final = 3


@dataclass(frozen=True)
class Row:
    """One version: decisions in force under it, how far their centre moved, how often the proposal was the same.

    ``shift`` is 1 - cosine of the centres of this version and the one before that has any, in [0, 2]; None without
    vectors. ``agreement`` is in [0, 1], of ``agreement_of`` decisions by people that had a proposal; higher is better.
    """

    version: int
    decisions: int
    shift: float | None
    agreement: float | None
    agreement_of: int


def timeline(versions: Sequence[int], under: Ints, vectors: Floats, known: Bools, agreed: Floats) -> list[Row]:
    """Return one row per version.

    Args:
        versions: in the order they were in force first.
        under: (N,) the version each particle was accepted under.
        vectors: (N, D) unit rows.
        known: (N,) particles that have a vector.
        agreed: (N,) 1 where the proposal was this label, 0 where it was another, NaN without a proposal or a person.
    """
    rows: list[Row] = []
    before: Floats | None = None
    for version in versions:
        mine = under == version
        shift = None
        if (mine & known).any():
            centre = unit_rows(vectors[mine & known].mean(axis=0))
            shift = None if before is None else round(float(np.clip(1 - centre @ before, 0, 2)), 6)
            before = centre
        said = agreed[mine & ~np.isnan(agreed)]
        rows.append(Row(version, int(mine.sum()), shift, float(said.mean()) if len(said) else None, len(said)))
    return rows


def outdated(old: Floats, new: Floats, others: Floats) -> tuple[Bools, Floats]:
    """Tell which particles accepted under an older meaning would not match the present one.

    They do not when another label's centre is nearer than the centre of what is accepted now, or when they are farther
    from it than each particle accepted now is from the rest of them.

    Args:
        old: (N, D) unit rows accepted under an older meaning.
        new: (M, D) unit rows accepted under the present one.
        others: (K, D) unit rows, centres of the other labels.

    Returns:
        (N,) bool, and (N,) float32 cosine to the present centre, higher fits better. With fewer than ``ENOUGH`` new
        ones nothing can be said: all False.
    """
    if len(new) < ENOUGH or not len(old):
        return np.zeros(len(old), np.bool_), np.zeros(len(old), np.float32)
    total = new.sum(axis=0)
    rest = unit_rows(total[None] - new)
    floor = float((rest * new).sum(axis=1).min())
    own = old @ unit_rows(total)
    rival = (old @ others.T).max(axis=1) if len(others) else np.full(len(old), -1.0, np.float32)
    doubtful: Bools = (rival > own) | (own < floor)
    return doubtful, np.asarray(own, np.float32)
