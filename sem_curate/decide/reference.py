"""What a batch of particles is compared with, frozen under one id: slot means, masters, thresholds, rank grid.

New particles are proposed against the same frozen reference as the old ones, so that adding 100 to 100,000 costs
like 100 and two particles proposed at different times remain comparable.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.config import DecideConfig, IntegrateConfig, as_dict
from sem_curate.decide import propose as proposing
from sem_curate.decide.match import Match, match
from sem_curate.decide.thresholds import Thresholds, from_masters
from sem_curate.integrate.pool import Pooled, pool, slot_agreement, slot_means
from sem_curate.quality.retake import separations

COUNTS = 0.05  # weight from which a view has a say: trimmed and nearly blank views stay below
GRID = 501  # quantiles kept of the reference certainties: a rank shown to 0.2 %


@dataclass(frozen=True)
class Reference:
    """Frozen comparison material; see the module."""

    means: Floats  # (V, D)
    masters: Floats  # (M, D)
    labels: Ints  # (M,)
    master_ids: tuple[str, ...]
    label_ids: tuple[str, ...]
    thresholds: Thresholds
    grid: Floats  # (G,) ascending certainties of a sample of the dataset
    usual: Floats  # (V,) usual agreement of each slot with its siblings, see integrate.pool
    separation: Floats  # (V, L, L) how well each view alone separates two labels, from the masters (quality.retake)

    @property
    def master_labels(self) -> list[str]:
        """Return the label id of each master."""
        return [self.label_ids[label] for label in self.labels]


@dataclass(frozen=True)
class Batch:
    """View vectors of some particles: (N, V, D), (N, V), (N, V); and which quality tags the VLM disputes."""

    particle_ids: tuple[str, ...]
    vectors: Floats
    present: Bools
    quality: Floats
    disputed: tuple[tuple[tuple[str, ...], ...], ...] = ()  # N rows of V tag tuples; empty: nothing is disputed


def reference_id(parts: Mapping[str, Any]) -> str:
    """Return the id of the reference that these inputs give (encoder key, master set version, settings, pool size)."""
    return f"ref_{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]}"


def build(
    masters: Batch, master_labels: Mapping[str, str], sample: Batch, integrate: IntegrateConfig, decide: DecideConfig
) -> Reference:
    """Build the reference from the masters and a sample of the dataset.

    Masters without any usable view are left out; the caller reports them.

    Args:
        masters: the masters' views.
        master_labels: ``{particle_id: label_id}``.
        sample: views of a bounded sample of the dataset, for slot means and the rank grid.
        integrate: how views are pooled.
        decide: thresholds.
    """
    means = slot_means(sample.vectors, sample.present)
    usual = slot_agreement(sample.vectors, sample.present, means)
    pooled = pool(masters.vectors, masters.present, masters.quality, means=means, usual=usual, config=integrate)
    usable = pooled.weights.sum(axis=1) > 0
    master_ids = tuple(key for key, ok in zip(masters.particle_ids, usable, strict=True) if ok)
    label_ids = tuple(sorted({master_labels[key] for key in master_ids}))
    labels = np.array([label_ids.index(master_labels[key]) for key in master_ids], dtype=np.int64)
    vectors = pooled.vectors[usable]
    thresholds = from_masters(vectors, labels, decide)
    separation = separations(pooled.views[usable], pooled.weights[usable] > 0, labels)
    nobody = np.empty(0, np.float32)
    bare = Reference(means, vectors, labels, master_ids, label_ids, thresholds, nobody, usual, separation)
    if len(master_ids) == 0 or len(sample.particle_ids) == 0:
        return bare
    _, found, _ = compare(sample, bare, integrate, decide)
    certain = proposing.certainty(found.confidence.max(axis=1), found.knownness)
    grid = np.quantile(certain, np.linspace(0, 1, min(GRID, len(certain)))).astype(np.float32)
    return replace(bare, grid=grid)


def compare(
    batch: Batch, reference: Reference, integrate: IntegrateConfig, decide: DecideConfig
) -> tuple[Pooled, Match, Ints]:
    """Pool and match a batch; returns pooled vectors, the match, and each particle's own master index (or -1)."""
    position = {key: index for index, key in enumerate(reference.master_ids)}
    own = np.array([position.get(key, -1) for key in batch.particle_ids], dtype=np.int64)
    means, usual = reference.means, reference.usual
    pooled = pool(batch.vectors, batch.present, batch.quality, means=means, usual=usual, config=integrate)
    return pooled, match(pooled.vectors, reference.masters, reference.labels, decide, own=own), own


def propose_batch(
    batch: Batch, reference: Reference, integrate: IntegrateConfig, decide: DecideConfig
) -> tuple[Pooled, Match, proposing.Proposals, Floats]:
    """Return everything a batch's receipts and fields need: pooled views, match, proposals, certainty ranks (N,)."""
    pooled, found, _ = compare(batch, reference, integrate, decide)
    usable = pooled.weights.sum(axis=1) > 0
    label = found.confidence.argmax(axis=1)
    agreement = proposing.view_agreement(
        pooled.views, pooled.weights, label, reference.masters, reference.labels, decide
    )
    seen = np.where(np.isnan(batch.quality), 1.0, batch.quality)
    quality = (pooled.weights * seen).sum(axis=1).astype(np.float32)
    disputed = np.array([bool(tags) for tags in disputed_views(batch, pooled.weights)], dtype=np.bool_)
    made = proposing.propose(found, agreement, quality, usable, reference.thresholds, decide, disputed)
    rank = proposing.ranks(proposing.certainty(made.confidence, made.knownness), reference.grid)
    return pooled, found, made, rank


def disputed_views(batch: Batch, weights: Floats) -> list[dict[int, tuple[str, ...]]]:
    """Return N times ``{view index: tags that the VLM disputes}``, views of little weight left out."""
    if not batch.disputed:
        return [{} for _ in batch.particle_ids]
    return [
        {view: tags for view, tags in enumerate(row) if tags and weights[index, view] >= COUNTS}
        for index, row in enumerate(batch.disputed)
    ]


def save(reference: Reference, path: Path) -> None:
    """Write a reference to ``path`` (npz): to a temporary name first, so that it is complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {
        "master_ids": list(reference.master_ids),
        "label_ids": list(reference.label_ids),
        "thresholds": asdict(reference.thresholds),
    }
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(
        temporary,
        means=reference.means,
        masters=reference.masters,
        labels=reference.labels,
        grid=reference.grid,
        usual=reference.usual,
        separation=reference.separation,
        text=np.frombuffer(json.dumps(text).encode(), dtype=np.uint8),
    )
    os.replace(temporary, path)


def load(path: Path) -> Reference:
    """Read a reference written by :func:`save`."""
    with np.load(path, allow_pickle=False) as stored:
        text = json.loads(stored["text"].tobytes().decode())
        return Reference(
            stored["means"],
            stored["masters"],
            stored["labels"],
            tuple(text["master_ids"]),
            tuple(text["label_ids"]),
            Thresholds(**text["thresholds"]),
            stored["grid"],
            stored["usual"],
            stored["separation"],
        )


def settings_parts(integrate: IntegrateConfig, decide: DecideConfig) -> dict[str, Any]:
    """Return the settings that shape a reference; who may auto-confirm does not."""
    chosen = {key: value for key, value in as_dict(decide).items() if key != "auto_confirm"}
    return {"integrate": as_dict(integrate), "decide": chosen}
