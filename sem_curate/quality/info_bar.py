"""Find the information bar (magnification, scale, date) that SEM software writes below or above an image.

A bar is accepted only when three signs agree, because a wrongly found bar costs image rows: one level fills much of
every row, that level ends everywhere across the image in one row, and before that row stand strokes of letters on an
otherwise flat ground. The same is tried exactly and with the tolerance that JPEG needs. Divider lines, frames, panels
of a second tone and logos are allowed. Not found: text written on the image itself without a strip, a strip that the
image shines through, and a black strip below an image whose lower rows are clipped to the same black.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.quality import levels

Bytes = NDArray[np.uint8]

MAX_SHARE: Final = 0.25  # vendors' bars take 4 to 15 % of the rows; a quarter leaves room for two-line ones
MIN_SHARE: Final = 0.02
MIN_SIDE: Final = 64  # below it letters are a few pixels and cannot be told from particles
MIN_ROWS: Final = 7  # a letter of 5 rows and a margin
TOLERANCES: Final = (1, 4, 9)  # of 255: as written by the instrument, after good JPEG, after strong JPEG
MAX_LINE: Final = 4  # rows of a frame line between bar and image
LINE_TOLERANCE: Final = 30  # of 255: as JPEG leaves it
CLIP: Final = 40  # of 255: farther is not worse, so that letters count by their area
SMEAR: Final = 4  # rows in which JPEG mixes a frame line with both sides
FILL: Final = 0.3  # of a bar row shows the bar's level, unless the whole row is a ruled line
SOLID: Final = 0.6  # ... of the last row: text keeps a margin
DROP: Final = 0.3  # of the columns leave the level at the border, all in one row
RULE_SHARE: Final = 0.9  # of a row at one other level makes it a ruled line,
MAX_RULE: Final = 5  # rows; more at once are a smooth background
CLEAR: Final = 0.9  # ... after which no further tolerance is tried;
CLEARER: Final = 0.2  # ... by which a looser tolerance must be clearer than a stricter one
PARTS: Final = 8  # the border is looked at in so many pieces,
PARTS_LEFT: Final = 7  # most of which must leave: the flat side of a particle on black does not span the image
INK: Final = 46  # of 255: letters differ from the ground by a fifth of the range
STROKES: Final = 5  # ink runs in a row; "1 um" has six
LETTER: Final = 4  # rows that a letter takes at least
MIN_TONE: Final = 100  # of 255: the letters' own distance from the ground; instruments write legibly
FULL_TONE: Final = 0.22  # of the ink has that tone; thin anti-aliased letters a third, grey structure a seventh
CLEAN: Final = 0.85  # of the pixels away from ink are at the level
CLEAN_JPEG: Final = 0.5


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
    limit = int(height * MAX_SHARE) + 4
    bottom = _bar_rows(to_bytes(plane[height - limit :], low, high)[::-1], height)
    if bottom:
        return InfoBar(bottom=bottom)
    return InfoBar(top=_bar_rows(to_bytes(plane[:limit], low, high), height))


def to_bytes(strip: Image, low: float, high: float) -> Bytes:
    """Scale rows of a plane to (h, W) uint8; 8-bit rows are returned as they are."""
    if strip.dtype == np.uint8:
        return strip.view(np.uint8)
    return np.rint(levels.to_unit(strip, low, high) * 255).astype(np.uint8)


def ground_level(rows: Bytes) -> int:
    """Return the commonest level of some rows."""
    return int(np.argmax(np.bincount(rows.ravel(), minlength=256)))


def _bar_rows(strip: Bytes, height: int) -> int:
    """Rows of a bar that starts at the strip's first row; 0 when there is none."""
    strip = np.ascontiguousarray(strip)
    found, clearest = 0, 0.0
    for level in _candidates(strip[: max(6, int(0.03 * height))]):
        distance = cv2.absdiff(strip, float(level))
        for tolerance in TOLERANCES:
            rows, drop = _rows_at_level(strip, distance, height, tolerance)
            if drop > clearest + CLEARER * (found > 0) and _has_text(strip[:rows], distance[:rows], tolerance):
                found, clearest = rows, drop
            if clearest >= CLEAR:
                return found
    return found


def _candidates(outer: Bytes) -> list[int]:
    """Return up to two levels that much of the outermost rows shows; a frame line may hold more than the ground."""
    counts = np.bincount(outer.ravel(), minlength=256).astype(np.float64)
    near = np.convolve(counts, np.ones(2 * TOLERANCES[-1] + 1), mode="same") / outer.size
    found: list[int] = []
    for level in np.argsort(counts)[::-1][:8]:
        if near[level] >= FILL / 2 and all(abs(int(level) - other) > 2 * TOLERANCES[-1] for other in found):
            found.append(int(level))
    return found[:2]


def _rows_at_level(strip: Bytes, distance: Bytes, height: int, tolerance: int) -> tuple[int, float]:
    """Length of the run of rows that show the level and end together, and how clearly; 0 when they do not."""
    same = distance <= tolerance
    share = _row_means(same)
    least = max(MIN_ROWS, round(MIN_SHARE * height))
    if np.median(share[:least]) < FILL:  # the usual image ends here
        return 0, 0.0
    ruled = _ruled(strip, share, tolerance)
    part = (share >= FILL) | ruled
    end = _run_end(part, gap=max(2, int(0.01 * height)))
    inside = np.where(ruled, 1.0, share)
    reach = 1 if tolerance == TOLERANCES[0] else SMEAR
    best, best_drop = 0, 0.0
    drops = _drops(inside, share, reach)
    last = max(least, min(end + 1, len(strip) - 3))
    for row in least + np.flatnonzero((drops[least:last] >= DROP) & ~ruled[least:last]):
        drop = float(drops[row])
        # Letters begin like that too, but leave less of the level and are met first.
        if drop >= 0.6 * best_drop and _spans(same[row : row + 3]):
            best, best_drop = int(row), max(drop, best_drop)
    settled = best == 0 or bool(ruled[best - 1])
    return (best if settled else _settle(strip, distance, best)), best_drop


def _drops(inside: Floats, share: Floats, reach: int) -> Floats:
    """Return per row how much more of the level the ``reach`` rows before it show than the three from it on.

    0 where the rows before show too little of it, and for the last three rows.
    """
    kept = np.zeros(len(inside), np.float32)
    for back in range(1, reach + 1):
        kept[back:] = np.maximum(kept[back:], inside[:-back])
    drops = np.zeros(len(inside), np.float32)
    drops[:-3] = kept[:-3] - (share[:-3] + share[1:-2] + share[2:-1]) / 3
    drops[kept < SOLID] = 0
    return drops


def _settle(strip: Bytes, distance: Bytes, rows: int) -> int:
    """Move the border to the biggest step near it: JPEG mixes rows of the bar, in blocks of 8, with the image.

    The step is one of the rows' mean distance from the level. A frame line between bar and image belongs to the bar.
    """
    clipped = np.minimum(distance[rows - 1 : rows + 9], CLIP)
    means = cv2.reduce(clipped, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    steps = np.abs(np.diff(means))
    rows += int(np.argmax(steps)) if steps.max() >= CLIP / 5 else 0
    beyond = strip[rows : rows + MAX_LINE + 1].astype(np.int16)
    middle = np.median(beyond, axis=1, keepdims=True)
    lines = (np.abs(beyond - middle) <= LINE_TOLERANCE).mean(axis=1) >= RULE_SHARE
    thick = int(np.argmin(lines))
    # A smooth background goes on beyond the rows of a line, or at the same level.
    return rows if lines.all() or abs(middle[thick] - middle[0]) <= LINE_TOLERANCE else rows + thick


def _row_means(same: Bools) -> Floats:
    means: Floats = cv2.reduce(same.view(np.uint8), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    return means


def _ruled(strip: Bytes, share: Floats, tolerance: int) -> Bools:
    """Rows that are one other level, few at a time: frames and divider lines."""
    middle = strip[:, strip.shape[1] // 4 :: strip.shape[1] // 4][:, :1]  # a column where no corner of a frame is
    same = cv2.absdiff(strip, np.repeat(middle, strip.shape[1], axis=1)) <= 2 * tolerance
    ruled: Bools = (_row_means(same) >= RULE_SHARE) & (share < SOLID)
    thick = cv2.erode(ruled.astype(np.uint8)[:, None], np.ones((MAX_RULE + 1, 1), np.uint8))
    too_many: Bools = cv2.dilate(thick, np.ones((MAX_RULE + 1, 1), np.uint8))[:, 0] > 0
    return ruled & ~too_many


def _run_end(part: Bools, gap: int) -> int:
    """Return the row after the last bar row before the first long interruption."""
    last, missed = -1, 0
    for row, good in enumerate(part):
        missed = 0 if good else missed + 1
        if missed > gap:
            break
        last = row if good else last
    return last + 1


def _spans(beyond: Bools) -> bool:
    """Tell whether the level is left all across the image."""
    left = 1 - beyond.mean(axis=0)
    edges = np.linspace(0, len(left), PARTS + 1).astype(np.intp)
    pieces = np.add.reduceat(left, edges[:-1]) / np.diff(edges)
    return int((pieces >= DROP).sum()) >= PARTS_LEFT


def _has_text(bar: Bytes, distance: Bytes, tolerance: int) -> bool:
    """Tell whether the bar holds rows of letter strokes, all of one strong tone, on a ground of one level."""
    ink = distance > INK
    share = float(ink.mean())
    if not 0.002 <= share <= 0.5:
        return False
    tone = float(np.percentile(distance[ink], 98))
    if tone < MIN_TONE or float((distance[ink] >= 0.8 * tone).mean()) < FULL_TONE:
        return False
    near = cv2.dilate(ink.view(np.uint8), np.ones((5, 5 + 2 * tolerance), np.uint8)) > 0
    if tolerance > TOLERANCES[0]:
        near[-8:] |= len(bar) >= 24  # JPEG mixes its last block with the image
    ground = distance[~near]
    if ground.size == 0 or float((ground <= 2).mean()) < (CLEAN if tolerance == TOLERANCES[0] else CLEAN_JPEG):
        return False
    strokes = np.count_nonzero(ink[:, 1:] & ~ink[:, :-1], axis=1)
    return longest_run(strokes >= STROKES)[1] >= LETTER


def longest_run(flags: Bools) -> tuple[int, int]:
    """Return where the longest run of True starts, and how long it is."""
    first = best = length = 0
    for index, flag in enumerate(flags):
        length = length + 1 if flag else 0
        if length > best:
            first, best = index - length + 1, length
    return first, best
