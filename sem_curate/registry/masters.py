"""Master sets: immutable numbered snapshots of which particle stands for which label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import datasets, label_log, label_model, records
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import MasterSet, ensure_indexes
from sem_curate.registry.seen import PINNED, master_set_version


@dataclass(frozen=True)
class MasterSetView:
    """One snapshot. ``masters`` maps particle id to label id; version 0 is the empty set before the first.

    ``relabelled`` is empty for a snapshot as it was stored, see :func:`standing`.
    """

    version: int
    masters: Mapping[str, str]
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    content_hash: str = ""
    relabelled: str = ""


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


def in_force(dataset_id: str) -> MasterSetView:
    """Return the pinned snapshot, or the newest one when none is pinned."""
    version = master_set_version(dataset_id)
    return at_version(dataset_id, version) if version else MasterSetView(0, {})


def standing(dataset_id: str, catalogue: str, snapshot: MasterSetView | None = None) -> MasterSetView:
    """Return the snapshot in force with each master under the label that it stands for now.

    Merged labels are read as what they were merged into, masters of a split label as the part they were given to;
    masters of a deprecated label are left out. ``relabelled`` then tells this reading from the stored one.

    Args:
        dataset_id: whose masters.
        catalogue: of its labels.
        snapshot: this one instead of the one in force.
    """
    return read_as(snapshot or in_force(dataset_id), label_log.catalogue(catalogue))


def read_as(snapshot: MasterSetView, labels: Mapping[str, label_model.LabelView]) -> MasterSetView:
    """Return a snapshot as a catalogue reads it, see :func:`standing`."""
    read = {key: label_model.master_label(labels, key, label_id) for key, label_id in snapshot.masters.items()}
    stands = {key: label_id for key, label_id in read.items() if label_id is not None}
    if stands == dict(snapshot.masters):
        return snapshot
    return replace(snapshot, masters=stands, relabelled=_hash(_rows(stands)))


def every(dataset_id: str) -> list[MasterSetView]:
    """Return all snapshots of a dataset, oldest first."""
    connect()
    return [_view(found) for found in MasterSet.objects(dataset_id=dataset_id).order_by("version")]


def pinned(dataset_id: str) -> int | None:
    """Return the number of the pinned snapshot, or None."""
    found = datasets.get_record(dataset_id).settings.get(PINNED)
    return None if found is None else int(found)


def pin(dataset_id: str, version: int | None, *, by: str, reason: str = "") -> MasterSetView:
    """Use one snapshot for proposals whatever is registered later; None uses the newest again.

    Raises:
        InputError: there is no such snapshot.
    """
    known = [snapshot.version for snapshot in every(dataset_id)]
    if version is not None and version not in known:
        raise InputError(f"there is no master set {version}; known: {', '.join(map(str, known)) or 'none yet'}")
    before = pinned(dataset_id)
    if before != version:
        datasets.change_settings(dataset_id, {PINNED: version})
        number = len(records.of_dataset(dataset_id)) + 1
        note = f"pinned {version}" if version is not None else f"unpinned {before}"
        records.record(
            dataset_id, f"pin:{dataset_id}:{number}", "master", by=by, note=f"{note} {reason}".strip(),
            source=str(version or ""),
        )  # fmt: skip
    return in_force(dataset_id)


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
    rows = _rows(masters)
    snapshot = MasterSet(
        dataset_id=dataset_id, version=before.version + 1, masters=rows, by=by, reason=reason,
        content_hash=_hash(rows),
    )  # fmt: skip
    try:
        snapshot.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("the masters were changed by somebody else in the same moment; try again") from None
    stored = _view(snapshot)
    records.record(
        dataset_id, f"masters:{dataset_id}:{stored.version}", "master", by=by, note=_difference(before, stored),
        source=str(stored.version),
    )  # fmt: skip
    return stored


def _difference(before: MasterSetView, after: MasterSetView) -> str:
    old, new = before.masters, after.masters
    added, removed = len(set(new) - set(old)), len(set(old) - set(new))
    moved = sum(old[key] != new[key] for key in set(old) & set(new))
    return f"master set {after.version}: {added} added, {removed} removed, {moved} under another label"


def content_hash(masters: Mapping[str, str]) -> str:
    """Return the hash of a set's content: equal sets, equal hashes."""
    return _hash(_rows(masters))


def _rows(masters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"label_id": label, "particle_id": particle} for particle, label in sorted(masters.items())]


def _hash(rows: list[dict[str, str]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _view(snapshot: MasterSet) -> MasterSetView:
    masters = {row["particle_id"]: row["label_id"] for row in snapshot.masters}
    return MasterSetView(snapshot.version, masters, snapshot.by, snapshot.at, snapshot.reason, snapshot.content_hash)
