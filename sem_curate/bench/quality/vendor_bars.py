"""Draw information bars and scale bars in the manner of common instruments, with known rows and length.

Fonts are those that every installation has: matplotlib's DejaVu, Pillow's own, and OpenCV's Hershey strokes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sem_curate.bench.quality.images import GREY

STYLES = ("hitachi", "jeol", "zeiss", "fei", "tescan", "plain")
MARKERS = ("solid", "ticks", "dots")
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf", "", "hershey")
TONES = ((0, 255), (0, 255), (8, 235), (255, 0), (235, 20), (60, 255), (128, 255), (190, 0))  # paper, ink
LENGTHS = ("1 µm", "10.0um", "500nm", "2.00um", "5 µm", "100 nm", "20 µm", "50.0um", "200 µm")
FIELDS = (
    "10.0kV", "SE(U)", "WD 8.5mm", "x5.00k", "EHT = 5.00 kV", "Mag = 10.00 K X", "Signal A = InLens", "2026/03/14",
    "det ETD", "HV 15.00 kV", "SEI", "BED-C", "P.C. 30.0", "SEM HV: 20.0 kV", "0.40 nA", "High vac.", "12:41:07",
    "SU8000", "No.0012", "spot 3.0",
)  # fmt: skip


@dataclass(frozen=True)
class Barred:
    """An image with a bar: (H, W) uint8, its rows, and the scale bar's length in pixels with its label."""

    image: GREY
    top: int
    bottom: int
    scale_px: float
    label: str
    style: str


def add_bar(rng: np.random.Generator, image: GREY, *, style: str | None = None, jpeg: bool | None = None) -> Barred:
    """Write a bar over the outermost rows of an image.

    Args:
        rng: decides fonts, tones, texts, height, JPEG and whether the bar is at the top.
        image: (H, W) uint8.
        style: one of :data:`STYLES`; drawn by default.
        jpeg: compress at quality 60 to 95; by default four of ten.
    """
    height, width = image.shape
    style = style or str(rng.choice(STYLES))
    rows = max(12, round(height * float(rng.uniform(0.05, 0.13))))
    paper, ink = TONES[int(rng.integers(len(TONES)))]
    strip, length, label = _strip(rng, style, rows, width, paper, ink)
    at_top = bool(rng.random() < 0.15)
    made = np.vstack([strip, image[rows:]] if at_top else [image[: height - rows], strip])
    if rng.random() < 0.4 if jpeg is None else jpeg:
        made = compress(made, int(rng.integers(60, 96)))
    return Barred(made, rows if at_top else 0, 0 if at_top else rows, length, label, style)


def compress(image: GREY, quality: int) -> GREY:
    """Return the image as JPEG leaves it."""
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded: GREY = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return decoded


def add_marker(rng: np.random.Generator, image: GREY, *, marker: str | None = None) -> tuple[GREY, float, str]:
    """Write a scale bar and its label on the image itself, in a lower corner; return image, length, label."""
    height, width = image.shape
    marked = image.copy()
    label = str(rng.choice(LENGTHS))
    ink = 255 if rng.random() < 0.8 else 0
    length = int(rng.uniform(0.12, 0.35) * width)
    left = int(rng.uniform(0.03, 0.08) * width)
    left = left if rng.random() < 0.5 else width - left - length
    row = int(height * rng.uniform(0.9, 0.95))
    thick = max(2, height // 150)
    _draw_marker(marked, marker or str(rng.choice(MARKERS)), row, left, length, thick, 3 * thick, ink)
    size = max(9, height // 24)
    _write(marked, label, left, row - 3 * thick - size - 2, size, ink, str(rng.choice(FACES)))
    return marked, float(length), label


def _strip(
    rng: np.random.Generator, style: str, rows: int, width: int, paper: int, ink: int
) -> tuple[GREY, float, str]:
    """Draw one bar, (rows, width) uint8."""
    strip = np.full((rows, width), paper, np.uint8)
    face = str(rng.choice(FACES))
    lines = 2 if rows >= 30 and style in ("zeiss", "fei", "tescan") else 1
    size = max(8, int(rows / lines * rng.uniform(0.5, 0.68)))
    marker = {"hitachi": "dots", "jeol": "ticks", "zeiss": "ticks", "fei": "ticks"}.get(style, "solid")
    length = int(rng.uniform(0.12, 0.28) * width)
    left = width - length - max(4, int(rng.uniform(0.02, 0.06) * width))
    label = str(rng.choice(LENGTHS))
    label_size = max(8, int(rows * 0.42))
    row = rows - max(3, rows // 6) if rows >= 24 else rows // 2
    _draw_marker(strip, marker, row, left, length, max(1, rows // 24), max(3, rows // 5), ink)
    end = left - 4
    if rows >= 24:
        _write(strip, label, left + length // 4, 1, label_size, ink, face)
    else:
        end -= _write(strip, label, max(2, left - 6 - 5 * label_size), (rows - label_size) // 2, label_size, ink, face)
        end = min(end, left - 10 - 5 * label_size)
    start = _logo(strip, style, ink) if rng.random() < 0.5 else 4
    _fill_text(rng, strip, (start, end), lines, size, ink, face)
    _rules(strip, style, (start, end), ink)
    return strip, float(length), label


def _fill_text(
    rng: np.random.Generator, strip: GREY, span: tuple[int, int], lines: int, size: int, ink: int, face: str
) -> None:
    pitch = len(strip) // lines
    for line in range(lines):
        x, written = span[0], 0
        while written == 0 or rng.random() < 0.85:
            text = str(rng.choice(FIELDS))
            if x + int(0.62 * size * len(text)) + 4 > span[1]:
                break
            x += _write(strip, text, x, line * pitch + (pitch - size) // 2, size, ink, face) + size // 2 + 4
            written += 1


def _logo(strip: GREY, style: str, ink: int) -> int:
    """Draw a filled square or a ring at the left; return where text may start."""
    side = len(strip) - 4
    if style == "zeiss":
        cv2.rectangle(strip, (2, 2), (2 + side, len(strip) - 3), ink, -1)
    else:
        cv2.circle(strip, (2 + side // 2, len(strip) // 2), side // 2 - 1, ink, max(1, side // 10))
    return side + 8


def _rules(strip: GREY, style: str, span: tuple[int, int], ink: int) -> None:
    rows = len(strip)
    thick = 1 if rows < 60 else 2
    if style in ("fei", "zeiss"):
        cv2.line(strip, (span[1], 0), (span[1], rows - 1), ink, thick)
    if style in ("fei", "tescan"):
        strip[:thick] = strip[-thick:] = ink
        strip[:, :thick] = strip[:, -thick:] = ink
    if style == "tescan" and rows >= 30:
        strip[rows // 2 : rows // 2 + 1, : span[1]] = ink


def _draw_marker(image: GREY, marker: str, row: int, left: int, length: int, thick: int, tick: int, ink: int) -> None:
    """Draw a scale bar from column ``left`` to ``left + length - 1``; dots reach from first to last centre."""
    top = row - thick // 2
    if marker == "dots":
        radius = max(1, thick)
        for x in np.linspace(left, left + length, 11):
            image[row - radius : row + radius, round(x) - radius : round(x) + radius] = ink
        return
    image[top : top + thick, left : left + length] = ink
    if marker == "ticks":
        for x in (left, left + length - thick):
            image[max(0, row - tick) : row + tick // 2 + 1, x : x + thick] = ink


@lru_cache(maxsize=256)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if not face:
        return ImageFont.load_default(size)
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / face), size)


def _write(image: GREY, text: str, x: int, y: int, size: int, ink: int, face: str) -> int:
    """Write text with its top left corner at (x, y), ``size`` rows high; return its width."""
    plain = text.replace("µ", "u")  # neither Hershey nor Pillow's own font has the letter
    text = text if face else plain
    if face == "hershey":
        scale = size / 30
        thick = max(1, size // 16)
        cv2.putText(image, plain, (x, y + int(0.8 * size)), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, thick, cv2.LINE_AA)
        return int(cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)[0][0])
    canvas = Image.fromarray(image)
    font = _font(face, max(6, int(0.85 * size)))
    ImageDraw.Draw(canvas).text((x, y), text, fill=ink, font=font)
    image[:] = np.asarray(canvas)
    return int(font.getlength(text))
