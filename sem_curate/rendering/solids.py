"""Convex parts whose depth along the beam has a closed form: ellipsoids, polyhedra and capsules.

Camera axes: x right, y down, z towards the beam. A part answers, for every pixel, between which depths it is
solid (``-inf`` where it is not hit); a solid is the union of parts minus the union of cuts. Lengths are in
particle units: the particle's longest half-extent, seen from above, is 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Floats

Matrix = NDArray[np.float64]
# Planes nearly parallel to the beam would divide by zero; below this slope the error is far under one pixel.
STEEP = 1e-3


@dataclass(frozen=True)
class Ellipsoid:
    """``centre`` (3,) and ``axes`` (3, 3), whose columns are the half axes."""

    centre: Matrix
    axes: Matrix
    tone: float = 1.0

    def moved(self, turn: Matrix, scale: float = 1.0) -> Ellipsoid:
        """Return the part turned by a rotation matrix, then scaled."""
        return replace(self, centre=turn @ self.centre * scale, axes=turn @ self.axes * scale)

    def shifted(self, offset: Matrix) -> Ellipsoid:
        """Return the part moved by an offset (3,)."""
        return replace(self, centre=self.centre + offset)

    def bounds(self) -> Matrix:
        """Return (2, 3) lowest and highest coordinates."""
        reach = np.sqrt((self.axes**2).sum(axis=1))
        return np.stack([self.centre - reach, self.centre + reach])

    def cast(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper depth at each (x, y)."""
        q = np.linalg.inv(self.axes @ self.axes.T)
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        half = np.float32(q[0, 2] / q[2, 2]) * dx + np.float32(q[1, 2] / q[2, 2]) * dy
        rest = np.float32(q[0, 0]) * dx + np.float32(2 * q[0, 1]) * dy
        rest = (rest * dx + np.float32(q[1, 1]) * dy * dy - np.float32(1)) / np.float32(q[2, 2])
        inside = half * half - rest
        root = np.sqrt(np.maximum(inside, 0))
        mid = np.float32(self.centre[2]) - half
        hit = inside > 0
        return np.where(hit, mid - root, -np.inf), np.where(hit, mid + root, -np.inf)


@dataclass(frozen=True)
class Polyhedron:
    """All points p with ``normals @ p <= offsets``; ``corners`` (C, 3) are its vertices."""

    normals: Matrix
    offsets: Matrix
    corners: Matrix
    tone: float = 1.0

    def moved(self, turn: Matrix, scale: float = 1.0) -> Polyhedron:
        """Return the part turned by a rotation matrix, then scaled."""
        corners = self.corners @ turn.T * scale
        return replace(self, normals=self.normals @ turn.T, offsets=self.offsets * scale, corners=corners)

    def shifted(self, offset: Matrix) -> Polyhedron:
        """Return the part moved by an offset (3,)."""
        return replace(self, offsets=self.offsets + self.normals @ offset, corners=self.corners + offset)

    def bounds(self) -> Matrix:
        """Return (2, 3) lowest and highest coordinates."""
        return np.stack([self.corners.min(axis=0), self.corners.max(axis=0)])

    def cast(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper depth at each (x, y)."""
        upper = np.full(x.shape, np.inf, np.float32)
        lower = np.full(x.shape, -np.inf, np.float32)
        for (nx, ny, nz), offset in zip(self.normals, self.offsets, strict=True):
            slope = nz if abs(nz) > STEEP else (STEEP if nz >= 0 else -STEEP)
            depth = np.float32(offset / slope) - np.float32(nx / slope) * x - np.float32(ny / slope) * y
            if slope > 0:
                np.minimum(upper, depth, out=upper)
            else:
                np.maximum(lower, depth, out=lower)
        hit = upper > lower
        return np.where(hit, lower, -np.inf), np.where(hit, upper, -np.inf)


@dataclass(frozen=True)
class Capsule:
    """A round-ended cylinder from ``start`` to ``end`` (3,) of one radius."""

    start: Matrix
    end: Matrix
    radius: float
    tone: float = 1.0

    def moved(self, turn: Matrix, scale: float = 1.0) -> Capsule:
        """Return the part turned by a rotation matrix, then scaled."""
        return replace(self, start=turn @ self.start * scale, end=turn @ self.end * scale, radius=self.radius * scale)

    def shifted(self, offset: Matrix) -> Capsule:
        """Return the part moved by an offset (3,)."""
        return replace(self, start=self.start + offset, end=self.end + offset)

    def bounds(self) -> Matrix:
        """Return (2, 3) lowest and highest coordinates."""
        ends = np.stack([self.start, self.end])
        return np.stack([ends.min(axis=0) - self.radius, ends.max(axis=0) + self.radius])

    def cast(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper depth at each (x, y)."""
        axis = self.end - self.start
        length = max(float(np.linalg.norm(axis)), 1e-9)
        ux, uy, uz = (np.float32(c) for c in axis / length)
        dx, dy = x - np.float32(self.start[0]), y - np.float32(self.start[1])
        along = dx * ux + dy * uy
        curve = max(float(1 - uz * uz), 1e-4)
        square = np.float32(self.radius**2)
        inside = (along * uz) ** 2 - np.float32(curve) * (dx * dx + dy * dy - along * along - square)
        rise = (along * uz + np.sqrt(np.maximum(inside, 0))) / np.float32(curve)
        at = along + rise * uz
        on_side = (inside > 0) & (at >= 0) & (at <= np.float32(length))
        upper = np.where(on_side, rise + np.float32(self.start[2]), -np.inf)
        for centre in (self.start, self.end):
            gap = square - (x - np.float32(centre[0])) ** 2 - (y - np.float32(centre[1])) ** 2
            ball = np.where(gap > 0, np.float32(centre[2]) + np.sqrt(np.maximum(gap, 0)), -np.inf)
            np.maximum(upper, ball, out=upper)
        # The underside matters only under cuts, and cut solids have no capsules: one diameter is near enough.
        return upper - np.float32(2 * self.radius), upper


Part = Ellipsoid | Polyhedron | Capsule


@dataclass(frozen=True)
class Layer:
    """One octave group of surface relief: noise ``kind``, ``period`` of its tile and ``height`` of one deviation."""

    kind: str
    period: float
    height: float


@dataclass(frozen=True)
class Solid:
    """A particle's shape.

    Attributes:
        parts: united.
        cuts: removed (pores, openings, bites).
        layers: surface relief.
        bevel: edge rounding length.
        warp: sideways distortion of the outline, with ``warp_period`` its tile length.
        cracks: (spacing, width, depth) of the crack network, or None.
        phase: strength of composition patches, which only material contrast shows.
        texture_turn: (3, 3) rotation and ``texture_offset`` (3,) that set this particle's noise apart.
    """

    parts: tuple[Part, ...]
    cuts: tuple[Ellipsoid, ...] = ()
    layers: tuple[Layer, ...] = ()
    bevel: float = 0.0
    warp: float = 0.0
    warp_period: float = 2.5
    cracks: tuple[float, float, float] | None = None
    phase: float = 0.0
    texture_turn: Matrix = field(default_factory=lambda: np.eye(3))
    texture_offset: Matrix = field(default_factory=lambda: np.zeros(3))

    def moved(self, turn: Matrix, scale: float = 1.0) -> Solid:
        """Return the solid turned and scaled; its texture does not turn with it (see ``render``)."""
        parts = tuple(p.moved(turn, scale) for p in self.parts)
        return replace(self, parts=parts, cuts=tuple(c.moved(turn, scale) for c in self.cuts))

    def shifted(self, offset: Matrix) -> Solid:
        """Return the solid moved by an offset (3,)."""
        parts = tuple(p.shifted(offset) for p in self.parts)
        return replace(self, parts=parts, cuts=tuple(c.shifted(offset) for c in self.cuts))

    def bounds(self) -> Matrix:
        """Return (2, 3) lowest and highest coordinates over all parts."""
        boxes = np.stack([p.bounds() for p in self.parts])
        return np.stack([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])


def _window(part: Part, grid: tuple[float, float, float], shape: tuple[int, int], slack: float) -> tuple[slice, slice]:
    """Return the pixel rows and columns that a part can touch; ``grid`` is (x0, y0, step)."""
    x0, y0, step = grid
    low, high = part.bounds()
    c0, c1 = (low[0] - slack - x0) / step, (high[0] + slack - x0) / step + 2
    r0, r1 = (low[1] - slack - y0) / step, (high[1] + slack - y0) / step + 2
    rows = slice(int(np.clip(r0, 0, shape[0])), int(np.clip(r1, 0, shape[0])))
    return rows, slice(int(np.clip(c0, 0, shape[1])), int(np.clip(c1, 0, shape[1])))


def cast(solid: Solid, x: Floats, y: Floats, grid: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """Find the visible surface of a solid.

    Args:
        solid: in camera axes.
        x: (H, W) float32 ray positions.
        y: (H, W) float32 ray positions.
        grid: (x of column 0, y of row 0, pixel step), used only to skip pixels out of reach.

    Returns:
        (H, W) float32 depth, ``-inf`` where nothing is hit, and (H, W) float32 tone of the part seen.
    """
    top = np.full(x.shape, -np.inf, np.float32)
    floor = np.full(x.shape, np.inf, np.float32)
    tone = np.ones(x.shape, np.float32)
    slack = 4 * solid.warp
    for part in solid.parts:
        at = _window(part, grid, x.shape, slack)
        if top[at].size == 0:
            continue
        lower, upper = part.cast(x[at], y[at])
        tone[at] = np.where(upper > top[at], np.float32(part.tone), tone[at])
        if solid.cuts:
            floor[at] = np.where(upper > -np.inf, np.minimum(floor[at], lower), floor[at])
        np.maximum(top[at], upper, out=top[at])
    if solid.cuts:
        _carve(solid, top, floor, x, y, grid)
    return top, tone


def _carve(solid: Solid, top: Floats, floor: Floats, x: Floats, y: Floats, grid: tuple[float, float, float]) -> None:
    """Lower ``top`` in place to the bottom of every cut that the surface lies in."""
    spans = []
    for cut in solid.cuts:
        at = _window(cut, grid, x.shape, 4 * solid.warp)
        if top[at].size:
            spans.append((at, *cut.cast(x[at], y[at])))
    for _ in range(2):  # a carved surface may lie in a cut seen before; two passes settle all but deep chains
        for at, lower, upper in spans:
            here = top[at]
            inside = (here <= upper) & (here > lower)
            here[inside] = lower[inside]
    top[top <= floor] = -np.inf
