from __future__ import annotations

import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import outline
from sem_curate.quality.mask import FILLS_FRAME, FOUND, NONE, Particle, find_particle
from sem_curate.quality.measures import measure


def particle(mask: np.ndarray, state: str = FOUND) -> Particle:
    return Particle(state, mask, mask.astype(np.float32), ~mask, np.zeros_like(mask))


def circle(x: float, y: float, radius: float = 60, side: int = 200) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(columns - x, rows - y) < radius


def test_a_whole_disc() -> None:
    whole = particle(circle(100, 100))
    assert outline.contour_completeness(whole) == 1.0
    assert outline.frame_cut(whole) == 0.0
    assert outline.particle_area(whole) == pytest.approx(np.pi * 60**2 / 200**2, rel=0.01)


def test_half_a_disc() -> None:
    half = particle(circle(0, 100))
    # By hand: the straight side is 2r of a perimeter of 2r + pi r.
    assert outline.frame_cut(half) == pytest.approx(2 / (2 + np.pi), abs=0.06)
    # From the centroid at 4r/(3 pi), the chord spans 2 atan(3 pi / 4) of the circle.
    assert outline.contour_completeness(half) == pytest.approx(1 - 2 * np.arctan(3 * np.pi / 4) / (2 * np.pi), abs=0.06)


def test_nothing_and_everything() -> None:
    nothing = particle(np.zeros((50, 50), bool), NONE)
    everything = particle(np.ones((50, 50), bool), FILLS_FRAME)
    for measured in (outline.contour_completeness, outline.frame_cut, outline.particle_area):
        assert measured(nothing) == 0.0
    assert outline.contour_completeness(everything) == 0.0
    assert outline.frame_cut(everything) == outline.particle_area(everything) == 1.0


def test_frame_cut_detection() -> None:
    rng = np.random.default_rng(0)
    right = 0
    for seed in range(60):
        cut = seed % 2 == 0
        radius = float(rng.uniform(0.18, 0.3))
        middle = float(rng.uniform(radius + 0.05, 0.95 - radius))
        beyond = float(rng.uniform(-0.3, 0.6)) * radius
        centre = (beyond, middle) if cut else (middle, float(rng.uniform(radius + 0.05, 0.95 - radius)))
        if seed % 4 >= 2:
            centre = (centre[1], 1 - centre[0])
        found = measure(disc(centre=centre, radius=radius, noise=float(rng.uniform(0, 0.1)), seed=seed))
        right += (found.frame_cut > 0.03) == cut
    assert right >= 59


def test_line_noise_does_not_break_the_mask() -> None:
    image = disc(background=0.3, level=0.55) / np.float32(255)
    lines = np.random.default_rng(1).normal(0, 0.08, (256, 1)).astype(np.float32)
    clean, noisy = find_particle(image).mask, find_particle(image + lines).mask
    assert (clean & noisy).sum() / (clean | noisy).sum() > 0.9


def test_a_shadow_is_not_the_particle() -> None:
    image = disc(background=0.35, level=0.75, centre=(0.55, 0.5), radius=0.25).astype(np.float32) / 255
    rows, columns = np.mgrid[:256, :256] / 256
    shadow = (np.hypot(columns - 0.35, rows - 0.5) < 0.25) & (np.hypot(columns - 0.55, rows - 0.5) > 0.25)
    image[shadow] = 0.05
    mask = find_particle(image).mask
    truth = np.hypot(columns - 0.55, rows - 0.5) < 0.25
    assert (mask & truth).sum() / (mask | truth).sum() > 0.9
