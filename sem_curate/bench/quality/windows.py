"""Windows of whole real frames, with a truth that no file of the quality room had a hand in.

A threshold and the watershed of its distance map part the frame into grains; of these only isolated, compact and whole
ones are trusted. Windows are laid round each, half of them so that the particle is whole, half so that their edge goes
through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sem_curate.arrays import Bools, Ints
from sem_curate.quality.info_bar import find_info_bar

GREY = NDArray[np.uint8]
SUFFIXES: Final = (".png", ".tif", ".tiff", ".jpg", ".bmp")
MIN_SIDE: Final = 60  # pixels across; smaller ones have too few pixels for 72 sectors
SOLID: Final = 0.95  # share of the convex hull; less is a pair, or a particle with parts in the dark
ROUND: Final = 0.55  # of the bounding box; a disc has 0.79
APART: Final = 0.03  # of the diameter, to the next bright thing
DEPTH: Final = (0.1, 0.5)  # of the particle's extent that a cut takes
ROUNDS: Final = 3  # windows of each kind per particle: a frame has few particles that stand alone
CLEAR: Final = 1.5  # the particle holds so many times the centre-weighted area of the next one


@dataclass(frozen=True)
class Window:
    """A piece of a frame: (h, w) uint8, and (h, w) bool where its main particle is."""

    image: GREY
    mask: Bools


def windows(folder: Path, seed: int) -> list[Window]:
    """Cut windows from every frame of a folder, up to six of each trusted particle.

    Args:
        folder: frames, PNG, TIFF, JPEG or BMP.
        seed: of sizes and places.
    """
    rng = np.random.default_rng(seed)
    found: list[Window] = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        frame = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if frame is None:
            continue
        bar = find_info_bar(frame)
        body = frame[bar.top : frame.shape[0] - bar.bottom]
        labels = grains(body)
        for label in trusted(labels):
            found += _around(rng, body, labels, label)
    return found


def grains(body: GREY) -> Ints:
    """Part a frame into grains: (H, W) int, 0 for background."""
    smooth = cv2.GaussianBlur(body, (0, 0), 2.0)
    level, _ = cv2.threshold(smooth, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    # Below Otsu's level: dim particles deep in the bed must not pass for background.
    bright = (smooth > 0.8 * level).astype(np.uint8)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(bright, contours, -1, 1, cv2.FILLED)
    distance = cv2.distanceTransform(bright, cv2.DIST_L2, 5)
    distance = cv2.GaussianBlur(distance, (0, 0), 3.0)
    peaks = (distance > 5) & (distance >= cv2.dilate(distance, np.ones((31, 31), np.uint8)))
    _, seeds = cv2.connectedComponents(peaks.astype(np.uint8))
    from skimage.segmentation import watershed

    labels: Ints = watershed(-distance, seeds, mask=bright > 0).astype(np.int64)
    return labels


def trusted(labels: Ints) -> Iterator[int]:
    """Yield the labels of grains that are large, whole, compact, and apart from everything else."""
    height, width = labels.shape
    for index, box in enumerate(ndimage.find_objects(labels)):
        if box is None:
            continue
        (top, bottom), (left, right) = ((part.start, part.stop) for part in box)
        margin = max(3, round(APART * max(bottom - top, right - left)))
        top, left, bottom, right = top - margin, left - margin, bottom + margin, right + margin
        inside = top >= 0 and left >= 0 and bottom <= height and right <= width
        if inside and _is_trusted(labels[top:bottom, left:right], index + 1, margin):
            yield index + 1


def _is_trusted(cut: Ints, label: int, margin: int) -> bool:
    mask = (cut == label).astype(np.uint8)
    tall, wide = (length - 2 * margin for length in cut.shape)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(contours)))
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)) > 0
    alone = not np.isin(cut[near], (0, label), invert=True).any()
    compact = len(contours) == 1 and mask.sum() >= SOLID * hull and mask.sum() >= ROUND * wide * tall
    return bool(alone and compact and min(wide, tall) >= MIN_SIDE)


def _around(rng: np.random.Generator, body: GREY, labels: Ints, label: int) -> Iterator[Window]:
    left, top, wide, tall = cv2.boundingRect((labels == label).astype(np.uint8))
    for cut in (False, True) * ROUNDS:
        size = (int(tall * rng.uniform(1.25, 1.9)), int(wide * rng.uniform(1.25, 1.9)))
        corner = [top + tall / 2 - size[0] / 2, left + wide / 2 - size[1] / 2]
        free = 0.3 * np.array([size[0] - tall, size[1] - wide])
        corner += rng.uniform(-1, 1, 2) * free
        if cut:
            axis, extent, start = (0, tall, top) if rng.random() < 0.5 else (1, wide, left)
            depth = rng.uniform(*DEPTH) * extent
            corner[axis] = start + depth if rng.random() < 0.5 else start + extent - depth - size[axis]
        y, x = (round(float(c)) for c in corner)
        if y < 0 or x < 0 or y + size[0] > body.shape[0] or x + size[1] > body.shape[1]:
            continue
        box = slice(y, y + size[0]), slice(x, x + size[1])
        if _is_main(labels[box], label):
            yield Window(body[box].copy(), labels[box] == label)


def _is_main(labels: Ints, label: int) -> bool:
    rows, columns = (np.linspace(-1, 1, length) for length in labels.shape)
    weight = np.exp(-(rows[:, None] ** 2 + columns[None] ** 2))
    sums = np.bincount(labels.ravel(), weight.ravel(), minlength=label + 1)
    return bool(sums[label] >= CLEAR * np.delete(sums, [0, label]).max(initial=0.0))
