"""The FiftyOne edge: how particles and views are created, read and written.

Everything that touches FiftyOne's private collection stands in this file, so that a FiftyOne update has one place
to break. Two facts shape it (checked on FiftyOne 1.22):

* every stage, count and filter of a grouped dataset sees only the *active slice*, and the App changes that slice;
  so no function here relies on it, and particle values are repeated on every slice;
* a group without its default slice is invisible; so the anchor view always exists, as a placeholder if need be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from pymongo import UpdateMany, UpdateOne

from sem_curate import layout, schema
from sem_curate.arrays import Bools
from sem_curate.errors import InputError, did_you_mean
from sem_curate.registry import datasets

# Values that belong to the particle and are repeated on each of its slices.
PARTICLE_FIELDS = layout.PARTICLE_FIELDS
VALUES = 20_000  # small documents at a time


@dataclass(frozen=True)
class ViewRow:
    """What a per-view stage needs of one sample."""

    sample_id: str
    particle_id: str
    view: str
    source_path: str
    filepath: str
    content_hash: str


# -- datasets --------------------------------------------------------------------------------------------------


def create_dataset(
    name: str, *, views: Sequence[str] = schema.DEFAULT_VIEWS, catalogue: str | None = None
) -> fo.Dataset:
    """Create an empty grouped dataset with every field, slice and index declared.

    Args:
        name: dataset name.
        views: slice names in display order; the first is the anchor.
        catalogue: which label catalogue it shares; by default its own.

    Raises:
        InputError: when the dataset exists, or view names are empty or repeated.
    """
    if fo.dataset_exists(name):
        raise InputError(f"dataset '{name}' already exists; load it, or choose another name")
    if not views or len(set(views)) != len(views):
        raise InputError(f"view names must be given and different; got {list(views)}")
    record = datasets.open_record(name, views=views, catalogue=catalogue)
    # Under another name until complete: a process killed in between must not leave half a dataset that blocks the name.
    ds = fo.Dataset(f"{name} (unfinished)", overwrite=True)
    ds.add_group_field(schema.GROUP, default=views[0])
    for view in views:
        ds.add_group_slice(view, "image")
    layout.apply(ds)
    ds.info[schema.INFO_KEY] = {"id": record.dataset_id, "views": list(views), "schema": 1}
    ds.save()
    ds.persistent = True
    ds.name = name
    return ds


def load_dataset(name: str) -> fo.Dataset:
    """Load a dataset that this package created.

    Raises:
        InputError: when there is none of that name, or it is not ours.
    """
    if not fo.dataset_exists(name):
        raise InputError(
            f"there is no dataset '{name}'.{did_you_mean(name, fo.list_datasets())} "
            "Create it with: sem-curate ingest FOLDER --dataset NAME"
        )
    ds = fo.load_dataset(name)
    dataset_id(ds)
    return ds


def is_ours(ds: fo.Dataset) -> bool:
    """Tell whether this package created the dataset."""
    return schema.INFO_KEY in ds.info


def dataset_id(ds: fo.Dataset) -> str:
    """Return the stable id under which the registry knows this dataset."""
    if not is_ours(ds):
        raise InputError(
            f"dataset '{ds.name}' was not created by sem_curate; ingest its images with: "
            "sem-curate ingest FOLDER --dataset NAME"
        )
    return str(ds.info[schema.INFO_KEY]["id"])


def record(ds: fo.Dataset) -> datasets.DatasetIdentity:
    """Return the registry's record of this dataset (catalogue, settings)."""
    return datasets.get_record(dataset_id(ds), name=ds.name)


def view_names(ds: fo.Dataset) -> tuple[str, ...]:
    """Return the view names in display order."""
    dataset_id(ds)
    return tuple(ds.info[schema.INFO_KEY]["views"])


def anchor(ds: fo.Dataset) -> str:
    """Return the view that every particle has, as a placeholder if need be."""
    return view_names(ds)[0]


def anchors(ds: fo.Dataset) -> fo.DatasetView:
    """Return one sample per particle, whatever slice is active in the App."""
    return ds.select_group_slices(anchor(ds))


def flat(ds: fo.Dataset) -> fo.DatasetView:
    """Return all views of all particles as one flat collection."""
    return ds.select_group_slices(list(view_names(ds)))


def encoder_keys(ds: fo.Dataset) -> dict[str, str]:
    """Return the vector keys in use, by lane: ``{"dino": key, "vlm": key}``; empty before embedding."""
    return dict(ds.info[schema.INFO_KEY].get("encoder_keys", {}))


def set_encoder_keys(ds: fo.Dataset, keys: Mapping[str, str]) -> None:
    """Record which vectors are in use, by lane."""
    ds.info[schema.INFO_KEY] = {**ds.info[schema.INFO_KEY], "encoder_keys": dict(keys)}
    ds.save()


def group_id(dataset_identity: str, particle_id: str) -> str:
    """Return the group id of a particle, derived from its name.

    Late views therefore join their particle without a lookup, and two ingests that race agree.

    >>> group_id("ds_1", "P-1") == group_id("ds_1", "P-1") != group_id("ds_1", "P-2")
    True
    """
    return hashlib.blake2b(f"{dataset_identity}\0{particle_id}".encode(), digest_size=12).hexdigest()


# -- writing ---------------------------------------------------------------------------------------------------


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


# -- reading ---------------------------------------------------------------------------------------------------


def each_particle(ds: fo.Dataset, *, batch: int = 1024) -> Iterator[list[str]]:
    """Yield the ids of all particles, in batches, without holding them all in memory."""
    for documents in _pending(ds, {schema.VIEW: anchor(ds)}, (schema.PARTICLE_ID,), batch):
        yield [str(found[schema.PARTICLE_ID]) for found in documents]


def pending_views(ds: fo.Dataset, stage: str, *, batch: int = 256) -> Iterator[list[ViewRow]]:
    """Yield present views that still wait for ``stage``, in batches, without holding them all in memory."""
    fields = (schema.PARTICLE_ID, schema.VIEW, schema.SOURCE_PATH, "filepath", schema.CONTENT_HASH)
    for documents in _pending(ds, {schema.PENDING: stage, schema.PRESENT: True}, fields, batch):
        yield [ViewRow(str(found["_id"]), *(found.get(field) or "" for field in fields)) for found in documents]


def pending_particles(ds: fo.Dataset, stage: str, *, batch: int = 1024) -> Iterator[list[str]]:
    """Yield ids of particles that still wait for ``stage`` (recorded on their anchor), in batches."""
    where = {schema.PENDING: stage, schema.VIEW: anchor(ds)}
    for documents in _pending(ds, where, (schema.PARTICLE_ID,), batch):
        yield [str(found[schema.PARTICLE_ID]) for found in documents]


def count_pending(ds: fo.Dataset) -> dict[str, int]:
    """Return how many samples wait for each stage."""
    return {stage: ds._sample_collection.count_documents({schema.PENDING: stage}) for stage in schema.STAGES}


def read_views(ds: fo.Dataset, particle_ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``{particle_id: {view: {field: raw value}}}`` for the given particles, placeholders included.

    Every entry also has ``"_id"`` (sample id) and ``filepath``. Unknown ids are absent from the result.
    """
    projection = {name: 1 for name in (schema.PARTICLE_ID, schema.VIEW, "filepath", *fields)}
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(list(particle_ids), 1000):
        for document in ds._sample_collection.find({schema.PARTICLE_ID: {"$in": chunk}}, projection):
            document["_id"] = str(document["_id"])
            found.setdefault(document[schema.PARTICLE_ID], {})[document[schema.VIEW]] = document
    return found


def content_hash(view: Mapping[str, Any] | None) -> str | None:
    """Return the hash of a view's image as :func:`read_views` gave it; None for a missing view or a placeholder."""
    return view.get(schema.CONTENT_HASH) if view and view.get(schema.PRESENT) else None


def best_images(ds: fo.Dataset, particle_ids: Sequence[str]) -> dict[str, str]:
    """Return the picture that stands for each particle: its recommended view, else its first present one."""
    fields = (schema.PRESENT, schema.RECOMMENDED_VIEW)
    images = {}
    for particle_id, views in read_views(ds, particle_ids, fields).items():
        present = {name: view for name in view_names(ds) if (view := views.get(name)) and view.get(schema.PRESENT)}
        if present:
            wanted = next(iter(present.values())).get(schema.RECOMMENDED_VIEW)
            images[particle_id] = present.get(wanted, next(iter(present.values())))["filepath"]
    return images


def find_particles(
    ds: fo.Dataset,
    where: Mapping[str, Any],
    fields: Sequence[str] = (),
    *,
    sort: str | None = None,
    limit: int = 0,
    newest: bool = False,
) -> list[dict[str, Any]]:
    """Return raw anchor documents that match a MongoDB filter, one per particle; ``newest`` turns the order round."""
    projection = {name: 1 for name in (schema.PARTICLE_ID, *fields)}
    cursor = ds._sample_collection.find(_of_anchors(ds, where), projection)
    if sort:
        way = -1 if newest else 1
        cursor = cursor.sort([(sort, way), ("_id", way)])
    return list(cursor.limit(limit))


def particle_values(
    ds: fo.Dataset, where: Mapping[str, Any], fields: Sequence[str], *, size: int = 0
) -> list[dict[str, Any]]:
    """Return particle values, without reading a sample where all of them are keys of one index.

    Args:
        ds: the dataset.
        where: MongoDB filter on particle values.
        fields: what to return.
        size: at most so many particles, those with the lowest group ids: an arbitrary sample, and the same one each
            time for the same data. 0 returns all, in no order.
    """
    query = {f"{schema.GROUP}.name": anchor(ds), **where}
    cursor = ds._sample_collection.find(query, {"_id": 0, **dict.fromkeys(fields, 1)}, batch_size=VALUES)
    return list(cursor.sort(f"{schema.GROUP}._id", 1).limit(size) if size else cursor)


def each_found(
    ds: fo.Dataset, where: Mapping[str, Any], fields: Sequence[str] = (), *, batch: int = 1024
) -> Iterator[list[dict[str, Any]]]:
    """Yield raw anchor documents that match a MongoDB filter, in batches; they may be written meanwhile."""
    projection = {name: 1 for name in (schema.PARTICLE_ID, *fields)}
    query = {f"{schema.GROUP}.name": anchor(ds), **where}
    rows: list[dict[str, Any]] = []
    for document in ds._sample_collection.find(query, projection, batch_size=batch):
        rows.append(document)
        if len(rows) == batch:
            yield rows
            rows = []
    if rows:
        yield rows


def particles_with_view(ds: fo.Dataset, where: Mapping[str, Any]) -> list[str]:
    """Return the ids of particles with a view that matches a MongoDB filter on per-view values."""
    return sorted(ds._sample_collection.distinct(schema.PARTICLE_ID, dict(where)))


def count_particles(ds: fo.Dataset, where: Mapping[str, Any] | None = None) -> int:
    """Count particles that match a MongoDB filter on particle values."""
    return int(ds._sample_collection.count_documents(_of_anchors(ds, where or {})))


def count_by(ds: fo.Dataset, field: str, where: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Count particles by the value of a particle field; None is reported as ``""``."""
    pipeline = [
        {"$match": {f"{schema.GROUP}.name": anchor(ds), **(where or {})}},
        {"$group": {"_id": f"${field}", "n": {"$sum": 1}}},
    ]
    return {found["_id"] or "": found["n"] for found in ds._sample_collection.aggregate(pipeline)}


def aggregate_views(ds: fo.Dataset, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the result of a MongoDB aggregation over all samples, placeholders included; large groups go to disk."""
    return list(ds._sample_collection.aggregate(list(pipeline), allowDiskUse=True))


def sample_particle_ids(ds: fo.Dataset, size: int, *, where: Mapping[str, Any] | None = None) -> list[str]:
    """Return up to ``size`` particle ids, the same ones each time for the same data: lowest group ids first.

    Group ids are hashes of particle names, so the lowest ones are an arbitrary, reproducible sample.
    """
    query = {f"{schema.GROUP}.name": anchor(ds), **(where or {})}
    cursor = ds._sample_collection.find(query, {schema.PARTICLE_ID: 1}).sort(f"{schema.GROUP}._id", 1).limit(size)
    return [str(found[schema.PARTICLE_ID]) for found in cursor]


def particles_after(
    ds: fo.Dataset, sample_id: str | None, where: Mapping[str, Any], fields: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return raw anchor documents of particles that were added after the given sample, oldest first."""
    # Object ids grow with time, so "what is new" needs no mark on every sample.
    later = {"_id": {"$gt": ObjectId(sample_id)}} if sample_id else {}
    return find_particles(ds, {**where, **later}, fields, sort="_id")


def newest_sample(ds: fo.Dataset) -> str | None:
    """Return the id of the newest anchor sample, None without any."""
    found = ds._sample_collection.find_one({f"{schema.GROUP}.name": anchor(ds)}, {"_id": 1}, sort=[("_id", -1)])
    return str(found["_id"]) if found else None


def particle_ids_of(ds: fo.Dataset, sample_ids: Sequence[str]) -> list[str]:
    """Translate samples of any slice into their particles, in first-seen order."""
    ids = [ObjectId(sample_id) for sample_id in sample_ids]
    found = ds._sample_collection.find({"_id": {"$in": ids}}, {schema.PARTICLE_ID: 1})
    by_sample = {document["_id"]: str(document[schema.PARTICLE_ID]) for document in found}
    return list(dict.fromkeys(by_sample[sample_id] for sample_id in ids if sample_id in by_sample))


def views_of(ds: fo.Dataset, sample_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Translate samples into ``(particle_id, view)``, in the given order; unknown samples are left out."""
    ids = [ObjectId(sample_id) for sample_id in sample_ids]
    found = ds._sample_collection.find({"_id": {"$in": ids}}, {schema.PARTICLE_ID: 1, schema.VIEW: 1})
    by_sample = {document["_id"]: (str(document[schema.PARTICLE_ID]), str(document[schema.VIEW])) for document in found}
    return [by_sample[sample_id] for sample_id in ids if sample_id in by_sample]


def group_ids_of(ds: fo.Dataset, particle_ids: Sequence[str]) -> list[str]:
    """Return the group ids of particles, in the given order, for ``ds.select_groups(ids, ordered=True)``."""
    return [group_id(dataset_id(ds), particle_id) for particle_id in particle_ids]


def chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a sequence into consecutive pieces."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


# -- inside ----------------------------------------------------------------------------------------------------


def _of_anchors(ds: fo.Dataset, where: Mapping[str, Any]) -> dict[str, Any]:
    # Particles asked for by id are found by the index of ids; through the group's name MongoDB is tempted by one over
    # all particles.
    place = schema.VIEW if schema.PARTICLE_ID in where else f"{schema.GROUP}.name"
    return {place: anchor(ds), **where}


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


def _pending(
    ds: fo.Dataset, where: Mapping[str, Any], fields: Sequence[str], batch: int
) -> Iterator[list[dict[str, Any]]]:
    projection = dict.fromkeys(fields, 1)
    last: ObjectId | None = None
    while True:
        # Restart after the last id: finished samples leave the query, failed ones must not be met twice.
        query = dict(where) if last is None else {**where, "_id": {"$gt": last}}
        documents = list(ds._sample_collection.find(query, projection).sort("_id", 1).limit(batch))
        if not documents:
            return
        last = documents[-1]["_id"]
        yield documents
