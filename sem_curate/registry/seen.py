"""Which versions a decision saw: noted at the moment it is stored, unless whoever decided says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sem_curate.registry.connection import connect
from sem_curate.registry.documents import DatasetRecord, Label, MasterSet
from sem_curate.registry.fold import EventView

PINNED = "master_set_pinned"  # setting of a dataset


def with_versions(events: Sequence[EventView], dataset_id: str) -> list[EventView]:
    """Return the events with the label version and the master set version in force, where they lack them."""
    if not any(event.kind == "decide" for event in events):
        return list(events)
    connect()
    versions = label_versions({event.label_id for event in events if event.label_id})
    masters = master_set_version(dataset_id)
    return [_stamped(event, versions, masters) if event.kind == "decide" else event for event in events]


def label_versions(label_ids: set[str]) -> dict[str, int]:
    """Return the version in force of each label that exists."""
    if not label_ids:
        return {}
    wanted = {"current": 1, "versions.version": 1}
    found = Label._get_collection().find({"_id": {"$in": sorted(label_ids)}}, wanted)
    return {row["_id"]: row["current"] if row.get("current") is not None else len(row["versions"]) for row in found}


def master_set_version(dataset_id: str) -> int:
    """Return the number of the master set in force: the pinned one, else the newest, 0 before the first."""
    connect()
    record = DatasetRecord._get_collection().find_one({"_id": dataset_id}, {f"settings.{PINNED}": 1}) or {}
    pinned = (record.get("settings") or {}).get(PINNED)
    if pinned is not None:
        return int(pinned)
    newest = MasterSet._get_collection().find_one({"dataset_id": dataset_id}, {"version": 1}, sort=[("version", -1)])
    return int(newest["version"]) if newest else 0


def _stamped(event: EventView, versions: dict[str, int], masters: int) -> EventView:
    label = event.label_version if event.label_version is not None else versions.get(event.label_id or "")
    seen = event.master_set_version if event.master_set_version is not None else masters
    return replace(event, label_version=label, master_set_version=seen)
