"""Master sets: immutable numbered snapshots of which particle stands for which label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import MasterSet, ensure_indexes


@dataclass(frozen=True)
class MasterSetView:
    """One snapshot. ``masters`` maps particle id to label id; version 0 is the empty set before the first."""

    version: int
    masters: Mapping[str, str]
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def current(dataset_id: str) -> MasterSetView:
    """Return the newest snapshot of a dataset."""
    connect()
    newest = MasterSet.objects(dataset_id=dataset_id).order_by("-version").first()
    return _view(newest) if newest else MasterSetView(0, {})


def at_version(dataset_id: str, version: int) -> MasterSetView:
    """Return one snapshot; an unknown version gives the empty set 0."""
    connect()
    found = MasterSet.objects(dataset_id=dataset_id, version=version).first()
    return _view(found) if found else MasterSetView(0, {})


def change(
    dataset_id: str,
    *,
    add: Mapping[str, str] | None = None,
    remove: Collection[str] = (),
    by: str,
    reason: str = "",
) -> MasterSetView:
    """Make the next snapshot; a change that changes nothing returns the current one.

    Args:
        dataset_id: whose masters.
        add: ``{particle_id: label_id}``; a particle that already is a master gets the new label.
        remove: particles that stop being masters.
        by: who.
        reason: why.

    Raises:
        ConflictError: when another snapshot was made in the same moment.
    """
    ensure_indexes()
    before = current(dataset_id)
    masters = {key: value for key, value in before.masters.items() if key not in set(remove)} | dict(add or {})
    if masters == before.masters:
        return before
    rows = [{"label_id": label, "particle_id": particle} for particle, label in sorted(masters.items())]
    snapshot = MasterSet(
        dataset_id=dataset_id, version=before.version + 1, masters=rows, by=by, reason=reason,
        content_hash=hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest(),
    )  # fmt: skip
    try:
        snapshot.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("the masters were changed by somebody else in the same moment; try again") from None
    return _view(snapshot)


def _view(snapshot: MasterSet) -> MasterSetView:
    masters = {row["particle_id"]: row["label_id"] for row in snapshot.masters}
    return MasterSetView(snapshot.version, masters, snapshot.by, snapshot.at, snapshot.reason)
