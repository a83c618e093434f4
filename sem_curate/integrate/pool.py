"""From the views of a particle to one vector: quality-weighted mean with a consistency trim.

Letters: N particles, V views, D vector length. Missing views are masked, never zero-filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sem_curate.arrays import Bools, Floats, check_views, unit_rows
from sem_curate.config import IntegrateConfig

# A slot mean from n views counts n / (n + SHRINK): with one particle, centring must not erase it.
SHRINK = 10.0


@dataclass(frozen=True)
class Pooled:
    """Particle vectors and where they came from.

    Attributes:
        vectors: (N, D) float32, unit rows; a particle without a usable view has a zero row.
        weights: (N, V) float32 in [0, 1]; the share of each view, rows sum to 1 (0 without usable views).
        views: (N, V, D) float32, the centred unit view vectors; zero where missing.
    """

    vectors: Floats
    weights: Floats
    views: Floats


def slot_means(vectors: Floats, present: Bools) -> Floats:
    """Return the mean vector of each view slot, shrunk towards zero when few views support it.

    Views of one imaging condition share much of their vector (magnification, detector); subtracting the slot's mean
    leaves what tells particles apart.

    Args:
        vectors: (N, V, D) view vectors.
        present: (N, V) True where a view exists.

    Returns:
        (V, D) float32.
    """
    check_views(vectors, present)
    masked = np.where(present[..., None], unit_rows(vectors), 0.0)
    counts = present.sum(axis=0)[:, None]
    means: Floats = (masked.sum(axis=0) / (counts + SHRINK)).astype(np.float32)
    return means


def pool(
    vectors: Floats,
    present: Bools,
    quality: Floats,
    *,
    means: Floats | None = None,
    config: IntegrateConfig | None = None,
) -> Pooled:
    """Integrate the views of each particle by ``l2(sum_v w_v x_v)`` with ``w = q^power * trim``.

    Args:
        vectors: (N, V, D) view vectors.
        present: (N, V) True where a view exists.
        quality: (N, V) in [0, 1], higher is better; NaN counts as 1 (not measured).
        means: (V, D) from :func:`slot_means`; None leaves the vectors where they are.
        config: powers and thresholds.

    Returns:
        Vectors, weights and centred views. The order of the views does not matter; a masked view has no influence.

    Raises:
        ValueError: on wrong shapes or non-finite present views.
    """
    config = config or IntegrateConfig()
    check_views(vectors, present)
    views = centre(vectors, present, means)
    raw = view_weights(views, present, quality, config)
    total = raw.sum(axis=1, keepdims=True)
    weights = np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)
    return Pooled(unit_rows(np.einsum("nv,nvd->nd", weights, views)), weights, views)


def centre(vectors: Floats, present: Bools, means: Floats | None = None) -> Floats:
    """Return unit view vectors with their slot's mean removed; zero where a view is missing."""
    units = np.where(present[..., None], unit_rows(vectors), np.float32(0))
    if means is None:
        return units
    centred: Floats = np.where(present[..., None], unit_rows(units - means[None]), np.float32(0))
    return centred


def view_weights(views: Floats, present: Bools, quality: Floats, config: IntegrateConfig) -> Floats:
    """Return unnormalised view weights, (N, V) float32 >= 0.

    Unusable views are gated only when a better one exists: a poor picture beats no picture.
    """
    measured = np.where(np.isnan(quality), 1.0, np.clip(quality, 0.0, 1.0)).astype(np.float32)
    usable = present & (measured >= config.quality_floor)
    nothing_usable = ~usable.any(axis=1, keepdims=True)
    usable = np.where(nothing_usable, present, usable)
    # The floor keeps a particle whose every view scored 0 from losing its vector.
    weights = np.where(usable, np.maximum(measured, 1e-3) ** config.quality_power, 0.0)
    return (weights * consistency_trim(views, usable, config)).astype(np.float32)


def consistency_trim(views: Floats, usable: Bools, config: IntegrateConfig) -> Floats:
    """Return ``trim_factor`` for views that agree far less with their siblings than is usual, else 1; (N, V).

    Agreement is the mean cosine to the particle's other usable views; it says something from three views on.
    """
    counts = usable.sum(axis=1)
    masked = views * usable[..., None]
    gram = np.einsum("nvd,nwd->nvw", masked, masked)
    others = np.maximum(counts - 1, 1)[:, None]
    agreement = (gram.sum(axis=2) - np.einsum("nvv->nv", gram)) / others
    middle = _masked_median(agreement, usable)
    odd = usable & (agreement < middle[:, None] - config.trim_gap) & (counts >= 3)[:, None]
    return np.where(odd, config.trim_factor, 1.0).astype(np.float32)


def _masked_median(values: Floats, mask: Bools) -> Floats:
    ordered = np.sort(np.where(mask, values, np.inf), axis=1)
    counts = np.maximum(mask.sum(axis=1), 1)
    rows = np.arange(len(values))
    low, high = ordered[rows, (counts - 1) // 2], ordered[rows, counts // 2]
    middle = np.where(mask.any(axis=1), (np.where(np.isinf(low), 0, low) + np.where(np.isinf(high), 0, high)) / 2, 0.0)
    return np.asarray(middle, dtype=np.float32)
