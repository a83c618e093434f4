"""Signs of a charged sample: streaks along the scan rows beside the particle, and a glowing clipped area.

A score from image signs, not a potential. The signs are those named for charging in Postek and Vladar, "Does your SEM
really tell the truth?" (Scanning 35:355, 2013): streaking along the fast-scan direction and abnormal brightness.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats

MIN_BACKGROUND: Final = 0.15  # share of an outer third of a row that must be background to read its level
MIN_ROWS: Final = 48  # of at most 256; a trend and a streak cannot be told apart in fewer
CLIPPED: Final = 0.98  # of the range
GLOW_AREA: Final = 0.05  # of the particle; edges of a clean particle clip in thin lines, not in areas
STREAK_FULL: Final = 0.25  # of the contrast
STREAK_ROWS: Final = 95  # percentile: streaks on a twentieth of the rows count at full strength


def charging(grey: Floats, mask: Bools, background: Bools, contrast: float) -> float:
    """Score charging.

    Args:
        grey: (h, w) float32 in [0, 1], the small smoothed copy.
        mask: (h, w) bool, the particle.
        background: (h, w) bool, pixels on no particle.
        contrast: P95 - P5 of the image, [0, 1].

    Returns:
        The stronger of both signs, [0, 1], lower is better; 0.5 is streaks of 12 % of the contrast, or a glowing
        square of 5 % of the particle (its blurred rim does not count).
    """
    return float(max(_streaks(grey, background, contrast), _glow(grey, mask)))


def _streaks(grey: Floats, background: Bools, contrast: float) -> float:
    """Rows whose background goes up or down together left and right of the particle, unlike columns above and below."""
    clear = cv2.erode(background.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.bool_)
    rows = _common_roughness(grey, clear)
    columns = _common_roughness(grey.T, clear.T)
    return float(np.clip((rows - columns) / max(contrast, 0.02) / STREAK_FULL, 0.0, 1.0))


def _common_roughness(grey: Floats, clear: Bools) -> float:
    """Deviation from the slow trend that the left and right outer thirds share; 0 when either is hidden."""
    third = max(1, grey.shape[1] // 3)
    left, right = (slice(0, third), slice(-third, None))
    usable = (clear[:, left].mean(axis=1) >= MIN_BACKGROUND) & (clear[:, right].mean(axis=1) >= MIN_BACKGROUND)
    if int(usable.sum()) < MIN_ROWS:
        return 0.0
    profiles = [_profile(grey[usable, part], clear[usable, part]) for part in (left, right)]
    together = np.maximum(profiles[0] * profiles[1], 0.0)
    return float(np.sqrt(np.percentile(together, STREAK_ROWS)))


def _profile(grey: Floats, clear: Bools) -> Floats:
    """Median of the clear pixels per row, less the running mean over half the rows."""
    values = np.nanmedian(np.where(clear, grey, np.nan), axis=1)
    reach = max(3, len(values) // 4)
    padded = np.pad(values, reach, mode="reflect")
    slow = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    level: Floats = (values - slow).astype(np.float32)
    return level - np.median(level)


def _glow(grey: Floats, mask: Bools) -> float:
    """Area of the largest clipped blob, as a share of the particle, full score at 5 %."""
    bright = cv2.erode((grey >= CLIPPED).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(bright)
    if count < 2:
        return 0.0
    area = float(mask.sum()) or float(mask.size)
    return float(np.clip(stats[1:, cv2.CC_STAT_AREA].max() / area / GLOW_AREA, 0.0, 1.0))
