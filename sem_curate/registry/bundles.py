"""What has to be reviewed again because a label changed: stored, so that the order stays while it is worked off."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne

from sem_curate.registry import history
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import ReviewBundle, ensure_indexes, now
from sem_curate.registry.fold import EventView, active_ids
from sem_curate.registry.history import CHUNK


@dataclass(frozen=True)
class Bundle:
    """Particles reviewed together. ``events`` are the decisions in force when the bundle was made."""

    bundle_id: str
    suggested: str | None
    cluster: int
    particles: tuple[str, ...]
    events: tuple[str, ...]


def save(dataset_id: str, label_id: str, made_for: str, bundles: Sequence[Bundle]) -> None:
    """Store all bundles of one occasion; storing them again changes nothing."""
    ensure_indexes()
    operations = [
        UpdateOne(
            {"_id": bundle.bundle_id},
            {
                "$setOnInsert": {
                    "dataset_id": dataset_id, "label_id": label_id, "made_for": made_for, "of": len(bundles),
                    "order": order, "suggested": bundle.suggested, "cluster": bundle.cluster,
                    "particles": list(bundle.particles), "events": list(bundle.events), "at": now(),
                }
            },
            upsert=True,
        )
        for order, bundle in enumerate(bundles)
    ]  # fmt: skip
    if operations:
        ReviewBundle._get_collection().bulk_write(operations, ordered=False)


def load(dataset_id: str, label_id: str, made_for: str) -> list[Bundle] | None:
    """Return the bundles of one occasion in their order; None when they were never, or not completely, stored."""
    connect()
    query = {"dataset_id": dataset_id, "label_id": label_id, "made_for": made_for}
    rows = list(ReviewBundle._get_collection().find(query).sort("order", 1))
    if not rows or len(rows) != rows[0]["of"]:
        return None
    return [
        Bundle(row["_id"], row["suggested"], row["cluster"], tuple(row["particles"]), tuple(row["events"]))
        for row in rows
    ]


def bundle_id(dataset_id: str, label_id: str, made_for: str, order: int) -> str:
    """Return the id of a bundle: the same occasion gives the same ids."""
    return f"bdl_{hashlib.sha256(f'{dataset_id}/{label_id}/{made_for}/{order}'.encode()).hexdigest()[:20]}"


def standing(dataset_id: str, particle_ids: Collection[str]) -> dict[str, EventView]:
    """Return the decision in force of each particle that has one."""
    found: dict[str, EventView] = {}
    ids = list(particle_ids)
    for start in range(0, len(ids), CHUNK):
        for particle_id, events in history.of_particles(dataset_id, ids[start : start + CHUNK]).items():
            active = active_ids(events)
            decided: list[Any] = [one for one in events if one.kind == "decide" and one.event_id in active]
            if decided:
                found[particle_id] = max(decided, key=lambda event: event.seq)
    return found
