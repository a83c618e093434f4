"""What a reviewer can do with one particle, as history events. Pure: no database, no FiftyOne."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from sem_curate import schema
from sem_curate.errors import ConflictError, InputError, did_you_mean
from sem_curate.quality.gate import TAGS
from sem_curate.registry.fold import EventView, State, active_ids, fold, standing, topics

ACCEPT = "accept"
LABEL = "label"
UNKNOWN = "unknown"
SKIP = "skip"
ACTIONS = (ACCEPT, LABEL, UNKNOWN, SKIP)

UNREADABLE = "unreadable"  # a fact about the file, not a judgement: nobody sets or removes it
CHOOSABLE = tuple(tag for tag in TAGS if tag != UNREADABLE)


def decision_event(
    particle_id: str,
    action: str,
    state: State,
    *,
    proposed: str | None,
    label_id: str | None,
    by: str,
    request_id: str,
    receipt_id: str | None = None,
    seen_seq: int | None = None,
    source: str = "app",
    seconds: float | None = None,
    batch: str | None = None,
) -> EventView:
    """Return the event that an action stands for.

    Args:
        particle_id: which particle.
        action: one of :data:`ACTIONS`.
        state: what is in force now.
        proposed: label id of the current proposal, what ``accept`` accepts.
        label_id: label id chosen with ``label``.
        by: the reviewer.
        request_id: unique per intention; a repeated request becomes the same event.
        receipt_id: the proposal the reviewer saw.
        seen_seq: the newest event the reviewer saw; None skips the check.
        source: where the action came from.
        seconds: how long the reviewer looked.
        batch: of one action on many particles.

    Raises:
        InputError: unknown action, nothing to accept, no label chosen, no reviewer.
        ConflictError: somebody acted after what the reviewer saw.
    """
    if action not in ACTIONS:
        raise InputError(f"there is no action '{action}'.{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}")
    _check(particle_id, state, by, seen_seq)
    decision, chosen = _outcome(particle_id, action, proposed, label_id)
    return EventView(
        event_id=request_id, particle_id=particle_id, seq=state.seq + 1, kind="decide", by=by, decision=decision,
        label_id=chosen, source=source, receipt_id=receipt_id, seconds=_seconds(seconds), batch=batch,
        previous=standing(state),
    )  # fmt: skip


def _seconds(given: float | None) -> float | None:
    """Return a time that can be stored: a clock that was set back tells nothing."""
    return float(given) if given is not None and math.isfinite(given) and given >= 0 else None


def _outcome(particle_id: str, action: str, proposed: str | None, label_id: str | None) -> tuple[str, str | None]:
    if action == ACCEPT:
        if proposed is None:
            raise InputError(f"particle '{particle_id}' has no proposal to accept; choose a label instead")
        return schema.CONFIRMED, proposed
    if action == LABEL:
        if not label_id:
            raise InputError("choose a label first")
        return schema.CONFIRMED, label_id
    return (schema.UNKNOWN, None) if action == UNKNOWN else (schema.SKIPPED, None)


def tag_event(
    particle_id: str,
    view: str,
    tags: Sequence[str],
    state: State,
    *,
    by: str,
    request_id: str,
    image: str | None = None,
    seen_seq: int | None = None,
    source: str = "app",
    batch: str | None = None,
) -> EventView:
    """Return the event that says which quality tags are right for a view.

    Args:
        particle_id: which particle.
        view: which of its views.
        tags: the complete list; empty when nothing is wrong with the view.
        state: what is in force now.
        by: the reviewer.
        request_id: unique per intention; a repeated request becomes the same event.
        image: content hash of the pixels that the reviewer saw.
        seen_seq: the newest event the reviewer saw; None skips the check.
        source: where the correction came from.
        batch: of one action on many views.

    Raises:
        InputError: an unknown tag, one that cannot be chosen, no reviewer.
        ConflictError: somebody acted after what the reviewer saw.
    """
    chosen = checked_tags(tags)
    _check(particle_id, state, by, seen_seq)
    return EventView(
        event_id=request_id, particle_id=particle_id, seq=state.seq + 1, kind="tag", by=by, source=source,
        view=view, tags=chosen, image=image, batch=batch, previous=standing(state, view),
    )  # fmt: skip


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags in the order of ``gate.TAGS``, each once.

    Raises:
        InputError: for a tag that does not exist or cannot be chosen.
    """
    chosen = set(tags)
    if UNREADABLE in chosen:
        raise InputError(
            f"'{UNREADABLE}' says that the file could not be read and cannot be set by hand; use 'no_particle' for a "
            "view that shows nothing"
        )
    unknown = sorted(chosen - set(CHOOSABLE))
    if unknown:
        raise InputError(
            f"{len(unknown)} unknown quality tag(s) (e.g. '{unknown[0]}').{did_you_mean(unknown[0], CHOOSABLE)} "
            f"Known: {', '.join(CHOOSABLE)}"
        )
    return tuple(tag for tag in TAGS if tag in chosen)


def changed_tags(before: Iterable[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> tuple[str, ...]:
    """Return ``before`` with some tags added and others removed; a tag in both is a contradiction.

    >>> changed_tags(["noise"], add=["blur"], remove=["noise", "drift"])
    ('blur',)
    """
    added, removed = set(checked_tags(add)), set(checked_tags(remove))
    if added & removed:
        raise InputError(f"'{min(added & removed)}' is both to be added and to be removed; choose one")
    return checked_tags((set(before) | added) - removed)


def _check(particle_id: str, state: State, by: str, seen_seq: int | None) -> None:
    """Refuse an act without a name, or about something that changed since the reviewer looked."""
    if not by.strip():
        raise InputError("a decision needs the name of its reviewer; set it in the panel or with SEM_CURATE_REVIEWER")
    if seen_seq is not None and seen_seq != state.seq:
        who = state.last_by or state.by
        raise ConflictError(
            f"particle '{particle_id}' was changed{f' by {who}' if who else ''} after you looked: "
            f"now '{state.decision}'; look at it again"
        )


def newest_standing(own: Sequence[EventView], histories: Mapping[str, Sequence[EventView]]) -> EventView | None:
    """Return the first decision or tag correction that was not taken back, or None.

    Args:
        own: a reviewer's events, newest first.
        histories: all events of the particles they touch.
    """
    for event in own:
        if event.kind != "undo" and event.event_id in active_ids(histories.get(event.particle_id, ())):
            return event
    return None


def undo_events(
    targets: Sequence[EventView], histories: Mapping[str, Sequence[EventView]], *, by: str, request_id: str
) -> tuple[list[EventView], list[str]]:
    """Return the undos of the targets that still stand, and why others have to stay.

    A target stays when somebody else acted on the same afterwards, the particle's decision or that view's tags: undoing
    it would take back their word too.

    Args:
        targets: one event, or all of a batch.
        histories: all events of the particles they touch.
        by: the reviewer.
        request_id: unique per intention.
    """
    made: list[EventView] = []
    refused: list[str] = []
    taken: dict[str, int] = {}
    for target in targets:
        events = histories.get(target.particle_id, ())
        active = active_ids(events)
        if target.event_id not in active:
            continue
        later = _later_by_others(target, events, active)
        if later:
            refused.append(_changed_since(target, later[-1].by))
            continue
        seq = taken.get(target.particle_id) or max(event.seq for event in events)
        taken[target.particle_id] = seq + 1
        made.append(
            EventView(
                request_id if target.batch is None else f"{request_id}:{target.event_id}", target.particle_id, seq + 1,
                "undo", by, undoes=target.event_id, source="app", view=target.view,
                batch=request_id if target.batch else None, previous=standing(fold(events), target.view),
            )
        )  # fmt: skip
    return made, refused


def _changed_since(event: EventView, who: str) -> str:
    if event.view:
        return (
            f"the tags of {event.view} of particle '{event.particle_id}' were changed by {who} after your correction; "
            "open it and correct them again instead"
        )
    return f"particle '{event.particle_id}' was changed by {who} after your decision; open it and decide again instead"


def _later_by_others(event: EventView, events: Sequence[EventView], active: Collection[str]) -> list[EventView]:
    about = topics(events)
    return [
        other
        for other in events
        if other.seq > event.seq
        and other.kind != "undo"  # whoever took their own word back leaves ours as it was
        and other.event_id in active
        and other.by != event.by
        and about[other.event_id] == about[event.event_id]
    ]
