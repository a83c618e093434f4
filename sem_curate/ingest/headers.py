"""Format and size of an image file from its first bytes, without decoding a pixel.

PNG: W3C PNG specification, third edition. BMP: BITMAPCOREHEADER / BITMAPINFOHEADER. JPEG: ITU-T T.81, B.2.2.
TIFF needs its directory, which may stand anywhere in the file; see ``tiff.py``.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from sem_curate.errors import ImageReadError

PNG: Final = "PNG"
JPEG: Final = "JPEG"
TIFF: Final = "TIFF"
BMP: Final = "BMP"

EXTENSIONS: Final = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": BMP,
}

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
    (b"BM", BMP),
)

# Named in the refusal, so that people know what their file really is.
_KNOWN_OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"8BPS", "a Photoshop document"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOC", "a web page"),
    (b"<html", "a web page"),
)

# JPEG frame headers: SOF0..SOF15 without DHT (C4), JPG (C8) and DAC (CC).
_SOF: Final = frozenset(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})


def sniff(head: bytes) -> str | None:
    """Return ``"PNG" | "JPEG" | "TIFF" | "BMP"`` from a file's first 16 bytes, or None."""
    return next((name for magic, name in _SIGNATURES if head.startswith(magic)), None)


def describe_unknown(head: bytes) -> str:
    """Say in plain words what a file that is none of our formats seems to be."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    for magic, words in _KNOWN_OTHERS:
        if head.startswith(magic):
            return words
    return "text" if _looks_like_text(head) else "no image format this program knows"


def size_of(data: bytes, kind: str) -> tuple[int, int]:
    """Return (height, width) in pixels of a PNG, JPEG or BMP from its header.

    Raises:
        ImageReadError: code ``truncated`` when the header is not complete.
    """
    try:
        return {PNG: _png_size, JPEG: _jpeg_size, BMP: _bmp_size}[kind](data)
    except (struct.error, IndexError) as error:
        raise ImageReadError(f"the {kind} header is cut off; copy the file again", "truncated") from error


def check_png_chunks(data: bytes) -> None:
    """Check that every chunk of a PNG is complete and its checksum fits.

    Decoders fill the missing part of a cut-off PNG silently, or abort in C; this finds it beforehand.

    Raises:
        ImageReadError: code ``truncated`` or ``corrupt``.
    """
    at, view = 8, memoryview(data)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise ImageReadError(f"a PNG block at byte {at} is damaged; copy the file again", "corrupt")
        if data[at + 4 : at + 8] == b"IEND":
            return
        at = end
    raise ImageReadError("the PNG ends too early (the copy was cut off); copy the file again", "truncated")


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return int(height), int(width)


def _bmp_size(data: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:  # OS/2 BITMAPCOREHEADER
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(int(height)), abs(int(width))  # a negative height means "top row first"


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if data[at] != 0xFF:
            raise ImageReadError(f"the JPEG is damaged at byte {at}; copy the file again", "corrupt")
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return int(height), int(width)
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + int(length)


def _looks_like_text(head: bytes) -> bool:
    return bool(head) and all(byte >= 32 or byte in b"\t\r\n" for byte in head)
