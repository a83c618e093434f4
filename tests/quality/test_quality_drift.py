from __future__ import annotations

import cv2
import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import drift, focus
from sem_curate.quality.measures import measure


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


def test_wandering_rows_are_wobble() -> None:
    image = disc(noise=0.01, side=256, radius=0.42, texture=0.12).astype(np.float32) / 255
    nodes = np.cumsum(np.random.default_rng(5).normal(0, 1.2, 65))
    lines = np.interp(np.arange(256), np.linspace(0, 256, 65), nodes - nodes.mean())
    wandering = shifted(image, lines)
    assert drift.wobble(image) < 0.2
    assert drift.wobble(wandering) > 0.6
    # Across the scan direction the same deformation is no drift.
    assert drift.wobble(np.ascontiguousarray(wandering.T)) < 0.3


def test_a_sheared_particle_is_no_drift() -> None:
    image = disc(noise=0.01, side=256).astype(np.float32) / 255
    assert drift.wobble(shifted(image, np.linspace(-15, 15, 256))) < 0.3


def test_rows_of_different_brightness_are_no_drift() -> None:
    image = disc(noise=0.01, side=256).astype(np.float32) / 255
    lines = np.random.default_rng(1).normal(0, 0.05, (256, 1)).astype(np.float32)
    assert drift.wobble(image + lines) < 0.3


def test_both_count_in_the_measure() -> None:
    lines = np.random.default_rng(2).normal(0, 1.0, 256)
    assert measure(disc()).drift < 0.3
    assert measure(shifted(disc(), lines)).drift > 0.6


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (15, 15), (95, 200)])
def test_small_images_have_no_drift(shape: tuple[int, int]) -> None:
    unit = np.random.default_rng(0).random(shape, dtype=np.float32)
    assert drift.wobble(unit) == 0.0
    assert drift.jitter(unit, 0.3) < 1.0
