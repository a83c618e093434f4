"""What each view contributed to a proposal: exact Shapley values over all subsets of the views. Pure.

The value function, stated once: ``v(S)`` is the cosine of the particle vector that the default integrator makes of the
views in ``S`` to the prototype of the proposed label, minus that to the nearest other label; with a single label the
cosine itself. ``v({})`` is 0: without a picture no label is preferred. Contributions therefore add up to ``v(all)``
exactly (efficiency). Weights, gate and trim are those the default would use for ``S``, not those of the whole set.

With V views there are 2^V subsets, 64 for six; cosines between views and to prototypes are computed once per particle
and every subset is a small product of them.

Attention weights are no contributions: against the effect of leaving a view out they rank 0.2 (Spearman).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any, Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.decide.rules import Rule
from sem_curate.integrate.contract import QualityMean, Views, shared_weights, sound
from sem_curate.integrate.pool import centre, cosines, weights_from_cosines

MOST_VIEWS: Final = 12  # 4096 subsets
CHUNK: Final = 2048  # particles at a time: some 10 MB per step for six views

# Numpy's masked arrays are untyped; (N, V), masked where a view is not available.
Masked = Any


@dataclass(frozen=True)
class Contributions:
    """What the views of N particles contributed.

    Attributes:
        shapley: (N, V) masked float32 in cosine units; rows of available views sum to ``total``. Masked = not
            available, which is something else than no effect.
        removal: (N, V) masked float32: how much the margin falls when only this view is left out.
        total: (N,) float32, ``v(all)``.
        single: (N,) int64, the view whose removal alone turns the proposal into another label (the largest removal
            effect of such); -1 where no single view does.
    """

    shapley: Masked
    removal: Masked
    total: Floats
    single: Ints


def contributions(views: Views, integrator: QualityMean, rule: Rule, label: Ints) -> Contributions:
    """Return the contributions of all views of all particles.

    Args:
        views: N particles; broken views count as missing, copies of a view share what it contributes.
        integrator: the default integrator that made the proposals.
        rule: the fitted proposal rule; its prototypes state the value, and itself decides what flips.
        label: (N,) proposed label; -1 (nothing proposed) gives zeros.

    Raises:
        ValueError: for more than 12 views.
    """
    n, count = views.present.shape
    masks = subsets(count)
    clean = sound(views)
    shapley, removal = np.zeros((n, count), np.float32), np.zeros((n, count), np.float32)
    total, single = np.zeros(n, np.float32), np.full(n, -1, np.int64)
    if len(rule.prototypes):
        formula = shapley_matrix(count)
        for first in range(0, n, CHUNK):
            rows = slice(first, first + CHUNK)
            part = clean.views.take(rows)
            values = subset_values(part, integrator, rule.prototypes, label[rows], masks)
            shapley[rows], total[rows] = values @ formula.T, values[:, -1]
            removal[rows] = values[:, -1:] - values[:, len(masks) - 1 - 2 ** np.arange(count)]
            single[rows] = _single(part, integrator, rule, label[rows], removal[rows])
    absent = ~(views.present & (clean.views.present | (clean.owners != np.arange(count))))
    return Contributions(
        np.ma.masked_array(shared_weights(shapley, clean.owners), absent),
        np.ma.masked_array(removal, absent),
        total,
        single,
    )


def subsets(count: int) -> Bools:
    """Return all subsets of ``count`` views, (2^V, V); row ``i`` holds view ``v`` when bit ``v`` of ``i`` is set.

    Raises:
        ValueError: for more than 12 views.
    """
    if count > MOST_VIEWS:
        raise ValueError(f"exact contributions are computed for up to {MOST_VIEWS} views; got {count}")
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.bool_)


def shapley_matrix(count: int) -> Floats:
    """Return (V, 2^V): Shapley values are this times the values of all subsets (Shapley 1953)."""
    masks = subsets(count)
    sizes = masks.sum(axis=1)
    joined = np.array([factorial(max(s - 1, 0)) * factorial(count - s) / factorial(count) for s in sizes])
    left = np.array([factorial(s) * factorial(max(count - s - 1, 0)) / factorial(count) for s in sizes])
    matrix: Floats = np.where(masks, joined[:, None], -left[:, None]).T.astype(np.float32)
    return matrix


def subset_values(views: Views, integrator: QualityMean, prototypes: Floats, label: Ints, masks: Bools) -> Floats:
    """Return ``v(S)`` of each particle and subset, (N, S) float32; see the module.

    Args:
        views: N particles without broken views and copies.
        integrator: the default.
        prototypes: (L, D) unit rows, L >= 1.
        label: (N,) proposed label.
        masks: (S, V) subsets.
    """
    vectors = centre(views.vectors, views.present, integrator.means)
    gram = cosines(vectors)
    chosen = views.present[:, None] & masks
    weights = weights_from_cosines(gram, chosen, views.quality[:, None], integrator.config, integrator.usual)
    lengths = np.sqrt(np.maximum((np.matmul(weights, gram) * weights).sum(axis=2), 0))
    towards = np.matmul(weights, vectors @ prototypes.T)  # (N, S, L)
    scores = np.divide(towards, lengths[..., None], out=np.zeros_like(towards), where=lengths[..., None] > 1e-9)
    named = np.maximum(label, 0)[:, None, None]
    own = np.take_along_axis(scores, named, axis=2)[..., 0]
    if scores.shape[2] > 1:
        np.put_along_axis(scores, named, -np.inf, axis=2)
        own = own - scores.max(axis=2)
    values: Floats = np.where((label >= 0)[:, None] & chosen.any(axis=2), own, 0.0).astype(np.float32)
    return values


def without_each(views: Views, integrator: QualityMean) -> Floats:
    """Return the particle vector that remains when each view is left out, (N, V, D); zero where nothing remains."""
    vectors = centre(views.vectors, views.present, integrator.means)
    gram = cosines(vectors)
    chosen = views.present[:, None] & ~np.eye(views.present.shape[1], dtype=np.bool_)
    weights = weights_from_cosines(gram, chosen, views.quality[:, None], integrator.config, integrator.usual)
    mixed = np.matmul(weights, vectors)
    lengths = np.linalg.norm(mixed, axis=2, keepdims=True)
    units: Floats = np.divide(mixed, lengths, out=np.zeros_like(mixed), where=lengths > 1e-9)
    return units


def _single(views: Views, integrator: QualityMean, rule: Rule, label: Ints, removal: Floats) -> Ints:
    rest = without_each(views, integrator)
    n, count, dim = rest.shape
    said = rule.confidence(rest.reshape(n * count, dim)).argmax(axis=1).reshape(n, count)
    # Without the last view nothing is left to disagree.
    asked = views.present & (views.present.sum(axis=1) > 1)[:, None] & (label >= 0)[:, None]
    flips = asked & (said != label[:, None])
    best = np.where(flips, removal, -np.inf).argmax(axis=1)
    return np.where(flips.any(axis=1), best, -1).astype(np.int64)


@dataclass(frozen=True)
class Agreement:
    """How far the views of a particle say the same.

    Attributes:
        share: (N,) float32 in [0, 1], weight share of the views that alone would get the particle's label.
        entropy: (N,) float32 in [0, 1], entropy of the weighted votes over the most it could be; 0 = all say the same.
        alone: (N, V) masked int64, what each view alone would get.
    """

    share: Floats
    entropy: Floats
    alone: Masked


def agreement(views: Floats, weights: Floats, rule: Rule, label: Ints) -> Agreement:
    """Ask every view alone.

    Args:
        views: (N, V, D) centred unit views.
        weights: (N, V) their weights, 0 = not asked.
        rule: the fitted rule.
        label: (N,) the particle's proposal.
    """
    n, count, _ = views.shape
    labels = len(rule.prototypes)
    asked = weights > 0
    if labels == 0:
        nothing = np.zeros(n, np.float32)
        return Agreement(nothing, nothing.copy(), np.ma.masked_array(np.zeros((n, count), np.int64), True))
    said = np.zeros((n, count), np.int64)
    said[asked] = rule.confidence(views[asked]).argmax(axis=1)
    share = (weights * (said == label[:, None])).sum(axis=1)
    votes = np.zeros((n, labels), np.float64)
    np.add.at(votes, (np.arange(n)[:, None], said), weights)
    bits = -(votes * np.log(np.maximum(votes, 1e-300))).sum(axis=1)
    most = np.log(np.maximum(np.minimum(asked.sum(axis=1), labels), 1))
    entropy = np.divide(bits, most, out=np.zeros_like(bits), where=most > 0)
    return Agreement(
        share.astype(np.float32), np.clip(entropy, 0, 1).astype(np.float32), np.ma.masked_array(said, ~asked)
    )
