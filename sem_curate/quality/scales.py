"""Frozen scales: what is usual in one imaging condition, so that a new view is ranked at once.

Ranking each view among all others would cost the whole dataset for every hundred new particles. The scales are
quantiles, taken when there are enough views and again whenever the dataset has doubled; in between they stand still.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.quality import gate
from sem_curate.quality.gate import Place

TYPICAL: Final = 0.75  # the good images of a condition, even where half of them are poor
QUANTILES: Final = 201  # a rank is good to half a percent; more would be noise


@dataclass(frozen=True)
class Scales:
    """Ascending quantiles of the ranked measures by imaging condition; conditions with few views have none."""

    quantiles: Mapping[tuple[Hashable, ...], Mapping[str, NDArray[np.float64]]]
    generation: int = -1

    def places(self, group: tuple[Hashable, ...], values: Mapping[str, float]) -> dict[str, Place] | None:
        """Return where each ranked measure stands in its condition; None when the condition has no scale."""
        scale = self.quantiles.get(group)
        if not scale:
            return None
        return {
            name: Place(_rank(name, scale[name], values[name]), float(np.quantile(scale[name], _typical(name))))
            for name in gate.RANKED
        }

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        groups = [
            {"group": list(group), **{name: values.tolist() for name, values in scale.items()}}
            for group, scale in self.quantiles.items()
        ]
        return {"generation": self.generation, "groups": groups}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scales:
        """Read what :meth:`as_json` gave."""
        groups = {
            tuple(row["group"]): {name: np.array(row[name], dtype=np.float64) for name in gate.RANKED}
            for row in stored["groups"]
        }
        return cls(groups, int(stored["generation"]))


EMPTY: Final = Scales({})


def build(values: Mapping[str, Sequence[float]], groups: Sequence[tuple[Hashable, ...]], generation: int) -> Scales:
    """Take scales from measured views.

    Args:
        values: ``{measure: N floats}`` for every measure of ``gate.RANKED``.
        groups: N imaging conditions, e.g. (view, instrument, magnification).
        generation: how often the dataset had doubled.
    """
    members: dict[tuple[Hashable, ...], list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    places = np.linspace(0, 1, QUANTILES)
    return Scales(
        {
            group: {name: np.quantile(np.asarray(values[name], np.float64)[rows], places) for name in gate.RANKED}
            for group, rows in members.items()
            if len(rows) >= gate.MIN_GROUP
        },
        generation,
    )


def _typical(name: str) -> float:
    return 1 - TYPICAL if name in gate.LOWER_IS_BETTER else TYPICAL


def _rank(name: str, scale: NDArray[np.float64], value: float) -> float:
    # The middle of ties, and never quite 0 or 1: the next view may lie outside all seen so far.
    left, right = np.searchsorted(scale, value, side="left"), np.searchsorted(scale, value, side="right")
    place = float((left + right + 1) / 2 / (len(scale) + 1))
    return 1 - place if name in gate.LOWER_IS_BETTER else place
