"""Builders of single shapes: random numbers in, a solid and the attributes that describe it out.

Each works in its own axes with z up and at any size; ``families.build`` lays the particle down, scales it and
gives it a surface. Attribute lengths are in the builder's own units, where a body has a half-extent of about 1.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import HalfspaceIntersection
from scipy.spatial.transform import Rotation

from sem_curate.rendering.solids import Capsule, Ellipsoid, Layer, Matrix, Polyhedron, Solid

Rng = np.random.Generator
Attributes = dict[str, float]
Built = tuple[Solid, Attributes]


def _unit(rng: Rng, count: int) -> Matrix:
    """Return (count, 3) random directions."""
    raw = rng.standard_normal((count, 3))
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def _even(rng: Rng, count: int) -> Matrix:
    """Return (count, 3) directions spread evenly over the sphere (Fibonacci lattice), randomly turned."""
    at = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * at / count), np.pi * (1 + 5**0.5) * at
    flat = np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], axis=1)
    return np.asarray(flat @ Rotation.random(random_state=rng).as_matrix().T)


def _ball(centre: Matrix, radius: float, tone: float = 1.0) -> Ellipsoid:
    return Ellipsoid(np.asarray(centre, float), np.eye(3) * radius, tone)


def _egg(rng: Rng, centre: Matrix, radius: float, uneven: float, tone: float = 1.0) -> Ellipsoid:
    """Return a randomly turned ellipsoid whose half axes differ by about ``uneven``."""
    lengths = radius * rng.uniform(1 - uneven, 1 + uneven, 3)
    return Ellipsoid(np.asarray(centre, float), Rotation.random(random_state=rng).as_matrix() * lengths, tone)


def _hull(normals: Matrix, offsets: Matrix, tone: float = 1.0) -> Polyhedron:
    """Return the polyhedron of half-spaces that all hold the origin."""
    length = np.linalg.norm(normals, axis=1)
    unit, reach = normals / length[:, None], offsets / length
    corners = HalfspaceIntersection(np.column_stack([unit, -reach]), np.zeros(3)).intersections
    return Polyhedron(unit, reach, corners, tone)


def _box(half: tuple[float, float, float]) -> Polyhedron:
    axes = np.eye(3)
    return _hull(np.concatenate([axes, -axes]), np.array([*half, *half]))


def _prism(sides: Matrix, reach: Matrix, half_height: float) -> Polyhedron:
    """Return an upright prism; ``sides`` are face directions in radians, ``reach`` their distances."""
    walls = np.column_stack([np.cos(sides), np.sin(sides), np.zeros(sides.size)])
    caps = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    return _hull(np.concatenate([walls, caps]), np.concatenate([reach, [half_height, half_height]]))


def sphere(rng: Rng) -> Built:
    """Make a ball, at most a tenth longer than wide."""
    aspect = rng.uniform(1.0, 1.1)
    return Solid((Ellipsoid(np.zeros(3), np.diag([aspect, 1.0, 1.0])),), warp=rng.uniform(0, 0.01)), {"aspect": aspect}


def rough_sphere(rng: Rng) -> Built:
    """Make a ball with strong relief."""
    height = rng.uniform(0.045, 0.1)
    kind = ("bumps", "fbm")[int(rng.integers(2))]
    layers = (Layer(kind, rng.uniform(0.8, 1.6), height), Layer("fbm", rng.uniform(0.5, 0.9), height * 0.35))
    solid = Solid((_egg(rng, np.zeros(3), 1.0, 0.07),), layers=layers, warp=height * 0.5, warp_period=1.4)
    return solid, {"aspect": 1.07, "roughness": height}


def needle(rng: Rng) -> Built:
    """Make a six-sided column, eight to sixteen times as long as wide, pointed at both ends."""
    aspect = rng.uniform(8, 16)
    sides = np.arange(6) * np.pi / 3 + rng.uniform(-0.12, 0.12, 6)
    prism = _prism(sides, rng.uniform(0.75, 1.0, 6), 3 * aspect)
    tips = []
    for end in (-1, 1):
        tip = rng.uniform(0.35, 0.95) * aspect  # length over which the needle narrows to a point
        lean = np.column_stack([np.cos(sides), np.sin(sides), np.full(6, end * 1.0 / tip)])
        tips.append((lean, np.full(6, aspect / tip)))
    normals = np.concatenate([prism.normals[:6], *(t[0] for t in tips)])
    hull = _hull(normals, np.concatenate([prism.offsets[:6], *(t[1] for t in tips)]))
    return Solid((hull,), bevel=0.1), {"aspect": aspect}


def rod(rng: Rng) -> Built:
    """Make a hexagonal or round column with flat, often slanted ends."""
    aspect = rng.uniform(2.4, 5.0)
    count = (6, 20, 24)[int(rng.integers(3))]
    sides = np.arange(count) * 2 * np.pi / count
    prism = _prism(sides, np.ones(count), aspect)
    cut = rng.uniform(-0.35, 0.35, 2)  # the end faces are seldom square
    normals = prism.normals.copy()
    normals[-2:, 0] = cut
    return Solid((_hull(normals, prism.offsets),), bevel=rng.uniform(0.05, 0.2)), {"aspect": aspect}


def plate(rng: Rng) -> Built:
    """Make a thin prism with straight sides."""
    thickness = rng.uniform(0.07, 0.2)
    count = int(rng.choice([4, 6, 6, 8]))
    sides = np.arange(count) * 2 * np.pi / count + rng.uniform(-0.08, 0.08, count)
    reach = rng.uniform(0.82, 1.0, count)
    reach[:: max(count // 2, 1)] *= rng.uniform(0.7, 1.0)
    return Solid((_prism(sides, reach, thickness),), bevel=0.02), {"aspect": 1 / thickness, "thickness": thickness}


def flake(rng: Rng) -> Built:
    """Make a stack of thin ragged sheets."""
    sheets, parts, height = int(rng.integers(3, 7)), [], 0.0
    thickness = rng.uniform(0.012, 0.03)
    for index in range(sheets):
        count = int(rng.integers(8, 13))
        sides = np.sort((np.arange(count) + rng.uniform(-0.4, 0.4, count)) * 2 * np.pi / count)
        sheet = _prism(sides, rng.uniform(0.55, 1.0, count) * (1 - 0.1 * index), thickness)
        tip = Rotation.from_euler("xy", rng.normal(0, 0.035, 2)).as_matrix()
        parts.append(sheet.moved(tip).shifted(np.array([*rng.uniform(-0.2, 0.2, 2), height])))
        height += thickness * 2.2
    layers = (Layer("ridges", 1.7, 0.006), Layer("fbm", 2.6, 0.035))
    solid = Solid(tuple(parts), layers=layers, warp=0.055, warp_period=0.9)
    return solid, {"aspect": 1 / (thickness * sheets), "thickness": thickness * sheets, "sheets": float(sheets)}


def cube(rng: Rng) -> Built:
    """Make a nearly equal-sided box."""
    half = tuple(rng.uniform(0.86, 1.0, 3))
    return Solid((_box(half),), bevel=rng.uniform(0.02, 0.07)), {"aspect": max(half) / min(half)}


def polyhedron(rng: Rng) -> Built:
    """Make a truncated cube, an octahedron or a rhombic dodecahedron, unevenly grown."""
    axes, corners = np.eye(3), np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, 8).T
    axes = np.concatenate([axes, -axes])
    edges = np.array([[a, b, 0] for a in (-1, 1) for b in (-1, 1)])
    edges = np.concatenate([edges, np.roll(edges, 1, axis=1), np.roll(edges, 2, axis=1)])
    growth = rng.uniform([0.92, 0.86], [1.15, 1.0])  # octahedral face distance, cuboctahedral to truncated cube
    choice = int(rng.integers(3))
    if choice == 0:
        normals, offsets = np.concatenate([axes, corners]), np.repeat([1.0, growth[0] * 3**0.5], [6, 8])
    elif choice == 1:
        normals, offsets = corners.astype(float), np.full(8, 3**0.5)  # octahedron
    else:
        normals, offsets = edges.astype(float), np.full(12, 2**0.5)  # rhombic dodecahedron
    offsets = offsets * rng.uniform(0.9, 1.08, offsets.size)
    hull = _hull(np.asarray(normals, float), offsets)
    return Solid((hull,), bevel=0.015), {"aspect": 1.1, "faces": float(offsets.size)}


def fragment(rng: Rng) -> Built:
    """Make two joined angular blocks with conchoidal scoops broken out."""
    parts = []
    stretch = np.array([1.0, rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.75)])
    for index in range(2):
        normals = _even(rng, int(rng.integers(9, 14)))
        hull = _hull(normals / stretch, rng.uniform(0.6, 0.95, len(normals)))
        parts.append(hull.shifted(rng.uniform(-0.3, 0.3, 3) * stretch * index))
    bites = []
    for way in _unit(rng, int(rng.integers(2, 5))):
        size = rng.uniform(0.6, 1.4)  # conchoidal fracture: a large shallow scoop
        bites.append(_egg(rng, way * stretch * 0.8 + way * size, size, 0.1))
    layers = (Layer("ridges", 2.0, 0.02), Layer("fbm", 1.3, 0.008))
    solid = Solid(tuple(parts), tuple(bites), layers, warp=0.022, warp_period=1.8)
    return solid, {"aspect": 1 / float(stretch[1]), "bites": float(len(bites))}


def agglomerate(rng: Rng) -> Built:
    """Make a dozen to forty balls stuck together."""
    count = int(rng.integers(12, 42))
    centres, radii = [np.zeros(3)], [rng.uniform(0.8, 1.2)]
    for way in _unit(rng, count - 1):
        radius = float(np.exp(rng.normal(0, 0.3)))
        host = int(rng.integers(max(len(radii) // 3, 1)))  # early hosts keep the cluster compact
        reach = _clear(np.array(centres), np.array(radii), centres[host], way, radius)
        centres.append(centres[host] + way * reach)
        radii.append(radius)
    grain = rng.uniform(0, 0.25)
    parts = tuple(_egg(rng, c, r, grain, rng.uniform(0.92, 1.08)) for c, r in zip(centres, radii, strict=True))
    return Solid(parts), {"aspect": 1.2, "primary_particles": float(count), "roughness": 0.2}


def _clear(centres: Matrix, radii: Matrix, start: Matrix, way: Matrix, radius: float) -> float:
    """Return how far along ``way`` a new ball must go to overlap the others by a tenth of the radii only."""
    limit = (radii + radius) * 0.88
    offset = centres - start
    along = offset @ way
    across = (offset**2).sum(axis=1) - along**2
    blocked = limit**2 - across
    ends = along[blocked > 0] + np.sqrt(blocked[blocked > 0])
    return float(max(ends.max(initial=0.0), 0.0))


def raspberry(rng: Rng) -> Built:
    """Make a ball covered with satellites."""
    count = int(rng.integers(8, 46))
    size = rng.uniform(0.1, 0.24) if count > 20 else rng.uniform(0.14, 0.34)
    ways = _even(rng, count) if rng.random() < 0.5 else _unit(rng, count)
    parts = [_egg(rng, np.zeros(3), 1.0, 0.06)]
    for way in ways:
        radius = size * float(np.exp(rng.normal(0, 0.25)))
        parts.append(_ball(way * (1 + radius * rng.uniform(0.1, 0.7)), radius, rng.uniform(0.95, 1.1)))
    return Solid(tuple(parts)), {"aspect": 1.05, "satellites": float(count), "satellite_size": size}


def porous(rng: Rng) -> Built:
    """Make a body with many open pores."""
    count = int(rng.integers(45, 85))
    size = rng.uniform(0.16, 0.26)
    body = _egg(rng, np.zeros(3), 1.0, 0.12)
    pores = []
    for way in _even(rng, count) + rng.normal(0, 0.1, (count, 3)):
        radius = size * float(np.exp(rng.normal(0, 0.3)))
        pores.append(_egg(rng, body.axes @ way * rng.uniform(0.86, 1.0), radius, 0.2))
    layers = (Layer("fbm", 0.8, 0.012),)
    solid = Solid((body,), tuple(pores), layers, warp=0.035, warp_period=1.0)
    return solid, {"aspect": 1.15, "pores": float(count), "pore_size": size}


def hollow(rng: Rng) -> Built:
    """Make a shell burst open on one side."""
    wall = rng.uniform(0.05, 0.14)
    lean, spin = rng.uniform(0.0, 0.75), rng.uniform(0, 2 * np.pi)
    way = np.array([np.sin(lean) * np.cos(spin), np.sin(lean) * np.sin(spin), np.cos(lean)])
    opening = rng.uniform(0.5, 0.85)
    holes = [_ball(np.zeros(3), 1 - wall)]
    for _ in range(4):  # several overlapping bites give the jagged rim of a burst shell
        offset = _unit(rng, 1)[0] * 0.28
        holes.append(_egg(rng, way * 1.02 + offset, opening * rng.uniform(0.6, 1.0), 0.25))
    solid = Solid((_ball(np.zeros(3), 1.0),), tuple(holes), warp=0.03, warp_period=1.1)
    return solid, {"aspect": 1.0, "wall": wall, "opening": opening}


def cracked(rng: Rng) -> Built:
    """Make a body crossed by cracks."""
    spacing, width = rng.uniform(3.6, 5.8), rng.uniform(0.022, 0.04)
    body = _egg(rng, np.zeros(3), 1.0, 0.16)
    solid = Solid((body,), layers=(Layer("fbm", 1.0, 0.006),), warp=0.03, cracks=(spacing, width, 0.2))
    return solid, {"aspect": 1.15, "crack_width": width, "crack_spacing": spacing}


def _curve(rng: Rng, points: int, bend: float) -> Matrix:
    """Return (points, 3) a smooth planar-ish line of unit length that turns by about ``bend`` radians."""
    at = np.linspace(0, 1, points)
    waves = sum(rng.normal(0, bend / k) * np.sin(np.pi * k * at + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3))
    steps = np.stack([np.cos(waves), np.sin(waves), np.zeros(points)], axis=1) / points
    line = np.cumsum(steps, axis=0)
    return np.asarray(line - line.mean(axis=0))


def fibre(rng: Rng) -> Built:
    """Make a long thin curved thread."""
    line = _curve(rng, 22, rng.uniform(0.5, 1.3))
    radius = rng.uniform(0.012, 0.026)
    taper = rng.uniform(0.9, 1.1, 21)
    parts = tuple(Capsule(a, b, radius * t) for a, b, t in zip(line[:-1], line[1:], np.sort(taper), strict=True))
    return Solid(parts), {"aspect": 0.5 / radius, "curl": float(np.linalg.norm(line[-1] - line[0]))}


def dendrite(rng: Rng) -> Built:
    """Make a trunk with side arms in pairs, which branch again."""
    arms = int(rng.integers(4, 7))
    angle = rng.uniform(0.9, 1.4)
    thick = rng.uniform(0.05, 0.08)
    trunk = np.array([[-1.0, 0, 0], [1.0, 0, 0]])
    parts = [Capsule(trunk[0], trunk[1], thick * 1.25)]
    for at in np.linspace(-0.8, 0.75, arms):
        length = (0.75 - 0.55 * (at + 0.8) / 1.55) * rng.uniform(0.75, 1.1)
        for side in (-1, 1):
            base = np.array([at + rng.normal(0, 0.03), 0, 0])
            way = np.array([np.cos(angle), side * np.sin(angle), rng.normal(0.12, 0.12)])
            parts.append(Capsule(base, base + way * length, thick * 0.9))
            for share in (0.45, 0.75):  # tertiary arms run along the trunk
                knot = base + way * length * share
                bud = np.array([1, 0, 0.3]) * length * (1 - share) * rng.uniform(0.5, 0.8)
                parts.append(Capsule(knot, knot + bud, thick * 0.7))
                parts.append(Capsule(knot, knot - bud, thick * 0.7))
    layers = (Layer("bumps", 0.7, 0.018), Layer("fbm", 0.8, 0.008))
    return Solid(tuple(parts), layers=layers), {"aspect": 1.5, "arms": float(2 * arms)}
