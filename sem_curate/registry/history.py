"""The append-only history of decisions and tag corrections.

What happened is stored; what is in force is computed by :mod:`fold`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateMany, UpdateOne

from sem_curate.errors import ConflictError
from sem_curate.registry import appending
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import Event, Receipt, ensure_indexes, now
from sem_curate.registry.fold import EventView, State, TagState, fold
from sem_curate.registry.seen import with_versions

CHUNK = 1000


def append(event: EventView, dataset_id: str) -> EventView:
    """Store one event and wait until it is in the server's journal.

    Storing the same event id again returns the stored event: a retry after a crash or a double click is harmless.

    Raises:
        ConflictError: another event took this place in the particle's history first.
    """
    connect()
    ensure_indexes()
    event = with_versions([event], dataset_id)[0]
    made = appending.append_one(_document(event, dataset_id, now()), dataset_id)
    if made is None:
        query = {"_id": event.event_id, "dataset_id": dataset_id, "particle_id": event.particle_id}
        if stored := Event._get_collection().find_one(query):
            return from_raw(stored)
        raise ConflictError(
            f"particle '{event.particle_id}' was changed by somebody else in the meantime; look at it again"
        )
    return event


def append_many(events: Sequence[EventView], dataset_id: str) -> list[EventView]:
    """Store many events; those whose place was taken in the meantime are left out of the result."""
    connect()
    ensure_indexes()
    events = with_versions(events, dataset_id)
    moment = now()
    stored = appending.append_rows([_document(event, dataset_id, moment) for event in events], dataset_id)
    return [events[index] for index in stored]


def of_particles(dataset_id: str, particle_ids: Collection[str]) -> dict[str, list[EventView]]:
    """Return each particle's events, oldest first; particles without events have no entry."""
    connect()
    found: dict[str, list[EventView]] = {}
    ids = list(particle_ids)
    for start in range(0, len(ids), CHUNK):
        query = {"dataset_id": dataset_id, "particle_id": {"$in": ids[start : start + CHUNK]}}
        for document in Event._get_collection().find(query).sort([("particle_id", 1), ("seq", 1)]):
            found.setdefault(document["particle_id"], []).append(from_raw(document))
    return found


def states(dataset_id: str, particle_ids: Collection[str]) -> dict[str, State]:
    """Return what is in force for each particle that has a history."""
    return {key: fold(events) for key, events in of_particles(dataset_id, particle_ids).items()}


def view_tags(dataset_id: str, particle_ids: Collection[str] | None = None) -> dict[str, dict[str, TagState]]:
    """Return the tag corrections in force, ``{particle_id: {view: correction}}``; particles without one have no entry.

    A correction is about the pixels that its reviewer saw: check ``TagState.holds_for(content_hash)``.

    Args:
        dataset_id: whose.
        particle_ids: of these particles; None means all.
    """
    connect()
    query: dict[str, Any] = {"dataset_id": dataset_id, "kind": "tag"}
    if particle_ids is not None:
        query["particle_id"] = {"$in": list(particle_ids)}
    corrected = Event._get_collection().distinct("particle_id", query)
    found = {key: dict(state.view_tags) for key, state in states(dataset_id, corrected).items()}
    return {key: views for key, views in found.items() if views}


def newest_of(dataset_id: str, by: str, *, limit: int = 50, skip: int = 0) -> list[EventView]:
    """Return a reviewer's decisions and corrections, newest first; undos are left out."""
    connect()
    query = {"dataset_id": dataset_id, "by": by, "kind": {"$in": ["decide", "tag"]}}
    found = Event._get_collection().find(query).sort([("at", -1), ("seq", -1), ("_id", -1)]).skip(skip).limit(limit)
    return [from_raw(document) for document in found]


def newest(dataset_id: str, *, limit: int = 20) -> list[tuple[EventView, int]]:
    """Return the newest actions of a dataset, newest first: one of the events of each, and how many they are."""
    connect()
    found: list[EventView] = []
    batches: set[str] = set()
    for document in Event._get_collection().find({"dataset_id": dataset_id}).sort([("at", -1), ("seq", -1)]):
        if len(found) == limit:
            break
        event = from_raw(document)
        if event.batch not in batches:
            found.append(event)
        if event.batch:
            batches.add(event.batch)
    return [(event, _size(dataset_id, event.batch) if event.batch else 1) for event in found]


def _size(dataset_id: str, batch: str) -> int:
    return int(Event._get_collection().count_documents({"dataset_id": dataset_id, "batch": batch}))


def get(dataset_id: str, event_id: str) -> EventView | None:
    """Return one event, or None."""
    connect()
    found = Event._get_collection().find_one({"_id": event_id, "dataset_id": dataset_id})
    return from_raw(found) if found else None


def of_batch(dataset_id: str, batch: str) -> list[EventView]:
    """Return the events of one action on many, in the order of their particles."""
    connect()
    query = {"dataset_id": dataset_id, "batch": batch}
    found = Event._get_collection().find(query).sort([("particle_id", 1), ("seq", 1)])
    return [from_raw(document) for document in found]


def unmirrored(dataset_id: str) -> list[str]:
    """Return the particles whose newest events have not reached the FiftyOne fields."""
    connect()
    query = {"dataset_id": dataset_id, "mirrored": False}
    return sorted(Event._get_collection().distinct("particle_id", query))


def unmirrored_tags(dataset_id: str, particle_ids: Collection[str]) -> set[str]:
    """Return which of the particles have tag corrections, or undos of one, that the fields do not show yet."""
    connect()
    query = {"dataset_id": dataset_id, "particle_id": {"$in": list(particle_ids)}, "mirrored": False}
    return set(Event._get_collection().distinct("particle_id", {**query, "view": {"$ne": None}}))


def all_particles(dataset_id: str) -> list[str]:
    """Return every particle that has a history."""
    connect()
    return sorted(Event._get_collection().distinct("particle_id", {"dataset_id": dataset_id}))


def mark_mirrored(dataset_id: str, seen: dict[str, int]) -> None:
    """Note that the fields show the events up to ``{particle_id: seq}``; later ones stay open."""
    operations = [
        UpdateMany(
            {"dataset_id": dataset_id, "particle_id": particle_id, "seq": {"$lte": seq}, "mirrored": False},
            {"$set": {"mirrored": True}},
        )
        for particle_id, seq in seen.items()
    ]
    if operations:
        Event._get_collection().bulk_write(operations, ordered=False)


def save_receipts(receipts: Iterable[dict[str, Any]], dataset_id: str) -> None:
    """Store receipts, ``{"receipt_id", "particle_id", "content"}``; an identical one only gets a new ``last_at``."""
    connect()
    moment = now()
    operations = [
        UpdateOne(
            {"_id": receipt["receipt_id"]},
            {
                "$setOnInsert": {
                    "dataset_id": dataset_id,
                    "particle_id": receipt["particle_id"],
                    "content": receipt["content"],
                    "first_at": moment,
                },
                "$set": {"last_at": moment},
            },
            upsert=True,
        )
        for receipt in receipts
    ]
    if operations:
        Receipt._get_collection().bulk_write(operations, ordered=False)


def get_receipt(receipt_id: str) -> dict[str, Any] | None:
    """Return a receipt's content, or None."""
    connect()
    found = Receipt._get_collection().find_one({"_id": receipt_id})
    return dict(found["content"]) if found else None


def get_receipts(receipt_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return ``{receipt_id: content}`` of those that exist."""
    connect()
    found = Receipt._get_collection().find({"_id": {"$in": list(receipt_ids)}})
    return {str(row["_id"]): dict(row["content"]) for row in found}


def _document(event: EventView, dataset_id: str, moment: datetime) -> dict[str, Any]:
    return {
        "_id": event.event_id, "dataset_id": dataset_id, "particle_id": event.particle_id, "seq": event.seq,
        "kind": event.kind, "decision": event.decision, "label_id": event.label_id, "undoes": event.undoes,
        "by": event.by, "at": event.at or moment, "source": event.source, "receipt_id": event.receipt_id,
        "seconds": event.seconds, "note": event.note, "view": event.view,
        "tags": None if event.tags is None else list(event.tags), "image": event.image, "batch": event.batch,
        "label_version": event.label_version, "master_set_version": event.master_set_version,
        "previous": None if event.previous is None else dict(event.previous),
        "details": None if event.details is None else dict(event.details), "mirrored": False,
    }  # fmt: skip


def from_raw(raw: dict[str, Any]) -> EventView:
    """Return a stored event."""
    fields = EventView.__dataclass_fields__
    values: dict[str, Any] = {name: raw.get(name) for name in fields if name != "event_id"}
    if values["tags"] is not None:
        values["tags"] = tuple(values["tags"])
    return EventView(event_id=raw["_id"], **values)
