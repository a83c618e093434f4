"""Noise, sharpness and scan drift from pixel neighbourhoods.

Gradient energy is what survives best in SEM focus series (Rudnaya et al., J. Microscopy 240:38, 2010), but plain scores
rise with noise and with texture. Here the noise part is subtracted exactly, and energies at two scales are compared, so
that the result is about blur and little about what the particle looks like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.quality import levels

MIN_SIDE: Final = 16  # the coarse filter below is 25 pixels wide; smaller images show only its edge handling
FINE: Final = 1.0  # pixels; calms noise, costs little sharpness
COARSE: Final = 3.0  # pixels; blurs below this are told apart best
FLOOR: Final = 0.02  # of the noise energy
_IMMERKAER: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MAD: Final = 0.6745  # median absolute value of a unit Gaussian


def noise_sigma(unit: Floats) -> float:
    """Estimate the standard deviation of pixel noise.

    The filter of Immerkaer (CVIU 64:300, 1996), blind to slopes and straight edges; its median instead of its mean, so
    that the minority of pixels on texture does not count. Noise smoothed by the vendor or by JPEG is underestimated.

    Args:
        unit: (H, W) float32 in [0, 1].

    Returns:
        Sigma in the same units, >= 0; 0 for images under 3 pixels a side.
    """
    if min(unit.shape) < 3:
        return 0.0
    response = cv2.filter2D(unit, cv2.CV_32F, _IMMERKAER)[1:-1, 1:-1]
    return float(np.median(np.abs(levels.thin(response)))) / _MAD / 6  # the filter's L2 norm is 6


def sharpness(unit: Floats, sigma: float) -> float:
    """Measure focus: how much gradient energy is lost between 1 and 3 pixels of smoothing.

    log2 of (noise-corrected Tenengrad after Gaussian 1 px) / (same after 3 px). Unit: octaves; higher is sharper. About
    2 for a focused image, 1.5, 1 and 0.4 after a Gaussian blur of 1, 2 and 4 px, 0 for no structure. Range [0, 6].

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``noise_sigma``.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    fine, coarse = (_corrected_tenengrad(unit, sigma, scale) for scale in (FINE, COARSE))
    # Sigma is known to about one per cent: what is left of the noise must not count, so noise alone ends below 0.7.
    floor = FLOOR * _noise_gain(FINE) * sigma**2 + 1e-9
    return float(np.clip(np.log2((fine + floor) / (coarse + floor)), 0.0, 6.0))


def drift(unit: Floats, sigma: float) -> float:
    """Measure scan-line jitter: how irregularly the rows are shifted sideways.

    The step from each row to the next is the least-squares solution of (difference of rows) = step * (slope along the
    row). The second difference of the steps removes sloping edges; what noise alone would cause is subtracted. Unit:
    pixels (robust standard deviation of the row positions, too low above 2 px); lower is better, range [0, 20]. 0 when
    fewer than 16 rows have anything to measure on. Slow drift only shears the image and cannot be seen in one image.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    calm = cv2.GaussianBlur(unit, (5, 1), 1.0)
    slope = 0.25 * (calm[1:, 2:] - calm[1:, :-2] + calm[:-1, 2:] - calm[:-1, :-2])
    slope[np.abs(slope) < 0.7 * sigma] = 0  # white noise alone gives slopes a deviation of 0.21 sigma
    difference = (calm[1:] - calm[:-1])[:, 1:-1]
    energy = (slope**2).sum(axis=1)
    # Below this the row's shift is uncertain by more than a third of a pixel.
    strong = energy > max(10 * sigma**2, 1e-4)
    runs = strong[2:] & strong[1:-1] & strong[:-2]
    if int(runs.sum()) < MIN_SIDE:
        return 0.0
    step = -(difference * slope).sum(axis=1) / np.maximum(energy, 1e-12)
    third = (step[2:] - 2 * step[1:-1] + step[:-2])[runs]  # of the row positions: norm of (1, -3, 3, -1) is sqrt(20)
    variance = (float(np.median(np.abs(third))) / _MAD) ** 2 / 20
    by_noise = float(np.median(sigma**2 / energy[1:-1][runs]))
    return float(np.clip(np.sqrt(max(variance - by_noise, 0.0)), 0.0, 20.0))


def _corrected_tenengrad(unit: Floats, sigma: float, scale: float) -> float:
    smooth = cv2.GaussianBlur(unit, (0, 0), scale)
    energy = _gradient_energy(smooth)
    return max(energy - _noise_gain(scale) * sigma**2, 0.0)


def _gradient_energy(smooth: Floats) -> float:
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[2:-2, 2:-2]
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[2:-2, 2:-2]
    total = float(cv2.norm(across, cv2.NORM_L2SQR)) + float(cv2.norm(down, cv2.NORM_L2SQR))
    return total / float(across.size)


@lru_cache(maxsize=8)
def _noise_gain(scale: float) -> float:
    """Gradient energy of unit white noise after a Gaussian of ``scale`` pixels (24 without one)."""
    impulse = np.zeros((65, 65), np.float32)
    impulse[32, 32] = 1
    smooth = cv2.GaussianBlur(impulse, (0, 0), scale)
    return float((cv2.Sobel(smooth, cv2.CV_32F, 1, 0) ** 2).sum() + (cv2.Sobel(smooth, cv2.CV_32F, 0, 1) ** 2).sum())
