"""How far scan lines are from where they belong: wandering and jumps, seen by a small network, and jitter.

Slow drift only shears the image and cannot be seen in one image. What the network is given are, per cell of 4 rows and
8 columns, the tilt of edges by least squares on brightness (Lucas and Kanade, IJCAI 1981) at four scales, and the
pixels themselves. It averages over the whole row late: outlines, texture and noise tilt each their own way and cancel,
displaced scan lines tilt everything in a row alike. It learned on simulated images only (``sem-curate train drift``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.quality import reader

WEIGHTS: Final = Path(__file__).with_name("weights") / "drift.onnx"
MIN_SIDE: Final = 16
COLUMNS: Final = 320  # at least; columns are averaged down to this: a row's place is known as well, at a quarter of the
# work on a 1280 px image
ROWS: Final = 256  # the middle ones; a deviation is known to 5 % from as many
LIMIT: Final = 20.0

SIDE: Final = 256
ODDS: Final = -2.2  # one view in ten drifts; the network learned on as many with as without
LEAST: Final = 64  # rows and columns; what is smaller shows nothing of a line's place
BAND: Final = 4  # rows of a cell
CELL: Final = 8  # columns of a cell
BLOCK: Final = 4  # pixels a side of the squares that pixels are handed over in
SCALES: Final = ((1, 1.0), (2, 1.5), (4, 2.0), (4, 4.0))  # rows that are averaged, deviation of the blur along a row
TILTS: Final = 3 * len(SCALES)
_NEAR: Final = (33, 33)  # pixels whose mean and deviation a pixel is compared with

_MAD: Final = 0.6745  # median absolute value of a unit Gaussian
_SLOPE: Final = np.array([-0.5, 0, 0.5], np.float32)
_HALVES: Final = np.array([0.5, 0.5, 0], np.float32)  # mean of a row and the one above it
_CALM: Final = cv2.getGaussianKernel(5, 1.0, cv2.CV_32F).ravel()
_AS_IT_IS: Final = np.ones(1, np.float32)


def _kernels(deviation: float) -> tuple[Floats, Floats]:
    """Return a Gaussian and its derivative along a row."""
    calm: Floats = cv2.getGaussianKernel(2 * int(np.ceil(2.5 * deviation)) + 1, deviation, cv2.CV_32F).ravel()
    return calm, np.convolve(calm, _SLOPE).astype(np.float32)


_KERNELS: Final = tuple(_kernels(deviation) for _, deviation in SCALES)


def drift(unit: Floats, region: Floats, sigma: float) -> float:
    """Measure how far scan lines are from where they belong: the larger of wobble and jitter.

    Args:
        unit: (h, w) float32 in [0, 1], the image, a small copy is enough.
        region: (H, W) float32 in [0, 1], the particle at full resolution.
        sigma: noise of ``region``, from ``focus.noise_sigma``.

    Returns:
        Pixels, [0, 20], lower is better: of ``region`` for jitter, of a copy 256 px wide for wobble, which is larger in
        proportion on larger images.
    """
    return max(jitter(region, sigma), wobble(unit))


def wobble(unit: Floats) -> float:
    """Measure how the rows wander sideways and jump over many rows.

    Args:
        unit: (H, W) float32 in [0, 1].

    Returns:
        Expected deviation of the rows (root mean square) from the straight or bent line that a particle's shape might
        explain: the probability that they are displaced times their deviation if they are. Pixels of a copy 256 wide,
        [0, 20]; 0 for images under 64 rows or columns.

    Raises:
        InputError: when the weights are missing or damaged.
    """
    if min(unit.shape) < LEAST:
        return 0.0
    tilts, pixels = prepare(unit)
    net = reader.network(WEIGHTS)
    net.setInput(tilts[None], "tilts")
    net.setInput(pixels[None], "pixels")
    logit, size = (float(value) for value in net.forward("drift").ravel())
    present = 1 / (1 + np.exp(-np.clip(logit + ODDS, -30, 30)))
    return float(np.clip(present * decoded(float(np.clip(size, 0, 5))), 0.0, LIMIT))


def encoded(deviation: float) -> float:
    """Return the number that the network learns for a deviation in pixels: small ones differ more."""
    return float(np.log1p(2 * deviation))


def decoded(number: float) -> float:
    """Return the deviation in pixels that ``encoded`` was given."""
    return float(np.expm1(number) / 2)


def bands(rows: int) -> int:
    """Return how many of the 64 bands hold an image of so many prepared rows; the rest is empty."""
    return rows // BAND


def scaled(unit: Floats) -> Floats:
    """Resize to 256 columns and at most 256 rows; rows are kept as they are where they are not too many."""
    height, width = unit.shape
    rows = max(BAND, min(SIDE, max(height, round(height * SIDE / width))))
    shrinks = height >= rows and width >= SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: Floats = cv2.resize(np.ascontiguousarray(unit, np.float32), (SIDE, rows), interpolation=how)
    return resized


def prepare(unit: Floats) -> tuple[Floats, Floats]:
    """Return what the network is given.

    Args:
        unit: (H, W) float32, any range; contrast does not matter.

    Returns:
        (12, 64, 32) float32, per scale the tilt of edges in a cell, how well it explains the cell, and the strength of
        its edges; (16, 64, 64) float32, pixels relative to those near, in squares of 4 x 4. Rows beyond the image
        are 0.
    """
    image = scaled(unit)
    return _tilts(image), _pixels(image)


def _tilts(image: Floats) -> Floats:
    count = bands(len(image))
    found = np.zeros((TILTS, SIDE // BAND, SIDE // CELL), np.float32)
    even = image * np.float32(1 / (float(cv2.meanStdDev(image)[1][0, 0]) + 1e-4))
    for index, (rows, _) in enumerate(SCALES):
        found[3 * index : 3 * index + 3, :count] = _tilt(even, rows, count, *_KERNELS[index])
    return found


def _tilt(image: Floats, rows: int, count: int, calm: Floats, slope: Floats) -> Floats:
    """Return (3, count, 32) tilt, fit and strength at one scale."""
    if rows > 1:
        whole = image[: len(image) // rows * rows]
        image = cv2.resize(whole, (SIDE, len(whole) // rows), interpolation=cv2.INTER_AREA)
    smooth = cv2.sepFilter2D(image, cv2.CV_32F, calm, _AS_IT_IS)
    along = cv2.sepFilter2D(image, cv2.CV_32F, slope, _AS_IT_IS)
    across = cv2.subtract(smooth[1:], smooth[:-1])
    across -= cv2.blur(across, (65, 1))  # brighter and darker rows (line noise, charging) are no tilt
    along = cv2.addWeighted(along[1:], 0.5, along[:-1], 0.5, 0)
    per_band = BAND // rows
    products = ((along, along), (along, across), (across, across))
    energy, tilt, rest = (_cells(cv2.multiply(*pair), per_band * count, count) for pair in products)
    least = 1e-5 + 0.05 * float(energy.mean())
    gain = 2.0 / rows if rows < BAND else 0.5
    return np.stack([
        np.clip(-tilt / (energy + least) * gain, -2, 2),
        -tilt / np.sqrt(energy * rest + 1e-8),
        0.3 * np.log(energy + 1e-4) + 1,
    ])  # fmt: skip


def _cells(values: Floats, rows: int, count: int) -> Floats:
    """Average over cells; the row that the last difference lacks is the one above it."""
    short = rows - len(values)
    filled = cv2.copyMakeBorder(values, 0, short, 0, 0, cv2.BORDER_REPLICATE) if short > 0 else values[:rows]
    averaged: Floats = cv2.resize(filled, (SIDE // CELL, count), interpolation=cv2.INTER_AREA)
    return averaged


def _pixels(image: Floats) -> Floats:
    level = image - cv2.blur(image, _NEAR)
    spread = np.sqrt(np.maximum(cv2.blur(level * level, _NEAR), 0))
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[: len(image)] = np.clip(level / (spread + 0.3 * spread.mean() + 1e-3), -4, 4)
    side = SIDE // BLOCK
    squares = whole.reshape(side, BLOCK, side, BLOCK).transpose(1, 3, 0, 2)
    return np.ascontiguousarray(squares.reshape(BLOCK * BLOCK, side, side))


def jitter(unit: Floats, sigma: float) -> float:
    """Measure how irregularly the rows are shifted sideways from one row to the next.

    The step from each row to the next is the least-squares solution of (difference of rows) = step * (slope along the
    row). The second difference of the steps removes sloping edges; what noise alone would cause is subtracted.

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``focus.noise_sigma``.

    Returns:
        Pixels (robust standard deviation of the row positions), [0, 20], lower is better; 0 when fewer than 16 rows
        have anything to measure on.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    factor, spare = max(1, unit.shape[1] // COLUMNS), max(0, unit.shape[0] - ROWS) // 2
    middle = unit[spare : unit.shape[0] - spare]
    narrow = cv2.resize(middle, (unit.shape[1] // factor, len(middle)), interpolation=cv2.INTER_AREA)
    return float(np.clip(factor * _jitter(narrow, sigma / factor**0.5), 0.0, LIMIT))


def _jitter(unit: Floats, sigma: float) -> float:
    calm = cv2.sepFilter2D(unit, cv2.CV_32F, _CALM, _AS_IT_IS)
    slope = cv2.sepFilter2D(calm, cv2.CV_32F, _SLOPE, _HALVES)[1:, 1:-1]
    weak = cv2.compare(cv2.absdiff(slope, 0.0), 0.7 * sigma, cv2.CMP_LT)
    slope[weak > 0] = 0  # white noise alone gives slopes a deviation of 0.21 sigma
    difference = cv2.subtract(calm[1:], calm[:-1])[:, 1:-1]
    energy = cv2.reduce(cv2.multiply(slope, slope), 1, cv2.REDUCE_SUM).ravel()
    # Below this the row's shift is uncertain by more than a third of a pixel.
    strong = energy > max(10 * sigma**2, 1e-4)
    runs = strong[2:] & strong[1:-1] & strong[:-2]
    if int(runs.sum()) < MIN_SIDE:
        return 0.0
    step = -cv2.reduce(cv2.multiply(difference, slope), 1, cv2.REDUCE_SUM).ravel() / np.maximum(energy, 1e-12)
    third = (step[2:] - 2 * step[1:-1] + step[:-2])[runs]  # of the row positions: norm of (1, -3, 3, -1) is sqrt(20)
    variance = (float(np.median(np.abs(third))) / _MAD) ** 2 / 20
    by_noise = float(np.median(sigma**2 / energy[1:-1][runs]))
    return float(np.sqrt(max(variance - by_noise, 0.0)))
