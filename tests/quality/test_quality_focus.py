from __future__ import annotations

import cv2
import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import focus
from sem_curate.quality.charging import charging
from sem_curate.quality.mask import find_particle
from sem_curate.quality.measures import measure


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.12])
def test_noise_is_estimated_through_structure(sigma: float) -> None:
    image = disc(noise=0, side=400) / 255 + np.random.default_rng(1).normal(0, sigma, (400, 400))
    assert focus.noise_sigma(image.astype(np.float32)) == pytest.approx(sigma, rel=0.06)


def test_noise_gain_is_that_of_the_filters() -> None:
    noise = np.random.default_rng(0).normal(size=(600, 600)).astype(np.float32)
    for scale in (focus.FINE, focus.COARSE):
        energy = focus._gradient_energy(cv2.GaussianBlur(noise, (0, 0), scale))
        assert focus._noise_gain(scale) == pytest.approx(energy, rel=0.05)


def test_pure_noise_and_flat_images_are_not_sharp() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (300, 300)).astype(np.float32)
    assert focus.sharpness(noise, focus.noise_sigma(noise)) < 0.7  # tagged as blurred
    assert focus.sharpness(np.full((100, 100), 0.4, np.float32), 0.0) == 0.0


def test_sharpness_does_not_depend_on_contrast() -> None:
    image = disc(noise=0) / np.float32(255)
    assert focus.sharpness(image * 0.3, 0.0) == pytest.approx(focus.sharpness(image, 0.0), abs=0.02)


@pytest.mark.parametrize("jitter", [0.5, 1.0])
def test_drift_is_the_deviation_of_the_rows(jitter: float) -> None:
    image = disc(noise=0.01, side=400)
    shift = np.random.default_rng(2).normal(0, jitter, (400, 1)).astype(np.float32)
    rows, columns = np.mgrid[:400, :400].astype(np.float32)
    shaken = cv2.remap(image, columns + shift, rows, cv2.INTER_LINEAR)
    assert measure(image).drift < 0.2
    assert measure(shaken).drift == pytest.approx(jitter, rel=0.25)


def test_streaks_beside_the_particle_are_charging() -> None:
    clean = disc(side=256, noise=0.02).astype(np.float32) / 255
    streaked = clean.copy()
    for first, last, change in ((60, 74, 0.2), (120, 132, -0.12), (170, 180, 0.15)):
        streaked[first:last] += change
    scores = []
    for image in (clean, np.clip(streaked, 0, 1), np.clip(streaked, 0, 1).T.copy()):
        particle = find_particle(image)
        scores.append(charging(particle.grey, particle.mask, particle.background, 0.5))
    assert scores[0] < 0.2
    assert scores[1] > 0.45
    assert scores[2] < 0.2  # streaks across the scan direction are not charging


def test_a_glowing_area_is_charging() -> None:
    image = disc(noise=0.01).astype(np.float32) / 255
    image[110:140, 110:140] = 1.0
    particle = find_particle(image)
    assert charging(particle.grey, particle.mask, particle.background, 0.5) > 0.45
