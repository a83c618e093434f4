"""Read the label of a scale bar by OCR, where the optional package for it is installed.

RapidOCR (Apache-2.0) with ONNX Runtime; the models are part of its wheel and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Image
from sem_curate.errors import InputError
from sem_curate.quality import levels
from sem_curate.quality.info_bar import InfoBar, to_bytes
from sem_curate.quality.lengths import parse_lengths
from sem_curate.quality.scale_bar import Box, ScaleBar

REMEDY: Final = (
    "reading labels needs the optional OCR package: pip install 'sem-curate[ocr]'. "
    'Without it, state the label yourself: --length "10 um"'
)
TEXT_ROWS: Final = 48  # letters are enlarged to about this many rows, which the reader was trained on
MAX_ZOOM: Final = 4.0
# RapidOCR enlarges the shorter side to 736 pixels unless told otherwise, a bar of 96 rows to 8 times its size. Of 60
# drawn bars and markers 47 are read at 192 and 46 at 736, none wrongly, in a ninth of the time; at 96 one was wrong.
SHORTEST_SIDE: Final = 192

Words = list[tuple[str, float, float]]  # text, centre column, centre row
Reader = Callable[[NDArray[np.uint8]], Words]


def load_reader() -> Reader:
    """Return a function from a grey picture to its words with their centres.

    Raises:
        InputError: when the optional package is not installed; the message says how to install it.
    """
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise InputError(REMEDY) from error
    engine: Any = RapidOCR(
        params={
            "Global.log_level": "error",
            "Det.limit_type": "min",
            "Det.limit_side_len": SHORTEST_SIDE,
        }
    )

    def read(picture: NDArray[np.uint8]) -> Words:
        result = engine(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
        if result.txts is None:
            return []
        centres = np.asarray(result.boxes).mean(axis=1)
        return [(str(text), float(x), float(y)) for text, (x, y) in zip(result.txts, centres, strict=True)]

    return read


def read_length(read: Reader, plane: Image, bar: InfoBar, found: ScaleBar) -> float | None:
    """Return the length written beside a scale bar in nanometres; None when there is none that can be read.

    Args:
        read: of :func:`load_reader`.
        plane: (H, W) grey levels.
        bar: rows of the info bar.
        found: the scale bar.
    """
    box = _window(plane.shape, bar, found)
    low, high = levels.level_range(plane)
    part = to_bytes(np.ascontiguousarray(plane[box[0] : box[2], box[1] : box[3]]), low, high)
    zoom = float(np.clip(TEXT_ROWS * (1 if found.on_image else 2) / max(1, len(part)), 1.0, MAX_ZOOM))
    picture = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    picture = cv2.copyMakeBorder(picture, 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    middle = ((found.box[1] + found.box[3]) / 2 - box[1]) * zoom + 8
    return _nearest(read(picture), middle)


def _window(shape: tuple[int, ...], bar: InfoBar, found: ScaleBar) -> Box:
    """What to read: the whole info bar, or the label and a margin."""
    height, width = shape[:2]
    if not found.on_image:
        return (0, 0, bar.top, width) if found.box[0] < bar.top else (height - bar.bottom, 0, height, width)
    label = found.label or found.box
    margin = max(4, label[2] - label[0])
    left, right = min(label[1], found.box[1]), max(label[3], found.box[3])
    return max(0, label[0] - margin), max(0, left - margin), min(height, label[2] + margin), min(width, right + margin)


def _nearest(words: Words, column: float) -> float | None:
    """Return the length of the word nearest to a column; labelled distances ("WD 8.5 mm") do not count."""
    lengths: list[tuple[float, float]] = []
    ordered = sorted(words, key=lambda word: word[1])
    for index, (text, x, y) in enumerate(ordered):
        before = [other for other in ordered[:index] if abs(other[2] - y) < TEXT_ROWS / 2]
        context = f"{before[-1][0]} " if before and not parse_lengths(before[-1][0]) else ""
        lengths += [(abs(x - column), value) for value in parse_lengths(context + text)[-1:]]
    return min(lengths)[1] if lengths else None
