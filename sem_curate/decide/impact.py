"""Counting what differs between two sets of proposals or masters. Pure: no database, no FiftyOne."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SHOWN: Final = 200  # differing particles that a dry run names; all are counted

Proposed = Mapping[str, tuple[str | None, str]]


@dataclass(frozen=True)
class Flip:
    """A particle that would get another label (``before``/``after``) or another state."""

    particle_id: str
    before: str | None
    after: str | None
    state_before: str
    state_after: str

    @property
    def label_changes(self) -> bool:
        """Tell whether the nearest label changes, not only how certain it is."""
        return self.before != self.after


def flips(before: Proposed, after: Proposed, reads_as: Mapping[str, str]) -> tuple[Flip, ...]:
    """Return the particles that differ, those with another label first, in the order of ``before``.

    Args:
        before: ``{particle_id: (label_id, state)}``.
        after: the same particles.
        reads_as: label ids of ``before`` that are called otherwise in ``after``; that alone is no difference.

    >>> found = flips({"p": ("a", "auto"), "q": ("b", "auto")}, {"p": ("c", "auto"), "q": ("b", "review")}, {"a": "c"})
    >>> [(one.particle_id, one.label_changes) for one in found]
    [('q', False)]
    """
    found = []
    for particle_id, (label_id, state) in before.items():
        known = None if label_id is None else reads_as.get(label_id, label_id)
        new, now = after[particle_id]
        if (known, state) != (new, now):
            found.append(Flip(particle_id, known, new, state, now))
    return tuple(sorted(found, key=lambda flip: not flip.label_changes))


def flips_json(found: Sequence[Flip], names: Mapping[str, str]) -> dict[str, Any]:
    """Return how many differ, in which way, and the first of them.

    Args:
        found: from :func:`flips`.
        names: display names by label id.
    """

    def called(label_id: str | None) -> str | None:
        return None if label_id is None else names.get(label_id, label_id)

    moves = Counter((called(one.before), called(one.after)) for one in found if one.label_changes)
    return {
        "count": sum(moves.values()),
        "other_state": sum(not one.label_changes for one in found),
        "moves": [{"from": old, "to": new, "particles": n} for (old, new), n in moves.most_common()],
        "changed": [
            {
                "particle_id": one.particle_id, "from": one.before, "to": one.after, "from_name": called(one.before),
                "to_name": called(one.after), "state_from": one.state_before, "state_to": one.state_after,
            }
            for one in found[:SHOWN]
        ],
    }  # fmt: skip


def compare_masters(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return which masters were added, removed, or put under another label.

    >>> compare_masters({"p": "a", "q": "a"}, {"q": "b", "r": "a"})["relabelled"]
    [{'particle_id': 'q', 'from': 'a', 'to': 'b'}]
    """

    def rows(keys: set[str], masters: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"particle_id": key, "label_id": masters[key]} for key in sorted(keys)]

    both = sorted(set(before) & set(after))
    return {
        "added": rows(set(after) - set(before), after),
        "removed": rows(set(before) - set(after), before),
        "relabelled": [
            {"particle_id": key, "from": before[key], "to": after[key]} for key in both if before[key] != after[key]
        ],
    }
