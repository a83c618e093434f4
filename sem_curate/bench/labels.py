"""Renaming a label that many particles carry: mirror writing beside a bare ``update_many``, and what is recomputed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from sem_curate.bench.figures import Figure, at_most, equals

INSERTED = 20_000  # sample documents per insert
PER = 10_000  # particles that the target is about
TARGET = 2.0  # seconds per PER particles


def run(*, particles: int = 100_000) -> list[Figure]:
    """Rename a label that all of ``particles`` x 6 samples carry as decision and as proposal.

    The samples are inserted as documents: six hundred thousand files are not what is measured.

    Returns:
        Seconds per 10,000 particles of mirror writing, with a bare ``update_many`` of the same two names in the same
        run as baseline; how long until the first filter by the new name is answered; embeddings made; events recorded.
    """
    name = f"bench-labels-{uuid.uuid4().hex[:8]}"
    try:
        return _figures(name, particles)
    finally:
        _forget(name)


def _figures(name: str, particles: int) -> list[Figure]:
    from sem_curate import dataset, mirror, schema
    from sem_curate.registry import label_log, labels, records
    from sem_curate.review import relabel

    ds = dataset.create_dataset(name)
    label = labels.create(dataset.record(ds).catalogue, name_ja="針状", name_en="needle", by="bench")
    _, filled_s = _timed(lambda: _fill(ds, particles, label.label_id, label.name(mirror.language(ds))))
    bare_s = _bare(ds, label.label_id)
    before = len(records.of_dataset(dataset.dataset_id(ds)))
    vectors = _vectors_on_disk()
    new = {"name_ja": "$針.状 <b>🔬</b>", "name_en": "acicular 'x' $.y"}
    made, rename_s = _timed(lambda: relabel.apply(ds, "rename", label.label_id, new, by="bench"))
    shown = labels.get(label.label_id).name(mirror.language(ds))
    count, count_s = _timed(lambda: dataset.count_particles(ds, {f"{schema.LABEL}.label": shown}))
    tried, dry_s = _timed(lambda: relabel.dry_run(ds, "rename", label.label_id, {"name_en": "rod"}))
    _, back_s = _timed(lambda: relabel.roll_back(ds, made["change"]["change_id"], by="bench"))
    scale = PER / particles
    events = len(records.of_dataset(dataset.dataset_id(ds))) - before
    return [
        Figure(f"insert {particles} particles x 6 [s]", filled_s),
        at_most(f"rename: mirror writing per {PER} particles x 6 [s]", rename_s * scale, TARGET, bare_s * scale),
        Figure("rename in all [s]", rename_s, baseline=bare_s),
        equals("samples that show the new name", made["samples"], particles * 6),
        equals("particles found by the new name", count, particles),
        Figure("count by the new name [s]", count_s),
        Figure(f"dry run counting {tried['particles']} particles [s]", dry_s),
        Figure("rollback in all [s]", back_s, baseline=bare_s),
        equals("embeddings made", _vectors_on_disk() - vectors, 0),
        equals("proposals to make again", dataset.count_pending(ds)[schema.STAGE_PROPOSE], 0),
        # One for the rename, one for the rollback.
        equals("events recorded by a rename", events - 1, 1),
        equals("changes recorded by a rename", len(label_log.changes(dataset.record(ds).catalogue)) - 2, 1),
    ]


def _fill(ds: Any, particles: int, label_id: str, name: str) -> None:
    documents: list[dict[str, Any]] = []
    for document in _documents(ds, particles, label_id, name):
        documents.append(document)
        if len(documents) == INSERTED:
            ds._sample_collection.insert_many(documents, ordered=False)
            documents = []
    if documents:
        ds._sample_collection.insert_many(documents, ordered=False)


def _documents(ds: Any, particles: int, label_id: str, name: str) -> Iterator[dict[str, Any]]:
    from sem_curate import dataset, schema

    shown = {key: value for key, value in dataset.classification(name, label_id, 0.9).items() if key != "_id"}
    views = dataset.view_names(ds)
    for index in range(particles):
        particle_id = f"P-{index:06d}"
        group = {"_id": dataset.group_id("bench", particle_id), "_cls": "Group"}
        for view in views:
            yield {
                "filepath": f"/none/{particle_id}_{view}.png", schema.PARTICLE_ID: particle_id, schema.VIEW: view,
                schema.GROUP: {**group, "name": view}, schema.PRESENT: True, schema.PENDING: [],
                schema.LABEL: dict(shown), schema.PROPOSAL: dict(shown), schema.DECISION: schema.CONFIRMED,
                schema.PROPOSAL_STATE: schema.AUTO, "_media_type": "image", "tags": [],
            }  # fmt: skip


def _bare(ds: Any, label_id: str) -> float:
    """Return the seconds of the plainest update of the same two names, beforehand."""
    from sem_curate import schema

    names = {f"{field}.label": "bare" for field in (schema.LABEL, schema.PROPOSAL)}
    started = time.perf_counter()
    ds._sample_collection.update_many({f"{schema.LABEL}.label_id": label_id}, {"$set": names})
    return time.perf_counter() - started


def _vectors_on_disk() -> int:
    from sem_curate import paths

    folder = paths.home() / "vectors"
    return sum(file.stat().st_size for file in folder.rglob("vectors.f32")) if folder.exists() else 0


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def _forget(name: str) -> None:
    import fiftyone as fo

    from sem_curate import dataset, ontology
    from sem_curate.registry import datasets

    if fo.dataset_exists(name):
        datasets.forget(dataset.dataset_id(fo.load_dataset(name)))
        fo.delete_dataset(name)
    ontology.forget(name)  # the catalogue is named after the dataset
