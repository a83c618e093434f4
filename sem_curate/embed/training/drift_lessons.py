"""Lessons for the network that sees displaced scan lines: rendered signals, spoiled and displaced on the fly.

Signals are rendered once, without any fault. Every lesson turns one of them, displaces its lines or does not, and adds
charging, blur and noise as the renderer does, so that there is no end of lessons. Half of the lessons have no drift:
other faults, streaks and rough outlines must not be taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Floats
from sem_curate.progress import Progress, silent
from sem_curate.quality.drift import BAND, SIDE, bands, prepare
from sem_curate.rendering import defects
from sem_curate.rendering.conditions import CONDITIONS, Condition
from sem_curate.rendering.render import particle_seed
from sem_curate.rendering.view import Shot, develop, render_signal

Rng = np.random.Generator
BANDS: Final = SIDE // BAND
NONE_SHARE, SMALL_SHARE, SOME_SHARE = 0.4, 0.1, 0.15  # of the lessons, by drift; the rest has strong drift
SOME, STRONG = (0.3, 4.0), (4.0, 11.0)  # 128ths of the side, as the renderer states drift
ZOOM_SHARE, BAR_SHARE, RULER_SHARE, JPEG_SHARE = 0.25, 0.38, 0.12, 0.1


@dataclass(frozen=True)
class Signal:
    """What arrives at the detector, (256, 256) float16; (256, 32) uint8, packed, where there is a particle."""

    image: NDArray[np.float16]
    body: NDArray[np.uint8]
    condition: Condition
    shot: Shot


@dataclass(frozen=True)
class Lesson:
    """One spoiled image as the network is given it, and what is true of it.

    Attributes:
        tilts: (12, 64, 32) float16.
        pixels: (16, 64, 64) float16.
        steps: (64,) float32, pixels by which lines move within a band, less what a shear or bend explains.
        held: (64,) float32, 1 for bands inside the image.
        drift: largest displacement, 128ths of the side.
        deviation: root mean square of the lines' deviation from a smooth curve, pixels.
    """

    tilts: NDArray[np.float16]
    pixels: NDArray[np.float16]
    steps: Floats
    held: Floats
    drift: float
    deviation: float


def render_signals(count: int, *, seed: int, progress: Progress = silent) -> list[Signal]:
    """Render the six views of ``count`` particles."""
    signals = []
    for index in range(count):
        for slot in range(len(CONDITIONS)):
            image, body, condition, shot = render_signal(particle_seed(seed, index), slot, SIDE)
            signals.append(Signal(image.astype(np.float16), np.packbits(body, axis=1), condition, shot))
        progress(index + 1, count, "rendering")
    return signals


def lesson(rng: Rng, signals: Sequence[Signal]) -> Lesson:
    """Make one lesson."""
    drawn = signals[int(rng.integers(len(signals)))]
    amount = _amount(rng)
    image, body = _turned(rng, drawn)
    shot = replace(_spoiled(rng, drawn.shot), drift=amount)
    condition = replace(drawn.condition, line_noise=float(rng.choice([drawn.condition.line_noise, 0.1, 0.3, 0.5])))
    _, grey, lines = develop(rng, image, body, condition, shot)
    rows = SIDE
    if rng.random() < BAR_SHARE:
        rows -= round(defects.BAR_SHARE * SIDE)
    elif rng.random() < RULER_SHARE:
        defects.burn(grey, defects.Overlay("scale", ""), 10.0)
    grey = grey[:rows]
    if rng.random() < JPEG_SHARE:
        _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))])
        grey = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    steps, deviation = visible(np.zeros(rows, np.float32) if lines is None else lines[:rows])
    filled, held = np.zeros((2, BANDS), np.float32)
    filled[: len(steps)], held[: len(steps)] = steps, 1
    tilts, pixels = prepare(grey.astype(np.float32) / np.float32(255))
    return Lesson(tilts.astype(np.float16), pixels.astype(np.float16), filled, held, amount, deviation)


def visible(lines: Floats) -> tuple[Floats, float]:
    """Return what of a drift one image can show: nothing of a shear or a bend, which might be the particle's.

    Args:
        lines: (H,) displacement in pixels.

    Returns:
        (H // 4,) step per band less its linear trend, and ``defects.visible_drift``, both in pixels.
    """
    count = bands(len(lines))
    ends = np.append(lines, lines[-1:])[: BAND * count + 1 : BAND].astype(np.float64)
    steps, at = np.diff(ends), np.linspace(-1, 1, count)
    return (steps - np.polyval(np.polyfit(at, steps, 1), at)).astype(np.float32), defects.visible_drift(lines)


def _amount(rng: Rng) -> float:
    """Draw a drift, 128ths of the side."""
    kind = rng.random()
    if kind < NONE_SHARE:
        return 0.0
    if kind < NONE_SHARE + SMALL_SHARE:
        return float(abs(rng.normal(0, 0.25)))
    return float(rng.uniform(*(SOME if kind < NONE_SHARE + SMALL_SHARE + SOME_SHARE else STRONG)))


def _turned(rng: Rng, drawn: Signal) -> tuple[Floats, NDArray[np.bool_]]:
    """Flip, turn by a right angle and enlarge a part, each now and then; before any fault that knows a direction."""
    image: Floats = drawn.image.astype(np.float32)
    body = np.unpackbits(drawn.body, axis=1)
    for axis in (0, 1):
        if rng.random() < 0.5:
            image, body = np.flip(image, axis), np.flip(body, axis)
    if rng.random() < 0.3:
        image, body = image.T, body.T
    if rng.random() < ZOOM_SHARE:
        side = int(SIDE * rng.uniform(0.5, 1))
        top, left = rng.integers(0, SIDE + 1 - side, 2)
        box = slice(top, top + side), slice(left, left + side)
        image = cv2.resize(np.ascontiguousarray(image[box]), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        body = cv2.resize(np.ascontiguousarray(body[box]), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(image), np.ascontiguousarray(body) > 0


def _spoiled(rng: Rng, shot: Shot) -> Shot:
    """Add at most one strong fault, and now and then charging."""
    changes: dict[str, Any] = {}
    kind = rng.random()
    if kind < 0.12:
        astigmatism = 2.5 if rng.random() < 0.3 else 1.0
        changes = {"blur": float(rng.uniform(1, 5.5)), "unfocused": True, "astigmatism": astigmatism}
    elif kind < 0.27:
        changes = {"noise": float(rng.uniform(0.05, 0.25))}
    elif kind < 0.37:
        changes = {"gain": float(rng.uniform(0.13, 0.5)), "level": float(rng.uniform(-0.15, 0.2))}
    elif kind < 0.55:
        changes = {"charging": float(rng.uniform(0.1, 1.1))}
    elif kind < 0.62:
        changes = {"gain": float(rng.uniform(1.3, 3)), "level": float(rng.choice([-0.2, 0.2, 0.35]))}
    if rng.random() < 0.1:
        changes["charging"] = float(rng.uniform(0.1, 0.6))
    return replace(shot, **changes)
