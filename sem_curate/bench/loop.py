"""The loop on real images: masters from one frame group, proposals on the others, beside pixel neighbours."""

from __future__ import annotations

import csv
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.bench import evaluate
from sem_curate.bench.figures import Figure, at_least, equals
from sem_curate.errors import InputError

PIXELS = 16  # the baseline's thumbnails
MASTERS = 10
SEEDS = 20


def run(*, data: Path | None = None, encoders: tuple[str, ...] = (), masters: int = MASTERS) -> list[Figure]:
    """Ingest a labelled manifest with a ``frame`` column and propose across frames.

    Args:
        data: a folder with ``manifest.csv`` (filepath, particle_id, view, label, frame).
        encoders: image encoder, then optionally a text encoder; default: the bundled ones.
        masters: per label, drawn from one frame group; every group takes its turn.

    Returns:
        Counts, seconds, and macro recall over the other frames beside 16x16-pixel nearest neighbours with the same
        masters, as means over groups and draws.

    Raises:
        InputError: without data.
    """
    if data is None or not (data / "manifest.csv").exists():
        raise InputError(
            "bench loop needs --data FOLDER with a manifest.csv (filepath, particle_id, view, label, frame)"
        )
    from sem_curate.registry import datasets

    name = f"bench-loop-{uuid.uuid4().hex[:8]}"
    try:
        return _figures(name, data, encoders, masters)
    finally:
        import fiftyone as fo

        from sem_curate import dataset

        if fo.dataset_exists(name):
            datasets.forget(dataset.dataset_id(fo.load_dataset(name)))
            fo.delete_dataset(name)


def _figures(name: str, data: Path, encoders: tuple[str, ...], masters: int) -> list[Figure]:
    from sem_curate import dataset, pipeline
    from sem_curate.decide.run import propose, read_batch, register_masters
    from sem_curate.ingest.run import ingest
    from sem_curate.registry import choices

    started = time.perf_counter()
    report = ingest(data / "manifest.csv", name)
    again = ingest(data / "manifest.csv", name)
    ds = dataset.load_dataset(name)
    stages = pipeline.run_stages(ds, ("quality", "embed"), encoders=encoders)
    seconds = time.perf_counter() - started
    rows = _rows(data)
    wanted_views = _view_counts(rows)
    labels = {row["particle_id"]: row["label"] for row in rows if row["label"]}
    frames = {row["particle_id"]: row["frame"] for row in rows}
    batch, _ = read_batch(ds, dataset.encoder_keys(ds)["dino"], sorted(labels))
    pixels = _pixels(data, rows, batch.particle_ids)
    ours, naive, groups = _cross_frame(batch, pixels, labels, frames, masters)
    # The same once through the database, as a user would do it.
    drawn = _draw(labels, frames, sorted(set(frames[key] for key in labels))[0], masters, np.random.default_rng(0))
    register_masters(ds, _by_label(drawn), by="bench")
    # Shares as the masters' thresholds alone give them; without audits everything would be left to people.
    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by="bench")
    proposed = propose(ds)
    return [
        equals("particles", report.particles, len({row["particle_id"] for row in rows})),
        equals("views", report.views_new, len(rows)),
        equals("particles by number of views", _counted(dataset.count_by(ds, "n_views")), _counted(wanted_views)),
        equals("views new in a second ingest", again.views_new + again.views_changed, 0),
        equals("particles proposed", proposed["out"], report.particles),
        at_least(f"macro recall, {masters} masters per label, other frames", ours, naive, naive),
        Figure("draws x frame groups", float(groups)),
        Figure("share auto", proposed["auto"] / proposed["out"]),
        Figure("share review", proposed["review"] / proposed["out"]),
        Figure("share unknown", proposed["unknown"] / proposed["out"]),
        Figure("ingest, quality and embedding [s]", seconds),
        Figure("views embedded per second", stages["embed"]["out"] / max(stages["embed"]["seconds"], 1e-9)),
    ]


def _cross_frame(
    batch: Any, pixels: Floats, labels: Mapping[str, str], frames: Mapping[str, str], masters: int
) -> tuple[float, float, int]:
    rng = np.random.default_rng(0)
    row_of = {key: row for row, key in enumerate(batch.particle_ids)}
    ours, naive = [], []
    for group in sorted({frames[key] for key in batch.particle_ids}):
        others = [key for key in batch.particle_ids if frames[key] != group]
        for _ in range(SEEDS):
            drawn = _draw(labels, frames, group, masters, rng)
            chosen = evaluate.select(batch, [row_of[key] for key in [*drawn, *others]])
            truth = {key: labels[key] for key in others}
            made = evaluate.proposals_by_variant(chosen, drawn, variants=(evaluate.DEFAULT,))[evaluate.DEFAULT]
            ours.append(evaluate.macro_recall(made, truth))
            nearest = evaluate.pixel_neighbours(
                pixels[[row_of[key] for key in drawn]],
                list(drawn.values()),
                pixels[[row_of[key] for key in others]],
                others,
            )
            naive.append(evaluate.macro_recall(nearest, truth))
    return float(np.mean(ours)), float(np.mean(naive)), len(ours)


def _draw(
    labels: Mapping[str, str], frames: Mapping[str, str], group: str, masters: int, rng: np.random.Generator
) -> dict[str, str]:
    drawn: dict[str, str] = {}
    for label in sorted(set(labels.values())):
        here = sorted(key for key, value in labels.items() if value == label and frames[key] == group)
        for index in rng.permutation(len(here))[:masters]:
            drawn[here[int(index)]] = label
    return drawn


def _by_label(drawn: Mapping[str, str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for particle_id, label in drawn.items():
        chosen.setdefault(label, []).append(particle_id)
    return chosen


def _rows(data: Path) -> list[dict[str, str]]:
    with (data / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _view_counts(rows: list[dict[str, str]]) -> dict[int, int]:
    per_particle: dict[str, int] = {}
    for row in rows:
        per_particle[row["particle_id"]] = per_particle.get(row["particle_id"], 0) + 1
    counts: dict[int, int] = {}
    for views in per_particle.values():
        counts[views] = counts.get(views, 0) + 1
    return counts


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} with {views}" for views, count in sorted(counts.items()))


def _pixels(data: Path, rows: list[dict[str, str]], particle_ids: tuple[str, ...]) -> Floats:
    first = {row["particle_id"]: data / row["filepath"] for row in reversed(rows)}
    from sem_curate.ingest.readers import read_grey

    small = [
        cv2.resize(
            np.asarray(read_grey(first[key]), np.float32), (PIXELS, PIXELS), interpolation=cv2.INTER_AREA
        ).ravel()
        for key in particle_ids
    ]
    stacked = np.stack(small)
    centred: Floats = (stacked - stacked.mean(1, keepdims=True)) / (stacked.std(1, keepdims=True) + 1e-6)
    return centred.astype(np.float32)
