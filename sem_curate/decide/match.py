"""How strongly a particle resembles each label's masters, and how well it is known at all.

Letters: N particles, M masters, L labels, D vector length. All vectors are unit rows, all similarities cosines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sem_curate.arrays import Floats, Ints, unit_rows
from sem_curate.config import DecideConfig

PROTOTYPE = "prototype"
NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Match:
    """Result of comparing N particles with M masters of L labels.

    Attributes:
        confidence: (N, L) float32 in [0, 1], rows sum to 1. Not calibrated: show it as a rank.
        knownness: (N,) float32 cosine in [-1, 1] to the nearest master of any label; higher = better known.
        similarity: (N, M) float32 cosines; -inf where a particle met itself as a master.
        method: ``"prototype"`` or ``"neighbours"``.
    """

    confidence: Floats
    knownness: Floats
    similarity: Floats
    method: str


def match(vectors: Floats, masters: Floats, labels: Ints, config: DecideConfig, *, own: Ints | None = None) -> Match:
    """Compare particles with masters.

    Few masters per label: nearest prototype (Wang et al. 2019, SimpleShot, arXiv 1911.04623) under a softmax. More:
    neighbour votes weighted by exp(cosine / temperature) (Oquab et al. 2023, DINOv2, arXiv 2304.07193). Both are
    invariant to the order of particles and masters.

    Args:
        vectors: (N, D) particle vectors.
        masters: (M, D) master vectors, M >= 1.
        labels: (M,) label index of each master, 0..L-1, every index used.
        config: method switch, k and temperature.
        own: (N,) index of the master that the particle itself is, -1 for none; it is left out of its own match.

    Raises:
        ValueError: without masters.
    """
    if len(masters) == 0:
        raise ValueError("at least one master is needed; register masters first")
    similarity = _product(vectors, masters.T)
    if own is not None:
        rows = np.flatnonzero(own >= 0)
        similarity[rows, own[rows]] = -np.inf
    counts = np.bincount(labels)
    prototypes = float(np.median(counts)) <= config.prototype_up_to
    scores = _prototype_scores(vectors, masters, labels, own) if prototypes else similarity
    if prototypes:
        confidence = _softmax(scores / config.temperature)
    else:
        confidence = _votes(similarity, labels, len(counts), config)
    knownness = np.where(np.isfinite(similarity).any(axis=1), similarity.max(axis=1), -1.0).astype(np.float32)
    return Match(confidence, knownness, similarity, PROTOTYPE if prototypes else NEIGHBOURS)


def _prototype_scores(vectors: Floats, masters: Floats, labels: Ints, own: Ints | None) -> Floats:
    membership = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]  # (M, L)
    sums = membership.T @ masters
    scores = _product(vectors, unit_rows(sums).T)
    if own is None:
        return scores
    for row in np.flatnonzero(own >= 0):
        label = labels[own[row]]
        rest = unit_rows((sums[label] - masters[own[row]])[None])[0]
        # A label whose only master is the particle itself leaves nothing to compare with.
        alone = int((labels == label).sum()) == 1
        scores[row, label] = -1.0 if alone else float(vectors[row] @ rest)
    return scores


def _product(left: Floats, right: Floats) -> Floats:
    """Multiply in double precision: in single, the last bits depend on how many particles are asked at once.

    A rounded value of a receipt could then differ when its particle is proposed again alone.
    """
    product: Floats = (left.astype(np.float64) @ right.astype(np.float64)).astype(np.float32)
    return product


def _votes(similarity: Floats, labels: Ints, n_labels: int, config: DecideConfig) -> Floats:
    k = min(config.neighbours, similarity.shape[1])
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k] if k < similarity.shape[1] else None
    chosen = np.full_like(similarity, -np.inf)
    if nearest is None:
        chosen = similarity
    else:
        np.put_along_axis(chosen, nearest, np.take_along_axis(similarity, nearest, axis=1), axis=1)
    weights = _softmax(chosen / config.temperature)
    membership = np.eye(n_labels, dtype=np.float32)[labels]
    # A label with more masters must not win by headcount alone.
    votes = _product(weights, membership / membership.sum(axis=0))
    shares: Floats = (votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return shares


def _softmax(scores: Floats) -> Floats:
    top = scores.max(axis=1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    shares: Floats = (powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return shares
