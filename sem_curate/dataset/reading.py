"""Reading views, and what still waits for a stage, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId

from sem_curate import schema
from sem_curate.dataset.opening import anchor, dataset_id, group_id, view_names


@dataclass(frozen=True)
class ViewRow:
    """What a per-view stage needs of one sample."""

    sample_id: str
    particle_id: str
    view: str
    source_path: str
    filepath: str
    content_hash: str


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
