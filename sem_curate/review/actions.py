"""What a reviewer can do with one particle, as history events. Pure: no database, no FiftyOne."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sem_curate import schema
from sem_curate.errors import ConflictError, InputError, did_you_mean
from sem_curate.registry.fold import EventView, State, active_ids

ACCEPT = "accept"
LABEL = "label"
UNKNOWN = "unknown"
SKIP = "skip"
ACTIONS = (ACCEPT, LABEL, UNKNOWN, SKIP)


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

    Raises:
        InputError: unknown action, nothing to accept, no label chosen, no reviewer.
        ConflictError: somebody acted after what the reviewer saw.
    """
    if action not in ACTIONS:
        raise InputError(f"there is no action '{action}'.{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}")
    if not by.strip():
        raise InputError("a decision needs the name of its reviewer; set it in the panel or with SEM_CURATE_REVIEWER")
    if seen_seq is not None and seen_seq != state.seq:
        who = f" by {state.by}" if state.by else ""
        raise ConflictError(
            f"particle '{particle_id}' was changed{who} after you looked: now '{state.decision}'; look at it again"
        )
    decision, chosen = _outcome(particle_id, action, proposed, label_id)
    return EventView(
        event_id=request_id, particle_id=particle_id, seq=state.seq + 1, kind="decide", by=by, decision=decision,
        label_id=chosen, source=source, receipt_id=receipt_id, seconds=seconds,
    )  # fmt: skip


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


def undo_event(
    own: Sequence[EventView], histories: Mapping[str, Sequence[EventView]], *, by: str, request_id: str
) -> EventView | None:
    """Return the undo of the reviewer's newest decision that still stands, or None when there is none.

    Args:
        own: the reviewer's events, newest first.
        histories: all events of the particles they touch.
        by: the reviewer.
        request_id: unique per intention.

    Raises:
        ConflictError: when somebody else acted on that particle afterwards; undoing would take back their word too.
    """
    for event in own:
        events = histories.get(event.particle_id, ())
        active = active_ids(events)
        if event.kind != "decide" or event.event_id not in active:
            continue
        later = [other for other in events if other.seq > event.seq and other.event_id in active and other.by != by]
        if later:
            raise ConflictError(
                f"particle '{event.particle_id}' was changed by {later[-1].by} after your decision; "
                "open it and decide again instead"
            )
        newest = max(other.seq for other in events)
        return EventView(request_id, event.particle_id, newest + 1, "undo", by, undoes=event.event_id, source="app")
    return None
