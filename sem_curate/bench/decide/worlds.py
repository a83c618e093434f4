"""Two reference worlds without a download: scikit-learn's digits, and synthetic sets of six views. Not SEM images.

They rank methods and catch regressions; what they say about accuracy on SEM particles is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from sem_curate.arrays import Floats, Ints, unit_rows
from sem_curate.integrate.contract import Views

Doubles = NDArray[np.float64]

LABELS: Final = 8
DIM: Final = 64
POSES: Final = 6


def digits() -> tuple[Floats, Ints]:
    """Return 1797 images as (N, 64) in [0, 1], and their digits."""
    images, truth = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), truth.astype(np.int64)


def draw(truth: Ints, masters: int, rng: np.random.Generator, labels: Any) -> tuple[Ints, Ints]:
    """Return masters of the given labels, and everything else."""
    chosen = np.concatenate([rng.choice(np.flatnonzero(truth == label), masters, replace=False) for label in labels])
    return chosen, np.setdiff1d(np.arange(len(truth)), chosen)


def centred(images: Floats, pool: Floats) -> Floats:
    """Return unit rows after subtracting the pool's mean (CL2N)."""
    return unit_rows(images - pool.mean(axis=0))


@dataclass(frozen=True)
class World:
    """Eight labels in six poses; all views carry the label. Parameters of the synthetic sets."""

    labels: Doubles  # (L, D)
    poses: Doubles  # (V, D)
    together: Doubles  # (L, V, D) what a label looks like in one pose only


def world(seed: int) -> World:
    """Return one synthetic world."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(0, 1, (LABELS, DIM)) * 0.35
    poses = rng.normal(0, 1, (POSES, DIM)) * 0.8
    return World(labels, poses, rng.normal(0, 1, (LABELS, POSES, DIM)) * 0.25)


def sample(of: World, per_label: int, rng: np.random.Generator) -> tuple[Views, Ints]:
    """Return particles with 30 % missing and 10 % wrong views, noisier where quality (seen with noise) is low."""
    truth = np.repeat(np.arange(LABELS), per_label)
    n = len(truth)
    quality = rng.beta(2, 1.5, (n, POSES))
    x = of.labels[truth][:, None] + of.poses[None] + of.together[truth] + rng.normal(0, 0.35, (n, 1, DIM))
    wrong = rng.random((n, POSES)) < 0.1
    other = rng.integers(0, LABELS, (n, POSES))
    x = np.where(
        wrong[..., None], of.labels[other] + of.poses[None] + of.together[other, np.arange(POSES)[None]], x
    )  # fmt: skip
    x = x + rng.normal(0, 1, x.shape) * (0.5 + 3 * (1 - quality) ** 2)[..., None]
    seen = np.clip(quality + rng.normal(0, 0.1, quality.shape), 0.02, 1)
    present = rng.random((n, POSES)) > 0.3
    present[np.arange(n), rng.integers(0, POSES, n)] = True
    return Views(x.astype(np.float32), present, seen.astype(np.float32)), truth
