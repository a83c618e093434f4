"""How irregularly the scan lines are shifted sideways: jitter from row to row, wobble and jumps.

Slow drift only shears the image and cannot be seen in one image. Row shifts are found by least squares on brightness
(Lucas and Kanade, IJCAI 1981), with one unknown per row.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats

MIN_SIDE: Final = 16
COLUMNS: Final = 320  # at least; columns are averaged down to this: a row's place is known as well, at a quarter of the
# work on a 1280 px image
ROWS: Final = 512  # the middle ones; a deviation is known to 3 % from as many
LIMIT: Final = 20.0
BANDS: Final = 96  # few enough that noise averages out, many enough to follow the wandering
WIDTH: Final = 256
BLOCKS: Final = ((8, 3), (12, 2))  # columns, and bands on both sides of the running mean; the mean of both is steadier
CHANCE: Final = 1.0  # standard errors that are left out: small and noisy images vary more
MAX_STEP: Final = 1.0  # pixel; what moves farther from band to band is another edge
_MAD: Final = 0.6745  # median absolute value of a unit Gaussian
_SLOPE: Final = np.array([-0.5, 0, 0.5], np.float32)
_HALVES: Final = np.array([0.5, 0.5, 0], np.float32)  # mean of a row and the one above it
_CALM: Final = cv2.getGaussianKernel(5, 1.0, cv2.CV_32F).ravel()
_CALMER: Final = cv2.getGaussianKernel(13, 2.0, cv2.CV_32F).ravel()
_AS_IT_IS: Final = np.ones(1, np.float32)


def drift(unit: Floats, region: Floats, sigma: float) -> float:
    """Measure how far scan lines are from where they belong: the larger of wobble and jitter.

    Args:
        unit: (h, w) float32 in [0, 1], the image, a small copy is enough.
        region: (H, W) float32 in [0, 1], the particle at full resolution.
        sigma: noise of ``region``, from ``focus.noise_sigma``.

    Returns:
        Pixels, [0, 20], lower is better: of ``region`` for jitter, of a copy at most 256 px wide for wobble, which is
        larger in proportion on larger images.
    """
    return max(jitter(region, sigma), wobble(unit))


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


def wobble(unit: Floats) -> float:
    """Measure how the rows wander sideways and jump over many rows.

    The image is averaged to 96 bands of rows and cut into blocks of columns. Each block gives the step from band to
    band, less its running mean (sloping outlines). Only what blocks have in common counts: the mean product of two
    blocks' steps. Outlines, texture and noise differ between blocks and cancel; shifted scan lines are shifted
    everywhere.

    Args:
        unit: (H, W) float32 in [0, 1].

    Returns:
        Expected deviation of a band from the straight line between first and last, beyond what chance explains; pixels
        of a copy at most 256 wide, [0, 20], lower is better; 0 for images under 96 rows or columns.
    """
    if min(unit.shape) < BANDS:
        return 0.0
    width = min(WIDTH, unit.shape[1])
    bands = cv2.resize(unit, (width, BANDS), interpolation=cv2.INTER_AREA)
    variance = float(np.mean([_common_variance(bands, *setting) for setting in BLOCKS]))
    # A random walk of n steps deviates from the line between its ends by n / 6 of a step's variance (Brownian bridge).
    return float(np.clip(np.sqrt(max(variance, 0.0) * BANDS / 6), 0.0, LIMIT))


def _common_variance(bands: Floats, blocks: int, reach: int) -> float:
    """Covariance of the steps of different blocks, squared pixels; negative values are chance."""
    calm = cv2.sepFilter2D(bands, cv2.CV_32F, _CALMER, _AS_IT_IS)
    slope = cv2.sepFilter2D(calm, cv2.CV_32F, _SLOPE, _HALVES)[1:, 1:-1]
    difference = cv2.subtract(calm[1:], calm[:-1])[:, 1:-1]
    size = slope.shape[1] // blocks
    parts = (len(slope), blocks, size)
    slope, difference = (part[:, : blocks * size].reshape(parts) for part in (slope, difference))
    # Brighter or darker rows (line noise, charging) are no shift: each block's mean is left out.
    total = slope.sum(axis=2)
    energy = (slope**2).sum(axis=2) - total**2 / size
    solved = -((difference * slope).sum(axis=2) - difference.sum(axis=2) * total / size)
    least = 0.1 * float(np.median(energy.max(axis=1))) + 1e-9  # weak blocks are drawn to 0 instead of guessing
    weight = energy / (energy + least)
    trend = _running(solved / (energy + least) * weight, reach) / np.maximum(_running(weight, reach), 1e-9)
    step = np.clip(solved / (energy + least) - trend, -MAX_STEP, MAX_STEP) * weight
    products = step.sum(axis=1) ** 2 - (step**2).sum(axis=1)
    weights = weight.sum(axis=1) ** 2 - (weight**2).sum(axis=1)
    chance = float(products.std()) * len(products) ** 0.5  # of the sum, as if bands were independent
    return float((products.sum() - CHANCE * chance) / max(float(weights.sum()), 1e-9))


def _running(values: Floats, reach: int) -> Floats:
    """Sum over ``reach`` rows on both sides, mirrored at the ends."""
    window = np.ones(2 * reach + 1, np.float32)
    summed: Floats = cv2.sepFilter2D(values, cv2.CV_32F, _AS_IT_IS, window, borderType=cv2.BORDER_REFLECT_101)
    return summed


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
