from __future__ import annotations

import cv2
import numpy as np
import pytest
from quality_images import disc

from sem_curate.quality import charging
from sem_curate.quality.gate import judge
from sem_curate.quality.measures import measure

YES = 0.45  # the score above which a person would see it

SIDE = 256
_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE] / SIDE
BODY = np.hypot(_COLUMNS - 0.5, _ROWS - 0.5) < 0.28
NOTHING = np.zeros_like(BODY)


def unit(**how: float) -> np.ndarray:
    return disc(side=SIDE, **how).astype(np.float32) / 255  # type: ignore[arg-type]


def streaked(image: np.ndarray, strength: float) -> np.ndarray:
    runs = cv2.GaussianBlur(np.random.default_rng(4).normal(size=(SIDE, 1)), (1, 0), 0, sigmaY=2.0)
    return (image + strength * runs / runs.std()).astype(np.float32)


def haloed(image: np.ndarray, strength: float) -> np.ndarray:
    glow = cv2.GaussianBlur(BODY.astype(np.float32), (0, 0), 18)
    return (image + strength * np.where(BODY, 0, glow)).astype(np.float32)


def test_a_clean_particle_is_not_charged() -> None:
    assert charging.charging(unit(), BODY, NOTHING) < 0.1


def test_streaks_are_measured_along_the_rows_only() -> None:
    assert charging.streaks(streaked(unit(), 0.1), BODY, NOTHING) == pytest.approx(0.1, rel=0.3)
    across = np.ascontiguousarray(streaked(unit(), 0.1).T)
    assert charging.streaks(across, BODY, NOTHING) == 0.0
    assert charging.charging(across, BODY, NOTHING) < 0.1


def test_a_halo_is_measured_in_shares_of_the_range() -> None:
    assert charging.halo(unit(), BODY, NOTHING) == pytest.approx(0.0, abs=0.03)
    assert charging.halo(haloed(unit(), 0.3), BODY, NOTHING) == pytest.approx(0.3, abs=0.05)


def test_shading_is_no_halo() -> None:
    shaded = unit() + (0.2 * _COLUMNS - 0.1 * _ROWS).astype(np.float32)
    assert charging.halo(shaded.astype(np.float32), BODY, NOTHING) == pytest.approx(0.0, abs=0.03)


def test_stronger_signs_score_higher() -> None:
    scores = [charging.charging(streaked(unit(), strength), BODY, NOTHING) for strength in (0.0, 0.03, 0.06, 0.12)]
    assert scores == sorted(scores)
    assert scores[0] < YES < scores[-1]
    both = charging.charging(haloed(streaked(unit(), 0.03), 0.25), BODY, NOTHING)
    assert both > YES > scores[1]


def test_noise_of_pixels_and_shadows_are_not_charging() -> None:
    assert charging.charging(unit(noise=0.12), BODY, NOTHING) < YES
    shadowed = unit() - np.where(BODY, 0, 0.1 * cv2.GaussianBlur(BODY.astype(np.float32), (0, 0), 12))
    assert charging.charging(shadowed.astype(np.float32), BODY, NOTHING) < 0.1


def test_the_tag_follows() -> None:
    charged = np.clip(haloed(streaked(unit(), 0.1), 0.3), 0, 1)
    assert "charging" in judge(measure(np.rint(charged * 255).astype(np.uint8))).tags
    assert "charging" not in judge(measure(disc())).tags


def test_a_frame_that_is_all_particle_shows_streaks_but_no_halo() -> None:
    everything = np.ones_like(BODY)
    assert charging.halo(unit(), everything, NOTHING) == 0.0
    assert charging.streaks(streaked(unit(radius=2.0), 0.1), everything, NOTHING) > 0.06
