from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sem_curate.rendering import FAMILIES, noise
from sem_curate.rendering.families import build
from sem_curate.rendering.solids import Capsule, Ellipsoid, Solid, cast


def _grid(size=81, reach=1.2):
    axis = np.linspace(-reach, reach, size).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    return x, y, (-reach, -reach, 2 * reach / (size - 1))


def test_a_ball_has_its_known_depth():
    x, y, grid = _grid()
    top, _ = cast(Solid((Ellipsoid(np.zeros(3), np.eye(3)),)), x, y, grid)
    hit = top > -np.inf
    assert hit.mean() == pytest.approx(np.pi / 2.4**2, abs=0.02)
    assert top[hit] == pytest.approx(np.sqrt(np.maximum(1 - x[hit] ** 2 - y[hit] ** 2, 0)), abs=1e-3)


def test_a_turned_ball_is_the_same_ball():
    x, y, grid = _grid()
    ball = Ellipsoid(np.zeros(3), np.eye(3))
    first, _ = cast(Solid((ball,)), x, y, grid)
    second, _ = cast(Solid((ball.moved(Rotation.random(random_state=1).as_matrix()),)), x, y, grid)
    assert np.allclose(first, second, atol=1e-3)


def test_a_cut_lets_the_beam_through_or_down_to_its_floor():
    x, y, grid = _grid()
    ball = Ellipsoid(np.zeros(3), np.eye(3))
    pore = Ellipsoid(np.array([0, 0, 1.0]), np.eye(3) * 0.5)
    top, _ = cast(Solid((ball,), (pore,)), x, y, grid)
    assert top[40, 40] == pytest.approx(0.5, abs=1e-3)
    tunnel = Ellipsoid(np.zeros(3), np.diag([0.3, 0.3, 4.0]))
    through, _ = cast(Solid((ball,), (tunnel,)), x, y, grid)
    assert through[40, 40] == -np.inf


def test_an_upright_capsule_looks_like_a_ball_on_top():
    x, y, grid = _grid()
    stick = Capsule(np.array([0, 0, -1.0]), np.array([0, 0, 1.0]), 0.4)
    top, _ = cast(Solid((stick,)), x, y, grid)
    assert top[40, 40] == pytest.approx(1.4, abs=1e-3)
    assert (top > -np.inf).mean() == pytest.approx(np.pi * 0.16 / 2.4**2, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(family=st.sampled_from(FAMILIES), seed=st.integers(0, 2**32))
def test_what_is_seen_lies_in_the_bounds(family, seed):
    solid, attributes, _ = build(family, np.random.default_rng(seed))
    low, high = solid.bounds()
    assert (high - low)[:2].max() == pytest.approx(2)
    x, y, grid = _grid()
    top, _ = cast(solid, x, y, grid)
    hit = top > -np.inf
    assert hit.any()
    assert x[hit].min() >= low[0] - 1e-3
    assert y[hit].max() <= high[1] + 1e-3
    assert top[hit].max() <= high[2] + 1e-3
    assert all(np.isfinite(value) for value in attributes.values())


@pytest.mark.parametrize("kind", noise.KINDS)
def test_noise_tiles_and_is_standardised(kind):
    tile = noise.volume(kind)
    assert abs(float(tile.mean())) < 1e-3
    assert float(tile.std()) == pytest.approx(1, abs=1e-3)
    points = np.random.default_rng(0).random((3, 50)).astype(np.float32)
    assert np.allclose(noise.sample(tile, points), noise.sample(tile, points + 1), atol=2e-3)


def test_sampling_at_a_grid_point_returns_the_grid_value():
    tile = noise.volume("fbm")
    at = np.array([[3], [5], [63]], np.float32) / 64
    assert noise.sample(tile, at)[0] == pytest.approx(float(tile[3, 5, 63]), abs=1e-4)
