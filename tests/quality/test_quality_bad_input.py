"""Whatever lies in a folder: each kind of bad image has a defined result and the tag that a person would give it."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from quality_images import disc, with_info_bar

from sem_curate.errors import ImageReadError
from sem_curate.ingest.readers import read_grey
from sem_curate.quality.gate import TAGS, Verdict, judge
from sem_curate.quality.measures import inspect


def checked(image: np.ndarray, *, known_bar: int | None = None) -> Verdict:
    """Measure and judge, and hold what must hold of any image."""
    inspection = inspect(image, known_bar=known_bar)
    values = inspection.measures.as_dict()
    assert all(math.isfinite(value) for value in values.values()), values
    assert inspection.mask.dtype == np.bool_
    assert 1 <= max(inspection.mask.shape) <= 128
    verdict = judge(inspection.measures)
    assert 0 <= verdict.quality <= 1
    assert set(verdict.tags) <= set(TAGS)
    return verdict


NOTHING: dict[str, Callable[[], np.ndarray]] = {
    "flat grey": lambda: np.full((480, 640), 118, np.uint8),
    "all black": lambda: np.zeros((480, 640), np.uint8),
    "all white": lambda: np.full((480, 640), 255, np.uint8),
    "all NaN": lambda: np.full((200, 300), np.nan, np.float32),
    "infinities": lambda: np.where(np.eye(200, dtype=bool), np.inf, -np.inf),
    "one row": lambda: np.arange(900, dtype=np.uint16)[None],
    "one column": lambda: np.arange(900, dtype=np.uint8)[:, None],
    "one pixel": lambda: np.array([[7]], np.uint8),
    "empty": lambda: np.zeros((0, 40), np.uint8),
    "only noise": lambda: np.random.default_rng(0).normal(110, 25, (480, 640)).clip(0, 255).astype(np.uint8),
    "only shading": lambda: np.tile(np.linspace(40, 160, 640), (480, 1)).astype(np.uint8),
    "shading and noise": lambda: (
        np.tile(np.linspace(70, 130, 400), (300, 1)) + np.random.default_rng(1).normal(0, 9, (300, 400))
    ).astype(np.uint8),
    "all False": lambda: np.zeros((200, 200), np.bool_),
    "negative and flat": lambda: np.full((100, 100), -4.5),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_nothing_to_see_is_no_particle(kind: str) -> None:
    verdict = checked(NOTHING[kind]())
    assert (verdict.quality, verdict.usable) == (0.0, False)
    assert verdict.tags == ("no_particle",)


SAME: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "three channels": lambda image: np.dstack([image] * 3),
    "four channels": lambda image: np.dstack([image] * 3 + [np.full_like(image, 255)]),
    "12 bits in 16": lambda image: image.astype(np.uint16) * 16,
    "float from 0 to 1": lambda image: image.astype(np.float64) / 255,
    "negative floats": lambda image: image.astype(np.float32) / 100 - 9.0,
    "signed integers": lambda image: image.astype(np.int32),
    "inverted": lambda image: 255 - image,
    "some NaN and infinity": lambda image: _with_holes(image),
    "not contiguous": lambda image: np.repeat(image, 2, axis=1)[:, ::2],
}


def _with_holes(image: np.ndarray) -> np.ndarray:
    holed = image.astype(np.float32)
    holed[:6, :6], holed[:6, 6:12] = np.nan, np.inf
    return holed


@pytest.mark.parametrize("kind", SAME)
def test_the_same_image_otherwise_stored_is_judged_alike(kind: str) -> None:
    image = disc()
    plain, other = checked(image), checked(SAME[kind](image))
    assert other.usable
    assert other.tags == plain.tags == ()
    assert other.quality == pytest.approx(plain.quality, abs=0.1)


def test_a_boolean_image_is_blown_out_and_crushed_at_once() -> None:
    verdict = checked(disc(noise=0, texture=0) > 100)
    assert verdict.usable
    assert "saturation" in verdict.tags


def test_an_info_bar_at_the_top_is_left_out() -> None:
    upside = with_info_bar(disc())
    assert checked(np.vstack([upside[256:], upside[:256]])).tags == ("info_bar",)


def test_the_mask_covers_the_whole_file_and_spares_the_bar() -> None:
    image = with_info_bar(disc(centre=(0.5, 0.7), side=400), rows=60)
    mask = inspect(image).mask
    assert mask.shape == (128, round(128 * 400 / 460))
    bar = round(60 * 128 / 460)
    assert not mask[-bar:].any()
    assert mask[-bar - 8 :].any()
    rows = np.nonzero(mask)[0]
    assert rows.mean() / 128 == pytest.approx(0.7 * 400 / 460, abs=0.02)


def test_a_bar_that_the_file_names_wins_over_the_pixels() -> None:
    image = with_info_bar(disc(), rows=40)
    assert inspect(image, known_bar=70).measures.info_bar == pytest.approx(70 / 296)
    assert inspect(image, known_bar=0).measures.info_bar == 0
    # A wrong entry that would leave nothing of the image is not believed.
    assert inspect(image, known_bar=5000).measures.info_bar == pytest.approx(40 / 296)


def test_a_particle_that_fills_the_frame_is_usable() -> None:
    texture = cv2.GaussianBlur(np.random.default_rng(3).normal(size=(300, 300)), (0, 0), 2.0)
    verdict = checked(np.clip(128 + 40 * texture / texture.std(), 0, 255).astype(np.uint8))
    assert verdict.usable
    assert {"contour_missing", "frame_cut"} <= set(verdict.tags)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_eight_thousand_pixels_square_stay_within_memory(dtype: type) -> None:
    small = disc(side=1000).astype(dtype) * (1 if dtype is np.uint8 else 257)
    image = cv2.resize(small, (8000, 8000), interpolation=cv2.INTER_NEAREST)
    before = _peak_mb()
    verdict = checked(image)
    # One float copy of the whole plane would be 256 MB.
    assert _peak_mb() - before < 200
    assert verdict.usable
    assert "no_particle" not in verdict.tags


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def test_a_float_tiff_with_holes_is_read_and_measured(tmp_path: Path) -> None:
    path = tmp_path / "holes.tif"
    assert cv2.imwrite(str(path), _with_holes(disc()))
    assert checked(read_grey(path)).tags == ()


def test_a_float_tiff_without_any_number_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "nan.tif"
    assert cv2.imwrite(str(path), np.full((50, 50), np.nan, np.float32))
    with pytest.raises(ImageReadError, match="no finite grey level"):
        read_grey(path)


def test_strong_jpeg_changes_noise_but_breaks_nothing() -> None:
    image = disc(side=512, noise=0.04)
    stored = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE)
    assert inspect(stored).measures.noise_sigma < inspect(image).measures.noise_sigma
    assert checked(stored).usable
