"""The benchmark of weights sees a gain where there is one, none where there is none, a loss where q is wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sem_curate.bench.quality import weights
from sem_curate.quality.measures import ViewMeasures
from sem_curate.rendering import FAMILIES

SOUND = ViewMeasures(
    sharpness=2.0, spectral_centroid=0.2, noise_sigma=0.02, snr=10.0, contrast=0.6, saturation_low=0.0,
    saturation_high=0.0, charging=0.0, drift=0.0, contour_completeness=1.0, frame_cut=0.0, particle_area=0.3,
    other_particles=0.0, info_bar=0.0, scale_bar_px=0.0, overlay=0.0,
)  # fmt: skip
BLURRED = dataclasses.replace(SOUND, sharpness=0.1)


@pytest.fixture(scope="module", autouse=True)
def _cheaper() -> object:
    patch = pytest.MonkeyPatch()
    patch.setattr(weights, "DRAWS", 4)
    patch.setattr(weights, "CHOICES", 2)
    yield
    patch.undo()


def rendered(spoiled: ViewMeasures, sound: ViewMeasures, noise: float = 30.0) -> weights.Rendered:
    """Particles of sixteen random directions; the second six views are mostly noise."""
    rng = np.random.default_rng(0)
    count, dim = 16 * 12, 24
    families = np.arange(count) % len(FAMILIES)
    middle = rng.normal(size=(len(FAMILIES), dim))[families][:, None]
    spread = np.repeat([3.0, noise], weights.VIEWS)[None, :, None]
    vectors = (middle + spread * rng.normal(size=(count, 2 * weights.VIEWS, dim))).astype(np.float32)
    line = [sound] * weights.VIEWS + [spoiled] * weights.VIEWS
    return weights.Rendered(dict.fromkeys(weights.ENCODERS, vectors), [line] * count, families)


def gain(data: weights.Rendered, count: int) -> float:
    right = weights.compare(data, count, 1)[weights.ENCODERS[0]]
    return float((right[0] - right[1]).mean())


def test_known_bad_views_pay() -> None:
    assert gain(rendered(BLURRED, SOUND), 3) > 0.02


def test_a_quality_that_is_upside_down_costs() -> None:
    assert gain(rendered(SOUND, BLURRED), 3) < -0.02


def test_nothing_spoiled_nothing_gained() -> None:
    assert abs(gain(rendered(BLURRED, SOUND), 0)) < 0.01


def test_masters_are_not_asked() -> None:
    """A particle that is its own master would be right by copying; here all vectors are noise, so nobody is right."""
    rng = np.random.default_rng(0)
    families = np.arange(16 * 8) % 16
    vectors = rng.normal(size=(len(families), 32)).astype(np.float32)
    draws = [weights._draw(families, rng) for _ in range(5)]
    assert weights._right(vectors, families, draws).mean() < 0.2


def test_targets_are_on_none_and_two_spoiled_views() -> None:
    right = np.stack([np.full(50, 0.9), np.linspace(0.7, 0.9, 50), np.zeros(50)]).astype(np.float32)
    assert weights._gain("x", right, 2).holds is True
    assert weights._gain("x", right[[1, 0, 2]], 2).holds is False
    assert weights._gain("x", right[[1, 0, 2]], 0).holds is False
    assert weights._gain("x", right, 1).holds is None
