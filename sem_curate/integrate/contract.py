"""What every way to integrate views takes and returns, so that the default and the learned ones can change places.

Letters: N particles, V views, D vector length, E length of the particle vector (D for every rung of this package).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from sem_curate.arrays import Bools, Floats, finite_rows
from sem_curate.config import IntegrateConfig, as_dict
from sem_curate.integrate.pool import pool_sound, slot_agreement, slot_means

DEFAULT = "quality_mean"


@dataclass(frozen=True)
class Views:
    """The views of N particles.

    Attributes:
        vectors: (N, V, D) float32; whatever stands where ``present`` is False has no influence.
        present: (N, V) True where a view exists and was embedded.
        quality: (N, V) in [0, 1], higher is better; NaN = not measured, counts as 1.
    """

    vectors: Floats
    present: Bools
    quality: Floats

    def take(self, rows: object) -> Views:
        """Return some particles, chosen by a slice, a mask or indices."""
        index: slice = rows  # type: ignore[assignment]  # numpy accepts all three
        return Views(self.vectors[index], self.present[index], self.quality[index])


@dataclass(frozen=True)
class Integrated:
    """Particle vectors and the part of each view in them.

    Attributes:
        vectors: (N, E) float32, unit rows; zero where a particle has no usable view.
        weights: (N, V) float32 >= 0, rows sum to 1, or to 0 without usable views. For a learned rung this is where it
            looks, not what a view contributed: contributions are computed, see ``decide.contributions``.
    """

    vectors: Floats
    weights: Floats


class Integrator(Protocol):
    """One way from views to a particle vector. The order of the views, masked views and copies have no influence."""

    @property
    def rung(self) -> str:
        """Name of the rung."""

    @property
    def version(self) -> str:
        """Hash of everything that shapes the result."""

    def __call__(self, views: Views) -> Integrated:
        """Integrate N particles of as many views as it was made for."""


@dataclass(frozen=True)
class Sound:
    """Views fit to integrate, and what had to be set aside.

    Attributes:
        views: without broken views and copies.
        owners: (N, V) int64, the view that stands for each: itself, or the one that it is a copy of.
        broken: number of present views with NaN or infinity; they count as missing.
        example: row and view of one of them, None without.
    """

    views: Views
    owners: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    broken: int = 0
    example: tuple[int, int] | None = None


def sound(views: Views) -> Sound:
    """Mask views that hold NaN or infinity, and copies of another view of the same particle.

    A copy (bit for bit the same vector) is no second observation: the same file ingested as two views must not count
    twice. The copy of the best quality stands for all.
    """
    finite = finite_rows(views.vectors)
    broken = views.present & ~finite
    present = views.present & finite
    owners = _owners(views.vectors, present, views.quality)
    own = owners == np.arange(present.shape[1])
    found = np.argwhere(broken)
    vectors = np.where(finite[..., None], views.vectors, np.float32(0)) if len(found) else views.vectors
    return Sound(
        replace(views, vectors=vectors, present=present & own),
        owners,
        len(found),
        (int(found[0][0]), int(found[0][1])) if len(found) else None,
    )


def shared_weights(weights: Floats, owners: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """Return weights with that of each view divided evenly among it and its copies, (N, V)."""
    taken = np.take_along_axis(weights, owners, axis=1)
    copies = (owners[:, :, None] == owners[:, None, :]).sum(axis=2)
    shared: Floats = (taken / copies).astype(np.float32)
    return shared


@dataclass(frozen=True)
class QualityMean:
    """Rung 1, the default: views weighted by quality and agreement (``pool``).

    Attributes:
        means: (V, D) slot means; None leaves vectors where they are.
        usual: (V,) usual agreement of each slot.
        config: powers and thresholds.
    """

    means: Floats | None = None
    usual: Floats | None = None
    config: IntegrateConfig = field(default_factory=IntegrateConfig)
    rung: str = DEFAULT

    @classmethod
    def of(cls, pool_views: Views, config: IntegrateConfig | None = None) -> QualityMean:
        """Take slot means and usual agreement from an unlabelled pool of particles."""
        clean = sound(pool_views).views
        means = slot_means(clean.vectors, clean.present)
        return cls(means, slot_agreement(clean.vectors, clean.present, means), config or IntegrateConfig())

    @property
    def version(self) -> str:
        """Hash of settings and means."""
        return content_hash(as_dict(self.config), self.means, self.usual)

    def __call__(self, views: Views) -> Integrated:
        """Integrate; see the protocol."""
        return self.detailed(views)[0]

    def detailed(self, views: Views) -> tuple[Integrated, Floats]:
        """Integrate, and return the centred unit views (N, V, D) that went into it."""
        clean = sound(views)
        seen = clean.views
        pooled = pool_sound(
            seen.vectors, seen.present, seen.quality, means=self.means, usual=self.usual, config=self.config
        )  # fmt: skip
        return Integrated(pooled.vectors, shared_weights(pooled.weights, clean.owners)), pooled.views


def content_hash(settings: object, *arrays: Floats | None) -> str:
    """Return 12 hexadecimal digits for JSON values and arrays."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]


def _owners(vectors: Floats, present: Bools, quality: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    n, v = present.shape
    owners = np.broadcast_to(np.arange(v), (n, v)).copy()
    if v < 2 or n == 0:
        return owners
    # One number of each vector finds the candidates; only those are compared in full.
    first, second = np.triu_indices(v, 1)
    probe = vectors[:, :, vectors.shape[2] // 2]
    rows, pairs = np.nonzero((probe[:, first] == probe[:, second]) & present[:, first] & present[:, second])
    first, second = first[pairs], second[pairs]
    same = (vectors[rows, first] == vectors[rows, second]).all(axis=1)
    rank = np.where(np.isnan(quality), 1.0, quality)
    for row in np.unique(rows[same]):
        for view in np.flatnonzero(present[row]):
            alike = np.flatnonzero(present[row] & (vectors[row] == vectors[row, view]).all(axis=1))
            owners[row, view] = alike[np.argmax(rank[row, alike])]
    return owners
