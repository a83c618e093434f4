"""Many particles with made-up vectors: what ingest, proposals and the queue cost, and what 100 more cost."""

from __future__ import annotations

import csv
import resource
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sem_curate.bench.figures import Figure, at_most

DIM = 128
LABELS = 12
MASTERS = 5
SIDE = 24  # pixels: files are real, but decoding is not what is measured here
MORE = 100
# 100 more particles should cost like 100; fixed costs (opening the dataset, a query or two) get this many times that.
SLACK = 5.0


def run(*, particles: int = 10_000) -> list[Figure]:
    """Ingest ``particles`` x 6 small images, give them made-up vectors, propose, open the queue; then add 100.

    Returns:
        Seconds per step, the cost of 100 more beside the same 100 at the average rate, peak memory of this process.
    """
    folder = Path(tempfile.mkdtemp(prefix="sem-curate-scale-"))
    name = f"bench-scale-{uuid.uuid4().hex[:8]}"
    try:
        return _figures(folder, name, particles)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _forget(name)


def _figures(folder: Path, name: str, particles: int) -> list[Figure]:
    from sem_curate import dataset
    from sem_curate.decide.run import propose, register_masters
    from sem_curate.ingest.run import ingest
    from sem_curate.review import run as review

    first = _write(folder / "first", 0, particles)
    more = _write(folder / "more", particles, MORE)
    _, ingest_s = _timed(lambda: ingest(first, name))
    ds = dataset.load_dataset(name)
    key = _make_vectors(ds, name)
    chosen = {f"label {label}": [_name(label + LABELS * i) for i in range(MASTERS)] for label in range(LABELS)}
    register_masters(ds, chosen, by="bench")
    proposed, propose_s = _timed(lambda: propose(ds))
    _, queue_s = _timed(lambda: (review.counts(ds), review.next_card(ds, queue="review")))
    again, again_s = _timed(lambda: ingest(first, name))
    added, more_s = _timed(lambda: ingest(more, name))
    _make_vectors(ds, name, key=key)
    reproposed, more_propose_s = _timed(lambda: propose(ds))
    share = MORE / particles
    return [
        Figure(f"ingest {particles} particles x 6 [s]", ingest_s),
        Figure(f"propose {proposed['out']} particles [s]", propose_s),
        Figure("open the queue: counts and first card [s]", queue_s),
        Figure("peak memory of this process [MiB]", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        Figure("same ingest again [s]", again_s, baseline=ingest_s),
        at_most("views read by the same ingest again", again.views_new + again.views_changed, 0),
        at_most(f"ingest {MORE} more [s]", more_s, SLACK * share * ingest_s, baseline=share * ingest_s),
        at_most("particles proposed again because of them", reproposed["out"] - added.particles_new, 0),
        at_most(f"propose {MORE} more [s]", more_propose_s, SLACK * share * propose_s, baseline=share * propose_s),
    ]


def _name(index: int) -> str:
    return f"P-{index:06d}"


def _write(folder: Path, start: int, count: int) -> Path:
    """Write tiny noise images, all different, and their manifest."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(start)
    rows = []
    for index in range(start, start + count):
        for view in range(1, 7):
            path = folder / f"{_name(index)}_view{view}.png"
            cv2.imwrite(str(path), rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8))
            rows.append({"filepath": path.name, "particle_id": _name(index), "view": f"view{view}"})
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return manifest


def _make_vectors(ds: Any, name: str, *, key: str | None = None) -> str:
    """Give every view that waits for embedding a vector near its made-up label's centre."""
    from sem_curate import dataset, schema
    from sem_curate.embed import store

    centres = np.random.default_rng(1).normal(size=(LABELS, DIM))
    rng = np.random.default_rng(2)
    key = key or f"{name}-vectors"
    vectors = store.open_store(key, dim=DIM, meta={"id": "made up", "key": key})
    for rows in dataset.pending_views(ds, schema.STAGE_EMBED, batch=4096):
        label = [int(row.particle_id[2:]) % LABELS for row in rows]
        made = centres[label] + rng.normal(size=(len(rows), DIM))
        vectors.append([row.content_hash for row in rows], made.astype(np.float32))
        quality = {schema.QUALITY: 0.8, schema.USABLE: True}
        dataset.write_views(
            ds, {row.sample_id: quality for row in rows}, clear_pending=(schema.STAGE_EMBED, schema.STAGE_QUALITY)
        )
    dataset.set_encoder_keys(ds, {"dino": key})
    return key


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def _forget(name: str) -> None:
    import fiftyone as fo

    from sem_curate import dataset
    from sem_curate.embed import store
    from sem_curate.registry import datasets

    shutil.rmtree(store.store_folder(f"{name}-vectors"), ignore_errors=True)
    if fo.dataset_exists(name):
        datasets.forget(dataset.dataset_id(fo.load_dataset(name)))
        fo.delete_dataset(name)
