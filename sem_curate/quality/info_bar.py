"""Find the information bar (magnification, scale, date) that SEM software writes below or above an image.

A bar is accepted only when all three signs agree, because a wrongly found bar costs image rows: its background is one
constant level to the last bit or so, it ends in a sharp horizontal border, and it holds full-tone, letter-sized marks.
Transparent overlays (text written on the image itself) are therefore not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.quality import levels

MAX_SHARE: Final = 0.25  # vendors' bars take 4 to 15 % of the rows; a quarter leaves room for two-line ones
MIN_SHARE: Final = 0.02
MIN_SIDE: Final = 64  # below it letters are a few pixels and cannot be told from particles
TOLERANCES: Final = (1.5 / 255, 6 / 255)  # exact, then after JPEG
INK: Final = 0.2  # letters differ from the background by at least a fifth of the range
MIN_DROP: Final = 0.3  # of the columns leave the bar level at its border
MIN_MARKS: Final = 5  # "10 um" and a scale bar already make five


@dataclass(frozen=True)
class InfoBar:
    """Rows to leave out at the top and at the bottom; 0 where there is no bar."""

    top: int = 0
    bottom: int = 0


def find_info_bar(plane: Image) -> InfoBar:
    """Find bars at the bottom and at the top.

    Args:
        plane: (H, W) uint8, uint16 or finite float32.

    Returns:
        Rows to exclude. At most one bar is reported; the bottom one wins.
    """
    height, width = plane.shape
    if min(height, width) < MIN_SIDE:
        return InfoBar()
    low, high = levels.level_range(plane)
    limit = int(height * MAX_SHARE)
    bottom = _bar_rows(levels.to_unit(plane[height - limit - 2 :][::-1], low, high), height)
    if bottom:
        return InfoBar(bottom=bottom)
    return InfoBar(top=_bar_rows(levels.to_unit(plane[: limit + 2], low, high), height))


def _bar_rows(strip: Floats, height: int) -> int:
    """Rows of a bar that starts at the strip's first row; 0 when there is none."""
    for tolerance in TOLERANCES:
        rows, level = _constant_rows(strip, height, tolerance)
        if MIN_SHARE * height <= rows < len(strip) - 1 and _has_text(strip[:rows], level, tolerance):
            return rows
    return 0


def _constant_rows(strip: Floats, height: int, tolerance: float) -> tuple[int, float]:
    """Length of the run of rows that mostly show one level and end together (else 0), and that level."""
    first = max(3, int(0.025 * height))
    level = float(np.median(strip[:first]))
    share = (np.abs(strip - level) <= tolerance).mean(axis=1)
    if share[:first].mean() < 0.3:  # the usual image: spare it the medians
        return 0, level
    middles = np.median(strip, axis=1)
    ruled = (np.abs(strip - middles[:, None]) <= tolerance).mean(axis=1) >= 0.9  # frame and divider lines
    part = (share >= 0.5) | ruled
    gap = max(1, int(0.005 * height))  # a row or two where letters outweigh the background
    last, missed = -1, 0
    for row, good in enumerate(part):
        missed = 0 if good else missed + 1
        if missed > gap:
            break
        last = row if good else last
    beyond = share[last + 1 : last + 4]
    # All columns end together; clipped image background below a particle thins out row by row instead.
    ends = beyond.size > 0 and (1.0 if ruled[last] else share[last]) - beyond.mean() >= MIN_DROP
    return (last + 1 if ends else 0), level


def _has_text(bar: Floats, level: float, tolerance: float) -> bool:
    """Tell whether the bar holds full-tone, letter-sized marks on an otherwise constant background."""
    ink = np.abs(bar - level) > INK
    share = float(ink.mean())
    if not 0.003 <= share <= 0.45:
        return False
    near = cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    clean = np.abs(bar - level)[~near]
    if clean.size == 0 or float((clean <= 2 * tolerance).mean()) < 0.97:
        return False
    dark, bright = np.percentile(bar[ink], (10, 90))
    tone = bright if abs(bright - level) >= abs(dark - level) else dark
    full_tone = float((np.abs(bar[ink] - tone) <= 0.15).mean())  # thin anti-aliased letters: a fifth
    return full_tone >= 0.15 and _count_marks(ink) >= MIN_MARKS


def _count_marks(ink: Bools) -> int:
    """Count letter-sized components; one that reaches into the image rows is no letter."""
    rows, width = ink.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    left_top_wide_high = stats[1:, :4]
    wide, high = left_top_wide_high[:, 2], left_top_wide_high[:, 3]
    inside = left_top_wide_high[:, 1] + high < rows  # the strip's last row is the one next to the image
    letters = inside & (high >= max(4, 0.1 * rows)) & (high <= 0.85 * rows) & (wide <= 0.25 * width)
    return int(letters.sum())
