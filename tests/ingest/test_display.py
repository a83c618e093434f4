from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sem_curate.errors import SetupError
from sem_curate.ingest import display
from sem_curate.ingest.readers import ImageInfo, read_grey


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "ホーム 1"))
    return tmp_path / "ホーム 1"


@pytest.mark.parametrize(
    ("name", "kind", "bits", "needed"),
    [
        ("a.png", "PNG", 8, False),
        ("a.PNG", "PNG", 1, False),
        ("a.jpg", "JPEG", 8, False),
        ("a.bmp", "BMP", 8, False),
        ("a.png", "PNG", 16, True),
        ("a.tif", "TIFF", 8, True),
        ("a.tif", "PNG", 8, True),
        ("a.jpg", "PNG", 8, True),
    ],
)
def test_who_needs_a_copy(name: str, kind: str, bits: int, needed: bool) -> None:
    assert display.needs_copy(name, ImageInfo(kind, 9, 9, bits)) is needed


def test_a_copy_spreads_the_grey_levels(home: Path) -> None:
    deep = np.linspace(1000, 1400, 64 * 64).astype(np.uint16).reshape(64, 64)
    deep[0, 0] = 65535
    copy = display.make_copy(deep, "ab" * 20)
    mapping = json.loads(copy.mapping)
    shown = read_grey(copy.path)
    assert copy.path == home / "display" / "ab" / f"{'ab' * 20}.png"
    assert shown.dtype == np.uint8
    assert (int(shown.min()), int(shown.max())) == (0, 255)
    assert 1000 <= mapping["low"] < mapping["high"] <= 1400
    assert mapping["method"] == "percentile 0.5-99.5"
    assert abs(int(shown[32, 32]) - 255 * (deep[32, 32] - mapping["low"]) / (mapping["high"] - mapping["low"])) <= 1


def test_eight_bits_are_left_alone() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(read_grey(display.make_copy(grey, "cd").path), grey)


def test_the_copy_that_is_there_is_reused() -> None:
    first = display.make_copy(np.zeros((8, 8), np.uint8), "ef")
    before = first.path.stat().st_mtime_ns
    assert display.make_copy(np.zeros((8, 8), np.uint8), "ef") == first
    assert first.path.stat().st_mtime_ns == before
    assert list(first.path.parent.iterdir()) == [first.path]


def test_an_empty_leftover_is_replaced() -> None:
    target = display.copy_path("12")
    target.parent.mkdir(parents=True)
    target.touch()
    display.make_copy(np.zeros((8, 8), np.uint8), "12")
    assert target.stat().st_size > 0


@pytest.mark.parametrize(
    "grey", [np.full((8, 8), 7, np.uint16), np.array([[3.0e38, -3.0e38]] * 4, np.float32), np.zeros((8, 8), np.float32)]
)
def test_flat_and_extreme_images_do_not_overflow(grey: np.ndarray) -> None:
    with np.errstate(all="raise"):
        low, high, _ = display.contrast_limits(grey)
        shown = display.to_uint8(grey, low, high)
    assert shown.dtype == np.uint8
    assert len(np.unique(shown)) == (1 if low == high else 2)


def test_large_images_get_a_smaller_copy() -> None:
    copy = display.make_copy(np.zeros((10, 8192), np.uint8), "34")
    assert cv2.imdecode(np.fromfile(copy.path, np.uint8), 0).shape == (5, 4096)
    assert json.loads(copy.mapping)["scale"] == 0.5


def test_the_placeholder_is_a_picture() -> None:
    path = display.placeholder()
    assert read_grey(path).shape == (512, 512)
    assert display.placeholder() == path


def test_a_folder_that_cannot_be_written(home: Path) -> None:
    home.write_text("a file is in the way")
    with pytest.raises(SetupError, match="SEM_CURATE_HOME"):
        display.make_copy(np.zeros((8, 8), np.uint8), "56")
