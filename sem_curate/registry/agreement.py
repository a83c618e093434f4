"""Several independent reviewers of one particle: whose word counts, and who is still asked. Pure.

The first ``wanted`` reviewers who agree settle a particle; when the first ones disagree, further ones are asked. Since
the answer that settles it is the newest, it is also the decision in force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sem_curate import schema
from sem_curate.registry.fold import EventView, active_ids

Answer = tuple[str | None, str | None]  # decision, label id
AUTOMATIC = ("propose",)
INDEPENDENT: Final = "independent_reviewers"  # setting of a dataset: how many must agree on a boundary sample
BOUNDARY: Final = ("close_candidates",)  # review reasons that make a boundary sample


@dataclass(frozen=True)
class Agreement:
    """What reviewers said about one particle: their newest answer each, and the settled one, if any."""

    votes: dict[str, Answer]
    settled: Answer | None

    @property
    def disputed(self) -> bool:
        """Tell whether they gave different answers and none is settled."""
        return self.settled is None and len(set(self.votes.values())) > 1

    def asks(self, reviewer: str) -> bool:
        """Tell whether this reviewer's word is still wanted."""
        return self.settled is None and reviewer not in self.votes


def agreement(
    events: Sequence[EventView], wanted: int, reads_as: Mapping[str, str] | None = None
) -> Agreement:  # fmt: skip
    """Count the answers that stand: one per reviewer, no skips, nothing automatic, nothing taken back.

    Args:
        events: a particle's history.
        wanted: how many must agree, at least 1.
        reads_as: ``{label id: id that it is read as now}``: a merge makes two answers one.

    >>> one = EventView("a", "p", 1, "decide", "x", "confirmed", "l")
    >>> two = EventView("b", "p", 2, "decide", "y", "confirmed", "m")
    >>> found = agreement([one, two], 2)
    >>> found.disputed, found.asks("z"), found.asks("x")
    (True, True, False)
    """
    active = active_ids(events)
    votes: dict[str, Answer] = {}
    for event in sorted(events, key=lambda one: one.seq):
        answered = event.kind == "decide" and event.decision in (schema.CONFIRMED, schema.UNKNOWN)
        if answered and event.event_id in active and event.source not in AUTOMATIC:
            label = event.label_id or ""
            votes[event.by] = (event.decision, (reads_as or {}).get(label, label) or None)
    (answer, count), *_ = Counter(votes.values()).most_common(1) or [((None, None), 0)]
    return Agreement(votes, answer if count >= wanted else None)


def wanted_in(settings: Mapping[str, Any]) -> int:
    """Return how many reviewers must agree on a boundary sample; 1 means that one reviewer's word is enough."""
    return max(1, int(settings.get(INDEPENDENT) or 1))


def verdict(
    events: Sequence[EventView], wanted: int, reads_as: Mapping[str, str] | None = None
) -> str | None:  # fmt: skip
    """Return what came of asking several reviewers: ``schema.REVIEWERS_*``; None where no other one was asked."""
    found = agreement(events, wanted, reads_as)
    if wanted < 2 or not found.votes:
        return None
    if found.settled is not None:
        return schema.REVIEWERS_AGREE
    return schema.REVIEWERS_DISAGREE if found.disputed else schema.REVIEWERS_WAITING
