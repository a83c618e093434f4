"""What has to be reviewed again because a label changed: stored, so that the order stays while it is worked off."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne

from sem_curate.registry import history, label_log, label_model
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
    """Store all bundles of one occasion, behind those of earlier ones; storing them again changes nothing."""
    ensure_indexes()
    ahead = ReviewBundle._get_collection().count_documents({"dataset_id": dataset_id})
    operations = [
        UpdateOne(
            {"_id": bundle.bundle_id},
            {
                "$setOnInsert": {
                    "dataset_id": dataset_id, "label_id": label_id, "made_for": made_for, "of": len(bundles),
                    "order": order, "place": ahead + order, "suggested": bundle.suggested, "cluster": bundle.cluster,
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


def any_of(dataset_id: str) -> bool:
    """Tell whether bundles were ever made for a dataset."""
    connect()
    return ReviewBundle._get_collection().find_one({"dataset_id": dataset_id}, {"_id": 1}) is not None


def occasion(dataset_id: str, label: label_model.LabelView, why: str) -> str | None:
    """Return the newest occasion for which bundles of a label were made, if the label still means what it did then."""
    connect()
    query = {"dataset_id": dataset_id, "label_id": label.label_id}
    made = ReviewBundle._get_collection().distinct("made_for", query)
    numbers = sorted((_version(one) for one in made if one.startswith(f"{why}:v")), reverse=True)
    return next((f"{why}:v{number}" for number in numbers if _same_meaning(label, number)), None)


def in_force(dataset_id: str, particle_ids: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield what is to be reviewed again now, in the order of the queue.

    Bundles of a label whose split was rolled back, or that means something else again, are left out.

    Args:
        dataset_id: whose.
        particle_ids: only bundles with one of these; None means all.

    Yields:
        ``{"bundle_id", "label_id", "why", "suggested", "place", "particles", "events"}``.
    """
    connect()
    query: dict[str, Any] = {"dataset_id": dataset_id}
    if particle_ids is not None:
        query["particles"] = {"$in": list(particle_ids)}
    rows = list(ReviewBundle._get_collection().find(query).sort([("place", 1), ("at", 1), ("order", 1)]))
    known = label_log.by_id({row["label_id"] for row in rows})
    about = {(row["label_id"], row["made_for"]) for row in rows}
    standing = {(one, made) for one, made in about if one in known and _same_meaning(known[one], _version(made))}
    for row in rows:
        if (row["label_id"], row["made_for"]) in standing:
            yield _public(row)


def get(bundle_id: str) -> dict[str, Any] | None:
    """Return one bundle as :func:`in_force` does, or None."""
    connect()
    row = ReviewBundle._get_collection().find_one({"_id": bundle_id})
    return _public(row) if row else None


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: row.get(key) for key in ("label_id", "suggested", "particles", "events")}
    why = str(row["made_for"]).split(":", 1)[0]
    return {"bundle_id": row["_id"], "why": why, "place": int(row.get("place") or row["order"]), **kept}


def _version(made_for: str) -> int:
    return int(made_for.rsplit(":v", 1)[1])


def _same_meaning(label: label_model.LabelView, version: int) -> bool:
    return label_model.same_meaning(label_log.version_of(label.label_id, version), label)


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
