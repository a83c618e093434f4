from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_images import disc, with_info_bar

from sem_curate.bench.quality import vendor_bars
from sem_curate.quality.info_bar import InfoBar, find_info_bar
from sem_curate.quality.scale_bar import ScaleBar, find_scale_bar, overlay_share
from sem_curate.rendering import render_views


def labelled(image: np.ndarray, *, left: int = 150, length: int = 60, row: int = 240, ink: int = 255) -> np.ndarray:
    marked = image.copy()
    marked[row : row + 3, left : left + length] = ink
    cv2.putText(marked, "10 um", (left, row - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
    return marked


@pytest.mark.parametrize("ink", [255, 0])
@pytest.mark.parametrize("row", [240, 40])
def test_a_line_with_letters_on_the_image(ink: int, row: int) -> None:
    found = find_scale_bar(labelled(disc(background=0.4), row=row, ink=ink), InfoBar())
    assert found is not None
    assert (found.length_px, found.box, found.on_image) == (60, (row, 150, row + 3, 210), True)
    assert found.label is not None
    assert row - 20 <= found.label[0] < found.label[2] <= row


def test_a_line_without_letters_is_a_streak() -> None:
    image = disc()
    image[240:243, 150:210] = 255
    assert find_scale_bar(image, InfoBar()) is None


def test_a_line_in_the_info_bar_hides_nothing() -> None:
    image = with_info_bar(disc())
    image[-14:-12, 180:240] = 255
    found = find_scale_bar(image, find_info_bar(image))
    assert found is not None
    assert (found.length_px, found.on_image) == (60, False)
    assert overlay_share(found, np.ones((64, 64), bool), image.shape) == 0


@pytest.mark.parametrize("style", vendor_bars.STYLES)
def test_vendors_styles(style: str) -> None:
    barred = vendor_bars.add_bar(np.random.default_rng(7), disc(side=512), style=style, jpeg=False)
    found = find_scale_bar(barred.image, InfoBar(barred.top, barred.bottom))
    assert found is not None
    assert found.length_px == pytest.approx(barred.scale_px, rel=0.02)


@pytest.mark.parametrize(
    "image", [disc(), with_info_bar(disc()), np.zeros((256, 256), np.uint8), np.full((1, 300), 255)]
)
def test_none(image: np.ndarray) -> None:
    plane = image.astype(np.uint8)
    assert find_scale_bar(plane, find_info_bar(plane)) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_noise_of_any_shape_is_no_error(height: int, width: int, seed: int) -> None:
    plane = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    find_scale_bar(plane, find_info_bar(plane))


def test_share_of_the_particle_covered() -> None:
    found = ScaleBar(50.0, (90, 0, 100, 50), (80, 0, 90, 50), True)
    everywhere = np.ones((100, 100), bool)
    assert overlay_share(found, everywhere, (100, 100)) == pytest.approx(0.1)  # 20 rows x 50 columns of 100 x 100
    assert overlay_share(found, everywhere, (200, 200)) == pytest.approx(0.025)
    elsewhere = everywhere.copy()
    elsewhere[50:] = False
    assert overlay_share(found, elsewhere, (100, 100)) == 0
    assert overlay_share(found, np.zeros((9, 9), bool), (100, 100)) == 0
    assert overlay_share(None, everywhere, (100, 100)) == 0


def test_rendered_scale_bars_are_as_long_as_the_truth() -> None:
    lengths = [
        (found.length_px if found else 0.0, view.truth.scale_bar_px)
        for seed in range(40, 52)
        for view in render_views(seed, size=256).views.values()
        if view is not None
        for found in [find_scale_bar(view.image, find_info_bar(view.image))]
    ]
    assert {truth > 0 for _, truth in lengths} == {True, False}
    assert np.mean([abs(found - truth) <= 0.02 * truth for found, truth in lengths]) >= 0.95


def test_a_bright_edge_beside_the_letters_is_not_a_letter() -> None:
    plain = labelled(disc(background=0.1), left=190, row=240)
    edged = plain.copy()
    edged[200:256, 162:166] = 255
    found, without = find_scale_bar(edged, InfoBar()), find_scale_bar(plain, InfoBar())
    assert found is not None
    assert without is not None
    assert found.label == pytest.approx(without.label, abs=2)


def test_letters_and_line_are_counted_apart() -> None:
    found = ScaleBar(20.0, (90, 0, 100, 20), (80, 60, 90, 80), True)
    between = np.zeros((100, 100), bool)
    between[80:100, 25:55] = True
    assert overlay_share(found, between, (100, 100)) == 0


def test_a_line_on_a_bright_surface() -> None:
    rng = np.random.default_rng(3)
    surface = np.where(rng.random((256, 256)) < 0.2, 255, 150).astype(np.uint8)
    image = labelled(cv2.GaussianBlur(surface, (0, 0), 0.6), row=240)
    image[225:236, 150:205] = np.maximum(image[225:236, 150:205], 0)
    found = find_scale_bar(image, InfoBar())
    assert found is not None
    assert found.length_px == 60
