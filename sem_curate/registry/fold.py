"""From a particle's events to what is in force. Pure: no database, no FiftyOne."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sem_curate import schema


@dataclass(frozen=True)
class EventView:
    """One line of the history.

    ``kind`` is ``"decide"`` (``decision`` and ``label_id`` say what) or ``"undo"`` (``undoes`` names an event).
    ``seq`` counts 1, 2, 3 ... within the particle.
    """

    event_id: str
    particle_id: str
    seq: int
    kind: str
    by: str
    decision: str | None = None
    label_id: str | None = None
    undoes: str | None = None
    at: datetime | None = None
    source: str = ""
    receipt_id: str | None = None
    seconds: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class State:
    """What is in force for one particle; ``seq`` is its newest event, 0 before the first."""

    decision: str = schema.UNDECIDED
    label_id: str | None = None
    by: str | None = None
    at: datetime | None = None
    seq: int = 0
    event_id: str | None = None  # the decision in force
    reopened: bool = False  # the newest event is somebody's undo: no automatic step may decide again

    @property
    def by_person(self) -> bool:
        """Tell whether a person's word is in force, which no automatic step may overwrite."""
        return self.decision in (schema.CONFIRMED, schema.UNKNOWN)


def active_ids(events: Sequence[EventView]) -> set[str]:
    """Return the ids of events that no later, itself active, undo cancels.

    >>> e = [EventView("a", "p", 1, "decide", "x"), EventView("b", "p", 2, "undo", "x", undoes="a"),
    ...      EventView("c", "p", 3, "undo", "x", undoes="b")]
    >>> sorted(active_ids(e))
    ['a', 'c']
    """
    cancelled: set[str] = set()
    active: set[str] = set()
    for event in sorted(events, key=lambda event: event.seq, reverse=True):
        if event.event_id in cancelled:
            continue
        active.add(event.event_id)
        if event.kind == "undo" and event.undoes:
            cancelled.add(event.undoes)
    return active


def fold(events: Sequence[EventView]) -> State:
    """Return the state in force: the last decision that was not undone."""
    if not events:
        return State()
    newest = max(events, key=lambda event: event.seq)
    last_seq, reopened = newest.seq, newest.kind == "undo"
    active = active_ids(events)
    for event in sorted(events, key=lambda event: event.seq, reverse=True):
        if event.kind == "decide" and event.event_id in active:
            decision = event.decision or schema.UNDECIDED
            return State(decision, event.label_id, event.by, event.at, last_seq, event.event_id, reopened)
    return State(seq=last_seq, reopened=reopened)
