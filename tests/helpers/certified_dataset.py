"""A real dataset of one-view particles whose vectors are made from their true label; for audits and certificates."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

DIM = 16
LABELS = ("needle", "sphere")
MASTERS = 10


def name(number: int) -> str:
    return f"P-{number:04d}"


def true_label(particle_id: str) -> str:
    return LABELS[int(particle_id.split("-")[1]) % len(LABELS)]


def build(
    dataset_name: str, folder: Path, count: int, *, start: int = 0, noise: float = 0.2, masters: int = MASTERS,
    confirm: bool = False,
) -> Any:  # fmt: skip
    """Ingest particles ``start`` to ``start + count``, embed them, register masters the first time, and propose."""
    from sem_curate import dataset, pipeline
    from sem_curate.config import DecideConfig
    from sem_curate.decide.run import register_masters
    from sem_curate.ingest.run import ingest

    images = folder / f"images-{start}"
    images.mkdir()
    rng = np.random.default_rng(start)
    names = [name(number) for number in range(start, start + count)]
    for key in names:
        cv2.imwrite(str(images / f"{key}_view1.png"), rng.integers(0, 255, (16, 16), np.uint8))
    ingest(images, dataset_name, views=("view1",))
    ds = dataset.load_dataset(dataset_name)
    embed(ds, names, noise=noise, seed=start)
    if not start:
        chosen = {label: [key for key in names[: 2 * masters] if true_label(key) == label] for label in LABELS}
        register_masters(ds, chosen, by="test")
    pipeline.run_stages(ds, ("propose",), decide=DecideConfig(auto_confirm=confirm))
    return ds


def embed(ds: Any, names: Iterable[str], *, noise: float, seed: int) -> None:
    from sem_curate import dataset, schema
    from sem_curate.embed import store

    vectors = store.open_store(f"test-{ds.name}", dim=DIM, meta={"made": "in a test"})
    centres = np.random.default_rng(7).normal(size=(len(LABELS), DIM))
    rng = np.random.default_rng(seed)
    rows = dataset.read_views(ds, list(names), (schema.CONTENT_HASH, schema.PRESENT))
    hashes, made, done = [], [], {}
    for key in names:
        row = rows[key]["view1"]
        hashes.append(row[schema.CONTENT_HASH])
        made.append(centres[LABELS.index(true_label(key))] + rng.normal(0, noise, DIM))
        done[row["_id"]] = {schema.QUALITY: 0.9, schema.USABLE: True, schema.QUALITY_TAGS: []}
    vectors.append(hashes, np.asarray(made, np.float32))
    dataset.write_views(ds, done, clear_pending=(schema.STAGE_EMBED, schema.STAGE_QUALITY))
    dataset.set_encoder_keys(ds, {"dino": f"test-{ds.name}"})


def judge(ds: Any, particle_ids: Iterable[str], said: Callable[[str], str] = true_label, *, by: str = "sato") -> None:
    """Decide on particles as a reviewer does, by default with the true label; ``"unknown"`` marks an unknown."""
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import run as review

    catalogue = dataset.record(ds).catalogue
    for key in particle_ids:
        spoken = said(key)
        chosen = None if spoken == "unknown" else labels.find(catalogue, spoken).label_id
        action = "unknown" if chosen is None else "label"
        review.decide(ds, key, action, label_id=chosen, by=by, request_id=uuid.uuid4().hex)
