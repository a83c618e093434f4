"""Measure one view: a page of numbers and a particle mask, always finite, whatever the image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.quality import charging, drift, focus, info_bar, levels, outline, scale_bar
from sem_curate.quality.mask import FOUND, NONE, SIDE, Particle, find_particle

MAX_SNR: Final = 1000.0  # a noise-free rendering would otherwise be infinite
MARGIN: Final = 0.1  # of the particle's size, kept around it so that its outline counts for sharpness
MASK_SIDE: Final = 128  # pixels of the stored mask: enough for the patches of any encoder, and 300 bytes
MIN_PARTICLE: Final = 16  # pixels of the mask below which the whole frame is measured instead
SMALL_SIDE: Final = 512  # at least; the mask's own copy is taken from a plane already this small
COUNTED: Final = 256  # clipped pixels are counted on up to twice as many rows and columns
CLEAR_ROWS: Final = 0.5  # of the region must stay when the rows with a scale bar are left out


@dataclass(frozen=True)
class ViewMeasures:
    """What was measured, by the names of ``schema.MEASURES``.

    Attributes:
        sharpness: octaves, from gradient energy and spectrum, [0, 6], higher is better (``focus.sharpness``).
        spectral_centroid: noise-floor-subtracted centre of the spectrum, cycles per pixel, [0, 0.5], higher is better
            (``focus.spectral_centroid``).
        noise_sigma: deviation of the pixel noise as a share of the range, [0, 1], lower is better; 0.03 are 8 of 256
            grey levels. Too low after JPEG or a vendor's denoising (``focus.noise_sigma``).
        snr: sqrt(signal variance) / noise sigma around the particle, [0, 1000], higher is better.
        contrast: P99.5 - P0.5 after smoothing, as a share of the range of levels, [0, 1], higher is better.
        saturation_low: share of the particle's raw pixels at the lowest level that the file can hold (detail crushed
            to black), [0, 1], lower is better; background does not count, a black one is no defect.
        saturation_high: the same at the highest level (blown out to white), [0, 1], lower is better.
        charging: score, [0, 1], lower is better (``charging.charging``).
        drift: how far scan lines are out of place, [0, 20], lower is better: jitter in pixels, or wobble in pixels of
            a copy 256 wide where that is more (``drift.drift``).
        contour_completeness: share of polar sectors with an outer edge, [0, 1], higher is better.
        frame_cut: share of the particle's perimeter on the frame, [0, 1], lower is better.
        particle_area: share of the frame, [0, 1].
        other_particles: share of the frame that other particles take, [0, 1].
        info_bar: share of the rows that the info bar takes, [0, 0.25].
        scale_bar_px: length of the scale bar in pixels of the file, >= 0; 0 when none was found.
        overlay: share of the particle that burnt-in text and scale bar cover, [0, 1], lower is better.

    A particle area of 0 means that none was found; area and frame cut of 1 that the particle fills the frame.
    """

    sharpness: float
    spectral_centroid: float
    noise_sigma: float
    snr: float
    contrast: float
    saturation_low: float
    saturation_high: float
    charging: float
    drift: float
    contour_completeness: float
    frame_cut: float
    particle_area: float
    other_particles: float
    info_bar: float
    scale_bar_px: float
    overlay: float

    def as_dict(self) -> dict[str, float]:
        """Return ``{field: value}``, ready to be written."""
        return asdict(self)


@dataclass(frozen=True)
class Inspection:
    """Measures of a view and its particle mask.

    Attributes:
        measures: the numbers.
        mask: (h, w) bool, long side at most 128 px, stretched over the whole file (info bar rows included, always
            False there); all False without a particle.
    """

    measures: ViewMeasures
    mask: Bools


def measure(image: Image, *, known_bar: int | None = None) -> ViewMeasures:
    """Measure an image; see :func:`inspect`."""
    return inspect(image, known_bar=known_bar).measures


def inspect(image: Image, *, known_bar: int | None = None) -> Inspection:
    """Measure an image and find its particle.

    Sharpness, noise, SNR and drift are taken around the particle at 1280 to 2559 px on the long side (larger images are
    averaged down by a whole factor); saturation on the raw pixels; mask, outline and charging on a copy of 256 px.

    Args:
        image: (H, W) of any numeric dtype, raw grey levels. Anything else becomes that first (``levels.as_plane``).
        known_bar: rows of the info bar at the bottom, when the file's own tags name them; they win over the pixels.

    Returns:
        Measures and mask; never NaN or infinite, never an exception for any numeric array.
    """
    plane = levels.as_plane(image)
    bar = _bar(plane, known_bar)
    body = plane[bar.top : plane.shape[0] - bar.bottom]
    low, high = levels.level_range(plane)
    small = levels.to_unit(levels.shrink(body, SMALL_SIDE, whole=True), low, high)
    particle = find_particle(small)
    ruler = scale_bar.find_scale_bar(plane, bar)
    mask = _over_file(particle.mask, plane.shape, bar)
    region = levels.to_unit(_region(body, particle, _below(ruler, bar)), low, high)
    sigma = focus.noise_sigma(region)
    centroid = focus.spectral_centroid(region, sigma)
    clipped_low, clipped_high = _saturation(body, particle, low, high)
    measures = ViewMeasures(
        sharpness=focus.sharpness(region, sigma, centroid),
        spectral_centroid=centroid,
        noise_sigma=min(sigma, 1.0),
        snr=_snr(region, sigma),
        contrast=_contrast(particle.grey),
        saturation_low=clipped_low,
        saturation_high=clipped_high,
        charging=_charging(small, particle),
        drift=drift.drift(small, region, sigma),
        contour_completeness=outline.contour_completeness(particle),
        frame_cut=outline.frame_cut(particle),
        particle_area=outline.particle_area(particle),
        other_particles=outline.other_particles(particle),
        info_bar=(bar.top + bar.bottom) / plane.shape[0],
        scale_bar_px=ruler.length_px if ruler else 0.0,
        overlay=scale_bar.overlay_share(ruler, _grown(mask), plane.shape),
    )
    return Inspection(measures, mask)


def _bar(plane: Image, known: int | None) -> info_bar.InfoBar:
    """Return the rows to leave out; a bar that the file names is believed unless it would leave nothing."""
    if known is None or not 0 <= known < plane.shape[0]:
        return info_bar.find_info_bar(plane)
    return info_bar.InfoBar(bottom=known)


def _over_file(mask: Bools, shape: tuple[int, ...], bar: info_bar.InfoBar) -> Bools:
    """Stretch a mask of the image rows over the whole file, long side at most 128 px."""
    scale = min(1.0, MASK_SIDE / max(shape[:2]))
    height, width = (max(1, round(side * scale)) for side in shape[:2])
    top, bottom = round(bar.top * scale), height - round(bar.bottom * scale)
    whole = np.zeros((height, width), np.bool_)
    if bottom > top and mask.any():
        part = cv2.resize(mask.astype(np.float32), (width, bottom - top), interpolation=cv2.INTER_AREA)
        whole[top:bottom] = part >= min(0.5, float(part.max()))  # a particle thinner than a pixel stays visible
    return whole


def _grown(mask: Bools) -> Bools:
    """Return the mask with one more pixel around it: letters on a particle's edge hide the edge."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)


def _charging(small: Floats, particle: Particle) -> float:
    if particle.state == NONE:
        return 0.0
    smaller: Floats = levels.shrink(small, SIDE).astype(np.float32, copy=False)
    learned = None if particle.reading is None else particle.reading.charging
    return charging.charging(smaller, particle.mask, particle.others, learned)


def _below(ruler: scale_bar.ScaleBar | None, bar: info_bar.InfoBar) -> tuple[int, int] | None:
    """Return the rows of the body, first and last + 1, that a burnt-in scale bar and its label take."""
    if ruler is None or not ruler.on_image:
        return None
    label = ruler.label or ruler.box
    return min(ruler.box[0], label[0]) - bar.top, max(ruler.box[2], label[2]) - bar.top


def _region(body: Image, particle: Particle, burnt: tuple[int, int] | None) -> Image:
    """Cut out the particle with a margin, or the whole frame when there is none; at most 2559 px a side.

    Rows with a burnt-in scale bar are left out where they are few: its letters are sharp whatever the image is.
    """
    rows, columns = slice(0, body.shape[0]), slice(0, body.shape[1])
    if particle.state == FOUND and particle.mask.sum() >= MIN_PARTICLE:
        by_row, by_column = (np.asarray(particle.mask.any(axis=axis)) for axis in (1, 0))
        rows, columns = _span(by_row, body.shape[0]), _span(by_column, body.shape[1])
    rows = _clear_rows(rows, burnt)
    factor = max(1, max(body.shape) // levels.WORK_SIDE)
    if min(rows.stop - rows.start, columns.stop - columns.start) < factor * focus.MIN_SIDE:
        rows, columns = slice(0, body.shape[0]), slice(0, body.shape[1])
    region = body[rows, columns]
    if factor == 1:
        return region
    size = (max(1, region.shape[1] // factor), max(1, region.shape[0] // factor))
    whole = region[: size[1] * factor, : size[0] * factor]
    reduced: Image = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    return reduced


def _clear_rows(rows: slice, burnt: tuple[int, int] | None) -> slice:
    """Leave the longer part above or below the burnt-in rows when it holds enough of ``rows``."""
    if burnt is None or burnt[0] >= rows.stop or burnt[1] <= rows.start:
        return rows
    above, below = slice(rows.start, max(burnt[0], rows.start)), slice(min(burnt[1], rows.stop), rows.stop)
    longer = max(above, below, key=lambda part: part.stop - part.start)
    return longer if longer.stop - longer.start >= CLEAR_ROWS * (rows.stop - rows.start) else rows


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


def _contrast(smooth: Floats) -> float:
    """P99.5 - P0.5 of the smoothed copy: noise must not pass for contrast, nor a dead pixel for a bright one."""
    dark, bright = np.percentile(smooth, (0.5, 99.5))
    return float(bright - dark)


def _saturation(body: Image, particle: Particle, low: float, high: float) -> tuple[float, float]:
    """Shares of the particle's raw pixels at both ends of the range; of all pixels without a particle.

    What people call blown out and crushed is counted: detail of the particle that is lost. A black background lost
    nothing.
    """
    step = tuple(max(1, side // COUNTED) for side in body.shape)
    raw = body[:: step[0], :: step[1]]
    where = np.ones(raw.shape, np.bool_)
    if particle.mask.any():
        size = (raw.shape[1], raw.shape[0])
        where = cv2.resize(particle.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    pixels = raw[where] if where.any() else raw.ravel()
    return float(np.less_equal(pixels, low).mean()), float(np.greater_equal(pixels, high).mean())
