"""Copies to look at: an 8-bit PNG for each image that a browser cannot show. Raw pixels decide, never these."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate import paths
from sem_curate.arrays import Image
from sem_curate.errors import SetupError
from sem_curate.ingest import headers
from sem_curate.ingest.readers import ImageInfo

# Browsers guess the format from the name that the server announces, so both must fit.
_SHOWN_AS_IS: Final = {".png": headers.PNG, ".jpg": headers.JPEG, ".jpeg": headers.JPEG, ".bmp": headers.BMP}
_PERCENTILES: Final = (0.5, 99.5)  # keeps a few hot or dead pixels from taking the whole grey scale
_SAMPLED: Final = 250_000  # percentiles of that many pixels are as good as those of all
# SEM noise repeats nothing, so searching for repetitions only costs time: twice as fast, and smaller files.
_PNG_OPTIONS: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY)
_MAX_SIDE: Final = 4096  # more than any screen; keeps copies of stitched frames small


@dataclass(frozen=True)
class DisplayCopy:
    """Where the copy is and how grey levels were mapped, as JSON."""

    path: Path
    mapping: str


def needs_copy(path: str | Path, info: ImageInfo) -> bool:
    """Tell whether a browser cannot show this file: TIFF, more than 8 bits, or a name that hides the format.

    >>> from sem_curate.ingest.readers import ImageInfo
    >>> needs_copy("a.png", ImageInfo("PNG", 9, 9, 8)), needs_copy("a.png", ImageInfo("TIFF", 9, 9, 8))
    (False, True)
    """
    return info.bit_depth > 8 or _SHOWN_AS_IS.get(Path(path).suffix.lower()) != info.kind


def copy_path(content_hash: str) -> Path:
    """Return where the copy of an image with this content belongs, existing or not."""
    return paths.home() / "display" / content_hash[:2] / f"{content_hash}.png"


def make_copy(grey: Image, content_hash: str) -> DisplayCopy:
    """Write the copy, or reuse the one that is there.

    Args:
        grey: (H, W) uint8, uint16 or float32, finite.
        content_hash: of the file the image came from.

    Raises:
        SetupError: when the data folder cannot be written.
    """
    low, high, method = contrast_limits(grey)
    target = copy_path(content_hash)
    scale = min(1.0, _MAX_SIDE / max(grey.shape))
    mapping = {"low": low, "high": high, "method": method, "scale": round(scale, 6)}
    if not _exists(target):
        write_png(target, _shrink(to_uint8(grey, low, high), scale))
    return DisplayCopy(target, json.dumps(mapping))


def contrast_limits(grey: Image) -> tuple[float, float, str]:
    """Return (grey level shown black, grey level shown white, method); 8-bit images are left as they are."""
    if grey.dtype == np.uint8:
        return 0.0, 255.0, "none"
    step = max(1, int(np.ceil(np.sqrt(grey.size / _SAMPLED))))
    sampled = np.asarray(grey[::step, ::step], dtype=np.float64)
    low, high = (float(level) for level in np.percentile(sampled, _PERCENTILES))
    return low, high, f"percentile {_PERCENTILES[0]}-{_PERCENTILES[1]}"


def to_uint8(grey: Image, low: float, high: float) -> Image:
    """Map ``low``..``high`` to 0..255, clipping outside; a flat image becomes mid grey."""
    if grey.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return grey
    if not high > low:
        return np.full(grey.shape, 128, dtype=np.uint8)
    if grey.dtype == np.uint16:
        return np.asarray(_mapped(np.arange(65536, dtype=np.float64), low, high)[grey])
    return _mapped(grey.astype(np.float64), low, high)


def write_png(target: Path, pixels: Image) -> None:
    """Write a PNG under a temporary name, then rename it: a reader sees all of it or nothing.

    Raises:
        SetupError: when the folder cannot be written.
    """
    encoded = cv2.imencode(".png", pixels, _PNG_OPTIONS)[1]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(encoded.tobytes())
        os.replace(temporary, target)
    except OSError as error:
        raise SetupError(
            f"the display copy '{target}' cannot be written ({error.strerror}); free some space, "
            "or set SEM_CURATE_HOME to another folder"
        ) from error


def placeholder() -> Path:
    """Return the picture that stands in for a missing anchor view, drawing it the first time."""
    target = paths.home() / "display" / "missing_view.png"
    if not _exists(target):
        picture = np.full((512, 512), 40, dtype=np.uint8)
        cv2.rectangle(picture, (24, 24), (487, 487), 110, 2)
        cv2.line(picture, (24, 24), (487, 487), 70, 2)
        cv2.line(picture, (487, 24), (24, 487), 70, 2)
        cv2.putText(picture, "NO IMAGE", (120, 275), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 200, 3, cv2.LINE_AA)
        write_png(target, picture)
    return target


def _mapped(levels: NDArray[np.float64], low: float, high: float) -> Image:
    return np.rint(np.clip((levels - low) / (high - low) * 255.0, 0, 255)).astype(np.uint8)


def _shrink(pixels: Image, scale: float) -> Image:
    if scale >= 1.0:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def _exists(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
