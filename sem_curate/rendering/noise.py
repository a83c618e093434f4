"""Solid (3-D) noise that tiles, so that one object keeps its surface texture whatever the view.

Four volumes are made once per process from a fixed seed: ``fbm`` (spectral 1/f noise), ``cells`` (grains with
boundaries), ``bumps`` (rounded knobs) and ``ridges`` (sharp creases). Particles differ by offset, turn and scale.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from sem_curate.arrays import Floats

Index = NDArray[np.int32]

KINDS = ("fbm", "cells", "bumps", "ridges")
# 64^3 float32 is 1 MiB: it stays in the cache of one core, and a tile still spans five octaves.
SIDE = 64
# Grains per tile edge are about the cube root of this.
GRAINS = 90


def _spectral(rng: np.random.Generator, power: float) -> Floats:
    """Return (SIDE,)*3 Gaussian noise of amplitude spectrum k**-power, zero mean, unit deviation."""
    axis = np.fft.fftfreq(SIDE) * SIDE
    half = np.fft.rfftfreq(SIDE) * SIDE
    k = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + half[None, None, :] ** 2)
    k[0, 0, 0] = 1.0
    spectrum = np.fft.rfftn(rng.standard_normal((SIDE, SIDE, SIDE))) * k**-power
    spectrum[0, 0, 0] = 0.0
    field = np.fft.irfftn(spectrum, s=(SIDE, SIDE, SIDE), axes=(0, 1, 2))
    return np.asarray(field / field.std(), dtype=np.float32)


@lru_cache(maxsize=1)
def _distances() -> tuple[Floats, Floats]:
    """Return the distances to the nearest and second nearest grain centre (Worley, SIGGRAPH 1996), tile units."""
    rng = np.random.default_rng(7071)
    tree = cKDTree(rng.random((GRAINS, 3)), boxsize=1.0)
    axis = (np.arange(SIDE) + 0.5) / SIDE
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    found, _ = tree.query(grid, k=2)
    near = found.reshape(SIDE, SIDE, SIDE, 2).astype(np.float32)
    return near[..., 0], near[..., 1]


@lru_cache(maxsize=len(KINDS))
def volume(kind: str) -> Floats:
    """Return the (64, 64, 64) float32 tile of one kind, mean 0, deviation 1, higher = farther outwards."""
    if kind == "fbm":
        return _spectral(np.random.default_rng(1618), 2.0)
    if kind == "ridges":
        field = -np.abs(_spectral(np.random.default_rng(2718), 2.3))
    else:
        first, second = _distances()
        field = -(first**2) if kind == "bumps" else np.minimum(second - first, 0.09)
        field = gaussian_filter(field, 0.6, mode="wrap")
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


@lru_cache(maxsize=1)
def grain_edges() -> Floats:
    """Return the (64, 64, 64) tile of distances to the nearest grain boundary, in tile units, >= 0."""
    first, second = _distances()
    return np.asarray((second - first) / 2, dtype=np.float32)


def sample(tile: Floats, points: Floats) -> Floats:
    """Read a tile at points by trilinear interpolation, wrapping round.

    Args:
        tile: (64, 64, 64) float32.
        points: (3, N) float32 in tile lengths; any range.

    Returns:
        (N,) float32.
    """
    scaled = points * np.float32(SIDE)
    base = np.floor(scaled)
    part = scaled - base
    low = base.astype(np.int32) & (SIDE - 1)
    high = (low + 1) & (SIDE - 1)
    flat = tile.reshape(-1)
    x0, x1 = low[0] * (SIDE * SIDE), high[0] * (SIDE * SIDE)
    y0, y1 = low[1] * SIDE, high[1] * SIDE
    z0, z1 = low[2], high[2]
    fx, fy, fz = part
    near = _blend(flat, x0 + y0, x0 + y1, z0, z1, fy, fz)
    far = _blend(flat, x1 + y0, x1 + y1, z0, z1, fy, fz)
    return np.asarray(near + (far - near) * fx, dtype=np.float32)


def _blend(flat: Floats, row0: Index, row1: Index, z0: Index, z1: Index, fy: Floats, fz: Floats) -> Floats:
    """Interpolate inside one x slab."""
    a, b = flat.take(row0 + z0), flat.take(row0 + z1)
    c, d = flat.take(row1 + z0), flat.take(row1 + z1)
    low = a + (b - a) * fz
    high = c + (d - c) * fz
    return np.asarray(low + (high - low) * fy, dtype=np.float32)
