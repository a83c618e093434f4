"""Surfaces made by formula, as training material beside rendered particles.

Rendered particles alone are a narrow world. Images drawn by formula teach a network much of what natural images
teach it (FractalDB, arXiv:2101.08515), and here they are cheap: each *texture* is one draw of parameters, each of
its *views* a new realisation of them, so two views agree in what the surface is and in nothing else. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sem_curate.progress import Progress, silent

Field = NDArray[Any]  # (size, size) floats of any range

SIZE: Final = 128
OF_TWO_PHASES: Final = 0.3  # share of textures that mix two surfaces
IN_A_SHAPE: Final = 0.35  # share of textures cut out as the body of a particle


@dataclass(frozen=True)
class Recipe:
    """What all realisations of one surface share."""

    kind: str
    scale: float  # typical length in pixels
    knobs: NDArray[np.float64]  # (8,) in [0, 1], read differently by each kind
    warp: float  # amplitude of a random bending, pixels
    light: float  # weight of slanted light on the height field
    edge: float  # weight of the brightening at steep places (secondary electrons)
    albedo: float  # weight of the field itself


def texture_set(
    count: int, *, seed: int, views: int = 4, size: int = SIZE, progress: Progress = silent
) -> NDArray[Any]:
    """Draw textures; texture ``i`` depends on (seed, i) only.

    Args:
        count: how many.
        seed: of the set.
        views: realisations of each.
        size: image side in pixels.
        progress: called with textures done.

    Returns:
        (count, views, size, size) uint8.
    """
    images = np.zeros((count, views, size, size), np.uint8)
    for index in range(count):
        images[index] = texture(seed, index, views=views, size=size)
        progress(index + 1, count, "textures")
    return images


def texture(seed: int, index: int, *, views: int, size: int = SIZE) -> NDArray[np.uint8]:
    """Draw one texture: (views, size, size) uint8."""
    rng = np.random.default_rng([seed, index])
    first, second = recipe(rng), recipe(rng)
    mixed, shaped = rng.random() < OF_TWO_PHASES, rng.random() < IN_A_SHAPE
    share, grain = rng.uniform(0.25, 0.75), rng.uniform(10, 40)
    outline, ground = rng.random(4), rng.uniform(0, 0.35)
    drawn = np.zeros((views, size, size), np.uint8)
    for view in range(views):
        image = realise(first, rng, size)
        if mixed:
            phases = _smooth_noise(rng, size, grain)
            image = np.where(phases < np.quantile(phases, share), image, realise(second, rng, size))
        if shaped:
            inside = _silhouette(outline, rng, size)
            image = np.where(inside, 0.25 + 0.75 * image, ground + 0.1 * _smooth_noise(rng, size, 30))
        drawn[view] = np.round(255 * _unit(image))
    return drawn


def recipe(rng: np.random.Generator) -> Recipe:
    """Draw what one surface is."""
    return Recipe(
        kind=str(rng.choice(list(KINDS))),
        scale=float(np.exp(rng.uniform(np.log(4), np.log(36)))),
        knobs=rng.random(8),
        warp=float(rng.choice([0.0, 0.0, rng.uniform(1, 8)])),
        light=float(rng.choice([0.0, rng.uniform(0.3, 1.5)])),
        edge=float(rng.choice([0.0, rng.uniform(0.3, 1.5)])),
        albedo=float(rng.uniform(0.2, 1.0)),
    )


def realise(given: Recipe, rng: np.random.Generator, size: int) -> Field:
    """Draw one realisation of a surface and light it: (size, size) float in [0, 1]."""
    field = _unit(KINDS[given.kind](given.scale, given.knobs, rng, size))
    if given.warp:
        field = _bend(field, given.warp, rng)
    down, right = np.gradient(cv2.GaussianBlur(field, (0, 0), 1.0) * given.scale)
    angle = rng.uniform(0, 2 * np.pi)
    slanted = np.tanh(np.cos(angle) * right + np.sin(angle) * down)
    steep = np.tanh(np.hypot(right, down))
    return _unit(given.albedo * field + given.light * slanted + given.edge * steep)


def _unit(field: Field) -> Field:
    low, high = np.quantile(field[::3, ::3], (0.005, 0.995))
    scaled: Field = np.clip((field - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float32)
    return scaled


def _smooth_noise(rng: np.random.Generator, size: int, scale: float) -> Field:
    """Noise without structure below ``scale`` pixels, (size, size) in about [0, 1]."""
    cells = max(2, round(size / scale))
    small = rng.random((cells + 3, cells + 3)).astype(np.float32)
    large = cv2.resize(small, None, fx=size / cells, fy=size / cells, interpolation=cv2.INTER_CUBIC)
    off = int(size / cells)
    smooth: Field = large[off : off + size, off : off + size]
    return smooth


def _bend(field: Field, most: float, rng: np.random.Generator) -> Field:
    size = field.shape[0]
    down, right = np.mgrid[:size, :size].astype(np.float32)
    right += most * (2 * _smooth_noise(rng, size, 24) - 1)
    down += most * (2 * _smooth_noise(rng, size, 24) - 1)
    bent: Field = cv2.remap(field, right, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return bent


def _silhouette(knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> NDArray[np.bool_]:
    """The outline of a body: stretched, with bumps of a given number and height."""
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = np.ones_like(turn)
    for order in range(2, 3 + int(10 * knobs[0])):
        radius += 0.35 * knobs[1] / order * rng.normal() * np.cos(order * turn + rng.uniform(0, 2 * np.pi))
    radius *= size * (0.28 + 0.15 * knobs[2])
    points = np.stack([radius * np.cos(turn), (0.35 + 0.65 * knobs[3]) * radius * np.sin(turn)], axis=1)
    angle = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(points @ rotation + size / 2).astype(np.int32)], 1)
    return mask.astype(bool)


def _spectral(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Noise of a power law, round or drawn out, plain, ridged or cut at a level."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    angle, squeeze = np.pi * knobs[0], np.exp(2 * knobs[1] * (knobs[2] > 0.5))
    along, across = fx * np.cos(angle) + fy * np.sin(angle), -fx * np.sin(angle) + fy * np.cos(angle)
    frequency = np.hypot(along * squeeze, across / squeeze)
    gain = 1 / (frequency + 1 / (size / 2)) ** (0.5 + 2 * knobs[3])
    if knobs[4] < 0.5:
        gain = np.exp(-(((frequency * scale) - 1) ** 2) / (0.05 + 0.5 * knobs[3]))
    field = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(size, size))) * gain, s=(size, size))
    field /= field.std() + 1e-9
    if knobs[5] < 0.25:
        return np.asarray(-np.abs(field), np.float32)
    if knobs[5] < 0.5:
        return np.asarray(np.tanh(6 * (field - 2 * knobs[6] + 1)), np.float32)
    return np.asarray(field, np.float32)


def _cells(scale: float, rng: np.random.Generator, size: int, order: float) -> tuple[Field, NDArray[np.intp], Field]:
    """Voronoi cells: (size, size) distances to the two nearest seeds (…, 2), the nearest seed, and the seeds."""
    step = max(scale, 5.0)
    grid = np.arange(-step, size + 2 * step, step)
    seeds = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    seeds = seeds + rng.normal(size=seeds.shape) * step * (0.1 + 0.9 * order) + rng.uniform(0, step, 2)
    pixels = np.moveaxis(np.mgrid[:size, :size], 0, -1).reshape(-1, 2)
    distance, nearest = cKDTree(seeds).query(pixels, k=2)
    return distance.reshape(size, size, 2), nearest[:, 0].reshape(size, size), seeds


def _grains(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Polished grains: flat grey levels between dark or bright boundaries."""
    distance, nearest, seeds = _cells(scale, rng, size, knobs[0])
    border = np.exp(-(distance[..., 1] - distance[..., 0]) / (0.5 + 3 * knobs[1]))
    levels = rng.random(len(seeds)) ** (0.5 + 2 * knobs[2])
    field: Field = knobs[3] * levels[nearest] + (2 * knobs[4] - 1) * border
    return field


def _facets(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Crystallites: each cell a plane of its own slope, or a rounded pebble."""
    distance, nearest, seeds = _cells(scale, rng, size, knobs[0])
    if knobs[1] < 0.35:
        field: Field = np.sqrt(np.maximum(distance[..., 1] - distance[..., 0], 0) / scale)
        return field
    slopes = rng.normal(size=seeds.shape) * (0.3 + knobs[2]) / scale
    offset = np.moveaxis(np.mgrid[:size, :size], 0, -1) - seeds[nearest]
    tilted: Field = (offset * slopes[nearest]).sum(-1) + knobs[3] * rng.random(len(seeds))[nearest]
    return tilted


def _fibres(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Fibres, wires or scratches: how straight, how parallel, how thick."""
    canvas = np.zeros((size, size), np.float32)
    width = max(1, round(scale / 4 * (0.3 + knobs[0])))
    count = int(np.clip(size * (0.5 + 2 * knobs[1]) / width, 8, 160))
    main = rng.uniform(0, np.pi)
    for number in range(count):
        angle = main + (0.1 + np.pi * (knobs[2] > 0.5) * knobs[3]) * rng.normal()
        at = np.linspace(-size, size, 24)
        sway = 20 * knobs[4] * (knobs[5] > 0.5) * np.sin(at / (10 + 40 * knobs[6]) + rng.uniform(0, 6))
        x = rng.uniform(0, size) + at * np.cos(angle) - sway * np.sin(angle)
        y = rng.uniform(0, size) + at * np.sin(angle) + sway * np.cos(angle)
        points = [np.stack([x, y], 1).round().astype(np.int32)]
        level = 0.3 + 0.4 * number / count
        for inner in range(width, 0, -2):
            cv2.polylines(canvas, points, False, level + 0.5 * (1 - inner / width), inner, cv2.LINE_AA)
    return canvas


def _lattice(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Stripes, grids and dot arrays."""
    down, right = np.mgrid[:size, :size].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    field = np.zeros((size, size), np.float32)
    between = (np.pi / 2, np.pi / 3, np.pi * knobs[1])[int(knobs[0] * 2.999)]
    for direction in range(1 + int(knobs[2] * 2.999)):
        turn = angle + direction * between
        phase = rng.uniform(0, 2 * np.pi)
        period = scale * (1 + 0.7 * knobs[5] * direction)
        field += np.cos(2 * np.pi * (right * np.cos(turn) + down * np.sin(turn)) / period + phase).astype(np.float32)
    sharpened: Field = np.tanh((0.5 + 5 * knobs[3]) * (field + 1.5 * knobs[4] - 0.75))
    return sharpened


def _spots(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Pores, inclusions or droplets: sizes, shapes and crowding; dark or bright by the recipe."""
    canvas = np.full((size, size), 0.5, np.float32)
    area = np.pi * (scale / 3) ** 2
    count = int(np.clip((0.05 + 0.7 * knobs[0]) * size**2 / area, 3, 250))
    main = rng.uniform(0, 180)
    for _ in range(count):
        radius = scale / 3 * np.exp((0.1 + 0.6 * knobs[1]) * rng.normal())
        axes = (max(1, round(radius)), max(1, round(radius * (0.25 + 0.75 * knobs[2]))))
        turn = main if knobs[3] < 0.5 else rng.uniform(0, 180)
        centre = tuple(int(c) for c in rng.integers(-8, size + 8, 2))
        level = knobs[4] + (1 - knobs[4]) * 0.4 * rng.random() if knobs[5] > 0.5 else 0.1 * rng.random()
        cv2.ellipse(canvas, centre, axes, turn, 0, 360, float(level), -1, cv2.LINE_AA)
    return canvas


def _balls(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Heaped balls: later ones hide earlier ones; their height is a hemisphere."""
    field = np.zeros((size, size), np.float32)
    spread, depth = 0.05 + 0.7 * knobs[0], 0.2 + knobs[1]
    count = int(np.clip((0.4 + 2 * knobs[2]) * (size / scale) ** 2 * 2, 4, 220))
    for number in range(count):
        radius = float(np.clip(scale / 2 * np.exp(spread * rng.normal()), 2, size / 3))
        cy, cx = rng.uniform(-radius, size + radius, 2)
        top, left = max(0, int(cy - radius)), max(0, int(cx - radius))
        bottom, right = min(size, int(cy + radius) + 1), min(size, int(cx + radius) + 1)
        if top >= bottom or left >= right:
            continue
        y, x = np.ogrid[top:bottom, left:right]
        rest = 1 - ((y - cy) ** 2 + (x - cx) ** 2) / radius**2
        block = field[top:bottom, left:right]
        np.copyto(block, depth * number / count + np.sqrt(np.maximum(rest, 0)) * radius / scale, where=rest > 0)
    return field


def _terraces(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Steps and layers: a smooth height cut into levels."""
    smooth = _smooth_noise(rng, size, scale * (1 + 2 * knobs[0]))
    down, right = np.mgrid[:size, :size] / scale
    angle = rng.uniform(0, 2 * np.pi)
    height = smooth * (1 + 4 * knobs[1]) + knobs[2] * (down * np.sin(angle) + right * np.cos(angle))
    field: Field = np.floor(height * (1 + 3 * knobs[3])) + knobs[4] * np.mod(height * (1 + 3 * knobs[3]), 1)
    return field


def _blades(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """Platelets, needles and cuboids lying on each other."""
    canvas = np.full((size, size), 0.1, np.float32)
    count = int(np.clip((0.3 + 2 * knobs[0]) * (size / scale) ** 2 * 2, 4, 200))
    corners = 3 + int(4 * knobs[1])
    for number in range(count):
        turn = np.sort(rng.uniform(0, 2 * np.pi, corners)) if knobs[2] < 0.5 else np.arange(corners) / corners * 6.283
        long, slim = scale * np.exp(0.3 * rng.normal()), 0.1 + 0.9 * knobs[3]
        shape = np.stack([long * np.cos(turn), long * slim * np.sin(turn)], 1)
        angle = rng.uniform(0, 2 * np.pi)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = [np.round(shape @ rotation + rng.uniform(-5, size + 5, 2)).astype(np.int32)]
        level = 0.2 + 0.5 * number / count + 0.3 * knobs[4] * rng.random()
        cv2.fillPoly(canvas, points, level, cv2.LINE_AA)
        if knobs[5] > 0.4:
            cv2.polylines(canvas, points, True, min(1.0, level + 0.4 * knobs[6]), 1, cv2.LINE_AA)
    return canvas


def _fractal(scale: float, knobs: NDArray[np.float64], rng: np.random.Generator, size: int) -> Field:
    """An iterated function system played as the chaos game; dendrites, ferns, dust."""
    own = np.random.default_rng(np.round(knobs * 2**31).astype(np.int64))
    maps = own.uniform(-1, 1, (2 + int(2.99 * knobs[0]), 2, 3))
    maps[:, :, :2] *= (0.55 + 0.35 * own.random(len(maps)))[:, None, None]
    maps = maps + 0.03 * rng.normal(size=maps.shape)
    points = rng.uniform(-1, 1, (1500, 2))
    cloud = []
    for number in range(30):
        chosen = maps[rng.integers(len(maps), size=len(points))]
        points = np.clip(np.einsum("nij,nj->ni", chosen[:, :, :2], points) + chosen[:, :, 2], -50, 50)
        if number > 9:
            cloud.append(points)
    every = np.concatenate(cloud)
    low, high = np.quantile(every, (0.02, 0.98), axis=0)
    span = (high - low + 1e-3) * rng.uniform(0.7, 1.1)
    place = ((every - low) / span * size).astype(int)
    place = place[((place >= 0) & (place < size)).all(1)]
    counts = np.bincount(place[:, 0] * size + place[:, 1], minlength=size * size).reshape(size, size)
    cloudy: Field = cv2.GaussianBlur(np.log1p(counts).astype(np.float32), (0, 0), 0.6 + scale / 24)
    return cloudy


KINDS: Final[dict[str, Callable[[float, NDArray[np.float64], np.random.Generator, int], Field]]] = {
    "spectral": _spectral,
    "grains": _grains,
    "facets": _facets,
    "fibres": _fibres,
    "lattice": _lattice,
    "spots": _spots,
    "balls": _balls,
    "terraces": _terraces,
    "blades": _blades,
    "fractal": _fractal,
}
