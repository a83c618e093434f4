"""Measure one view: eleven numbers, always finite, whatever the image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.quality import charging, focus, info_bar, levels, outline
from sem_curate.quality.mask import FOUND, NONE, Particle, find_particle

MAX_SNR: Final = 1000.0  # a noise-free rendering would otherwise be infinite
MARGIN: Final = 0.1  # of the particle's size, kept around it so that its outline counts for sharpness
MIN_PARTICLE: Final = 16  # pixels of the mask below which the whole frame is measured instead


@dataclass(frozen=True)
class ViewMeasures:
    """What was measured, by the names of ``schema.MEASURES``.

    Attributes:
        sharpness: octaves of gradient energy between 1 and 3 px, [0, 6], higher is better (``focus.sharpness``).
        snr: sqrt(signal variance) / noise sigma around the particle, [0, 1000], higher is better.
        contrast: P95 - P5 as a share of the range of levels, [0, 1], higher is better.
        saturation_low: share of the particle's pixels at the lowest level, [0, 1], lower is better.
        saturation_high: share of the particle's pixels at the highest level, [0, 1], lower is better.
        charging: score, [0, 1], lower is better (``charging.charging``).
        drift: scan-line jitter in pixels, [0, 20], lower is better (``focus.drift``).
        contour_completeness: share of polar sectors with an outer edge, [0, 1], higher is better.
        frame_cut: share of the particle's perimeter on the frame, [0, 1], lower is better.
        particle_area: share of the frame, [0, 1].
        info_bar: share of the rows that the info bar takes, [0, 0.25].

    A particle area of 0 means that none was found; area and frame cut of 1 that the particle fills the frame.
    """

    sharpness: float
    snr: float
    contrast: float
    saturation_low: float
    saturation_high: float
    charging: float
    drift: float
    contour_completeness: float
    frame_cut: float
    particle_area: float
    info_bar: float

    def as_dict(self) -> dict[str, float]:
        """Return ``{field: value}``, ready to be written."""
        return asdict(self)


def measure(image: Image) -> ViewMeasures:
    """Measure an image.

    Sharpness, SNR and drift are taken around the particle at 1280 to 2559 px on the long side (larger images are
    averaged down by a whole factor); saturation on the raw pixels; mask, outline and charging on a copy of 256 px.

    Args:
        image: (H, W) of any numeric dtype, raw grey levels. Anything else becomes that first (``levels.as_plane``).

    Returns:
        The measures; never NaN or infinite, never an exception for any numeric array.
    """
    plane = levels.as_plane(image)
    bar = info_bar.find_info_bar(plane)
    body = plane[bar.top : plane.shape[0] - bar.bottom]
    low, high = levels.level_range(plane)
    work = levels.to_unit(levels.shrink(body, levels.WORK_SIDE, whole=True), low, high)
    particle = find_particle(work)
    region = _region(work, particle)
    sigma = focus.noise_sigma(region)
    contrast = _contrast(work)
    clipped_low, clipped_high = _saturation(body, particle, low, high)
    return ViewMeasures(
        sharpness=focus.sharpness(region, sigma),
        snr=_snr(region, sigma),
        contrast=contrast,
        saturation_low=clipped_low,
        saturation_high=clipped_high,
        charging=_charging(particle, contrast),
        drift=focus.drift(region, sigma),
        contour_completeness=outline.contour_completeness(particle),
        frame_cut=outline.frame_cut(particle),
        particle_area=outline.particle_area(particle),
        info_bar=(bar.top + bar.bottom) / plane.shape[0],
    )


def _charging(particle: Particle, contrast: float) -> float:
    if particle.state == NONE:
        return 0.0
    return charging.charging(particle.grey, particle.mask, particle.background, contrast)


def _region(work: Floats, particle: Particle) -> Floats:
    """Cut out the particle with a margin; the whole frame when there is none."""
    if particle.state != FOUND or particle.mask.sum() < MIN_PARTICLE:
        return work
    by_row, by_column = (np.asarray(particle.mask.any(axis=axis)) for axis in (1, 0))
    rows, columns = _span(by_row, work.shape[0]), _span(by_column, work.shape[1])
    region: Floats = work[rows, columns]
    return region if min(region.shape) >= focus.MIN_SIDE else work


def _span(occupied: Bools, length: int) -> slice:
    """Extent of the True entries plus margin, scaled to ``length`` pixels."""
    where = np.flatnonzero(occupied)
    first, last = int(where[0]), int(where[-1]) + 1
    margin = max(2.0, MARGIN * (last - first))
    scale = length / len(occupied)
    return slice(max(0, int((first - margin) * scale)), min(length, int(np.ceil((last + margin) * scale))))


def _snr(region: Floats, sigma: float) -> float:
    """Signal deviation over noise deviation; 0 for a flat region."""
    variance = float(cv2.meanStdDev(region)[1][0, 0]) ** 2
    signal = np.sqrt(max(variance - sigma**2, 0.0))
    return float(min(signal / max(sigma, 1e-6), MAX_SNR))


def _contrast(work: Floats) -> float:
    low, high = np.percentile(levels.thin(work), (5, 95))
    return float(high - low)


def _saturation(body: Image, particle: Particle, low: float, high: float) -> tuple[float, float]:
    """Shares of the particle's raw pixels at both ends of the range; of all pixels without a particle."""
    where = np.ones(body.shape, np.bool_)
    if particle.mask.any():
        size = (body.shape[1], body.shape[0])
        where = cv2.resize(particle.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    pixels = body[where] if where.any() else body.ravel()
    return float(np.less_equal(pixels, low).mean()), float(np.greater_equal(pixels, high).mean())
