"""What each instrument's vectors usually look like, and whether new ones look different.

Encoders read an instrument as well as a particle: mixing data sets of different microscopes costs far more than a
change of encoder gains (arXiv:2602.08505). So every imaging condition keeps a small random sample of what it has seen,
and new vectors are compared with it before they join it.

The sample holds the content hashes that sort first ("bottom-k sampling", Cohen & Kaplan 2007,
doi:10.1145/1281100.1281133): random, because hashes are; the same in any order of arrival; unchanged by repeats. The
vectors themselves stay in the store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import mannwhitneyu

from sem_curate.arrays import Floats
from sem_curate.errors import StateError

FILE: Final = "conditions.json"
SAMPLE: Final = 256  # vectors per condition; the error of the measure is then about 0.03
NEAREST: Final = 5
ENOUGH_KNOWN: Final = 30  # as for quality: fewer do not say what is usual
ENOUGH_NEW: Final = 10
# A shift is named when chance is excluded and it is large: with many images the smallest difference is "significant".
P_LIMIT: Final = 0.01
FAR: Final = 0.70
TESTS_KEPT: Final = 20

Condition = tuple[Any, ...]  # (view, instrument, step of magnification); None where unknown


@dataclass(frozen=True)
class Shift:
    """How new vectors of one condition compare with what it has seen.

    Attributes:
        condition: (view, instrument, step of magnification).
        known: vectors compared with.
        new: vectors compared.
        farther: chance that a new vector is farther from its nearest known ones than a known one is, in [0, 1];
            0.5 = as usual, 1 = all are outside of what was seen.
        p: of that under no change (Mann-Whitney U, two-sided), times the number of conditions tested.
        against: ``"itself"``, or ``"other instruments"`` when this instrument had shown too few images of this view.
    """

    condition: Condition
    known: int
    new: int
    farther: float
    p: float
    against: str

    @property
    def flagged(self) -> bool:
        """Whether people should look before they trust proposals on these images."""
        return self.p < P_LIMIT and self.farther >= FAR


@dataclass(frozen=True)
class Seen:
    """What one condition has seen: how many contents, a random sample of their hashes, the latest tests."""

    count: int = 0
    sample: tuple[str, ...] = ()
    tests: tuple[dict[str, Any], ...] = field(default=())

    def with_new(self, hashes: Iterable[str]) -> Seen:
        """Return this with contents that were not seen before."""
        fresh = set(hashes)
        return replace(self, count=self.count + len(fresh), sample=bottom(set(self.sample) | fresh))


def bottom(hashes: Iterable[str]) -> tuple[str, ...]:
    """Return the random sample of some content hashes.

    >>> bottom(["c", "a", "b"])
    ('a', 'b', 'c')
    """
    return tuple(sorted(set(hashes))[:SAMPLE])


def compare(known: Floats, new: Floats) -> tuple[float, float]:
    """Compare two samples by how far their vectors are from the nearest known ones.

    Args:
        known: (N, D) unit rows, N >= 2.
        new: (M, D) unit rows.

    Returns:
        ``farther`` in [0, 1] and the two-sided p-value, as in :class:`Shift` for one condition.
    """
    count = min(NEAREST, len(known) - 1)
    among = known @ known.T
    np.fill_diagonal(among, -np.inf)  # a known vector is not its own neighbour
    usual, found = (_mean_of_largest(similar, count) for similar in (among, new @ known.T))
    test = mannwhitneyu(-found, -usual, alternative="two-sided")
    return float(test.statistic) / (len(found) * len(usual)), float(test.pvalue)


def references(seen: Mapping[Condition, Seen], condition: Condition) -> tuple[tuple[str, ...], str]:
    """Return the hashes to compare a condition with, and whose they are; empty when there are not enough.

    An instrument that has shown too few images of a view is compared with the other instruments' images of that view.
    """
    own = seen.get(condition, Seen())
    if len(own.sample) >= ENOUGH_KNOWN:
        return own.sample, "itself"
    others = [held.sample for other, held in seen.items() if other[0] == condition[0] and other[1] != condition[1]]
    pooled = bottom(content for sample in others for content in sample)
    return (pooled, "other instruments") if len(pooled) >= ENOUGH_KNOWN else ((), "")


def read(folder: Path) -> dict[Condition, Seen]:
    """Read what a store's conditions have seen; empty when nothing was kept.

    Raises:
        StateError: when the file is damaged.
    """
    path = folder / FILE
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["conditions"]
        return {
            tuple(entry["condition"]): Seen(int(entry["count"]), tuple(entry["sample"]), tuple(entry["tests"]))
            for entry in entries
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"'{path}' is damaged ({error}); delete it, and shifts are judged from new images on"
        ) from error


def write(folder: Path, seen: Mapping[Condition, Seen]) -> None:
    """Write it beside the final name, then move it there."""
    entries = [{"condition": list(condition), **asdict(held)} for condition, held in seen.items()]
    temporary = folder / f"{FILE}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps({"conditions": entries}, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, folder / FILE)


def describe(shift: Shift) -> dict[str, Any]:
    """Return a shift as JSON values."""
    return {**asdict(shift), "condition": list(shift.condition), "flagged": shift.flagged}


def correct(shifts: Sequence[Shift]) -> list[Shift]:
    """Multiply p by the number of conditions tested at once (Bonferroni)."""
    return [replace(shift, p=min(1.0, shift.p * len(shifts))) for shift in shifts]


def _mean_of_largest(similar: Floats, count: int) -> Floats:
    largest: Floats = np.partition(similar, -count, axis=1)[:, -count:].mean(axis=1)
    return largest
