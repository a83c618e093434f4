"""Taking back changes that belong to no particle: of labels and of master sets. Each is a new change, noted as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import label_log, masters, records
from sem_curate.registry.fold import EventView

# What cannot be taken back, why, and what to do instead.
_FOR_GOOD: Final[Mapping[str, str]] = {
    "import": "the images it read may have been measured, embedded and decided since; correct the files and ingest "
    "them again, or delete the particles in FiftyOne",
    "audit": "leaving audits out after seeing their result would break what a certificate promises; draw further ones",
    "certificate": "every look at the audits counts, whatever came of it; change its status with: sem-curate "
    "certificate revoke, or reinstate",
    "seal": "it holds the hash of what is older than the chain",
}
LABEL: Final = "label"
MASTER: Final = "master"


def why_not(target: EventView) -> str:
    """Return why an event that belongs to no particle cannot be taken back, and what to do instead."""
    because = _FOR_GOOD.get(target.kind, "it belongs to no particle")
    return f"events of the kind '{target.kind}' cannot be undone this way, because {because}"


def reverse(dataset_id: str, target: EventView, *, by: str, request_id: str) -> EventView:
    """Take back one change of labels or masters; the result is the event of the reversing change.

    Raises:
        InputError: it cannot be taken back.
        ConflictError: what it changed was changed again afterwards.
    """
    return _HOW[target.kind](dataset_id, target, by, request_id)


def _label(dataset_id: str, target: EventView, by: str, request_id: str) -> EventView:
    made = label_log.roll_back(target.source, by=by, reason=f"undo of {target.event_id}", request_id=request_id)
    wanted = f"label:{made['change_id']}:{dataset_id}"
    return next(event for event in records.of_dataset(dataset_id) if event.event_id == wanted)


def _masters(dataset_id: str, target: EventView, by: str, request_id: str) -> EventView:
    if target.event_id.startswith("pin:"):
        raise InputError("pinning a master set is not taken back by an undo; pin another one, or none")
    if not target.source.isdigit() or int(target.source) < 1:
        raise InputError(f"event '{target.event_id}' does not name its master set and cannot be taken back")
    number = int(target.source)
    old, new = masters.at_version(dataset_id, number - 1).masters, masters.at_version(dataset_id, number).masters
    now = masters.current(dataset_id).masters
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    event_id = f"undo:{request_id}"
    done = [event for event in records.of_dataset(dataset_id) if event.event_id == event_id]
    if done:
        return done[0]
    touched = sorted(key for key in changed if now.get(key) != new.get(key) and now.get(key) != old.get(key))
    if touched:
        raise ConflictError(
            f"{len(touched)} of {len(changed)} masters were changed again after master set {number} "
            f"(e.g. '{touched[0]}'); take those changes back first"
        )
    made = masters.change(
        dataset_id, add={key: old[key] for key in changed if key in old}, by=by,
        remove=[key for key in changed if key not in old], reason=f"undo of master set {number}",
    )  # fmt: skip
    return records.record(
        dataset_id, event_id, MASTER, by=by, note=f"master set {made.version} takes back master set {number}",
        source=str(made.version),
    )  # fmt: skip


_HOW: Final[Mapping[str, Callable[[str, EventView, str, str], EventView]]] = {LABEL: _label, MASTER: _masters}
KINDS: Final = frozenset(_HOW)
