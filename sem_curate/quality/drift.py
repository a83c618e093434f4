"""How irregularly the scan lines are shifted sideways.

Slow drift only shears the image and cannot be seen in one image; jitter from row to row, wobble and jumps can.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats

MIN_SIDE: Final = 16
COLUMNS: Final = 320  # at least; columns are averaged down to this: a row's place is known as well, at a quarter of the
# work on a 1280 px image
LIMIT: Final = 20.0
_MAD: Final = 0.6745  # median absolute value of a unit Gaussian
_SLOPE: Final = np.array([-0.5, 0, 0.5], np.float32)
_HALVES: Final = np.array([0.5, 0.5, 0], np.float32)  # mean of a row and the one above it
_CALM: Final = cv2.getGaussianKernel(5, 1.0, cv2.CV_32F).ravel()
_AS_IT_IS: Final = np.ones(1, np.float32)


def drift(unit: Floats, sigma: float) -> float:
    """Measure scan-line jitter: how irregularly the rows are shifted sideways from one row to the next.

    The step from each row to the next is the least-squares solution of (difference of rows) = step * (slope along the
    row). The second difference of the steps removes sloping edges; what noise alone would cause is subtracted.

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``focus.noise_sigma``.

    Returns:
        Pixels (robust standard deviation of the row positions, too low above 2 px), [0, 20], lower is better; 0 when
        fewer than 16 rows have anything to measure on.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    factor = max(1, unit.shape[1] // COLUMNS)
    narrow = cv2.resize(unit, (unit.shape[1] // factor, unit.shape[0]), interpolation=cv2.INTER_AREA)
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
