"""Find the scale bar: how long it is, and how much of the particle it hides.

Usage: ``found = find_scale_bar(plane, bar)`` with the plane of ``levels.as_plane`` and the bar of ``find_info_bar``;
``scale_bar_px = found.length_px if found else 0.0``; ``overlay = overlay_share(found, mask, plane.shape)`` with the
particle mask over the whole file. A scale bar inside the info bar hides nothing. Found are a solid line, a line with
end ticks, and (in the info bar only) a row of equal dots, white or black; on the image itself only beside letters,
because a bright streak is a line too. Lengths are outer edge to outer edge, for dots first to last centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Image
from sem_curate.quality import levels
from sem_curate.quality.info_bar import InfoBar, ground_level, longest_run, to_bytes

Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are one beyond
Ink = NDArray[np.uint8]  # 0 or 1

MIN_SHARE: Final = 0.04  # of the width; instruments draw 5 to 40 %
MAX_SHARE: Final = 0.6
MIN_LENGTH: Final = 8  # pixels
THICK: Final = 0.02  # of the image's side, at most
SLENDER: Final = 4  # times longer than thick
FULL: Final = 0.93  # of the line's own box is ink
CLEAR: Final = 0.12  # at most so much ink in the rows next to it, ticks apart
BUSY: Final = 0.3  # the same on the image, where a bright surface may lie next to it; letters have to confirm the line
WHITE: Final = 246  # of 255, on the image: burnt in, give or take JPEG
BLACK: Final = 9
LETTERS: Final = (70, 35)  # of 255: anti-aliased letters are less white than the line; the second on a bright surface
LABEL_STROKES: Final = 4  # ink runs in a row of letters: "1 um" has six
LABEL_ROWS: Final = 4
SPACE: Final = 2.0  # of the rows that all letters share, at most between two of them
REACH: Final = 0.14  # of the image's height: how far from the line its label stands
MIN_DOTS: Final = 8  # instruments draw eleven
MAX_SPECKS: Final = 100  # dot-sized things; among more of them some stand in a row by chance


@dataclass(frozen=True)
class ScaleBar:
    """A scale bar.

    Attributes:
        length_px: pixels of the file, > 0.
        box: of the line or the dots, in rows and columns of the file.
        label: box of the letters beside it; None when the bar is inside the info bar (read the whole bar there).
        on_image: burnt into the image itself, so that it hides what is below it.
    """

    length_px: float
    box: Box
    label: Box | None
    on_image: bool


def find_scale_bar(plane: Image, bar: InfoBar) -> ScaleBar | None:
    """Find the scale bar in the info bar; where it holds none, or there is no bar, on the image.

    Args:
        plane: (H, W) uint8, uint16 or finite float32.
        bar: rows of the info bar.
    """
    height = plane.shape[0]
    low, high = levels.level_range(plane)
    for first, last in ((0, bar.top), (height - bar.bottom, height)):
        if last > first:
            found = _in_bar(to_bytes(plane[first:last], low, high), first)
            if found is not None:
                return found
    body = height - bar.top - bar.bottom
    if min(body, plane.shape[1]) < 8 * MIN_LENGTH:
        return None
    strip = max(1, body // 4)
    for first in (height - bar.bottom - strip, bar.top):
        found = _on_image(to_bytes(plane[first : first + strip], low, high), first, height)
        if found is not None:
            return found
    return None


def overlay_share(found: ScaleBar | None, mask: Bools, shape: tuple[int, ...]) -> float:
    """Return the share of the particle that a scale bar on the image and its label cover.

    Args:
        found: of :func:`find_scale_bar`.
        mask: (h, w) bool, particle, stretched over the whole file.
        shape: (H, W) of the file.

    Returns:
        In [0, 1]; 0 without particle, without scale bar, or when it stands in the info bar.
    """
    area = float(mask.sum())
    if found is None or not found.on_image or area == 0:
        return 0.0
    hidden = sum(_covered(box, mask, shape) for box in (found.box, found.label) if box is not None)
    return float(min(1.0, hidden / area))


def _covered(box: Box, mask: Bools, shape: tuple[int, ...]) -> float:
    """Particle area below a box, in mask pixels; a box thinner than a mask pixel counts by its own area."""
    down, across = mask.shape[0] / shape[0], mask.shape[1] / shape[1]
    top, left, bottom, right = box[0] * down, box[1] * across, box[2] * down, box[3] * across
    cells = mask[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
    return float(cells.mean()) * (bottom - top) * (right - left) if cells.size else 0.0


def _in_bar(strip: Ink, first: int) -> ScaleBar | None:
    distance = cv2.absdiff(strip, float(ground_level(strip)))
    tone = float(np.percentile(distance[distance > 40], 90)) if (distance > 40).any() else 255.0
    ink = (distance > 0.5 * tone).view(np.uint8)
    box = _line(ink, max(2, len(strip) // 3), CLEAR)
    if box is None:
        dots = _dots(ink)
        return None if dots is None else ScaleBar(dots[0], _shift(dots[1], first), None, False)
    return ScaleBar(float(box[3] - box[1]), _shift(box, first), None, False)


def _on_image(strip: Ink, first: int, height: int) -> ScaleBar | None:
    for white, ink in ((True, strip >= WHITE), (False, strip <= BLACK)):
        if not ink.any():
            continue
        pixels = ink.view(np.uint8)
        box = _line(pixels, max(2, round(THICK * min(height, strip.shape[1]))), BUSY)
        label = None if box is None else _label(strip, box, white, height)
        if box is not None and label is not None:
            return ScaleBar(float(box[3] - box[1]), _shift(box, first), _shift(label, first), True)
    return None


def _shift(box: Box, rows: int) -> Box:
    return box[0] + rows, box[1], box[2] + rows, box[3]


def _line(ink: Ink, thick: int, clear: float) -> Box | None:
    """Find the longest isolated horizontal line."""
    width = ink.shape[1]
    least = max(MIN_LENGTH, round(MIN_SHARE * width)) | 1  # an even kernel shifts by a pixel
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    left, top, across, down = cv2.boundingRect(opened)
    if not across:
        return None
    found = np.ascontiguousarray(opened[top : top + down, left : left + across])  # labelling all of it costs most
    _, _, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    stats[:, 0] += left
    stats[:, 1] += top
    boxes = [(int(y), int(x), int(y + h), int(x + w)) for x, y, w, h, area in stats[1:] if area >= FULL * w * h]
    lines = [box for box in boxes if _is_line(ink, box, thick, clear)]
    lines = [box for box in lines if not any(_parallel(box, other) for other in boxes if other != box)]
    return max(lines, key=lambda box: box[3] - box[1], default=None)


def _is_line(ink: Ink, box: Box, thick: int, clear: float) -> bool:
    """Tell whether a run of ink is a line of its own: slender, off the frame, nothing next to it but end ticks."""
    top, left, bottom, right = box
    length, width = right - left, ink.shape[1]
    if left == 0 or right == width or length > MAX_SHARE * width or bottom - top > min(thick, length // SLENDER):
        return False
    inner = slice(left + max(2, length // 10), right - max(2, length // 10))
    beside = [ink[row, inner].mean() for row in (top - 1, bottom) if 0 <= row < len(ink)]
    return max(beside, default=0.0) <= clear


def _parallel(box: Box, other: Box) -> bool:
    """Tell whether two lines are the edges of one box."""
    return abs(box[1] - other[1]) <= 2 and abs(box[3] - other[3]) <= 2


def _dots(ink: Ink) -> tuple[float, Box] | None:
    """Find a row of equal, equally spaced dots; length between the outermost centres."""
    _, _, stats, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    size = stats[1:, 2:4]
    small = (np.abs(size[:, 0] - size[:, 1]) <= 2) & (size.max(axis=1, initial=0) <= max(3, len(ink) // 4))
    if not MIN_DOTS <= small.sum() <= MAX_SPECKS:
        return None
    columns, rows, spans = centres[1:][small, 0], centres[1:][small, 1], size[small]
    for row in np.unique(np.rint(rows)):
        here = np.flatnonzero(np.abs(rows - row) <= 1)
        here = here[np.argsort(columns[here])]
        chain = _longest_chain(columns[here])
        if len(chain) >= MIN_DOTS and np.ptp(spans[here][chain]) <= 2:
            x, radius = columns[here][chain], int(spans[here][chain].max()) // 2 + 1
            box = (int(row) - radius, int(x[0]) - radius, int(row) + radius, int(x[-1]) + radius)
            if x[-1] - x[0] >= MIN_SHARE * ink.shape[1]:
                return float(x[-1] - x[0]), box
    return None


def _longest_chain(columns: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices of the longest run of equal gaps, to a pixel."""
    gaps = np.diff(columns)
    best = start = 0
    first = 0
    for end in range(1, len(gaps) + 1):
        if end == len(gaps) or abs(gaps[end] - gaps[start]) > max(1.1, 0.06 * gaps[start]):
            if end - start > best:
                best, first = end - start, start
            start = end
    return np.arange(first, first + best + 1) if best else np.arange(0)


def _label(strip: Ink, box: Box, white: bool, height: int) -> Box | None:
    """Find letters of the line's tone above or below it."""
    reach = round(REACH * height)
    length = box[3] - box[1]
    left, right = max(0, box[1] - length // 2), min(strip.shape[1], box[3] + length // 2)
    for top, bottom in ((box[0] - reach, box[0] - 1), (box[2] + 1, box[2] + reach)):
        part = strip[max(0, top) : max(0, bottom), left:right]
        if part.shape[0] < LABEL_ROWS:
            continue
        for tone in LETTERS:
            found = _letters(part >= 255 - tone if white else part <= tone, (box[1] + box[3]) // 2 - left)
            if found is not None:
                above = max(0, top)
                return above + found[0], left + found[1], above + found[2], left + found[3]
    return None


def _letters(ink: Bools, middle: int) -> Box | None:
    """Find the box of a row of letters; ink beyond a wide space, seen from the line's middle, is something else."""
    strokes = np.count_nonzero(ink[:, 1:] & ~ink[:, :-1], axis=1)
    first, rows = longest_run((strokes >= LABEL_STROKES) & (ink.mean(axis=1) <= 0.5))
    if rows < LABEL_ROWS:
        return None
    columns = np.flatnonzero(ink[first : first + rows].any(axis=0))
    words = np.split(columns, np.flatnonzero(np.diff(columns) > SPACE * rows) + 1)
    word = min(words, key=lambda run: max(int(run[0]) - middle, middle - int(run[-1]), 0))
    left, right = int(word[0]), int(word[-1]) + 1
    head, foot = _grow(ink[:, left:right], first, first + rows)
    return head, left, foot, right


def _grow(letters: Bools, first: int, last: int) -> tuple[int, int]:
    """Add rows above and below that hold less of the letters, half their height at most."""
    inked = letters.any(axis=1) & (letters.mean(axis=1) <= 0.5)
    spare = max(2, (last - first) // 2)
    head, foot = first, last
    while head > max(0, first - spare) and inked[head - 1]:
        head -= 1
    while foot < min(len(inked), last + spare) and inked[foot]:
        foot += 1
    return head, foot
