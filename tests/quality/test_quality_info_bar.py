from __future__ import annotations

import numpy as np
import pytest
from quality_images import disc, with_info_bar

from sem_curate.bench.quality import vendor_bars
from sem_curate.quality.info_bar import InfoBar, find_info_bar
from sem_curate.rendering import render_views


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (40, 230)])
def test_a_bar_below_and_above(paper: int, ink: int) -> None:
    barred = with_info_bar(disc(), paper=paper, ink=ink)
    assert find_info_bar(barred) == InfoBar(bottom=28)
    assert find_info_bar(np.vstack([barred[-28:], barred[:-28]])) == InfoBar(top=28)


def test_a_sixteen_bit_bar() -> None:
    assert find_info_bar(with_info_bar(disc()).astype(np.uint16) * 257) == InfoBar(bottom=28)


def test_a_bar_after_jpeg() -> None:
    import cv2

    kept = cv2.imdecode(cv2.imencode(".jpg", with_info_bar(disc()), [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 0)
    assert abs(find_info_bar(kept).bottom - 28) <= 1


@pytest.mark.parametrize(
    "image",
    [
        disc(),
        disc(background=0.0, noise=0),  # constant black background
        disc(background=0.0, noise=0, centre=(0.5, 0.35)),
        np.zeros((300, 300), np.uint8),
        np.full((300, 300), 255, np.uint8),
        with_info_bar(disc())[:-28],
        np.vstack([disc(), np.zeros((28, 256), np.uint8)]),  # a black strip without text
        with_info_bar(disc(side=40), rows=20),  # too small to tell
    ],
)
def test_no_bar(image: np.ndarray) -> None:
    assert find_info_bar(image) == InfoBar()


def test_debris_on_a_clipped_background_is_no_text() -> None:
    image = disc(background=0.0, noise=0, centre=(0.5, 0.4))
    for x in range(20, 240, 30):
        image[240:246, x : x + 6] = 200
    assert find_info_bar(image) == InfoBar()


def test_the_smallest_rendered_bars_are_found() -> None:
    views = [view for seed in range(60, 66) for view in render_views(seed, size=128).views.values() if view is not None]
    assert {view.truth.info_bar_px for view in views} == {0, 11}
    assert all(find_info_bar(view.image) == InfoBar(bottom=view.truth.info_bar_px) for view in views)


@pytest.mark.parametrize("style", vendor_bars.STYLES)
@pytest.mark.parametrize("jpeg", [False, True])
def test_vendors_styles_right_to_a_row(style: str, jpeg: bool) -> None:
    found = 0
    for seed in range(8):
        barred = vendor_bars.add_bar(np.random.default_rng(seed), disc(side=512, noise=0.05), style=style, jpeg=jpeg)
        bar = find_info_bar(barred.image)
        found += abs(bar.top - barred.top) <= 1 and abs(bar.bottom - barred.bottom) <= 1
    assert found >= 7
