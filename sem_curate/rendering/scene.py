"""From a solid on a stage to a depth map: surface relief, substrate, neighbours, mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from sem_curate.arrays import Bools, Floats
from sem_curate.rendering import noise
from sem_curate.rendering.solids import Ellipsoid, Matrix, Solid, cast


@dataclass(frozen=True)
class Scene:
    """A particle at rest: its solid, what lies around it, and the height of the stage (z of the plane)."""

    solid: Solid
    others: Solid | None
    stage: float
    tone: float


@dataclass(frozen=True)
class Camera:
    """Stage tilt and in-plane turn in degrees, and the pixel grid: ``centre`` (x, y), ``step`` units per pixel."""

    tilt_deg: float
    turn_deg: float
    centre: tuple[float, float]
    step: float
    size: int

    def matrix(self) -> Matrix:
        """Return the rotation from stage to camera axes."""
        angles = [self.turn_deg, self.tilt_deg]
        return np.asarray(Rotation.from_euler("zx", angles, degrees=True).as_matrix())

    def grid(self) -> tuple[float, float, float]:
        """Return (x of column 0, y of row 0, step)."""
        reach = (self.size - 1) / 2 * self.step
        return self.centre[0] - reach, self.centre[1] - reach, self.step


@dataclass(frozen=True)
class Relief:
    """What the beam meets, all (H, W).

    Attributes:
        depth: float32, towards the beam, in pixels.
        mask: the particle itself.
        others: neighbouring particles.
        tone: float32 material brightness.
        phase: float32 patches of another composition, about 0 +- 0.3.
        hollow: float32 extra darkness of cracks, 0..1.
        grain: float32 texture of the stage, deviation about 1.
    """

    depth: Floats
    mask: Bools
    others: Bools
    tone: Floats
    phase: Floats
    hollow: Floats
    grain: Floats


def neighbours(rng: np.random.Generator, solid: Solid, stage: float, touching: bool, debris: int) -> Solid | None:
    """Return rounded neighbours on the stage (``touching`` the particle or not at all) and specks of debris."""
    _, high = solid.bounds()
    big = int(touching) * int(rng.integers(1, 3))
    start = rng.uniform(0, 2 * np.pi)
    parts = []
    for index in range(big + debris):
        large = index < big
        radius = rng.uniform(0.3, 0.8) if large else float(np.exp(rng.normal(-3.0, 0.5)))
        angle = start + np.pi * index * rng.uniform(0.7, 1.0) if large else rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle), 0])
        reach = 1 / max(abs(way[0]) / high[0], abs(way[1]) / high[1])
        gap = reach * 0.82 + radius if large else reach + rng.uniform(0.05, 0.9)
        lengths = radius * rng.uniform(0.85 if large else 0.45, 1.15 if large else 1.6, 3)
        centre = way * gap + np.array([0, 0, stage + lengths[2] * 0.97])
        spin = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        parts.append(Ellipsoid(centre, spin * lengths, rng.uniform(0.85, 1.1)))
    return replace(solid, parts=tuple(parts), cuts=(), bevel=0.0, cracks=None) if parts else None


def _warped(solid: Solid, x: Floats, y: Floats, turn: Matrix) -> tuple[Floats, Floats]:
    """Return ray positions distorted by low-frequency noise that is fixed to the object."""
    small = (max(8, x.shape[1] // 2), max(8, x.shape[0] // 2))
    xs, ys = (cv2.resize(v, small, interpolation=cv2.INTER_AREA) for v in (x, y))
    step = float(xs[0, 1] - xs[0, 0])
    depth, _ = cast(solid, xs, ys, (float(xs[0, 0]), float(ys[0, 0]), step))
    points = np.stack([xs.ravel(), ys.ravel(), np.where(depth > -np.inf, depth, 0).ravel()])
    points = (turn @ points.astype(np.float64) / solid.warp_period + solid.texture_offset[:, None]).astype(np.float32)
    shifts = []
    for axis in range(2):
        wave = noise.sample(noise.volume("fbm"), points + np.float32(0.37 * axis)).reshape(small[::-1])
        wave = cv2.GaussianBlur(wave, (0, 0), 0.7) * np.float32(solid.warp)
        shifts.append(cv2.resize(np.clip(wave, -4 * solid.warp, 4 * solid.warp), x.shape[::-1]))
    return x + shifts[0], y + shifts[1]


def _finish(solid: Solid, depth: Floats, mask: Bools, x: Floats, y: Floats, turn: Matrix, step: float) -> Floats:
    """Add bevel and surface relief to ``depth`` in place; return the (H, W) darkness of cracks."""
    if solid.bevel > 0:
        _soften(depth, mask, min(solid.bevel / step, 0.04 * depth.shape[0]))
    points = np.stack([x[mask], y[mask], depth[mask]]).astype(np.float32)
    points = turn.astype(np.float32) @ points
    relief = np.zeros(points.shape[1], np.float32)
    offset = solid.texture_offset.astype(np.float32)[:, None]
    for index, layer in enumerate(solid.layers):
        at = points / np.float32(layer.period) + offset + np.float32(0.31 * index)
        if layer.kind == "stripes":
            bend = noise.sample(noise.volume("fbm"), at * np.float32(0.25))
            wave = np.sin(at[0] * np.float32(44) + bend)
        else:
            wave = noise.sample(noise.volume(layer.kind), at)
        relief += np.float32(layer.height) * wave
    hollow = np.zeros(depth.shape, np.float32)
    if solid.cracks is not None and relief.size:
        spacing, width, deep = solid.cracks
        at = points / np.float32(spacing) + offset
        at = at + np.float32(0.02) * noise.sample(noise.volume("fbm"), at * np.float32(3))
        reach = noise.sample(noise.grain_edges(), at) * np.float32(spacing / width)
        gone = np.clip(np.float32(1.2) - reach, 0, 1)
        relief -= np.float32(deep) * gone
        hollow[mask] = gone
    depth[mask] += relief
    return hollow


def _soften(depth: Floats, mask: Bools, sigma: float) -> None:
    """Blur ``depth`` inside ``mask`` in place, without pulling in the outside."""
    if sigma < 0.3 or not mask.any():
        return
    weight = mask.astype(np.float32)
    inside = np.where(mask, depth, 0).astype(np.float32)
    blurred = cv2.GaussianBlur(inside, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    depth[mask] = blurred[mask]


def relief(scene: Scene, camera: Camera) -> Relief:
    """Look at a scene through a camera."""
    turn = camera.matrix()
    solid = scene.solid.moved(turn)
    x0, y0, step = camera.grid()
    xs = (x0 + np.arange(camera.size) * step).astype(np.float32)
    ys = (y0 + np.arange(camera.size) * step).astype(np.float32)
    x, y = np.meshgrid(xs, ys)
    to_texture = scene.solid.texture_turn @ turn.T
    rx, ry = _warped(solid, x, y, to_texture) if solid.warp > 0 else (x, y)
    depth, tone = cast(solid, rx, ry, (x0, y0, step))
    mask = depth > -np.inf
    hollow = _finish(solid, depth, mask, x, y, to_texture, step)

    tan, cos = np.tan(np.radians(camera.tilt_deg)), np.cos(np.radians(camera.tilt_deg))
    plane = (np.float32(scene.stage / cos) + np.float32(tan) * y).astype(np.float32)
    mask &= depth > plane - 0.02
    grain = _stage_grain(x, y, plane, turn)
    tone = tone * np.float32(scene.tone)
    full = np.where(mask, depth, plane)
    beside = np.zeros_like(mask)
    if scene.others is not None:
        others = scene.others.moved(turn)
        ox, oy = (rx, ry) if solid.warp > 0 else (x, y)
        seen, own = cast(others, ox, oy, (x0, y0, step))
        beside = seen > full
        _finish(others, seen, beside, x, y, to_texture, step)
        full[beside], tone[beside] = seen[beside], own[beside] * np.float32(0.9)
        mask &= ~beside
    phase = _phases(scene.solid, full, mask, x, y, to_texture)
    depth_px = np.asarray(full / np.float32(step), dtype=np.float32)
    return Relief(depth_px, mask, beside, tone, phase, hollow * mask, grain)


def _phases(solid: Solid, depth: Floats, mask: Bools, x: Floats, y: Floats, turn: Matrix) -> Floats:
    """Return (H, W) composition: soft-edged inclusions fixed to the particle, 0 off the particle."""
    points = turn.astype(np.float32) @ np.stack([x[mask], y[mask], depth[mask]]).astype(np.float32)
    at = points / np.float32(1.9) + solid.texture_offset.astype(np.float32)[:, None]
    patches = np.zeros(depth.shape, np.float32)
    patches[mask] = np.tanh(np.float32(2.2) * noise.sample(noise.volume("fbm"), at) - np.float32(0.8))
    return patches * np.float32(solid.phase)


def _stage_grain(x: Floats, y: Floats, plane: Floats, turn: Matrix) -> Floats:
    """Return (H, W) texture of the stage (carbon tape), fixed to the stage."""
    shape = x.shape
    small = (max(8, shape[1] // 2), max(8, shape[0] // 2))
    points = np.stack([cv2.resize(v, small, interpolation=cv2.INTER_AREA).ravel() for v in (x, y, plane)])
    at = turn.T.astype(np.float32) @ points
    coarse = noise.sample(noise.volume("fbm"), at / np.float32(3.1))
    fine = noise.sample(noise.volume("ridges"), at / np.float32(1.3) + np.float32(0.5))
    texture = (coarse + np.float32(0.5) * fine).reshape(small[::-1])
    return np.asarray(cv2.resize(texture, shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def at_rest(solid: Solid, others: Solid | None, tone: float) -> Scene:
    """Return the scene of a solid whose lowest point touches the stage."""
    return Scene(solid, others, float(solid.bounds()[0][2]), tone)


def aim(scene: Scene, tilt_deg: float, turn_deg: float, fill: float, size: int) -> Camera:
    """Return a camera that centres the particle and spans ``fill`` of the frame with its longer side."""
    camera = Camera(tilt_deg, turn_deg, (0.0, 0.0), 1.0, size)
    low, high = scene.solid.moved(camera.matrix()).bounds()
    step = float((high - low)[:2].max()) / (fill * size)
    middle = (low + high) / 2
    return replace(camera, centre=(float(middle[0]), float(middle[1])), step=step)
