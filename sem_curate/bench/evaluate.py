"""Proposals beside baselines on the same particles, masters and matching rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sem_curate.arrays import Bools, Floats
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import reference
from sem_curate.decide.reference import Batch

DEFAULT = "quality-weighted, slot-centred"
SINGLE = "single best view"
MEAN = "unweighted mean"
VARIANTS = (DEFAULT, SINGLE, MEAN)


def select(batch: Batch, rows: Sequence[int]) -> Batch:
    """Return some particles of a batch."""
    index = np.asarray(rows, dtype=np.int64)
    return Batch(
        tuple(batch.particle_ids[i] for i in index), batch.vectors[index], batch.present[index], batch.quality[index]
    )


def proposals_by_variant(
    batch: Batch, master_labels: Mapping[str, str], *, variants: Sequence[str] = VARIANTS
) -> dict[str, dict[str, str]]:
    """Return ``{variant: {particle_id: proposed label}}`` for every particle that is not a master.

    Args:
        batch: all particles, masters included.
        master_labels: ``{particle_id: label}``.
        variants: which of :data:`VARIANTS`.
    """
    return {variant: _proposed(_seen_as(batch, variant), master_labels, variant) for variant in variants}


def accuracy(proposed: Mapping[str, str], truth: Mapping[str, str]) -> float:
    """Return the share of proposals that equal the truth, over particles that have both; NaN without any."""
    pairs = [(label, truth[key]) for key, label in proposed.items() if key in truth]
    return float(np.mean([made == true for made, true in pairs])) if pairs else float("nan")


def macro_recall(proposed: Mapping[str, str], truth: Mapping[str, str]) -> float:
    """Return the mean over labels of the share of their particles that were proposed right; NaN without any."""
    labels = sorted({truth[key] for key in proposed if key in truth})
    recalls = [np.mean([proposed[key] == label for key in proposed if truth.get(key) == label]) for label in labels]
    return float(np.mean(recalls)) if recalls else float("nan")


def pixel_neighbours(
    masters: Floats, master_labels: Sequence[str], particles: Floats, particle_ids: Sequence[str]
) -> dict[str, str]:
    """Propose the label of the nearest master by Euclidean distance of (N, P) pixel vectors: the naive baseline."""
    squared = (particles**2).sum(1)[:, None] - 2 * particles @ masters.T + (masters**2).sum(1)[None]
    return {key: master_labels[int(i)] for key, i in zip(particle_ids, squared.argmin(axis=1), strict=True)}


def _proposed(batch: Batch, master_labels: Mapping[str, str], variant: str) -> dict[str, str]:
    plain = variant != DEFAULT
    integrate = IntegrateConfig(quality_power=0.0, trim_factor=1.0, quality_floor=0.0) if plain else IntegrateConfig()
    decide = DecideConfig()
    rows = [row for row, key in enumerate(batch.particle_ids) if key in master_labels]
    nobody = select(batch, [])
    built = reference.build(select(batch, rows), master_labels, nobody if plain else batch, integrate, decide)
    made = reference.propose_batch(batch, built).proposals
    return {
        key: built.label_ids[int(made.label[row])]
        for row, key in enumerate(batch.particle_ids)
        if key not in master_labels and made.label[row] >= 0
    }


def _seen_as(batch: Batch, variant: str) -> Batch:
    if variant == SINGLE:
        return Batch(batch.particle_ids, batch.vectors, _best_only(batch.present, batch.quality), batch.quality)
    return batch


def _best_only(present: Bools, quality: Floats) -> Bools:
    scores = np.where(present, np.nan_to_num(quality, nan=1.0), -1.0)
    best = np.zeros_like(present)
    best[np.arange(len(present)), scores.argmax(axis=1)] = True
    return best & present
