from __future__ import annotations

import cv2
import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import focus


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.12])
def test_noise_is_estimated_through_structure(sigma: float) -> None:
    image = disc(noise=0, side=400) / 255 + np.random.default_rng(1).normal(0, sigma, (400, 400))
    assert focus.noise_sigma(image.astype(np.float32)) == pytest.approx(sigma, rel=0.06)


def test_noise_gain_is_that_of_the_filters() -> None:
    noise = np.random.default_rng(0).normal(size=(600, 600)).astype(np.float32)
    for scale in (focus.FINE, focus.COARSE):
        energy = focus._gradient_energy(noise, scale)
        assert focus._noise_gain(scale) == pytest.approx(energy, rel=0.05)


def test_pure_noise_and_flat_images_are_not_sharp() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (300, 300)).astype(np.float32)
    assert focus.sharpness(noise, focus.noise_sigma(noise)) < 0.7  # tagged as blurred
    assert focus.sharpness(np.full((100, 100), 0.4, np.float32), 0.0) < 1e-4


def test_sharpness_does_not_depend_on_contrast() -> None:
    image = disc(noise=0) / np.float32(255)
    assert focus.sharpness(image * 0.3, 0.0) == pytest.approx(focus.sharpness(image, 0.0), abs=0.02)


def blurred(image: np.ndarray, sigma: float, noise: float, seed: int = 0) -> np.ndarray:
    smooth = cv2.GaussianBlur(image.astype(np.float32) / 255, (0, 0), sigma)
    return (smooth + np.random.default_rng(seed).normal(0, noise, image.shape)).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.08])
def test_the_centroid_falls_with_blur_at_any_noise(noise: float) -> None:
    found = []
    for sigma in (0.7, 1.5, 3.0, 6.0):
        image = blurred(disc(noise=0, side=400), sigma, noise)
        found.append(focus.spectral_centroid(image, focus.noise_sigma(image)))
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[-1]


def test_the_centroid_of_waves_is_their_frequency() -> None:
    rows, _ = np.mgrid[:256, :256].astype(np.float32)
    for period in (8, 16, 32):
        waves = 0.5 + 0.3 * np.sin(2 * np.pi * rows / period)
        assert focus.spectral_centroid(waves.astype(np.float32), 0.0) == pytest.approx(1 / period, abs=0.01)


def test_white_noise_has_no_centroid() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (300, 300)).astype(np.float32)
    assert focus.spectral_centroid(noise, focus.noise_sigma(noise)) == 0.0


def test_line_noise_is_not_sharpness() -> None:
    soft = blurred(disc(noise=0, side=256), 6.0, 0.02)
    lines = np.random.default_rng(1).normal(0, 0.05, (256, 1)).astype(np.float32)
    with_lines = soft + lines
    before = focus.gradient_loss(soft, focus.noise_sigma(soft))
    assert focus.gradient_loss(with_lines, focus.noise_sigma(with_lines)) == pytest.approx(before, abs=0.2)


def test_large_images_are_sampled_without_changing_the_result() -> None:
    large = cv2.resize(disc(side=700, noise=0), (1400, 1400), interpolation=cv2.INTER_CUBIC)
    image = blurred(large, 1.0, 0.03)
    sigma = focus.noise_sigma(image)
    assert sigma == pytest.approx(0.03, rel=0.03)
    part = image[300:1000, 300:1000]
    assert focus.gradient_loss(image, sigma) == pytest.approx(focus.gradient_loss(part, sigma), abs=0.25)
