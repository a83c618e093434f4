from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import drift, focus, reader
from sem_curate.quality.gate import FAULTS
from sem_curate.quality.measures import measure
from sem_curate.rendering import render_views

NAMED = FAULTS["drift"].logistic.centre  # where the tag begins


def shifted(image: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Displace each row sideways."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return cv2.remap(image, columns + lines[:, None].astype(np.float32), rows, cv2.INTER_LINEAR)


@pytest.mark.parametrize("side", [400, 1200])
@pytest.mark.parametrize("pixels", [0.5, 1.0, 2.0])
def test_jitter_is_the_deviation_of_the_rows(pixels: float, side: int) -> None:
    image = disc(noise=0.01, side=side).astype(np.float32) / 255
    lines = np.random.default_rng(2).normal(0, pixels, side)
    shaken = shifted(image, lines)
    assert drift.jitter(image, focus.noise_sigma(image)) < 0.2
    assert drift.jitter(shaken, focus.noise_sigma(shaken)) == pytest.approx(pixels, rel=0.25)


def wandering(side: int, pixels: float, seed: int = 5) -> np.ndarray:
    """Displacements of the rows: a random walk of 64 steps of ``pixels``."""
    nodes = np.cumsum(np.random.default_rng(seed).normal(0, pixels, 65))
    return np.interp(np.arange(side), np.linspace(0, side, 65), nodes - nodes.mean())


@pytest.mark.parametrize("side", [256, 900])
def test_wandering_rows_are_wobble(side: int) -> None:
    image = disc(noise=0.01, side=side, radius=0.42, texture=0.12).astype(np.float32) / 255
    moved = shifted(image, wandering(side, 1.2 * side / 256))
    assert drift.wobble(image) < 0.5 * NAMED
    assert drift.wobble(moved) > NAMED
    # Across the scan direction the same deformation is no drift.
    assert drift.wobble(np.ascontiguousarray(moved.T)) < 0.5 * NAMED


def test_a_sheared_particle_is_no_drift() -> None:
    image = disc(noise=0.01, side=256).astype(np.float32) / 255
    assert drift.wobble(shifted(image, np.linspace(-15, 15, 256))) < 0.5 * NAMED


def test_rows_of_different_brightness_are_no_drift() -> None:
    image = disc(noise=0.01, side=256).astype(np.float32) / 255
    lines = np.random.default_rng(1).normal(0, 0.05, (256, 1)).astype(np.float32)
    assert drift.wobble(image + lines) < 0.5 * NAMED


def test_contrast_and_a_second_look_do_not_matter() -> None:
    image = disc(noise=0.01, side=256, texture=0.12).astype(np.float32) / 255
    moved = shifted(image, wandering(256, 1.2))
    assert drift.wobble(moved) == drift.wobble(moved)
    assert drift.wobble(0.3 + 0.3 * moved) == pytest.approx(drift.wobble(moved), rel=0.1)


def test_most_drifting_renders_are_told_from_the_others() -> None:
    drifting, others = [], []
    for seed in range(3_200_000, 3_200_040):
        for view in render_views(seed, size=256, spoiled=4).views.values():
            assert view is not None
            image = view.image[: 256 - view.truth.info_bar_px].astype(np.float32) / 255
            (drifting if view.truth.drift_px >= 8 else others).append(drift.wobble(image))
    assert np.mean(np.array(drifting) > NAMED) > 0.4
    assert np.mean(np.array(others) > NAMED) < 0.03


def test_tilts_are_what_the_lines_do() -> None:
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.random((256, 256), np.float32), (0, 0), 3)
    tilts, _ = drift.prepare(shifted(image, 0.25 * np.arange(256)))
    straight, _ = drift.prepare(image)
    # At every scale, common to all cells of a sheared image, of either sign in an upright one.
    for scale in range(len(drift.SCALES)):
        leaning, upright = (one[3 * scale, 4:-4, 4:-4] for one in (tilts, straight))
        assert abs(upright.mean()) < 0.15
        assert abs(leaning.mean()) > 0.2


@pytest.mark.parametrize("deviation", [0.0, 0.1, 1.0, 12.0])
def test_deviations_come_back(deviation: float) -> None:
    assert drift.decoded(drift.encoded(deviation)) == pytest.approx(deviation)


def test_weights_are_the_ones_on_the_card() -> None:
    card = reader.card(drift.WEIGHTS)
    assert hashlib.sha256(drift.WEIGHTS.read_bytes()).hexdigest() == card["sha256"]
    assert card["licence"] == "Apache-2.0"
    assert drift.WEIGHTS.stat().st_size < 300_000


def test_many_threads_see_the_same() -> None:
    images = [disc(noise=0.02, seed=seed).astype(np.float32) / 255 for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(drift.wobble, images)) == [drift.wobble(image) for image in images]


def test_both_count_in_the_measure() -> None:
    lines = np.random.default_rng(2).normal(0, 1.0, 256)
    assert measure(disc()).drift < 0.3
    assert measure(shifted(disc(), lines)).drift > 0.6


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (15, 15), (63, 200)])
def test_small_images_have_no_drift(shape: tuple[int, int]) -> None:
    unit = np.random.default_rng(0).random(shape, dtype=np.float32)
    assert drift.wobble(unit) == 0.0
    assert drift.jitter(unit, 0.3) < 1.0


@pytest.mark.parametrize("shape", [(64, 64), (64, 2000), (2000, 64), (100, 300)])
def test_any_size_and_flat_images_are_measured(shape: tuple[int, int]) -> None:
    for unit in (np.zeros(shape, np.float32), np.ones(shape, np.float32), np.random.default_rng(0).random(shape)):
        assert 0 <= drift.wobble(unit.astype(np.float32)) <= drift.LIMIT
    assert drift.wobble(np.zeros(shape, np.float32)) < 0.5
