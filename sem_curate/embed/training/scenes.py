"""Training scenes for the reader: rendered particles, cropped, crowded and spoiled, with exact masks.

Half of the scenes are one rendered view, cropped so that the frame cuts the particle at every depth. The other half
are powder beds: cut-out particles pasted behind, beside and in front of a main one, so that outlines touch and overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats
from sem_curate.embed.training.spoiling import spoil
from sem_curate.progress import Progress, silent
from sem_curate.rendering.conditions import CONDITIONS
from sem_curate.rendering.render import particle_seed, render_views
from sem_curate.rendering.truth import RenderedView
from sem_curate.rendering.view import REFERENCE

Rng = np.random.Generator
Labels = NDArray[np.uint8]
RENDER = 192  # pixels; a crop of half of it still has the detail that the network sees
CLEAR = 1.3  # the main particle holds so many times the centre-weighted area of the next one, or the scene is no lesson
HARDEST = max(CONDITIONS, key=lambda name: CONDITIONS[name].shadow)
BED_SHARE = 0.4
UNCUT_SHARE = 0.5  # of the single views are used as they are
UNSPOILED_SHARE = 0.3  # of the scenes keep the renderer's faults only
CHARGED_SHARE = 0.2  # of the single views
MAX_DRIFT = 1.0  # 128ths of the side; a cut-out that is turned may not show its scan lines
BLANK_SHARE = 0.02  # scenes without any particle


@dataclass(frozen=True)
class Shot:
    """One rendered view without its info bar.

    Attributes:
        image: (h, w) uint8.
        labels: (h, w) uint8, 0 background, 1 the particle, 2 others.
        charging: strength.
        whole: whether it can be cut out: the frame leaves it uncut, and no drift shows.
    """

    image: NDArray[np.uint8]
    labels: Labels
    charging: float
    whole: bool


@dataclass(frozen=True)
class Scene:
    """One lesson.

    Attributes:
        image: (S, S) float32.
        particle: (S, S) bool.
        others: (S, S) bool.
        charging: strength.
    """

    image: Floats
    particle: Bools
    others: Bools
    charging: float


def render_shots(count: int, *, seed: int, views: int = 3, progress: Progress = silent) -> list[Shot]:
    """Render ``views`` of six views of ``count`` particles, up to three of the six spoiled.

    The view with the hardest shadows is always among them.
    """
    shots = []
    for index in range(count):
        own = particle_seed(seed, index)
        rng = np.random.default_rng(own)
        names = [HARDEST, *rng.choice([name for name in CONDITIONS if name != HARDEST], views - 1, replace=False)]
        made = render_views(own, names, size=RENDER, spoiled=int(rng.integers(0, 4)), mask=True)
        shots += [_shot(view) for view in made.views.values() if view is not None]
        progress(index + 1, count, "rendering")
    return shots


def _shot(view: RenderedView) -> Shot:
    rows = RENDER - view.truth.info_bar_px
    labels = np.zeros(view.image.shape, np.uint8)
    if view.mask is not None and view.others is not None:
        labels[view.others] = 2
        labels[view.mask] = 1
    truth = view.truth
    straight = truth.drift_px * REFERENCE / RENDER < MAX_DRIFT
    return Shot(view.image[:rows], labels[:rows], truth.charging, straight and truth.frame_cut == 0)


def scene(rng: Rng, shots: Sequence[Shot], side: int) -> Scene:
    """Make one lesson of ``side`` pixels."""
    if rng.random() < BLANK_SHARE:
        bare = np.zeros((side, side), np.bool_)
        return Scene(spoil(rng, _stage(rng, side)), bare, bare, 0.0)
    for _ in range(5):
        made = _bed(rng, shots, side) if rng.random() < BED_SHARE else _single(rng, _pick_charged(rng, shots), side)
        if made is not None:
            return made
    return _squeeze(rng, _pick(rng, shots), side)


def _pick(rng: Rng, shots: Sequence[Shot]) -> Shot:
    return shots[int(rng.integers(len(shots)))]


def _pick_charged(rng: Rng, shots: Sequence[Shot]) -> Shot:
    """Pick a view; charged ones are rare in renders, so some of the draws look for one."""
    shot = _pick(rng, shots)
    tries = 30 if rng.random() < CHARGED_SHARE else 0
    while tries and shot.charging < 0.3:
        shot, tries = _pick(rng, shots), tries - 1
    return shot


# -- one view ------------------------------------------------------------------------------------------------------


def _squeeze(rng: Rng, shot: Shot, side: int) -> Scene:
    """Use the whole view, as the quality room does."""
    return _finish(rng, shot.image, shot.labels, side, shot.charging)


def _single(rng: Rng, shot: Shot, side: int) -> Scene | None:
    """Cut out a random box; None when it leaves too little of the particle, or another one matters more."""
    if rng.random() < UNCUT_SHARE:
        return _squeeze(rng, shot, side)
    rows, columns = shot.labels.shape
    zoom, aspect = rng.uniform(0.35, 1.0), np.exp(rng.normal(0, 0.15))
    height, width = min(rows, int(rows * zoom * aspect)), min(columns, int(columns * zoom / aspect))
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    box = slice(top, top + height), slice(left, left + width)
    if not _is_clear(shot.labels[box]):
        return None
    return _finish(rng, shot.image[box], shot.labels[box], side, shot.charging)


def _finish(rng: Rng, grey: NDArray[np.uint8], labels: Labels, side: int, charging: float) -> Scene:
    how = cv2.INTER_AREA if min(grey.shape) >= side else cv2.INTER_LINEAR
    image = cv2.resize(grey, (side, side), interpolation=how).astype(np.float32) / np.float32(255)
    shares = [cv2.resize((labels == label).astype(np.float32), (side, side), interpolation=how) for label in (1, 2)]
    flips = (slice(None, None, int(rng.choice([1, -1]))), slice(None, None, int(rng.choice([1, -1]))))
    spoiled = np.ascontiguousarray(image[flips])
    if rng.random() >= UNSPOILED_SHARE:
        spoiled = spoil(rng, spoiled)
    return Scene(spoiled, shares[0][flips] > 0.5, shares[1][flips] > 0.5, charging)


def _is_clear(labels: Labels, main: int = 1) -> bool:
    """Tell whether ``main`` is what a person would call the particle of this picture."""
    rows = np.linspace(-1, 1, labels.shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, labels.shape[1], dtype=np.float32)[None]
    weight = np.exp(-(rows**2 + columns**2))
    sums = np.bincount(labels.ravel(), weight.ravel(), minlength=main + 2) / weight.sum()
    rivals = np.delete(sums[1:], main - 1)
    return bool(sums[main] > 0.03 and sums[main] > CLEAR * rivals.max(initial=0.0))


# -- powder beds ---------------------------------------------------------------------------------------------------


def _stage(rng: Rng, side: int) -> Floats:
    """Draw an empty stage: a level, slow shading and grain of a random size."""
    grain = np.zeros((side, side), np.float32)
    for cells in (3, int(rng.integers(8, 40))):
        noise = rng.standard_normal((cells, cells), dtype=np.float32)
        grain += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC) * np.float32(abs(rng.normal(0, 0.02)))
    stage: Floats = (np.float32(rng.uniform(0.02, 0.35)) + grain).astype(np.float32)
    return stage


def _bed(rng: Rng, shots: Sequence[Shot], side: int) -> Scene | None:
    canvas, labels = _stage(rng, side), np.zeros((side, side), np.uint8)
    crowd = int(rng.integers(0, 16))
    for number in range(crowd):
        size = side * float(np.exp(rng.uniform(np.log(0.05), np.log(0.6))))
        _paste(rng, canvas, labels, _cutout(rng, shots, size), rng.uniform(-0.1, 1.1, 2) * side, 2 + number,
               gain=float(rng.uniform(0.4, 1.1)))  # fmt: skip
    size = side * float(rng.uniform(0.35, 1.0) if rng.random() < 0.75 else rng.uniform(1.0, 2.0))
    centre = side * (0.5 + rng.normal(0, 0.07, 2))
    if rng.random() < 0.4:  # over the edge, by a tenth to a half of its size
        axis = int(rng.integers(2))
        beyond = size * (0.5 - rng.uniform(0.05, 0.55))
        centre[axis] = beyond if rng.random() < 0.5 else side - beyond
    main = 2 + crowd
    _paste(rng, canvas, labels, _cutout(rng, shots, size), centre, main, gain=float(rng.uniform(0.6, 1.3)))
    for number in range(int(rng.choice(4, p=[0.4, 0.35, 0.15, 0.1]))):
        other = side * float(rng.uniform(0.1, 0.9))
        angle, reach = rng.uniform(0, 2 * np.pi), (size + other) / 2 * rng.uniform(0.75, 1.1)
        at = centre + reach * np.array([np.cos(angle), np.sin(angle)])
        _paste(rng, canvas, labels, _cutout(rng, shots, other), at, main + 1 + number,
               gain=float(rng.uniform(0.5, 1.5)))  # fmt: skip
    if not _is_clear(labels, main):
        return None
    others = (labels > 0) & (labels != main)
    return Scene(spoil(rng, canvas), labels == main, others, 0.0)


def _cutout(rng: Rng, shots: Sequence[Shot], size: float) -> tuple[Floats, Floats]:
    """Turn and scale a whole particle to ``size`` pixels on the longer side; return image and soft mask."""
    shot = _pick(rng, shots)
    for _ in range(20):
        if shot.whole and shot.charging < 0.1:
            break
        shot = _pick(rng, shots)
    rows, columns = np.nonzero(shot.labels == 1)
    middle = (float(columns.mean()), float(rows.mean())) if rows.size else (RENDER / 2, RENDER / 2)
    reach = float(np.hypot(columns - middle[0], rows - middle[1]).max(initial=1.0))
    target = max(4, int(np.ceil(size * 1.1)))
    turn = cv2.getRotationMatrix2D(middle, float(rng.uniform(0, 360)), size / (2 * reach))
    turn[:, 2] += np.array([target / 2 - middle[0], target / 2 - middle[1]])
    squeeze = np.diag([np.exp(rng.normal(0, 0.1)), 1.0])
    turn = squeeze @ turn
    body = shot.image.astype(np.float32) / 255
    mask = (shot.labels == 1).astype(np.float32)
    return (
        cv2.warpAffine(body, turn, (target, target), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
        cv2.warpAffine(mask, turn, (target, target), flags=cv2.INTER_LINEAR),
    )


def _paste(
    rng: Rng, canvas: Floats, labels: Labels, piece: tuple[Floats, Floats], centre: NDArray[np.float64], label: int,
    *, gain: float,
) -> None:  # fmt: skip
    """Lay a cut-out over the canvas in place, with some shadow round it."""
    body, mask = piece
    side, size = canvas.shape[0], body.shape[0]
    margin = max(2, size // 6)
    padded = np.pad(mask, margin)
    top, left = (round(float(c) - size / 2) - margin for c in (centre[1], centre[0]))
    size += 2 * margin
    y0, x0, y1, x1 = max(0, top), max(0, left), min(side, top + size), min(side, left + size)
    if y0 >= y1 or x0 >= x1:
        return
    here, there = (slice(y0, y1), slice(x0, x1)), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    if rng.random() < 0.6:
        shade = cv2.GaussianBlur(padded, (0, 0), float(rng.uniform(0.5, max(0.6, margin / 2))))
        canvas[here] *= 1 - np.float32(rng.uniform(0, 0.9)) * shade[there]
    padded_body = np.pad(body, margin)
    alpha = padded[there]
    canvas[here] += alpha * (np.float32(gain) * padded_body[there] - canvas[here])
    labels[here][alpha > 0.5] = label
