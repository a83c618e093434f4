"""A small logistic regression: penalised, calibrated, and judged on particles that it did not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools

Array = NDArray[np.float64]

FOLDS: Final = 5
PENALTY: Final = 1.0  # per standard deviation of a measure; sklearn's C = 1


def calibrated(rows: Array, said: Bools, particles: Any, seed: int) -> Array:
    """Fit the logistic on all rows, and Platt's slope and intercept on margins from grouped folds; (M + 1,)."""
    weights = logistic(rows, said, PENALTY)
    margins = out_of_fold(rows, said, particles, seed + 1, lambda r, s, p: logistic(r, s, PENALTY))
    slope, intercept = logistic(margins[:, None], said, 1e-3, smooth=True)
    # A slope below 0 means that held-out margins point the wrong way: then nothing is known.
    slope = max(float(slope), 0.0)
    scaled: Array = weights * slope
    scaled[-1] += intercept if slope > 0 else 0.0
    return scaled


def out_of_fold(
    rows: Array, said: Bools, particles: Any, seed: int, fitter: Callable[[Array, Bools, Any], Array]
) -> Array:
    """Return (N,) margins of each view by a fit on other particles only; above 0 = has the tag."""
    dealt = folds(said, particles, seed)
    margins = np.zeros(len(said))
    for fold in range(FOLDS):
        inside = dealt == fold
        if not inside.any():
            continue
        weights = fitter(rows[~inside], said[~inside], particles[~inside])
        margins[inside] = rows[inside] @ weights[:-1] + weights[-1]
    return margins


def folds(said: Bools, particles: Any, seed: int) -> NDArray[np.intp]:
    """Deal particles to folds, those with many tagged views first, so that every fold hears both answers."""
    count = int(particles.max()) + 1
    tagged = np.bincount(particles, said, minlength=count) / np.maximum(np.bincount(particles, minlength=count), 1)
    order = np.lexsort((np.random.default_rng(seed).permutation(count), -tagged))
    fold_of = np.empty(count, np.intp)
    fold_of[order] = np.arange(count) % FOLDS
    dealt: NDArray[np.intp] = fold_of[particles]
    return dealt


def logistic(rows: Array, said: Bools, penalty: float, *, smooth: bool = False) -> Array:
    """Fit an L2 logistic regression by Newton's method, both answers weighing the same; (M + 1,), intercept last.

    With only one answer in the data the weights stay 0: nothing is known. ``smooth`` aims a little inside 0 and 1 as
    Platt does, so that margins which separate cleanly do not become certainties.
    """
    n, width = rows.shape
    with_it = int(said.sum())
    weights = np.zeros(width + 1)
    if with_it in (0, n):
        return weights
    balance = np.where(said, n / (2 * with_it), n / (2 * (n - with_it)))
    aim = np.where(said, (with_it + 1) / (with_it + 2), 1 / (n - with_it + 2)) if smooth else said.astype(np.float64)
    design = np.hstack([rows, np.ones((n, 1))])
    ridge = np.diag([penalty] * width + [1e-6])
    for _ in range(50):
        chance = sigmoid(design @ weights)
        gradient = design.T @ (balance * (chance - aim)) + ridge @ weights
        curvature = (design * (balance * np.maximum(chance * (1 - chance), 1e-6))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        weights -= step / max(1.0, float(np.abs(step).max()) / 5)  # far steps overshoot when answers separate cleanly
        if float(np.abs(step).max()) < 1e-6:
            break
    return weights


def sigmoid(margin: Any) -> Any:
    """Return the probability of a margin, in (0, 1); works on arrays and numbers."""
    return 1 / (1 + np.exp(-np.clip(margin, -30, 30)))
