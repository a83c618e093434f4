"""Writing values on particles and views, in bulk; particle values are repeated on every slice."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from pymongo import UpdateMany, UpdateOne

from sem_curate import layout, schema
from sem_curate.arrays import Bools
from sem_curate.dataset.opening import anchor
from sem_curate.errors import InputError, did_you_mean


def write_particles(
    ds: fo.Dataset, updates: Mapping[str, Mapping[str, Any]], *, clear_pending: Collection[str] = ()
) -> int:
    """Write particle values on every slice of each particle, in one bulk write.

    Args:
        ds: the dataset.
        updates: ``{particle_id: {field: value}}``; labels as dictionaries from :func:`classification`.
        clear_pending: stages that are thereby done for the particle; cleared in the same update.

    Returns:
        How many samples changed.

    Raises:
        InputError: when a field is not a declared particle field.
    """
    _refuse_unknown(ds, updates.values())
    operations = [
        UpdateMany({schema.PARTICLE_ID: particle_id}, _change(values, clear_pending))
        for particle_id, values in updates.items()
    ]
    return _bulk(ds, operations)


def write_views(
    ds: fo.Dataset, updates: Mapping[str, Mapping[str, Any]], *, clear_pending: Collection[str] = ()
) -> int:
    """Write per-view values, ``{sample_id: {field: value}}``, and clear pending stages in the same update."""
    _refuse_unknown(ds, updates.values())
    operations = [
        UpdateOne({"_id": ObjectId(sample_id)}, _change(values, clear_pending)) for sample_id, values in updates.items()
    ]
    return _bulk(ds, operations)


def rename_label(ds: fo.Dataset, label_id: str, name: str) -> int:
    """Show a label under a new display name wherever its id stands, in one bulk write; returns samples changed.

    A sample is written once, whether its decision, its proposal or both carry the label: writing is what takes time.
    """
    fields = (schema.LABEL, schema.PROPOSAL)
    operations = []
    for chosen in (fields, fields[:1], fields[1:]):
        where: dict[str, Any] = {f"{field}.label_id": label_id for field in chosen}
        where |= {f"{field}.label_id": {"$ne": label_id} for field in fields if field not in chosen}
        where["$or"] = [{f"{field}.label": {"$ne": name}} for field in chosen]
        operations.append(UpdateMany(where, {"$set": {f"{field}.label": name for field in chosen}}))
    return _bulk(ds, operations)


def mark_pending(ds: fo.Dataset, stages: Iterable[str], particle_ids: Iterable[str] | None = None) -> int:
    """Queue stages again: per-view stages on present views, particle stages on the anchor.

    Args:
        ds: the dataset.
        stages: some of :data:`schema.STAGES`.
        particle_ids: which particles; None means all.
    """
    chosen = {} if particle_ids is None else {schema.PARTICLE_ID: {"$in": list(particle_ids)}}
    changed = 0
    for stage in stages:
        where = {schema.VIEW: anchor(ds)} if stage == schema.STAGE_PROPOSE else {schema.PRESENT: True}
        result = ds._sample_collection.update_many({**chosen, **where}, {"$addToSet": {schema.PENDING: stage}})
        changed += result.modified_count
    return changed


def mark_stale(ds: fo.Dataset, master_set_version: int) -> int:
    """Mark proposals that were made with other masters, on every slice; returns how many samples were marked."""
    _refuse_unknown(ds, [{schema.STALE: True}])
    where = {
        schema.RECEIPT_ID: {"$ne": None}, schema.MASTER_SET_VERSION: {"$ne": master_set_version},
        schema.STALE: {"$ne": True},
    }  # fmt: skip
    return int(ds._sample_collection.update_many(where, {"$set": {schema.STALE: True}}).modified_count)


def classification(label: str, label_id: str, confidence: float | None = None) -> dict[str, Any]:
    """Return a Classification ready for :func:`write_particles`: display name plus immutable id."""
    return fo.Classification(label=label, label_id=label_id, confidence=confidence).to_dict()  # type: ignore[no-any-return]


def segmentation(mask: Bools) -> dict[str, Any]:
    """Return a Segmentation of a small (h, w) mask, ready for :func:`write_views`; equal masks give equal values."""
    plane = mask.astype(np.uint8)
    stored: dict[str, Any] = fo.Segmentation(mask=plane).to_dict()
    stored["_id"] = ObjectId(hashlib.blake2b(plane.tobytes(), digest_size=12).digest())
    return stored


def mask_of(stored: Mapping[str, Any] | None) -> Bools | None:
    """Return the mask that :func:`segmentation` stored, or None."""
    if not stored or stored.get("mask") is None:
        return None
    return np.asarray(fo.Segmentation.from_dict(dict(stored)).mask) > 0


def _refuse_unknown(ds: fo.Dataset, updates: Iterable[Mapping[str, Any]]) -> None:
    # Raw writes do not grow the schema: an undeclared field would be stored and never shown.
    declared = ds.get_field_schema()
    for values in updates:
        unknown = [name for name in values if name not in declared]
        if unknown and all(name in layout.FIELD_TYPES for name in unknown):
            # The dataset was made by an older version: ours are added when they are first needed.
            layout.declare(ds, unknown)
            declared = ds.get_field_schema()
        elif unknown:
            raise InputError(
                f"{len(unknown)} fields are not declared on dataset '{ds.name}' (e.g. '{unknown[0]}')."
                f"{did_you_mean(unknown[0], declared)} Add them with add_sample_field first"
            )


def _change(values: Mapping[str, Any], clear_pending: Collection[str]) -> dict[str, Any]:
    change: dict[str, Any] = {"$set": {**values, "last_modified_at": datetime.now(timezone.utc)}}
    if clear_pending:
        change["$pull"] = {schema.PENDING: {"$in": list(clear_pending)}}
    return change


def _bulk(ds: fo.Dataset, operations: list[Any]) -> int:
    if not operations:
        return 0
    return int(ds._sample_collection.bulk_write(operations, ordered=False).modified_count)
