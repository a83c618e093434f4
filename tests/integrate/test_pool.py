from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.config import IntegrateConfig
from sem_curate.integrate.pool import consistency_trim, pool, slot_agreement, slot_means

shapes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(2, 8), st.integers(0, 10_000))


def random_set(n: int, v: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    present = rng.random((n, v)) < 0.7
    vectors = rng.normal(size=(n, v, d)).astype(np.float32)
    vectors[~present] = np.nan  # whatever stands there must not matter
    quality = rng.random((n, v)).astype(np.float32)
    quality[rng.random((n, v)) < 0.1] = np.nan
    return vectors, present, quality


@given(shapes)
@settings(deadline=None, max_examples=60)
def test_view_order_does_not_matter(shape: tuple[int, int, int, int]) -> None:
    vectors, present, quality = random_set(*shape)
    order = np.random.default_rng(shape[3] + 1).permutation(shape[1])
    means = slot_means(np.nan_to_num(vectors), present)
    straight = pool(vectors, present, quality, means=means)
    shuffled = pool(vectors[:, order], present[:, order], quality[:, order], means=means[order])
    np.testing.assert_allclose(straight.vectors, shuffled.vectors, atol=1e-5)
    np.testing.assert_allclose(straight.weights[:, order], shuffled.weights, atol=1e-5)


@given(shapes)
@settings(deadline=None, max_examples=60)
def test_missing_views_have_no_influence_and_no_weight(shape: tuple[int, int, int, int]) -> None:
    vectors, present, quality = random_set(*shape)
    other = np.where(present[..., None], vectors, np.float32(123.0))
    first, second = pool(vectors, present, quality), pool(other, present, quality)
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert (first.weights[~present] == 0).all()


@given(shapes)
@settings(deadline=None, max_examples=60)
def test_vectors_are_unit_and_weights_sum_to_one_where_anything_is_present(shape: tuple[int, int, int, int]) -> None:
    vectors, present, quality = random_set(*shape)
    pooled = pool(vectors, present, quality)
    there = present.any(axis=1)
    np.testing.assert_allclose(pooled.weights.sum(axis=1), there.astype(float), atol=1e-5)
    norms = np.linalg.norm(pooled.vectors, axis=1)
    assert np.isfinite(pooled.vectors).all()
    assert ((np.abs(norms - 1) < 1e-4) | (norms < 1e-6))[there].all()
    assert (norms[~there] == 0).all()


def test_duplicating_every_view_changes_nothing() -> None:
    vectors, present, quality = random_set(4, 5, 8, 3)
    doubled = pool(np.tile(vectors, (1, 2, 1)), np.tile(present, (1, 2)), np.tile(quality, (1, 2)))
    # Without the trim, whose agreement counts a twin, a doubled set is exactly the set.
    plain = IntegrateConfig(trim_factor=1.0)
    np.testing.assert_allclose(
        pool(vectors, present, quality, config=plain).vectors,
        pool(np.tile(vectors, (1, 2, 1)), np.tile(present, (1, 2)), np.tile(quality, (1, 2)), config=plain).vectors,
        atol=1e-5,
    )
    assert np.isfinite(doubled.vectors).all()


def test_a_view_of_something_else_is_trimmed() -> None:
    rng = np.random.default_rng(0)
    particle = rng.normal(size=16)
    vectors = (particle + rng.normal(size=(1, 6, 16)) * 0.2).astype(np.float32)
    vectors[0, 2] = -particle
    pooled = pool(vectors, np.ones((1, 6), bool), np.ones((1, 6), np.float32))
    assert pooled.weights[0, 2] < pooled.weights[0].max() / 4


def test_unusable_views_are_gated_only_when_a_better_one_exists() -> None:
    vectors = np.eye(2, 4, dtype=np.float32)[None]
    both = np.ones((1, 2), bool)
    gated = pool(vectors, both, np.array([[0.0, 0.9]], np.float32))
    assert gated.weights.tolist() == [[0.0, 1.0]]
    poor = pool(vectors, both, np.array([[0.0, 0.0]], np.float32))
    np.testing.assert_allclose(poor.weights, [[0.5, 0.5]])


def test_slot_means_of_one_particle_do_not_erase_it() -> None:
    vectors, present = np.ones((1, 3, 4), np.float32), np.ones((1, 3), bool)
    pooled = pool(vectors, present, np.ones((1, 3), np.float32), means=slot_means(vectors, present))
    np.testing.assert_allclose(np.linalg.norm(pooled.vectors), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("vectors", "present", "words"),
    [
        (np.zeros((2, 3), np.float32), np.ones((2, 3), bool), r"\(N, V, D\); got \(2, 3\)"),
        (np.zeros((2, 3, 4), np.float32), np.ones((2, 2), bool), r"present must have shape \(2, 3\)"),
        (np.full((1, 2, 3), np.nan, np.float32), np.ones((1, 2), bool), "2 of 2 present views hold NaN"),
    ],
)
def test_wrong_input_is_named(vectors: np.ndarray, present: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pool(vectors, present, np.ones(present.shape, np.float32))


def test_a_poor_view_counts_less_but_counts() -> None:
    vectors = np.eye(2, 4, dtype=np.float32)[None]
    weights = pool(vectors, np.ones((1, 2), bool), np.array([[0.09, 0.81]], np.float32)).weights
    np.testing.assert_allclose(weights, [[0.25, 0.75]], atol=1e-6)


@given(shapes)
@settings(deadline=None, max_examples=60)
def test_equal_quality_is_the_plain_mean_of_centred_unit_views(shape: tuple[int, int, int, int]) -> None:
    vectors, present, _ = random_set(*shape)
    vectors = np.nan_to_num(vectors)
    means = slot_means(vectors, present)
    moved = vectors - means
    units = moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-12)
    expected = (np.where(present[..., None], units, 0)).sum(axis=1)
    expected /= np.maximum(np.linalg.norm(expected, axis=-1, keepdims=True), 1e-12)
    plain = IntegrateConfig(trim_factor=1.0)
    pooled = pool(vectors, present, np.full(present.shape, 0.7, np.float32), means=means, config=plain)
    np.testing.assert_allclose(pooled.vectors, expected, atol=1e-3)


def test_how_far_a_view_lies_from_its_slots_mean_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(size=(6, 16)).astype(np.float32)
    moved = rng.normal(size=(50, 6, 16)).astype(np.float32)
    present, quality = rng.random((50, 6)) < 0.8, rng.random((50, 6), dtype=np.float32)
    near = pool(means + moved * np.float32(0.2), present, quality, means=means)
    far = pool(means + moved * rng.uniform(0.5, 9, (50, 6, 1)).astype(np.float32), present, quality, means=means)
    np.testing.assert_allclose(near.vectors, far.vectors, atol=1e-4)


def test_what_is_kept_falls_evenly_with_disagreement() -> None:
    config = IntegrateConfig(trim_gap=0.4, trim_factor=0.1)
    for below, kept in ((-0.1, 1.0), (0.0, 1.0), (0.1, 0.75), (0.3, 0.25), (0.39, 0.1), (0.9, 0.1)):
        usual = np.array([0.0, 0.0, below], np.float32)  # all three agree alike; only the last was expected to do more
        found = consistency_trim(np.ones((1, 3, 3), np.float32), np.ones((1, 3), bool), config, usual)
        np.testing.assert_allclose(found, [[1, 1, kept]], atol=1e-6)


def test_a_slot_that_always_differs_is_not_trimmed_but_a_wrong_view_is() -> None:
    rng = np.random.default_rng(2)
    particles = rng.normal(size=(300, 1, 32))
    vectors = (particles + rng.normal(size=(300, 6, 32)) * 0.3).astype(np.float32)
    vectors[:, 3] = rng.normal(size=(300, 32)) + 0.2 * particles[:, 0]  # high magnification: texture, not shape
    vectors[0, 1] = -vectors[0, 1]
    present, quality = np.ones((300, 6), bool), np.ones((300, 6), np.float32)
    means = slot_means(vectors, present)
    usual = slot_agreement(vectors, present, means)
    assert usual[3] < usual[[0, 1, 2, 4, 5]].min() - 0.4
    plain = pool(vectors, present, quality, means=means, config=IntegrateConfig(trim_factor=1.0)).weights
    blind = pool(vectors, present, quality, means=means).weights
    aware = pool(vectors, present, quality, means=means, usual=usual).weights
    assert (blind[:, 3] < 0.5 * plain[:, 3]).mean() > 0.5
    assert (aware[:, 3] < 0.5 * plain[:, 3]).mean() < 0.1
    assert np.median(aware[:, 3]) > 0.8 / 6
    assert aware[0, 1] < 0.5 * plain[0, 1]


@given(shapes)
@settings(deadline=None, max_examples=40)
def test_usual_agreement_follows_the_order_of_slots_and_ignores_missing_views(shape: tuple[int, int, int, int]) -> None:
    vectors, present, quality = random_set(*shape)
    order = np.random.default_rng(shape[3] + 1).permutation(shape[1])
    means = slot_means(np.nan_to_num(vectors), present)
    usual = slot_agreement(vectors, present, means)
    assert usual.shape == (shape[1],)
    assert (np.abs(usual) <= 1 + 1e-5).all()
    np.testing.assert_allclose(
        slot_agreement(vectors[:, order], present[:, order], means[order]), usual[order], atol=1e-5
    )
    straight = pool(vectors, present, quality, means=means, usual=usual)
    shuffled = pool(vectors[:, order], present[:, order], quality[:, order], means=means[order], usual=usual[order])
    np.testing.assert_allclose(straight.vectors, shuffled.vectors, atol=1e-5)


def test_without_any_particle_nothing_is_usual() -> None:
    none = slot_agreement(np.zeros((0, 6, 4), np.float32), np.zeros((0, 6), bool), np.zeros((6, 4), np.float32))
    np.testing.assert_array_equal(none, np.zeros(6))
