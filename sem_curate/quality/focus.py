"""Noise and sharpness from pixel neighbourhoods and from the spectrum.

Gradient energy is what survives best in SEM focus series (Rudnaya et al., J. Microscopy 240:38, 2010), but plain scores
rise with noise and with texture. Here the noise part is subtracted exactly, and energies at two scales are compared, so
that the result is about blur and little about what the particle looks like. What a gradient across the scan rows has in
common along its row does not count: rows of different brightness (line noise, charging) are no sharp edges.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sem_curate.arrays import Floats

MIN_SIDE: Final = 16  # the coarse filter below is 25 pixels wide; smaller images show only its edge handling
FINE: Final = 1.0  # pixels; calms noise, costs little sharpness
COARSE: Final = 3.0  # pixels; blurs below this are told apart best
FLOOR: Final = 0.02  # of the noise energy
OCTAVES_PER_DOUBLING: Final = 0.65  # of the spectral centroid
NO_OCTAVES: Final = -5.7  # log2 of the centroid at which nothing finer than shading is left
SPECTRUM_SIDE: Final = 256  # pixels of the window that is transformed: 1 ms, and 32 rings of 4 bins each
RINGS: Final = 32  # of the radial spectrum: enough bins in each that noise rarely looks like signal
CORNER: Final = 0.8  # of the highest frequency: beyond it an SEM image holds noise only
_IMMERKAER: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_MAD: Final = 0.6745  # median absolute value of a unit Gaussian
BAND: Final = 128  # rows
EDGE_ROWS: Final = 8  # the coarse filter reaches seven pixels of the half resolution
_SPARSE: Final = 500_000  # pixels; the mean over half of so many is as good
_NOISE_PIXELS: Final = 200_000  # the median of so many is known to 0.3 %


def noise_sigma(unit: Floats) -> float:
    """Estimate the standard deviation of pixel noise.

    The filter of Immerkaer (CVIU 64:300, 1996), blind to slopes and straight edges; its median instead of its mean, so
    that the minority of pixels on texture does not count. What is constant along a row (line noise) is not pixel noise
    and does not count. Noise that the vendor or JPEG has smoothed is no longer white: it is underestimated, and so is
    its part in sharpness; where smoothing or JPEG has made more than half of the neighbourhoods exactly even, the
    estimate is 0 and nothing is subtracted.

    Args:
        unit: (H, W) float32 in [0, 1].

    Returns:
        Sigma in the same units, >= 0; 0 for images under 3 pixels a side.
    """
    if min(unit.shape) < 3:
        return 0.0
    response = cv2.filter2D(_bands(unit), cv2.CV_32F, _IMMERKAER)[1:-1, 1:-1].ravel()
    step = max(1, response.size // 65_536) | 1  # odd, so that columns take turns
    return float(np.median(np.abs(response[::step]))) / _MAD / 6  # the filter's L2 norm is 6


def sharpness(unit: Floats, sigma: float, centroid: float | None = None) -> float:
    """Measure focus: the mean of two estimates in octaves, from gradients and from the spectrum.

    The spectral centroid is brought to the same unit by a line that was fitted on real, rendered and drawn particles
    with known blur. Their errors differ (texture moves the centroid, noise the gradients): the mean ranks blur better
    than either over mixed noise, and views of different particles much better.

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``noise_sigma``.
        centroid: of ``spectral_centroid``, when it is known already.

    Returns:
        Octaves, [0, 6], higher is sharper: about 2 for a focused image, 1.4, 1, 0.65 and 0.3 after a Gaussian blur of
        1.2, 2, 3 and 5 px, 0 for no structure.
    """
    known = spectral_centroid(unit, sigma) if centroid is None else centroid
    spectral = OCTAVES_PER_DOUBLING * (np.log2(max(known, 1e-3)) - NO_OCTAVES)
    return float((gradient_loss(unit, sigma) + np.clip(spectral, 0.0, 6.0)) / 2)


def gradient_loss(unit: Floats, sigma: float) -> float:
    """Measure how much gradient energy is lost between 1 and 3 pixels of smoothing.

    log2 of (noise-corrected Tenengrad after Gaussian 1 px) / (same after 3 px).

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``noise_sigma``.

    Returns:
        Octaves, [0, 6], higher is sharper; 0 for no structure.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    # Three pixels are as well seen at half the resolution (a tenth of the work); the mean of four pixels has a quarter
    # of the noise variance, and its own blur (variance 1/4) is part of the three pixels.
    scale = float(np.sqrt(COARSE**2 - 0.25) / 2)
    parts = _sampled(unit)
    found = np.mean([_energies(part, scale, 2 if len(parts) == 1 else EDGE_ROWS) for part in parts], axis=0)
    fine = max(float(found[0]) - _noise_gain(FINE) * sigma**2, 0.0)
    coarse = max(float(found[1]) - _noise_gain(scale) * sigma**2 / 4, 0.0) / 4
    # Sigma is known to about one per cent: what is left of the noise must not count, so noise alone ends below 0.7.
    floor = FLOOR * _noise_gain(FINE) * sigma**2 + 1e-9
    return float(np.clip(np.log2((fine + floor) / (coarse + floor)), 0.0, 6.0))


def spectral_centroid(unit: Floats, sigma: float) -> float:
    """Measure focus in the spectrum: the mean frequency of what stands out of the noise.

    Radial power spectrum of the middle 256 px under a Hann window; from each ring the noise floor (the stronger of
    ``sigma`` squared and the median of the outer fifth) is subtracted with two standard errors; the signal ends where
    two rings in a row hold none, so that chance peaks beyond it do not count. The centroid is of the amplitude.
    Recipe after the frequency-domain functions of Rudnaya et al. (2010).

    Args:
        unit: (H, W) float32 in [0, 1].
        sigma: noise of the image, from ``noise_sigma``.

    Returns:
        Cycles per pixel, [0, 0.5], higher is sharper; 0 where nothing stands out of the noise or a side is under 16 px.
    """
    if min(unit.shape) < MIN_SIDE:
        return 0.0
    rows, columns = (min(SPECTRUM_SIDE, side) for side in unit.shape)
    top, left = (unit.shape[0] - rows) // 2, (unit.shape[1] - columns) // 2
    window, rings, counts = _rings(rows, columns)
    part = unit[top : top + rows, left : left + columns]
    level = float((part * window).sum() / window.sum())
    power = np.abs(fft.rfft2((part - level) * window)) ** 2
    radial = np.bincount(rings, power.ravel(), minlength=RINGS + 1) / counts / float((window**2).sum())
    floor = max(float(np.median(radial[int(CORNER * RINGS) :])), sigma**2)
    above = np.maximum(radial[:RINGS] - floor * (1 + 2 / np.sqrt(counts[:RINGS])) - 1e-12, 0.0)
    silent = np.flatnonzero((above[1:] <= 0) & (above[:-1] <= 0))
    frequency = (np.arange(RINGS) + 0.5) / (2 * RINGS)
    weight = np.sqrt(above) * frequency  # a ring's length grows with its frequency
    weight[int(silent[0]) if silent.size else RINGS :] = 0
    total = float(weight.sum())
    return float(np.clip((weight * frequency).sum() / total, 0.0, 0.5)) if total > 0 else 0.0


def _bands(unit: Floats) -> Floats:
    """Return up to sixteen bands of rows spread over a large image; smaller ones as they are."""
    height, width = unit.shape
    if unit.size <= _NOISE_PIXELS or height < 64:
        return unit
    rows = max(3, _NOISE_PIXELS // width // 16)
    starts = np.linspace(0, height - rows, 16).astype(int)
    return np.concatenate([unit[start : start + rows] for start in starts])


@lru_cache(maxsize=16)
def _rings(rows: int, columns: int) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return the window, the ring of each bin of the half spectrum (the last: corners), and the bins per ring."""
    window = cv2.createHanningWindow((columns, rows), cv2.CV_32F)
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    rings = np.minimum((radius * 2 * RINGS).astype(np.intp), RINGS).ravel()
    counts = np.maximum(np.bincount(rings, minlength=RINGS + 1), 1).astype(np.float32)
    return np.asarray(window, np.float32), rings, counts


@lru_cache(maxsize=8)
def _kernels(scale: float) -> tuple[Floats, Floats]:
    """Return Sobel's column and row filter, each after a Gaussian of ``scale`` pixels."""
    gauss = cv2.getGaussianKernel(2 * int(np.ceil(4 * scale)) + 1, scale, cv2.CV_32F).ravel()
    across, down = np.convolve(gauss, [-1, 0, 1]), np.convolve(gauss, [1, 2, 1])
    return across.astype(np.float32), down.astype(np.float32)


def _sampled(unit: Floats) -> list[Floats]:
    """Return every other band of rows of a large image; smaller ones as they are."""
    bands = unit.shape[0] // BAND
    if unit.size < _SPARSE or bands < 4:
        return [unit]
    return [unit[band * BAND : (band + 1) * BAND] for band in range(0, bands, 2)]


def _energies(unit: Floats, coarse: float, edge: int) -> tuple[float, float]:
    """Gradient energy at the fine scale, and at half the resolution after ``coarse`` of its pixels.

    ``edge`` rows at both ends are left out, because the filters do not see what lies beyond.
    """
    half = cv2.resize(unit, (unit.shape[1] // 2, unit.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return _gradient_energy(unit, FINE, edge), _gradient_energy(half, coarse, edge)


def _gradient_energy(unit: Floats, scale: float, edge: int = 2) -> float:
    """Mean squared Sobel gradient after a Gaussian, without what whole rows have in common."""
    first, second = _kernels(scale)
    across = cv2.sepFilter2D(unit, cv2.CV_32F, first, second)[edge:-edge, 2:-2]
    down = cv2.sepFilter2D(unit, cv2.CV_32F, second, first)[edge:-edge, 2:-2]
    common = cv2.reduce(down, 1, cv2.REDUCE_AVG)
    total = sum(cv2.norm(part, cv2.NORM_L2SQR) / part.size for part in (across, down))
    return max(float(total - cv2.norm(common, cv2.NORM_L2SQR) / common.size), 0.0)


@lru_cache(maxsize=8)
def _noise_gain(scale: float) -> float:
    """Gradient energy of unit white noise after a Gaussian of ``scale`` pixels (24 without one)."""
    across, down = _kernels(scale)
    return float(2 * (across**2).sum() * (down**2).sum())
