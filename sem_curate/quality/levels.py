"""Any array in, one finite grey plane with a known range of levels out."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Floats, Image

# Focus, noise and drift are judged at this many pixels on the long side: larger SEM frames are usually oversampled
# (the beam is wider than a pixel), so that their pixel-scale blur says nothing, and the encoders never see it.
WORK_SIDE: Final = 1280
_ADC_BITS: Final = (8, 10, 12, 14, 16, 24, 32)  # converters in use; a 12-bit frame in a 16-bit file clips at 4095


def as_plane(image: Image) -> Image:
    """Return (H, W) uint8, uint16 or finite float32, at least 1 x 1.

    Colour is averaged over its channels, a vector becomes one row, an empty array one black pixel. NaN and -inf become
    the lowest finite level, +inf the highest; without any finite level the plane is black.
    """
    plane = np.asarray(image)
    if plane.dtype.kind in "cOSUVMm":
        plane = np.abs(plane) if plane.dtype.kind == "c" else np.zeros(plane.shape)
    if plane.size == 0:
        return np.zeros((1, 1), np.uint8)
    if plane.ndim == 3 and plane.shape[2] <= 4:
        plane = plane[..., :3].mean(axis=2, dtype=np.float32)
    if plane.ndim != 2:
        plane = plane.reshape(plane.shape[0] if plane.ndim > 2 else 1, -1)
    if plane.dtype == np.bool_:
        return plane.astype(np.uint8) * np.uint8(255)
    if plane.dtype in (np.uint8, np.uint16):
        return plane
    return _finite(plane)


def level_range(plane: Image) -> tuple[float, float]:
    """Return (lowest, highest) level that the plane could hold, lowest < highest.

    uint8 holds 0..255; wider integers, and floats from 0 upwards, the smallest usual converter range (8 to 32 bits)
    that fits their highest level, floats up to 1 the range 0..1; anything else its own minimum and maximum.
    """
    if plane.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(plane.min()), float(plane.max())
    if low >= 0 and plane.dtype.kind == "f" and high <= 1:
        return 0.0, 1.0
    if low >= 0 and high < 2 ** _ADC_BITS[-1]:
        return 0.0, next(2.0**bits - 1 for bits in _ADC_BITS if high < 2**bits)
    return low, high if high > low else low + max(1.0, abs(low))


def to_unit(plane: Image, low: float, high: float) -> Floats:
    """Scale levels to float32 in [0, 1], where 0 and 1 are the ends of the range."""
    if high - low > 1e30:  # the difference of float32 levels could overflow
        return np.clip((plane.astype(np.float64) - low) / (high - low), 0.0, 1.0).astype(np.float32)
    unit: Floats = plane.astype(np.float32)
    unit -= np.float32(low)
    unit *= np.float32(1 / (high - low))
    np.clip(unit, 0.0, 1.0, out=unit)
    return unit


def thin(values: Floats) -> Floats:
    """Return every n-th row and column so that about 65,000 to 260,000 values stay: enough for a percentile."""
    step = max(1, int((values.size / 65_536) ** 0.5))
    thinned: Floats = values[::step, ::step]
    return thinned


def shrink(plane: Image, side: int, *, whole: bool = False) -> Image:
    """Reduce the long side to ``side`` pixels by area averaging; smaller planes are returned as they are.

    Args:
        plane: (H, W).
        side: target length of the long side, pixels.
        whole: reduce only by whole factors (the long side then ends below ``2 * side``), so that each new pixel
            averages the same number of old ones and noise stays white.
    """
    height, width = plane.shape
    factor = max(height, width) / side
    if whole:
        factor = float(int(factor))
    if factor <= 1:
        return plane
    size = (max(1, int(width / factor)), max(1, int(height / factor)))
    crop = plane[: int(size[1] * factor), : int(size[0] * factor)] if whole and min(size) > 1 else plane
    reduced: Image = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return reduced


def _finite(plane: Image) -> Image:
    levels = plane.astype(np.float64, copy=False)
    good = np.isfinite(levels)
    if not good.all():
        found = levels[good]
        low, high = (float(found.min()), float(found.max())) if found.size else (0.0, 0.0)
        levels = np.nan_to_num(levels, nan=low, posinf=high, neginf=low)
    limit = float(np.finfo(np.float32).max) / 4  # leaves room for differences and sums of a few
    return np.clip(levels, -limit, limit).astype(np.float32)
