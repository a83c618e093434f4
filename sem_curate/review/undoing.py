"""Taking back a reviewer's newest action in the history: one event, or all events of an action on many."""

from __future__ import annotations

from dataclasses import dataclass

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import history, reversing
from sem_curate.registry.fold import EventView
from sem_curate.review import actions

PAGE = 50  # events looked at first; four times as many each time that all of them were taken back already


@dataclass(frozen=True)
class TakenBack:
    """What was taken back: at least one undo, and how many events had to stay because others acted afterwards."""

    events: tuple[EventView, ...]
    kept: int


def take_back(dataset_id: str, *, by: str, request_id: str) -> TakenBack | None:
    """Store the undo of the reviewer's newest action that still stands; None when there is none.

    The same ``request_id`` again goes on with the same action: it finishes what a killed process began, and changes
    nothing when all was done.

    Raises:
        ConflictError: somebody else acted on all of it afterwards.
    """
    done = _earlier_try(dataset_id, request_id)
    target = history.get(dataset_id, done[0].undoes or "") if done else _newest_standing(dataset_id, by)
    return None if target is None else _take_back(dataset_id, target, done, by, request_id)


def take_back_event(dataset_id: str, event_id: str, *, by: str, request_id: str) -> TakenBack:
    """Store the undo of any event, of whomever: a decision, a tag correction, a change of labels or masters, an undo.

    Of an action on many all events are taken back. Taking back an undo puts back what it took away.

    Raises:
        InputError: there is no such event, it cannot be taken back, or nobody is named.
        ConflictError: it was taken back already, or somebody else acted on the same afterwards.
    """
    if not by.strip():
        raise InputError("an undo needs the name of its reviewer; set it with --by or SEM_CURATE_REVIEWER")
    target = history.get(dataset_id, event_id)
    if target is None:
        raise InputError(f"there is no event '{event_id}'; list them with: sem-curate history list --dataset NAME")
    if target.kind in reversing.KINDS:
        return TakenBack((reversing.reverse(dataset_id, target, by=by, request_id=request_id),), 0)
    if not target.particle_id:
        raise InputError(reversing.why_not(target))
    taken = _take_back(dataset_id, target, _earlier_try(dataset_id, request_id), by, request_id)
    if taken is None:
        raise ConflictError(f"event '{event_id}' was taken back already; undo that undo to put it back")
    return taken


def _take_back(
    dataset_id: str, target: EventView, done: list[EventView], by: str, request_id: str
) -> TakenBack | None:  # fmt: skip
    if target.batch is None:
        return TakenBack((done[0] if done else _take_back_one(dataset_id, target, by, request_id),), 0)
    whole = history.of_batch(dataset_id, target.batch)
    histories = history.of_particles(dataset_id, {event.particle_id for event in whole})
    made, refused = actions.undo_events(whole, histories, by=by, request_id=request_id)
    stored = history.append_many(made, dataset_id)
    if refused and not (done or stored):
        raise ConflictError(refused[0])
    return TakenBack((*done, *stored), len(refused) + len(made) - len(stored)) if done or stored else None


def _take_back_one(dataset_id: str, target: EventView, by: str, request_id: str) -> EventView:
    histories = history.of_particles(dataset_id, [target.particle_id])
    made, refused = actions.undo_events([target], histories, by=by, request_id=request_id)
    if not made:
        raise ConflictError(refused[0] if refused else f"event '{target.event_id}' was taken back already")
    return history.append(made[0], dataset_id)


def _earlier_try(dataset_id: str, request_id: str) -> list[EventView]:
    single = history.get(dataset_id, request_id)
    found = [single] if single else history.of_batch(dataset_id, request_id)
    return [event for event in found if event.kind == "undo"]


def _newest_standing(dataset_id: str, by: str) -> EventView | None:
    skip, page = 0, PAGE
    while own := history.newest_of(dataset_id, by, limit=page, skip=skip):
        histories = history.of_particles(dataset_id, {event.particle_id for event in own})
        found = actions.newest_standing(own, histories)
        if found is not None:
            return found
        skip, page = skip + page, page * 4
    return None
