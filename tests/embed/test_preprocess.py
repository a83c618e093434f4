from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.embed.preprocess import Preprocessing, letterbox, stretch


def grey_image(rows: int = 20, columns: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (rows, columns)).astype(np.uint8)


def test_stretch_is_the_same_for_8_and_16_bits() -> None:
    image = grey_image()
    np.testing.assert_allclose(stretch(image), stretch(image.astype(np.uint16) * 256), atol=1e-6)


@given(gain=st.floats(0.5, 100), offset=st.floats(-50, 50))
def test_stretch_ignores_gain_and_offset_of_the_detector(gain: float, offset: float) -> None:
    image = grey_image().astype(np.float32)
    np.testing.assert_allclose(stretch(image * np.float32(gain) + np.float32(offset)), stretch(image), atol=1e-3)


def test_stretch_survives_a_few_hot_pixels() -> None:
    image = grey_image(100, 100).astype(np.uint16)
    hot = image.copy()
    hot[0, :3] = 65535
    assert np.abs(stretch(hot)[1:] - stretch(image)[1:]).max() < 0.05


def test_stretch_of_a_flat_image_is_middle_grey() -> None:
    assert stretch(np.full((5, 5), 7, np.uint8)).tolist() == [[0.5] * 5] * 5


def test_stretch_keeps_a_small_bright_particle_on_a_flat_background() -> None:
    image = np.zeros((200, 200), np.uint8)
    image[100, 100:105] = 200  # far fewer pixels than the clipped share
    assert stretch(image)[100, 102] == 1.0


@pytest.mark.parametrize("image", [np.zeros((0, 5)), np.zeros((2, 2, 3)), np.zeros(4)])
def test_stretch_refuses_other_shapes(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"shape \(H, W\)"):
        stretch(image)


def test_stretch_refuses_nan() -> None:
    with pytest.raises(ValueError, match="1 pixels that are NaN"):
        stretch(np.array([[np.nan, 1.0]]))


def test_letterbox_keeps_the_aspect_ratio() -> None:
    disc = np.zeros((40, 120), np.float32)
    rows, columns = np.mgrid[:40, :120]
    disc[(rows - 20) ** 2 + (columns - 60) ** 2 < 15**2] = 1
    boxed = letterbox(disc, 60, 60) > 0.5
    height, width = np.ptp(np.where(boxed.any(axis=1))[0]), np.ptp(np.where(boxed.any(axis=0))[0])
    assert abs(int(height) - int(width)) <= 1


@given(rows=st.integers(1, 70), columns=st.integers(1, 70))
def test_letterbox_always_answers_the_size_asked(rows: int, columns: int) -> None:
    boxed = letterbox(np.full((rows, columns), 0.25, np.float32), 16, 24)
    assert boxed.shape == (16, 24)
    np.testing.assert_allclose(boxed, 0.25, atol=1e-6)  # nothing but the image and its border colour


@pytest.mark.parametrize("channels", [1, 3])
def test_preprocessing_normalises_each_channel(channels: int) -> None:
    prepared = Preprocessing(8, 8, (0.5,) * channels, (0.25,) * channels)(grey_image(8, 8))
    assert prepared.shape == (channels, 8, 8)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose([prepared.min(), prepared.max()], [-2, 2], atol=1e-5)


def test_preprocessing_refuses_two_channels() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels"):
        Preprocessing(8, 8, (0.5, 0.5), (0.2, 0.2))
