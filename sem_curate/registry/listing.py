"""Reading the history: which events, by whom, when; and every particle's state as of a date. Streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sem_curate.registry import appending, history, label_log
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import DatasetRecord, Event, ensure_indexes
from sem_curate.registry.fold import EventView, State, active_ids, fold

KINDS = ("decide", "tag", "undo", "label", "master", "import", "audit", "certificate", "seal")


@dataclass(frozen=True)
class Filter:
    """Which events; None and empty mean all. ``since`` is included, ``until`` is not."""

    particles: tuple[str, ...] = ()
    by: str | None = None
    kinds: tuple[str, ...] = ()
    label_id: str | None = None
    batch: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self, dataset_id: str) -> dict[str, Any]:
        """Return it in MongoDB's words."""
        asked: dict[str, Any] = {"dataset_id": dataset_id}
        asked |= {"particle_id": {"$in": list(self.particles)}} if self.particles else {}
        asked |= {"kind": {"$in": list(self.kinds)}} if self.kinds else {}
        plain = {"by": self.by, "label_id": self.label_id, "batch": self.batch}
        asked |= {key: value for key, value in plain.items() if value}
        span = {"$gte": self.since, "$lt": self.until}
        at = {key: value for key, value in span.items() if value is not None}
        return {**asked, "at": at} if at else asked


def events(dataset_id: str, chosen: Filter | None = None, *, limit: int = 0, newest_first: bool = True) -> Iterator[
    EventView
]:  # fmt: skip
    """Yield events by time; ``limit`` 0 means all."""
    connect()
    ensure_indexes()
    way = -1 if newest_first else 1
    found = Event._get_collection().find((chosen or Filter()).query(dataset_id), allow_disk_use=True)
    for row in found.sort([("at", way), ("chain", way), ("seq", way)]).limit(limit):
        yield history.from_raw(row)


def count(dataset_id: str, chosen: Filter | None = None) -> int:
    """Return how many events there are."""
    connect()
    return int(Event._get_collection().count_documents((chosen or Filter()).query(dataset_id)))


def story(dataset_id: str, event: EventView) -> dict[str, Any]:
    """Return what became of an event.

    Returns:
        ``{"stands", "undone_by", "together"}``: whether it is in force or part of what is, the id of the undo that
        took it back, and how many events were stored with it. ``stands`` is None for changes of labels and masters.
    """
    together = count(dataset_id, Filter(batch=event.batch)) if event.batch else 1
    if not event.particle_id:
        return {"stands": None, "undone_by": None, "together": together}
    own = history.of_particles(dataset_id, [event.particle_id]).get(event.particle_id, [])
    active = active_ids(own)
    undone = [other.event_id for other in own if other.undoes == event.event_id and other.event_id in active]
    return {
        "stands": event.event_id in active, "undone_by": undone[-1] if undone else None, "together": together
    }  # fmt: skip


def as_of(dataset_id: str, moment: datetime) -> Iterator[tuple[str, State]]:
    """Yield ``(particle_id, state)`` as it was just before ``moment``, for every particle that had a history then."""
    connect()
    query = {"dataset_id": dataset_id, "at": {"$lt": moment}, "particle_id": {"$ne": appending.NO_PARTICLE}}
    found = Event._get_collection().find(query).sort([("particle_id", 1), ("seq", 1)])
    for particle_id, rows in groupby(found, key=lambda row: str(row["particle_id"])):
        yield particle_id, fold([history.from_raw(row) for row in rows])


def names_as_of(dataset_id: str, label_ids: Iterable[str], moment: datetime) -> dict[str, tuple[str, str]]:
    """Return ``{label_id: (Japanese name, English name)}`` as they were just before ``moment``."""
    record = DatasetRecord._get_collection().find_one({"_id": dataset_id}, {"catalogue": 1}) or {}
    version: dict[str, int] = {}
    for change in label_log.changes(record.get("catalogue", "")):
        if datetime.fromisoformat(change["at"]) < moment:
            version |= {one["label_id"]: one["after"] for one in change["touched"]}
    names = {}
    for label_id in set(label_ids):
        every = label_log.versions(label_id)
        number = version.get(label_id) or 1
        if every:
            view = every[min(number, len(every)) - 1]
            names[label_id] = (view.name("ja"), view.name("en"))
    return names
