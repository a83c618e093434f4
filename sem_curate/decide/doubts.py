"""Should an adopted integrator stay in force? A later comparison may no longer speak for it. Pure.

A new model is adopted only where it surely wins; where none does, what was adopted before stays, because taking it back
changes every proposal and is the user's choice. But she should be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sem_curate.decide.rungs import LEAST_GAIN, Row

LOSES: Final = "loses"  # the default surely does better
NO_GAIN: Final = "no_gain"  # nothing that would have been adopted today
OTHER_VECTORS: Final = "other_vectors"  # it cannot be used at all


@dataclass(frozen=True)
class Doubt:
    """Why to go back to the default; the figures are those of its rung, trained anew, in the comparison just made."""

    code: str
    rung: str
    gain: float
    low: float
    high: float


def doubt(rung: str, rows: Sequence[Row], *, same_vectors: bool = True) -> Doubt | None:
    """Return what speaks against the rung in force, None when nothing does or nothing was compared.

    Args:
        rung: the one in force, which no new model has just replaced.
        rows: the table of ``rungs.compare``.
        same_vectors: whether it was trained on the vectors in use.
    """
    row = next((row for row in rows if row.rung == rung), None)
    gain, low, high = (row.gain, row.low, row.high) if row else (0.0, 0.0, 0.0)
    if not same_vectors:
        return Doubt(OTHER_VECTORS, rung, gain, low, high)
    if row is None or (gain >= LEAST_GAIN and low > 0):
        return None
    return Doubt(LOSES if high < 0 else NO_GAIN, rung, gain, low, high)
