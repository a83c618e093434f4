"""Real images: masters from one frame, proposals on all others, with features of the bundled encoder and of DeiT-Tiny.

Particles of one frame share detector, contrast and neighbours; masters from the frame that is proposed on would measure
how well a frame resembles itself. Every frame takes its turn as the one with masters. These particles have one view.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats, Image, Ints
from sem_curate.bench import evaluate
from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure, at_least
from sem_curate.decide import rules
from sem_curate.embed.encoders import DEFAULT_IMAGE, get_encoder
from sem_curate.errors import InputError
from sem_curate.ingest.readers import read_grey
from sem_curate.integrate.contract import QualityMean, Views

MASTERS: Final = (1, 3, 5, 10)
DRAWS: Final = 20
PIXELS: Final = 16  # the baseline's thumbnails
BATCH: Final = 64
DEIT: Final = "timm:deit_tiny_patch16_224@"


def figures(setting: Setting) -> list[Figure]:
    """Return macro recall by encoder and number of masters, beside pixels and the nearest prototype.

    Raises:
        InputError: the data has no labelled images in at least two frames.
    """
    assert setting.data is not None  # the runner leaves this part out without data
    images, labels, frames, names = _read(setting.data)
    encoders = [DEFAULT_IMAGE, *([f"{DEIT}{setting.weights}"] if setting.weights else [])]
    pixels = _thumbnails(images)
    found = []
    for encoder in encoders:
        vectors = _embed(encoder, images)
        spoken = "bundled" if encoder == DEFAULT_IMAGE else "DeiT-Tiny"
        title = f"real, {len(labels)} particles, {len(names)} labels, {spoken}"
        for masters in MASTERS:
            ours, prototype, naive = np.mean(_across(vectors, pixels, labels, frames, masters), axis=0)
            text = f"{title}, {masters} masters per label from one frame: macro recall on the others"
            found.append(at_least(f"{text} (baseline 16x16 pixels)", float(ours), float(naive), float(naive)))
            found.append(Figure(f"{text} (baseline nearest prototype)", float(ours), float(prototype)))
    return found


def _across(vectors: Floats, pixels: Floats, labels: Ints, frames: Ints, masters: int) -> list[tuple[float, ...]]:
    found = []
    for frame in np.unique(frames):
        others = np.flatnonzero(frames != frame)
        for draw in range(DRAWS):
            rng = np.random.default_rng([int(frame), masters, draw])
            here = [np.flatnonzero((frames == frame) & (labels == label)) for label in np.unique(labels)]
            if min(len(rows) for rows in here) == 0:
                continue
            chosen = np.concatenate([rng.permutation(rows)[:masters] for rows in here])
            said = [
                rules.fit(vectors[chosen], labels[chosen], name=name).confidence(vectors[others]).argmax(axis=1)
                for name in (rules.AUTO, rules.PROTOTYPE)
            ]
            ids = [str(row) for row in others]
            near = evaluate.pixel_neighbours(
                pixels[chosen], [str(label) for label in labels[chosen]], pixels[others], ids
            )  # fmt: skip
            said.append(np.array([int(near[key]) for key in ids]))
            found.append(tuple(_macro(made, labels[others]) for made in said))
    if not found:
        raise InputError("real images need particles of every label in at least one of two frames")
    return found


def _macro(said: Ints, truth: Ints) -> float:
    return float(np.mean([(said[truth == label] == label).mean() for label in np.unique(truth)]))


def _embed(name: str, images: list[Image]) -> Floats:
    """Embed, and integrate as particles of one view each, centred on the pool."""
    encoder = get_encoder(name)
    parts = [
        encoder.embed_images(np.stack([encoder.preprocess(image) for image in images[first : first + BATCH]]))
        for first in range(0, len(images), BATCH)
    ]
    vectors = np.concatenate(parts)[:, None]
    views = Views(vectors, np.ones(vectors.shape[:2], np.bool_), np.ones(vectors.shape[:2], np.float32))
    return QualityMean.of(views)(views).vectors


def _read(folder: Path) -> tuple[list[Image], Ints, Ints, list[str]]:
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        raise InputError(f"'{folder}' has no manifest.csv (filepath, label, frame)")
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("label")]
    names, frames = sorted({row["label"] for row in rows}), sorted({row["frame"] for row in rows})
    if len(frames) < 2 or len(names) < 2:
        raise InputError(f"'{manifest}' has {len(names)} labels in {len(frames)} frames; at least 2 of both are needed")
    images = [np.asarray(read_grey(folder / row["filepath"])) for row in rows]
    labels = np.array([names.index(row["label"]) for row in rows])
    return images, labels, np.array([frames.index(row["frame"]) for row in rows]), names


def _thumbnails(images: list[Image]) -> Floats:
    size = (PIXELS, PIXELS)
    small = [
        cv2.resize(np.asarray(image, np.float32), size, interpolation=cv2.INTER_AREA).ravel() for image in images
    ]  # fmt: skip
    stacked = np.stack(small)
    even: Floats = (stacked - stacked.mean(axis=1, keepdims=True)) / (stacked.std(axis=1, keepdims=True) + 1e-6)
    return even.astype(np.float32)
