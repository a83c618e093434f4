"""Lines of the history that belong to no particle: labels, masters, imports, audits; and what was given to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sem_curate.errors import ConflictError
from sem_curate.registry import history
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import Event, Export, ensure_indexes
from sem_curate.registry.fold import EventView

NO_PARTICLE = ""  # no particle has an empty id
TRIES = 50  # each lost try means that somebody else's record was stored


def record(
    dataset_id: str, event_id: str, kind: str, *, by: str, label_id: str | None = None, note: str = "",
    source: str = "", details: Mapping[str, Any] | None = None, at: datetime | None = None,
) -> EventView:  # fmt: skip
    """Append one record to a dataset's history; the same ``event_id`` again changes nothing.

    Args:
        dataset_id: whose history.
        event_id: unique per change and dataset.
        kind: ``"label"``, ``"master"``, ``"import"``, ``"audit"`` or ``"certificate"``.
        by: who.
        label_id: the label it is about.
        note: what happened, in one line.
        source: the id of the change, the number of the master set, or where an import came from.
        details: counts and the like.
        at: when, if not now.
    """
    ensure_indexes()
    for attempt in range(TRIES):
        event = EventView(
            event_id, NO_PARTICLE, _newest_seq(dataset_id) + 1, kind, by, label_id=label_id, note=note, source=source,
            details=details, at=at,
        )  # fmt: skip
        try:
            stored = history.append(event, dataset_id)
        except ConflictError:
            if attempt == TRIES - 1:
                raise
            continue
        history.mark_mirrored(dataset_id, {NO_PARTICLE: stored.seq})
        break
    return stored


def of_dataset(dataset_id: str) -> list[EventView]:
    """Return the records of a dataset, oldest first."""
    return history.of_particles(dataset_id, [NO_PARTICLE]).get(NO_PARTICLE, [])


def note_export(dataset_id: str, what: str, path: str, label_ids: Iterable[str], *, by: str, hash_: str = "") -> None:
    """Remember that labels were given to somebody else, so that a change can say what becomes outdated."""
    connect()
    ensure_indexes()
    Export(
        dataset_id=dataset_id, what=what, path=path, label_ids=sorted(set(label_ids)), content_hash=hash_, by=by
    ).save(force_insert=True)


def exports_with(dataset_id: str, label_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return the exports that name one of these labels: ``[{"what", "path", "by", "at"}]``, newest first."""
    connect()
    query = {"dataset_id": dataset_id, "label_ids": {"$in": sorted(set(label_ids))}}
    found = Export._get_collection().find(query, {"_id": 0, "what": 1, "path": 1, "by": 1, "at": 1}).sort("at", -1)
    return [{**row, "at": row["at"].isoformat()} for row in found]


def _newest_seq(dataset_id: str) -> int:
    query = {"dataset_id": dataset_id, "particle_id": NO_PARTICLE}
    found = Event._get_collection().find_one(query, {"seq": 1}, sort=[("seq", -1)])
    return int(found["seq"]) if found else 0
