"""Header and first page of a TIFF, with every length checked before anything is decoded."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile

from sem_curate.arrays import Image
from sem_curate.errors import ImageReadError

# Both libraries tell about each oddity of a damaged file; we report the file once, as a problem.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

_MIN_IS_WHITE = 0
_PALETTE = 3


@dataclass(frozen=True)
class TiffHeader:
    """What the directory of a TIFF's first page says."""

    height: int
    width: int
    bits: int  # per sample
    pages: int
    intact: bool  # False when pixel data would lie beyond the end of the file


def header(data: bytes) -> TiffHeader:
    """Read the directory of a TIFF held in memory.

    Raises:
        ImageReadError: code ``corrupt`` when there is no readable directory.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            return TiffHeader(
                height=int(page.imagelength),
                width=int(page.imagewidth),
                bits=_bits(page),
                pages=len(file.pages),
                intact=_intact(page, len(data)),
            )
    except Exception as error:
        raise ImageReadError(
            f"the TIFF directory is damaged ({_short(error)}); export the file again", "corrupt"
        ) from error


def first_page(data: bytes) -> Image:
    """Decode the first page: (H, W) or (H, W, S), any dtype, white is high.

    Compressions that tifffile alone cannot decode (LZW, JPEG, fax) go through libtiff.

    Raises:
        ImageReadError: code ``unreadable``.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            return _decode(page, data)
    except ImageReadError:
        raise
    except Exception as error:
        raise ImageReadError(
            f"the TIFF cannot be decoded ({_short(error)}); export it again without compression"
        ) from error


def _decode(page: Any, data: bytes) -> Image:
    if int(page.photometric) == _PALETTE and page.colormap is None:
        raise ImageReadError("the TIFF has lost its colour table; copy the file again", "truncated")
    try:
        pixels = np.asarray(page.asarray())
    except (KeyError, ValueError, ImportError):
        deep_colour = int(page.samplesperpixel) > 1 and _bits(page) > 8
        return _through_opencv(data) if deep_colour else _through_pillow(data)
    pixels = _channels_last(pixels, str(page.axes))
    if int(page.photometric) == _MIN_IS_WHITE and pixels.dtype.kind in "ub":
        return np.bitwise_not(pixels)
    if int(page.photometric) == _PALETTE and pixels.ndim == 2:
        colours = np.asarray(page.colormap) >> 8  # stored as 16 bits, made from 8
        return np.asarray(np.moveaxis(colours.astype(np.uint8), 0, -1)[pixels])
    return pixels


def _through_pillow(data: bytes) -> Image:
    # The class itself, not Image.open: its fixed size limit would refuse what ours has already let through.
    from PIL.TiffImagePlugin import TiffImageFile

    with TiffImageFile(io.BytesIO(data)) as image:
        plain = image.mode in ("1", "L", "RGB", "F", "I") or image.mode.startswith("I;16")
        return np.asarray(image if plain else image.convert("RGB"))


def _through_opencv(data: bytes) -> Image:
    """Colour of more than 8 bits, for which Pillow has no mode."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageReadError("the TIFF cannot be decoded; export it again without compression", "corrupt")
    return np.asarray(pixels[:, :, [2, 1, 0]] if pixels.ndim == 3 and pixels.shape[2] >= 3 else pixels)


def _channels_last(pixels: Image, axes: str) -> Image:
    if axes == "SYX":
        return np.moveaxis(pixels, 0, -1)
    if axes in ("YX", "YXS"):
        return pixels
    return np.asarray(pixels.reshape((-1, *pixels.shape[-2:]))[0])  # a stack stored in one page: its first plane


def _bits(page: Any) -> int:
    bits = page.bitspersample
    return int(max(bits)) if isinstance(bits, tuple) else int(bits)


def _intact(page: Any, size: int) -> bool:
    ends = [int(start) + int(count) for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    return bool(ends) and len(page.dataoffsets) == len(page.databytecounts) and max(ends) <= size


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
