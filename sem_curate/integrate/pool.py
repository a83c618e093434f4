"""From the views of a particle to one vector: a mean of centred unit views, weighted by quality and by agreement.

Letters: N particles, V views, D vector length. Missing views are masked, never zero-filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sem_curate.arrays import TINY, Bools, Floats, check_views, unit_rows
from sem_curate.config import IntegrateConfig

# A slot mean from n views counts n / (n + SHRINK): with one particle, centring must not erase it.
SHRINK = 10.0
LEAST_QUALITY = 1e-3  # a weight below it would leave a particle without a vector when its every view scored 0
FEWEST = 3  # views from which one can be told to disagree with the others


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
    masked = np.where(present[..., None], vectors, np.float32(0))
    counts = present.sum(axis=0)[:, None]
    means: Floats = (masked.sum(axis=0) / (counts + SHRINK)).astype(np.float32)
    return means


def slot_agreement(vectors: Floats, present: Bools, means: Floats) -> Floats:
    """Return how much a view of each slot usually agrees with the particle's other views.

    A high-magnification view shows something else than its siblings and agrees less with them, without being wrong.
    Slots with few views are drawn towards what is usual in all slots.

    Args:
        vectors: (N, V, D) view vectors.
        present: (N, V) True where a view exists.
        means: (V, D) from :func:`slot_means`.

    Returns:
        (V,) float32, mean cosine in [-1, 1]; 0 where nothing is known.
    """
    views = centre(vectors, present, means)
    counted = present & (present.sum(axis=1) >= FEWEST)[:, None]
    agreement = np.where(counted, _agreement(cosines(views), present), 0.0)
    overall = agreement.sum() / max(int(counted.sum()), 1)
    usual: Floats = (agreement.sum(axis=0) + SHRINK * overall) / (counted.sum(axis=0) + SHRINK)
    return usual.astype(np.float32)


def pool(
    vectors: Floats,
    present: Bools,
    quality: Floats,
    *,
    means: Floats | None = None,
    usual: Floats | None = None,
    config: IntegrateConfig | None = None,
) -> Pooled:
    """Integrate the views of each particle: ``l2(sum_v w_v x_v)`` with ``w = q^power * trim``.

    ``x`` are the views less their slot's mean, brought to unit length: what tells particles apart has one size in every
    view, however much of the vector the imaging condition takes.

    Args:
        vectors: (N, V, D) view vectors.
        present: (N, V) True where a view exists.
        quality: (N, V) in [0, 1], higher is better; NaN counts as 1 (not measured).
        means: (V, D) from :func:`slot_means`; None leaves the vectors where they are.
        usual: (V,) from :func:`slot_agreement`; None expects the same agreement of every slot.
        config: powers and thresholds.

    Returns:
        Vectors, weights and centred views. The order of the views does not matter; a masked view has no influence.

    Raises:
        ValueError: on wrong shapes or non-finite present views.
    """
    check_views(vectors, present)
    return pool_sound(vectors, present, quality, means=means, usual=usual, config=config or IntegrateConfig())


def pool_sound(
    vectors: Floats,
    present: Bools,
    quality: Floats,
    *,
    means: Floats | None,
    usual: Floats | None,
    config: IntegrateConfig,
) -> Pooled:
    """Integrate as :func:`pool`, of views whose shapes and numbers somebody has looked at already."""
    views = centre(vectors, present, means)
    raw = view_weights(views, present, quality, config, usual)
    total = raw.sum(axis=1, keepdims=True)
    weights = np.divide(raw, total, out=np.zeros_like(raw), where=total > 0)
    return Pooled(unit_rows(np.einsum("nv,nvd->nd", weights, views)), weights, views)


def centre(vectors: Floats, present: Bools, means: Floats | None = None) -> Floats:
    """Return view vectors with their slot's mean removed, at unit length; (N, V, D) float32, zero where missing.

    The vectors are taken at the length they have. Encoders of this package give unit vectors.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a masked view may hold anything
        moved: Floats = np.subtract(vectors, np.float32(0) if means is None else means, dtype=np.float32)
        lengths = _lengths(moved)
        moved *= np.divide(1, lengths, out=np.zeros_like(lengths), where=present & (lengths > TINY))[..., None]
    if not np.isfinite(lengths).all():
        moved[~present] = 0
    return moved


def _lengths(vectors: Floats) -> Floats:
    lengths: Floats = np.sqrt(np.einsum("nvd,nvd->nv", vectors, vectors))
    return lengths


def view_weights(
    views: Floats, present: Bools, quality: Floats, config: IntegrateConfig, usual: Floats | None = None
) -> Floats:
    """Return unnormalised view weights from quality and agreement, (N, V) float32 >= 0.

    Unusable views are gated only when a better one exists: a poor picture beats no picture.
    """
    return weights_from_cosines(cosines(views), present, quality, config, usual)


def cosines(views: Floats) -> Floats:
    """Return the cosines between the views of each particle, (N, V, V) from (N, V, D) unit rows."""
    n, count, _ = views.shape
    gram = np.empty((n, count, count), np.float32)
    for view in range(count):
        gram[:, view, view:] = np.einsum("nd,nvd->nv", views[:, view], views[:, view:])
        gram[:, view:, view] = gram[:, view, view:]
    return gram


def weights_from_cosines(
    gram: Floats, present: Bools, quality: Floats, config: IntegrateConfig, usual: Floats | None = None
) -> Floats:
    """Return the weights of :func:`view_weights` from (N, V, V) cosines, so that many subsets of views are cheap.

    ``present`` may also be (N, S, V) beside (N, 1, V) qualities: S subsets of the views of each particle.
    """
    measured = np.where(np.isnan(quality), 1.0, np.clip(quality, 0.0, 1.0)).astype(np.float32)
    usable = present & (measured >= config.quality_floor)
    nothing_usable = ~usable.any(axis=-1, keepdims=True)
    usable = np.where(nothing_usable, present, usable)
    weights = np.where(usable, np.maximum(measured, LEAST_QUALITY) ** config.quality_power, 0.0)
    return (weights * consistency_trim(gram, usable, config, usual)).astype(np.float32)


def consistency_trim(gram: Floats, usable: Bools, config: IntegrateConfig, usual: Floats | None = None) -> Floats:
    """Return how much is kept of each view, by how far it agrees less with its siblings than its slot usually does.

    Agreement is the mean cosine to the particle's other usable views; it says something from three views on. What
    counts is how far it lies below the particle's median, after what is usual for each slot was taken off: nothing is
    lost at the median, all but ``trim_factor`` from ``trim_gap`` below it on, and in between it falls evenly. An edge
    instead of a slope, at 0.15 or at 0.5, was no better on rendered particles and 1 to 3 points worse where one view in
    ten shows another object.

    Returns:
        (..., V) float32 in [``trim_factor``, 1].
    """
    agreement = _agreement(gram, usable) - (0.0 if usual is None else usual)
    middle = _masked_median(agreement, usable)
    enough = usable.sum(axis=-1) >= FEWEST
    below = (middle[..., None] - agreement) / config.trim_gap
    counted = usable & enough[..., None]
    return np.where(counted, np.clip(1 - below, config.trim_factor, 1.0), 1.0).astype(np.float32)


def _agreement(gram: Floats, usable: Bools) -> Floats:
    """Mean cosine of each usable view to the particle's other usable ones, as ``usable``; 0 for unusable views."""
    counted = usable.astype(np.float32)
    others = np.maximum(counted.sum(axis=-1) - 1, 1)[..., None]
    own = np.diagonal(gram, axis1=-2, axis2=-1)
    if usable.ndim == 2:
        towards = np.matmul(counted[:, None], gram)[:, 0]
    else:
        own, towards = own[:, None], np.matmul(counted, gram)
    agreement: Floats = counted * (towards - own) / others
    return agreement


def _masked_median(values: Floats, mask: Bools) -> Floats:
    ordered = np.sort(np.where(mask, values, np.inf), axis=-1)
    counts = np.maximum(mask.sum(axis=-1), 1)[..., None]
    low = np.take_along_axis(ordered, (counts - 1) // 2, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, counts // 2, axis=-1)[..., 0]
    middle = np.where(mask.any(axis=-1), (np.where(np.isinf(low), 0, low) + np.where(np.isinf(high), 0, high)) / 2, 0.0)
    return np.asarray(middle, dtype=np.float32)
