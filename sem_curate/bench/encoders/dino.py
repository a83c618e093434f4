"""How well ``bundled:sem-dino`` tells real and simulated particles apart, beside four other ways to see them.

Nothing here was trained on: the real frames are all kept for figures, and the simulated particles have the seeds of
the benchmarks.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sem_curate.arrays import Floats, Image, unit_rows
from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure, at_least
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.embed.trial import random_twin
from sem_curate.ingest.readers import read_grey
from sem_curate.rendering import FAMILIES, render_particles

MASTERS: Final = (1, 3, 5, 10)
DRAWS: Final = 40  # of masters, per frame group
RESAMPLES: Final = 400
PIXELS: Final = 16
OF_PRETRAINED: Final = 0.95  # of a network trained on a million photographs
SIMULATED: Final = 320
SIMULATED_MASTERS: Final = (1, 5)
OURS, TWIN, PIXEL, PRETRAINED = "sem-dino", "random twin", "16x16 pixels", "pretrained"

See = Callable[[list[Image]], Floats]
Names = NDArray[np.str_]


@dataclass(frozen=True)
class Crops:
    """N images of single particles with what they show and the frame group they were cut from."""

    images: list[Image]
    labels: Names
    frames: Names


@dataclass(frozen=True)
class Measured:
    """A figure and its bootstrap repetitions, which are paired between encoders because their chance is the same."""

    value: float
    again: NDArray[np.float64]


def figures(setting: Setting) -> list[Figure]:
    """Measure; without ``setting.data`` on simulated particles only.

    Returns:
        On real crops, by frame group, macro recall of the nearest master and AUC of same against different label, with
        95 % bounds of the gain over pixels and the random twin; on simulated particles, macro recall over families.
    """
    ways = _ways(setting.weights)
    simulated = _simulated(setting.seed, ways)
    if setting.data is None:
        return simulated
    crops = _read(setting.data)
    seen = {name: see(crops.images) for name, see in ways.items()}
    recalls = {name: {k: _recalls(vectors, crops, k, setting.seed) for k in MASTERS} for name, vectors in seen.items()}
    found: list[Figure] = []
    for k in MASTERS:
        found += _compare(f"real crops, macro recall, {k} masters", {name: recalls[name][k] for name in seen})
    areas = {name: _areas(vectors, crops, setting.seed) for name, vectors in seen.items()}
    return [*found, *_compare("real crops, same/different AUC", areas), *simulated]


def auc(positive: Floats, negative: Floats) -> float:
    """Return the share of (positive, negative) pairs in the right order, ties as half (Mann-Whitney).

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ranks = rankdata(np.concatenate([positive, negative]))
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def macro_recall(vectors: Floats, labels: Names, masters: NDArray[np.int64], asked: NDArray[np.int64]) -> float:
    """Return the mean over labels of the share of asked rows whose nearest master has their label."""
    nearest = (vectors[asked] @ vectors[masters].T).argmax(axis=1)
    right = labels[masters][nearest] == labels[asked]
    return float(np.mean([right[labels[asked] == label].mean() for label in np.unique(labels[asked])]))


def _compare(name: str, measured: dict[str, Measured]) -> list[Figure]:
    """Give our figure, its lower bounds over the naive ways, and its ratio to the pretrained network."""
    ours = measured[OURS]
    found = [Figure(name, ours.value, measured[PIXEL].value)]
    for rival in (PIXEL, TWIN):
        bound = float(np.quantile(ours.again - measured[rival].again, 0.025))
        found.append(at_least(f"{name}, gain over {rival}, 95 % bound", bound, 0.0, measured[rival].value))
    if PRETRAINED in measured:
        other = measured[PRETRAINED].value
        found.append(at_least(f"{name}, of a pretrained network", ours.value / other, OF_PRETRAINED, other))
    return found


def _recalls(vectors: Floats, crops: Crops, k: int, seed: int) -> Measured:
    """Macro recall over the other frame groups, mean over draws of masters from each group."""
    rng = np.random.default_rng([seed, k])
    by_group = np.array(
        [
            [macro_recall(vectors, crops.labels, masters, asked) for masters, asked in _draws(crops, group, k, rng)]
            for group in np.unique(crops.frames)
        ]
    )
    # The draws of one group share their frames, so groups and draws are both drawn again.
    again = np.random.default_rng([seed, k, 1])
    groups = again.integers(len(by_group), size=(RESAMPLES, len(by_group), 1))
    resampled = by_group[groups, again.integers(DRAWS, size=(RESAMPLES, len(by_group), DRAWS))]
    return Measured(float(by_group.mean()), resampled.mean(axis=(1, 2)))


def _draws(
    crops: Crops, group: str, k: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    here = np.flatnonzero(crops.frames == group)
    asked = np.flatnonzero(crops.frames != group)
    for _ in range(DRAWS):
        order = rng.permutation(here)
        yield np.concatenate([order[crops.labels[order] == label][:k] for label in np.unique(crops.labels)]), asked


def _areas(vectors: Floats, crops: Crops, seed: int) -> Measured:
    """AUC of cosines of pairs from different frame groups; particles are drawn again."""
    rng = np.random.default_rng([seed, 2])
    count = len(vectors)
    again = [_area(vectors, crops, rng.choice(count, count)) for _ in range(RESAMPLES // 4)]
    return Measured(_area(vectors, crops, np.arange(count)), np.array(again))


def _area(vectors: Floats, crops: Crops, rows: NDArray[np.int64]) -> float:
    similar = vectors[rows] @ vectors[rows].T
    apart = np.triu(crops.frames[rows][:, None] != crops.frames[rows][None, :], 1)
    same = crops.labels[rows][:, None] == crops.labels[rows][None, :]
    return auc(similar[apart & same], similar[apart & ~same])


def _ways(weights: Path | None) -> dict[str, See]:
    """Return the encoders that are compared, by name."""
    ways: dict[str, See] = {
        OURS: _through(get_encoder("bundled:sem-dino")), TWIN: _through(random_twin("sem-dino")), PIXEL: _as_pixels,
    }  # fmt: skip
    if weights is not None:
        ways[PRETRAINED] = _through(get_encoder(f"timm:{weights.stem}@{weights}"))
    return ways


def _through(encoder: Encoder) -> See:
    def see(images: list[Image]) -> Floats:
        parts = [
            encoder.embed_images(np.stack([encoder.preprocess(image) for image in images[start : start + 64]]))
            for start in range(0, len(images), 64)
        ]
        return np.concatenate(parts)

    return see


def _as_pixels(images: list[Image]) -> Floats:
    small = [cv2.resize(np.asarray(image, np.float32), (PIXELS, PIXELS), interpolation=cv2.INTER_AREA).ravel()
             for image in images]  # fmt: skip
    stacked = np.stack(small)
    return unit_rows(stacked - stacked.mean(1, keepdims=True))


def _read(folder: Path) -> Crops:
    with (folder / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    return Crops(
        [read_grey(folder / row["filepath"]) for row in rows],
        np.array([row["label"] for row in rows]),
        np.array([row["frame"] for row in rows]),
    )


def _simulated(seed: int, ways: dict[str, See]) -> list[Figure]:
    """Few masters per family, each particle seen as the mean of its views."""
    particles = list(render_particles(SIMULATED, seed=seed))
    labels = np.array([particle.family for particle in particles])
    views = [[view.image for view in particle.views.values() if view is not None] for particle in particles]
    ends = np.cumsum([len(images) for images in views])[:-1]
    found: list[Figure] = []
    means = {
        name: unit_rows(
            np.stack([part.mean(0) for part in np.split(see([i for images in views for i in images]), ends)])
        )
        for name, see in ways.items()
    }
    for k in SIMULATED_MASTERS:
        measured = {name: _few(vectors, labels, k, seed) for name, vectors in means.items()}
        name = f"simulated particles, macro recall over {len(FAMILIES)} families, {k} masters"
        found += _compare(name, measured)[:3]
    return found


def _few(vectors: Floats, labels: Names, k: int, seed: int) -> Measured:
    """Macro recall, mean over draws of masters; draws are drawn again."""
    rng = np.random.default_rng([seed, k, 3])
    found = []
    for _ in range(DRAWS):
        order = rng.permutation(len(labels))
        masters = np.concatenate([order[labels[order] == label][:k] for label in np.unique(labels)])
        found.append(macro_recall(vectors, labels, masters, np.setdiff1d(order, masters)))
    again = np.array(found)[rng.integers(DRAWS, size=(RESAMPLES, DRAWS))]
    return Measured(float(np.mean(found)), again.mean(axis=1))
