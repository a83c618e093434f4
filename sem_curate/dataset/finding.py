"""Asking for particles by their values: filters, counts and samples, on the anchor view alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import fiftyone as fo
from bson import ObjectId

from sem_curate import schema
from sem_curate.dataset.opening import anchor

VALUES: Final = 20_000  # small documents at a time


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


def _of_anchors(ds: fo.Dataset, where: Mapping[str, Any]) -> dict[str, Any]:
    # Particles asked for by id are found by the index of ids; through the group's name MongoDB is tempted by one over
    # all particles.
    place = schema.VIEW if schema.PARTICLE_ID in where else f"{schema.GROUP}.name"
    return {place: anchor(ds), **where}
