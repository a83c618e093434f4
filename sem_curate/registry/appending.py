"""Storing events at the end of a dataset's hash chain, with many processes doing so at once.

No counter and no lock, so that a killed process leaves nothing behind that others would wait for: whoever appends reads
the newest link and inserts the next number, which a unique index gives to one of them only; the others read again.
What is acknowledged is in the journal; the journal is in order, so every earlier link is in it too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pymongo.errors import BulkWriteError, DuplicateKeyError

from sem_curate.errors import ConflictError
from sem_curate.registry import chain
from sem_curate.registry.chain import Head
from sem_curate.registry.connection import journaled
from sem_curate.registry.documents import DatasetRecord, Event, now

CHUNK: Final = 1000
NO_PARTICLE: Final = ""
SEAL: Final = "seal"
NOTED_EVERY: Final = 32  # links between two notes of the head in the dataset's record
PATIENCE: Final = 60.0  # seconds; each lost try means that somebody else's event was stored
LINKED: Final = {chain.NUMBER: {"$gt": 0}}  # in the words of the partial index
UNLINKED: Final = {chain.NUMBER: None}

Row = dict[str, Any]


def append_one(row: Row, dataset_id: str) -> Row | None:
    """Store one event; None when its id or its place in the particle's history is taken.

    Raises:
        ConflictError: too many write at once.
    """
    for _ in _tries():
        (made,), head = chain.linked([row], head_of(dataset_id))
        try:
            journaled(Event).insert_one(made)
        except DuplicateKeyError as error:
            if _lost_the_number(error.details or {}):
                continue
            return None
        _note(dataset_id, head, before=head.number - 1)
        return made
    raise ConflictError("the history is being written by too many at once; try again")


def append_rows(rows: Sequence[Row], dataset_id: str) -> list[int]:
    """Store many events in blocks; returns the indexes of those that were stored.

    Those whose id or place is taken are left out. A block that is interrupted goes on where it stopped.
    """
    stored: list[int] = []
    for start in range(0, len(rows), CHUNK):
        block = rows[start : start + CHUNK]
        left = _free(block, dataset_id)
        stored += [start + at for at in _append_block(block, left, dataset_id)]
    return stored


def head_of(dataset_id: str) -> Head:
    """Return the newest link; seals what is older than the chain the first time."""
    found = Event._get_collection().find_one(
        {"dataset_id": dataset_id, **LINKED}, {chain.NUMBER: 1, chain.HASH: 1}, sort=[(chain.NUMBER, -1)]
    )
    if found is not None:
        return Head(found[chain.NUMBER], found[chain.HASH])
    older = Event._get_collection().find_one({"dataset_id": dataset_id, **UNLINKED}, {"_id": 1})
    return Head() if older is None else _seal(dataset_id)


def unlinked_rows(dataset_id: str) -> Iterator[Row]:
    """Yield the events from before the chain, in a fixed order."""
    query = {"dataset_id": dataset_id, **UNLINKED}
    yield from Event._get_collection().find(query).sort([("particle_id", 1), ("seq", 1)])


def linked_rows(dataset_id: str) -> Iterator[Row]:
    """Yield the events of the chain in its order."""
    yield from Event._get_collection().find({"dataset_id": dataset_id, **LINKED}).sort(chain.NUMBER, 1)


def _seal(dataset_id: str) -> Head:
    """Make the first link of a history that is older than the chain: one event that holds the hash of all before it."""
    count, digest = chain.digest(unlinked_rows(dataset_id))
    newest = Event._get_collection().find_one(
        {"dataset_id": dataset_id, "particle_id": NO_PARTICLE}, {"seq": 1}, sort=[("seq", -1)]
    )
    seal = {
        "_id": f"seal:{dataset_id}", "dataset_id": dataset_id, "particle_id": NO_PARTICLE,
        "seq": (newest["seq"] if newest else 0) + 1, "kind": SEAL, "by": "sem-curate", "at": now(),
        "source": "chain", "note": f"{count} events from before the hash chain",
        "details": {"count": count, "digest": digest}, "mirrored": True,
    }  # fmt: skip
    (made,), _ = chain.linked([seal], Head())
    try:
        journaled(Event).insert_one(made)
    except DuplicateKeyError:  # another process was faster
        return head_of(dataset_id)
    return Head(1, made[chain.HASH])


def _append_block(block: Sequence[Row], left: list[int], dataset_id: str) -> list[int]:
    stored: list[int] = []
    for _ in _tries():
        if not left:
            return stored
        before = head_of(dataset_id)
        made, head = chain.linked([block[at] for at in left], before)
        try:
            journaled(Event).insert_many(made, ordered=True)
        except BulkWriteError as error:
            failure = error.details["writeErrors"][0]
            at = int(failure["index"])
            stored += left[:at]
            left = left[at:] if _lost_the_number(failure) else left[at + 1 :]
            continue
        _note(dataset_id, head, before=before.number)
        return stored + left
    raise ConflictError(f"{len(stored)} events were stored, {len(left)} were not: too many write at once; try again")


def _free(block: Sequence[Row], dataset_id: str) -> list[int]:
    """Return the indexes of rows whose id and place are free, so that a retried bulk does not stop at each of them."""
    particles = sorted({row["particle_id"] for row in block})
    query = {"dataset_id": dataset_id, "particle_id": {"$in": particles}}
    ids, places = set(), set()
    for found in Event._get_collection().find(query, {"particle_id": 1, "seq": 1}):
        ids.add(found["_id"])
        places.add((found["particle_id"], found["seq"]))
    free = []
    for index, row in enumerate(block):
        place = (row["particle_id"], row["seq"])
        if row["_id"] not in ids and place not in places:
            free.append(index)
            ids.add(row["_id"])
            places.add(place)
    return free


def _lost_the_number(failure: Mapping[str, Any]) -> bool:
    return chain.NUMBER in (failure.get("keyPattern") or {})


def _note(dataset_id: str, head: Head, *, before: int) -> None:
    """Note the head in the dataset's record now and then: an end that was cut off shows. Never goes back."""
    if head.number // NOTED_EVERY == before // NOTED_EVERY:
        return
    note_head(dataset_id, head)


def note_head(dataset_id: str, head: Head) -> None:
    """Note a head that was just stored or verified."""
    DatasetRecord._get_collection().update_one(
        {"_id": dataset_id, "chain_head.number": {"$not": {"$gte": head.number}}},
        {"$set": {"chain_head": {"number": head.number, "hash": head.hash}}},
    )


def _tries() -> Iterator[int]:
    """Yield until patience is spent, with a growing random pause: of several writers one always gets on."""
    deadline, attempt = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        yield attempt
        attempt += 1
        time.sleep(random.uniform(0, min(0.001 * attempt, 0.02)))  # no secret depends on it
