"""From a particle's events to what is in force. Pure: no database, no FiftyOne."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sem_curate import schema


@dataclass(frozen=True)
class EventView:
    """One line of the history.

    ``kind`` is ``"decide"`` (``decision`` and ``label_id`` say what), ``"tag"`` (``tags`` is the complete list that a
    reviewer says is right for ``view``, whose pixels had the hash ``image``) or ``"undo"`` (``undoes`` names an event;
    ``view`` is set when that one is a tag correction). ``seq`` counts 1, 2, 3 ... within the particle. ``batch`` is
    shared by the events of one action on many views or particles, which are taken back together. ``"label"``,
    ``"master"``, ``"import"``, ``"audit"`` and ``"certificate"`` note what belongs to no particle (``particle_id`` is
    empty); ``details`` holds their counts.
    ``label_version`` and ``master_set_version`` are what a decision saw.
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
    view: str | None = None
    tags: tuple[str, ...] | None = None
    image: str | None = None
    batch: str | None = None
    label_version: int | None = None
    master_set_version: int | None = None
    previous: Mapping[str, Any] | None = field(default=None, hash=False)  # what was in force before
    details: Mapping[str, Any] | None = field(default=None, hash=False)
    chain: int | None = None  # number within the dataset's hash chain, once stored
    hash: str | None = None


@dataclass(frozen=True)
class TagState:
    """A reviewer's word about one view's quality tags; ``image`` is the content hash of the pixels it is about."""

    tags: tuple[str, ...]
    by: str
    at: datetime | None = None
    event_id: str = ""
    image: str | None = None

    def holds_for(self, content_hash: str | None) -> bool:
        """Tell whether the correction is about these pixels: a replaced image starts with its measured tags."""
        return self.image is None or self.image == content_hash


@dataclass(frozen=True)
class State:
    """What is in force for one particle; ``seq`` and ``last_by`` are of its newest event, 0 before the first.

    Decisions and tag corrections share one history and one ``seq``, and do not touch each other otherwise.
    """

    decision: str = schema.UNDECIDED
    label_id: str | None = None
    by: str | None = None
    at: datetime | None = None
    seq: int = 0
    event_id: str | None = None  # the decision in force
    reopened: bool = False  # somebody took a decision back last: no automatic step may decide again
    view_tags: Mapping[str, TagState] = field(default_factory=dict)  # corrections in force, by view
    last_by: str | None = None

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
    """Return the state in force: the last decision, and per view the last tag correction, that was not undone."""
    if not events:
        return State()
    ordered = sorted(events, key=lambda event: event.seq)
    newest, active, about = ordered[-1], active_ids(ordered), topics(ordered)
    about_decision = [event for event in ordered if about[event.event_id] is None]
    standing = [event for event in about_decision if event.kind == "decide" and event.event_id in active]
    decided = standing[-1] if standing else None
    return State(
        decision=(decided and decided.decision) or schema.UNDECIDED,
        label_id=decided.label_id if decided else None,
        by=decided.by if decided else None,
        at=decided.at if decided else None,
        seq=newest.seq,
        event_id=decided.event_id if decided else None,
        reopened=bool(about_decision) and about_decision[-1].kind == "undo",
        view_tags=_view_tags(event for event in ordered if event.event_id in active),
        last_by=newest.by,
    )


def standing(state: State, view: str | None = None) -> dict[str, Any]:
    """Return what an event notes as its previous state: the corrected tags of a view, or the decision."""
    if view is not None:
        found = state.view_tags.get(view)
        return {"tags": None if found is None else list(found.tags)}
    return {"decision": state.decision, "label_id": state.label_id}


def topics(events: Sequence[EventView]) -> dict[str, str | None]:
    """Return what each event is about: a view's tags (its name) or the particle's decision (None).

    An undo is about what the event at the end of its chain is about.

    >>> e = [EventView("a", "p", 1, "tag", "x", view="view1", tags=()), EventView("b", "p", 2, "undo", "x", undoes="a")]
    >>> topics(e)
    {'a': 'view1', 'b': 'view1'}
    """
    found: dict[str, str | None] = {}
    for event in sorted(events, key=lambda event: event.seq):
        found[event.event_id] = found.get(event.undoes or "") if event.kind == "undo" else event.view
    return found


def _view_tags(active: Iterable[EventView]) -> dict[str, TagState]:
    return {
        event.view: TagState(event.tags or (), event.by, event.at, event.event_id, event.image)
        for event in active
        if event.kind == "tag" and event.view
    }
