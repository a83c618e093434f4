from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sem_curate.errors import ImageReadError
from sem_curate.ingest import readers
from sem_curate.ingest.readers import ImageInfo, as_grey, decode, probe, read_grey

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (24, 32)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (24, 32)).astype(np.uint16)
COLOUR = RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
LUMA = np.rint(COLOUR.astype(np.float64) @ (0.299, 0.587, 0.114))


def pillow(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def opencv(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


EXACT = {
    "png 8": (pillow(GREY, "PNG"), GREY),
    "png 16": (pillow(DEEP, "PNG"), DEEP),
    "png bilevel": (pillow(GREY > 99, "PNG"), (GREY > 99) * np.uint8(255)),
    "bmp 8": (pillow(GREY, "BMP"), GREY),
    "tiff 8": (tiff(GREY), GREY),
    "tiff 16": (tiff(DEEP), DEEP),
    "tiff 16 big endian": (tiff(DEEP, byteorder=">"), DEEP),
    "tiff zlib predictor": (tiff(DEEP, compression="zlib", predictor=True), DEEP),
    "tiff tiles": (tiff(DEEP, tile=(16, 16)), DEEP),
    "bigtiff": (tiff(GREY, bigtiff=True), GREY),
    "tiff lzw 8": (pillow(GREY, "TIFF", compression="tiff_lzw"), GREY),
    "tiff lzw 16": (pillow(DEEP, "TIFF", compression="tiff_lzw"), DEEP),
    "tiff bilevel fax": (pillow(GREY > 99, "TIFF", compression="group4"), (GREY > 99) * np.uint8(255)),
    "tiff min is white": (tiff(GREY, photometric="miniswhite"), 255 - GREY),
    "tiff float32": (tiff(GREY.astype(np.float32)), GREY.astype(np.float32)),
    "tiff float64": (tiff(GREY.astype(np.float64)), GREY.astype(np.float32)),
    "tiff int16": (tiff(GREY.astype(np.int16) - 99), GREY.astype(np.float32) - 99),
    "tiff uint32": (tiff(DEEP.astype(np.uint32) * 3), DEEP.astype(np.float32) * 3),
    "tiff second page ignored": (tiff(np.stack([GREY, 255 - GREY])), GREY),
    "png grey as rgb": (pillow(np.stack([GREY] * 3, -1), "PNG"), GREY),
    "png grey and alpha": (pillow(np.stack([GREY] * 3 + [GREY // 2], -1), "PNG"), GREY),
    "png colour": (pillow(COLOUR, "PNG"), LUMA),
    "png 16 colour": (opencv(np.stack([DEEP] * 3, -1), ".png"), DEEP),
    "bmp colour": (pillow(COLOUR, "BMP"), LUMA),
    "tiff colour": (tiff(COLOUR, photometric="rgb"), LUMA),
    "tiff colour planes": (tiff(np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate"), LUMA),
    "tiff colour lzw": (pillow(COLOUR, "TIFF", compression="tiff_lzw"), LUMA),
    "tiff 16 colour lzw": (opencv(np.stack([DEEP] * 3, -1), ".tif"), DEEP),
}


@pytest.mark.parametrize("case", EXACT)
def test_every_format_gives_its_own_grey_levels(case: str) -> None:
    data, expected = EXACT[case]
    grey = decode(data)
    np.testing.assert_array_equal(grey, expected)
    assert grey.dtype in (np.uint8, np.uint16, np.float32)
    assert grey.flags.c_contiguous


def test_jpeg_is_close_to_its_source() -> None:
    smooth = cv2.GaussianBlur(GREY, (0, 0), 3)
    for pixels in (smooth, np.stack([smooth] * 3, -1)):
        assert np.abs(decode(pillow(pixels, "JPEG", quality=98)).astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_palette_images_show_their_colours(kind: str) -> None:
    picture = Image.fromarray(COLOUR).quantize(16)
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    expected = np.rint(np.asarray(picture.convert("RGB")).astype(float) @ (0.299, 0.587, 0.114))
    np.testing.assert_allclose(decode(buffer.getvalue()), expected, atol=1)


@pytest.mark.parametrize(
    "name", ["粒子 その1.png", 'say "cheese".png', "it's; $HOME & 100%.png", "né\u0301.png", "裏.png"]
)
def test_any_path_works(tmp_path: Path, name: str) -> None:
    path = tmp_path / "フォルダ 表" / name
    path.parent.mkdir()
    path.write_bytes(pillow(GREY, "PNG"))
    np.testing.assert_array_equal(read_grey(path), GREY)
    assert probe(str(path)) == ImageInfo("PNG", 24, 32, 8)


def test_probe_reads_headers_of_each_kind(tmp_path: Path) -> None:
    cases = {
        "PNG": (pillow(DEEP, "PNG"), 16, 1),
        "JPEG": (pillow(GREY, "JPEG"), 8, 1),
        "BMP": (pillow(GREY, "BMP"), 8, 1),
        "TIFF": (tiff(np.stack([DEEP] * 3), photometric="minisblack"), 16, 3),
    }
    for kind, (data, bits, pages) in cases.items():
        path = tmp_path / kind
        path.write_bytes(data)
        assert probe(path) == ImageInfo(kind, 24, 32, bits, pages)


def test_infinite_and_missing_levels_become_finite() -> None:
    pixels = np.array([[np.nan, 1.0], [np.inf, -np.inf], [5.0, 2.0]], dtype=np.float32)
    assert decode(tiff(pixels)).tolist() == [[1, 1], [5, 1], [5, 2]]
    huge = decode(tiff(np.array([[1e300, 0.0], [1.0, -1e300]])))
    assert np.isfinite(huge).all()


def test_no_finite_level_is_refused() -> None:
    with pytest.raises(ImageReadError, match="no finite grey level") as caught:
        decode(tiff(np.full((4, 4), np.nan, dtype=np.float32)))
    assert caught.value.code == "no_finite_pixels"


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(ImageReadError, match="complex"):
        as_grey(np.ones((4, 4), dtype=np.complex64))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_every_cut_is_noticed(kind: str) -> None:
    data = tiff(GREY) if kind == "TIFF" else pillow(GREY, kind)
    for share in (0.02, 0.3, 0.6, 0.95):
        with pytest.raises(ImageReadError) as caught:
            decode(data[: int(len(data) * share)])
        assert caught.value.code in ("truncated", "corrupt", "not_image"), share


def test_a_flipped_bit_in_png_pixels_is_noticed() -> None:
    data = bytearray(pillow(GREY, "PNG"))
    data[len(data) // 2] ^= 4
    with pytest.raises(ImageReadError, match="damaged") as caught:
        decode(bytes(data))
    assert caught.value.code == "corrupt"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"GIF89a......", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"hello, this is text", "text"),
        (b"\x00\x01\x02\x03garbage\xff\xfe", "no image format"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ImageReadError, match=words) as caught:
        decode(data)
    assert caught.value.code == "not_image"


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_a_point_or_a_line_is_refused(shape: tuple[int, int]) -> None:
    for data in (pillow(np.zeros(shape, np.uint8), "PNG"), tiff(np.zeros(shape, np.uint8))):
        with pytest.raises(ImageReadError, match="is only") as caught:
            decode(data)
        assert caught.value.code == "too_small"


def bmp_header(width: int, height: int) -> bytes:
    data = bytearray(pillow(GREY, "BMP"))
    data[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return bytes(data)


def jpeg_header(width: int, height: int) -> bytes:
    data = pillow(GREY, "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 4 :]


def tiff_header(width: int, height: int) -> bytes:
    buffer = io.BytesIO(tiff(GREY))
    with tifffile.TiffFile(buffer) as file:
        at = {tag.code: tag.valueoffset for tag in file.pages[0].tags}
    data = bytearray(buffer.getvalue())
    data[at[256] : at[256] + 4] = width.to_bytes(4, "little")
    data[at[257] : at[257] + 4] = height.to_bytes(4, "little")
    return bytes(data)


def png_claims(width: int, height: int) -> bytes:
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize("forge", [png_claims, jpeg_header, bmp_header, tiff_header])
def test_huge_claims_are_refused_before_decoding(forge, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise AssertionError("decoded")

    for name in ("_decode_png", "_decode_with_pillow"):
        monkeypatch.setattr(readers, name, explode)
    monkeypatch.setattr(readers.tiff, "first_page", explode)
    with pytest.raises(ImageReadError, match="megapixels") as caught:
        decode(forge(60_000, 60_000))
    assert caught.value.code == "too_large"


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    expected = {
        "empty.png": "empty",
        "folder.png": "not_a_file",
        "pipe.png": "not_a_file",
        "gone.png": "missing",
        "loop.png": "unreadable",
    }
    for name, code in expected.items():
        with pytest.raises(ImageReadError) as caught:
            read_grey(tmp_path / name)
        assert caught.value.code == code, name


def test_a_file_of_absurd_size_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    with path.open("wb") as file:
        file.truncate(readers.MAX_BYTES + 1)
    with pytest.raises(ImageReadError, match="bytes") as caught:
        read_grey(path)
    assert caught.value.code == "too_large"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(pillow(GREY, "PNG"))
    path.chmod(0)
    with pytest.raises(ImageReadError, match="permissions") as caught:
        read_grey(path)
    assert caught.value.code == "permission"


SEEDS = [data for data, _ in EXACT.values()] + [pillow(GREY, "JPEG")]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_give_an_array_or_a_reason_never_anything_else(data: st.DataObject) -> None:
    original = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(0, min(len(original), 300) - 1))] = data.draw(st.integers(0, 255))
    try:
        grey = decode(bytes(original))
    except ImageReadError:
        return
    assert grey.ndim == 2
    assert np.isfinite(grey).all()
    assert grey.dtype in (np.uint8, np.uint16, np.float32)
