"""Image files in, grey arrays out: PNG, JPEG, TIFF and BMP of 8 or 16 bits, float TIFF, grey or colour.

The content decides, never the file name. The size in pixels is read from the header before anything is decoded,
so a small file that claims an enormous image costs nothing. Files are opened by Python, so any path works.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Image
from sem_curate.errors import ImageReadError
from sem_curate.ingest import headers, tiff

# One float32 copy of 400 megapixels is 1.6 GB: the most that a laptop can hold. No SEM frame comes close.
MAX_PIXELS: Final = 400_000_000
MAX_BYTES: Final = 2**31  # 400 megapixels of 16-bit RGB; more is not one image
MIN_SIDE: Final = 2  # a point or a line shows nothing
_LUMA: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601, what OpenCV and Pillow use


@dataclass(frozen=True)
class ImageInfo:
    """What the header says.

    Attributes:
        kind: ``"PNG" | "JPEG" | "TIFF" | "BMP"``, from the content.
        height: pixels.
        width: pixels.
        bit_depth: bits per sample as stored.
        pages: images in the file; more than one only for TIFF.
    """

    kind: str
    height: int
    width: int
    bit_depth: int
    pages: int = 1


def read_grey(path: str | Path) -> Image:
    """Read one image as grey levels.

    Args:
        path: a PNG, JPEG, TIFF (its first page) or BMP file.

    Returns:
        (H, W) uint8, uint16 or float32 in the file's own grey levels, always finite; white is high. Colour
        becomes luminance (ITU-R BT.601), an alpha channel is ignored. Signed, 32-bit and 64-bit TIFFs become
        float32.

    Raises:
        ImageReadError: why this file cannot be used, with a short ``code``.
    """
    return decode(read_bytes(path))


def probe(path: str | Path) -> ImageInfo:
    """Read format, size and bit depth from the header only.

    Raises:
        ImageReadError: the file is not an image of a known format, or its size is refused.
    """
    return inspect(read_bytes(path))


def read_bytes(path: str | Path) -> bytes:
    """Read a whole regular file.

    Raises:
        ImageReadError: codes ``missing``, ``permission``, ``not_a_file``, ``empty``, ``too_large``,
            ``unreadable``.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would block for ever
            raise ImageReadError("is not a regular file; give the image file itself", "not_a_file")
        if status.st_size > MAX_BYTES:
            raise ImageReadError(f"is {status.st_size:,} bytes, more than one image can need; crop it", "too_large")
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise ImageReadError("there is no such file; check the path, or remove the row", "missing") from error
    except PermissionError as error:
        raise ImageReadError("may not be read by this user; change its permissions", "permission") from error
    except OSError as error:
        raise ImageReadError(f"cannot be read ({error.strerror or error}); check the disk") from error
    if not data:
        raise ImageReadError("is empty (0 bytes); copy the file again", "empty")
    return data


def inspect(data: bytes) -> ImageInfo:
    """Return what the header of an image file held in memory says.

    Raises:
        ImageReadError: codes ``not_image``, ``truncated``, ``corrupt``, ``too_small``, ``too_large``.
    """
    kind = headers.sniff(data[:16])
    if kind is None:
        found = headers.describe_unknown(data[:16])
        raise ImageReadError(f"is {found}; save it as PNG, TIFF, JPEG or BMP", "not_image")
    if kind == headers.TIFF:
        info = _tiff_info(data)
    else:
        height, width = headers.size_of(data, kind)
        info = ImageInfo(kind, height, width, _bit_depth(data, kind))
    _check_size(info.height, info.width)
    return info


def decode(data: bytes) -> Image:
    """Decode an image file held in memory; see ``read_grey``."""
    info = inspect(data)
    if info.kind == headers.PNG:
        headers.check_png_chunks(data)
        pixels = _decode_png(data)
    elif info.kind == headers.TIFF:
        pixels = tiff.first_page(data)
    else:
        pixels = _decode_with_pillow(data, info.kind)
    return as_grey(pixels)


def as_grey(pixels: Image) -> Image:
    """Turn (H, W) or (H, W, S), S grey/RGB/alpha samples, into finite (H, W) uint8, uint16 or float32."""
    if pixels.ndim == 3:
        pixels = _luminance(pixels)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(pixels)
    if pixels.dtype.kind == "c":
        raise ImageReadError("holds complex numbers, not grey levels; export the magnitude", "not_image")
    return _finite(pixels)


def _tiff_info(data: bytes) -> ImageInfo:
    found = tiff.header(data)
    _check_size(found.height, found.width)
    if not found.intact:
        raise ImageReadError("the TIFF ends too early (the copy was cut off); copy the file again", "truncated")
    return ImageInfo(headers.TIFF, found.height, found.width, found.bits, found.pages)


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise ImageReadError(
            f"claims {width} x {height} pixels, more than {MAX_PIXELS // 10**6} megapixels; crop or scale it",
            "too_large",
        )
    if min(height, width) < MIN_SIDE:
        raise ImageReadError(f"is only {width} x {height} pixels; export the full image", "too_small")


def _bit_depth(data: bytes, kind: str) -> int:
    if kind == headers.PNG and len(data) > 24:
        return 8 if data[25:26] == b"\x03" else data[24]  # a palette holds 8-bit colours
    return 8


def _decode_png(data: bytes) -> Image:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageReadError("the PNG cannot be decoded; export the file again", "corrupt")
    return pixels[:, :, [2, 1, 0]] if pixels.ndim == 3 and pixels.shape[2] >= 3 else np.asarray(pixels)


def _decode_with_pillow(data: bytes, kind: str) -> Image:
    """Pillow, because OpenCV fills the missing part of a cut-off JPEG or BMP with grey and says nothing."""
    # The classes themselves, not Image.open: its fixed size limit would refuse what ours has let through.
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile

    reader = BmpImageFile if kind == headers.BMP else JpegImageFile
    try:
        with reader(io.BytesIO(data)) as image:
            return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except Exception as error:  # Pillow raises many kinds on damaged data
        code = "truncated" if "truncated" in str(error) else "corrupt"
        reason = f"the {kind} is damaged or cut off ({error}); copy the file again"
        raise ImageReadError(reason, code) from error


def _luminance(pixels: Image) -> Image:
    if pixels.shape[2] < 3:  # grey, or grey and alpha
        return pixels[:, :, 0]
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):  # grey saved as colour stays exact
        return red
    weighted = sum(weight * pixels[:, :, channel].astype(np.float32) for channel, weight in enumerate(_LUMA))
    mixed = np.asarray(weighted, dtype=np.float32)
    return np.rint(mixed).astype(pixels.dtype) if pixels.dtype.kind == "u" else mixed


def _finite(pixels: Image) -> Image:
    """Cast to float32; NaN and -inf become the lowest finite level, +inf the highest."""
    good = np.isfinite(pixels)
    if not good.any():
        raise ImageReadError("holds no finite grey level at all; export the image again", "no_finite_pixels")
    if not good.all():
        low, high = pixels[good].min(), pixels[good].max()
        pixels = np.nan_to_num(pixels, copy=True, nan=low, posinf=high, neginf=low)
    limit = np.finfo(np.float32).max
    if pixels.dtype == np.float64:
        pixels = np.clip(pixels, -limit, limit)
    return np.ascontiguousarray(pixels, dtype=np.float32)
