from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from quality_images import disc, with_info_bar

from sem_curate import schema
from sem_curate.quality.gate import TAGS, judge
from sem_curate.quality.measures import ViewMeasures, measure

RANGES = {"snr": (0, 1000), "sharpness": (0, 6), "drift": (0, 20), "info_bar": (0, 0.25)}

ANY_ARRAY = st.one_of(
    *(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=24))
        for dtype in (
            np.uint8,
            np.uint16,
            np.int32,
            np.uint64,
            np.bool_,
            np.float16,
            np.float32,
            np.float64,
            np.complex64,
        )
    ),
    hnp.arrays(np.float32, st.tuples(st.integers(30, 90), st.integers(30, 90)), fill=st.just(np.float32(0.5))),
    hnp.arrays(np.uint8, st.tuples(st.integers(64, 120), st.integers(64, 120)), fill=st.just(7)),
)


def check(measures: ViewMeasures) -> None:
    for name, value in measures.as_dict().items():
        low, high = RANGES.get(name, (0, 1))
        assert isinstance(value, float)
        assert low <= value <= high, (name, value)
    verdict = judge(measures)
    assert 0 <= verdict.quality <= 1
    assert set(verdict.tags) <= set(TAGS)


def test_names_are_those_of_the_schema() -> None:
    assert tuple(field.name for field in dataclasses.fields(ViewMeasures)) == schema.MEASURES


@given(ANY_ARRAY)
@settings(max_examples=150, deadline=None)
def test_any_array_gives_finite_measures_in_range(array: np.ndarray) -> None:
    check(measure(array))


BAD = {
    "flat": np.full((200, 300), 90, np.uint8),
    "black": np.zeros((200, 300), np.uint8),
    "white": np.full((200, 300), 255, np.uint8),
    "noise": np.random.default_rng(0).normal(110, 20, (300, 400)).clip(0, 255).astype(np.uint8),
    "shading": np.tile(np.linspace(60, 140, 300), (200, 1)).astype(np.uint8),
    "nan": np.full((80, 80), np.nan),
    "inf": np.where(np.eye(80, dtype=bool), np.inf, -np.inf),
    "row": np.arange(500, dtype=np.uint16)[None],
    "column": np.arange(500, dtype=np.uint8)[:, None],
    "point": np.array([[3]], np.uint8),
    "empty": np.zeros((0, 4)),
}


@pytest.mark.parametrize("name", BAD)
def test_an_image_without_a_particle_is_unusable(name: str) -> None:
    measures = measure(BAD[name])
    check(measures)
    assert measures.particle_area == 0
    verdict = judge(measures)
    assert (verdict.quality, verdict.usable) == (0.0, False)
    assert "no_particle" in verdict.tags


def test_partial_nan_and_infinity_count_as_the_ends() -> None:
    image = disc().astype(np.float32)
    image[:4, :4], image[:4, 4:8] = np.nan, np.inf
    check(measure(image))
    assert measure(image).particle_area == pytest.approx(measure(disc()).particle_area, abs=0.02)


def test_a_very_large_image() -> None:
    large = cv2.resize(disc(side=512, noise=0), (6000, 6000), interpolation=cv2.INTER_NEAREST)
    measures = measure(large)
    check(measures)
    assert measures.particle_area == pytest.approx(np.pi * 0.28**2, abs=0.01)


def test_a_clean_particle_has_no_tags() -> None:
    verdict = judge(measure(disc()))
    assert verdict.tags == ()
    assert verdict.usable
    assert verdict.quality > 0.8


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.06, 0.12])
def test_more_blur_is_less_sharp_at_fixed_noise(noise: float) -> None:
    sharp = [measure(disc(blur=blur, noise=noise)).sharpness for blur in (0.5, 1, 2, 3, 5)]
    assert sharp == sorted(sharp, reverse=True)
    assert sharp[0] > sharp[-1] + 0.5


def test_noise_does_not_look_sharp() -> None:
    blurred = [measure(disc(blur=3, noise=noise)).sharpness for noise in (0.0, 0.05, 0.1, 0.15)]
    assert max(blurred) < measure(disc(blur=1, noise=0.0)).sharpness


def test_snr_falls_with_noise_and_matches_its_definition() -> None:
    snr = [measure(disc(noise=noise, texture=0)).snr for noise in (0.01, 0.03, 0.1)]
    assert snr == sorted(snr, reverse=True)
    flat = disc(noise=0.0, texture=0) / 255
    region = flat[49:207, 49:207]  # the disc of radius 72 px and a tenth of its size around it
    assert snr[1] == pytest.approx(region.std() / 0.03, rel=0.1)


def test_contrast_is_a_share_of_the_range_whatever_the_depth() -> None:
    eight = disc()
    twelve = eight.astype(np.uint16) * 16
    assert measure(twelve).contrast == pytest.approx(measure(eight).contrast, abs=0.01)
    assert measure(eight / np.float32(255)).contrast == pytest.approx(measure(eight).contrast, abs=0.01)
    assert "low_contrast" in judge(measure((eight // 8 + 100).astype(np.uint8))).tags


def test_inverted_contrast_finds_the_same_particle() -> None:
    image = disc()
    one, other = measure(image), measure(255 - image)
    for name in ("particle_area", "contour_completeness", "frame_cut", "sharpness", "snr", "contrast"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=0.05, abs=0.01), name


def test_saturation_is_of_the_particle() -> None:
    measures = measure(disc(background=0.0, noise=0, level=1.0, texture=0, blur=0))
    assert measures.saturation_low < 0.01  # the black background is no loss
    assert measures.saturation_high > 0.95
    assert "saturation" in judge(measures).tags


def test_the_info_bar_changes_nothing_else() -> None:
    image = disc()
    bare, barred = measure(image), measure(with_info_bar(image))
    assert barred.info_bar == pytest.approx(28 / 284)
    assert dataclasses.replace(barred, info_bar=0.0) == bare
    assert judge(barred).tags == ("info_bar",)


def test_a_particle_that_fills_the_frame_is_usable() -> None:
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.normal(size=(256, 256)), (0, 0), 2)
    image = np.clip(128 + 40 * texture / texture.std(), 0, 255).astype(np.uint8)
    measures = measure(image)
    assert (measures.particle_area, measures.frame_cut, measures.contour_completeness) == (1.0, 1.0, 0.0)
    verdict = judge(measures)
    assert verdict.usable
    assert "contour_missing" in verdict.tags
    assert verdict.quality > 0.5


def test_a_small_particle_is_found_and_named() -> None:
    verdict = judge(measure(disc(radius=0.04, side=512)))
    assert verdict.usable
    assert "small_particle" in verdict.tags


def test_colour_and_vectors_are_accepted() -> None:
    image = disc()
    assert measure(np.dstack([image] * 3)).sharpness == pytest.approx(measure(image).sharpness, rel=0.01)
    check(measure(np.arange(100)))
