from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.quality.retake import CHANCE, GOOD, MARGIN, Advice, advise, separations

SLOTS = 4


def particles(n: int, strength: np.ndarray, seed: int, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """n particles of each of 3 labels; ``strength`` (V,) says how well each slot shows the label."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), n)
    centres = unit_rows(np.random.default_rng(99).normal(size=(3, dim)))
    noise = rng.normal(size=(len(labels), len(strength), dim)) / np.sqrt(dim)
    return unit_rows(centres[labels][:, None] * strength[None, :, None] + noise), labels


def test_the_slot_that_shows_the_difference_separates_best() -> None:
    views, labels = particles(20, np.array([0.0, 0.5, 1.0, 3.0]), seed=0)
    found = separations(views, np.ones(views.shape[:2], bool), labels)
    by_slot = [float(np.mean([found[slot, a, b] for a, b in ((0, 1), (0, 2), (1, 2))])) for slot in range(SLOTS)]
    assert by_slot == sorted(by_slot)
    assert by_slot[0] == pytest.approx(0.5, abs=0.1)
    assert by_slot[3] > 0.95


def test_pure_noise_does_not_look_separable_with_few_masters() -> None:
    # Without leaving each master out of its own mean, five masters of noise separate almost perfectly.
    found = [separations(*with_all(*particles(5, np.zeros(SLOTS), seed=s)))[:, 0, 1].mean() for s in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def with_all(views: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return views, np.ones(views.shape[:2], bool), labels


def test_one_master_with_the_view_says_nothing() -> None:
    views, labels = particles(4, np.full(SLOTS, 3.0), seed=1)
    usable = np.ones(views.shape[:2], bool)
    usable[1:4, 2] = False  # label 0 has one master with slot 2 left
    found = separations(views, usable, labels)
    assert found[2, 0, 1] == found[2, 0, 2] == CHANCE
    assert found[2, 1, 2] > 0.8


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_separations_are_symmetric_shares_whatever_the_order_of_masters(seed: int, n: int) -> None:
    views, labels = particles(n, np.linspace(0, 1, SLOTS), seed)
    usable = np.random.default_rng(seed).random(views.shape[:2]) < 0.7
    views = np.where(usable[..., None], views, 0).astype(np.float32)
    found = separations(views, usable, labels)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    order = np.random.default_rng(seed + 1).permutation(len(labels))
    np.testing.assert_allclose(separations(views[order], usable[order], labels[order]), found, atol=1e-5)


def table(*values: float) -> np.ndarray:
    """Separations of labels 0 and 1 by slot."""
    found = np.full((len(values), 2, 2), CHANCE, np.float32)
    found[:, 0, 1] = found[:, 1, 0] = values
    return found


ALL = np.ones(3, bool)


def test_a_missing_or_poor_view_is_advised_only_when_it_promises_more() -> None:
    found = table(0.7, 0.9, 0.95)
    present, quality = np.array([True, True, False]), np.array([0.9, 0.2, np.nan])
    assert advise(0, 1, found, present, quality) == Advice(2, True, pytest.approx(0.95), pytest.approx(0.7))
    assert advise(1, 0, found, ALL, np.array([0.9, 0.2, 0.9])) is None  # slot 2 is there and better than slot 1
    assert advise(0, 1, found, ALL, np.array([0.9, 0.2, 0.1])) == Advice(
        2, False, pytest.approx(0.95), pytest.approx(0.7)
    )
    assert advise(0, 1, table(0.7, 0.7 + MARGIN - 0.01), np.array([True, False]), np.ones(2)) is None


def test_nothing_is_advised_when_every_view_is_good_or_unmeasured() -> None:
    assert advise(0, 1, table(0.6, 0.7, 0.99), ALL, np.array([GOOD, 0.9, np.nan])) is None


def test_without_any_good_view_the_comparison_is_with_chance() -> None:
    chosen = advise(0, 1, table(0.5, 0.8, 0.6), np.zeros(3, bool), np.full(3, np.nan))
    assert chosen == Advice(1, True, pytest.approx(0.8), CHANCE)


def test_following_the_advice_helps_more_than_a_random_missing_view() -> None:
    """Masters and particles are independent draws; slots 0 and 1 are taken already and show little."""
    strength = np.array([0.2, 0.2, 0.3, 1.5, 0.3, 0.3])
    views, labels = particles(8, strength, seed=3)
    found = separations(views, np.ones(views.shape[:2], bool), labels)
    prototypes = np.stack([views[labels == label].mean(axis=0) for label in range(3)])
    fresh, truth = particles(100, strength, seed=4)
    taken, rng = np.arange(6) < 2, np.random.default_rng(5)

    def right(extra: int, row: int) -> bool:
        seen = np.append(np.flatnonzero(taken), extra)
        return bool(np.einsum("vd,lvd->l", fresh[row, seen], prototypes[:, seen]).argmax() == truth[row])

    advised, random = [], []
    for row in range(len(truth)):
        scores = np.einsum("vd,lvd->l", fresh[row, :2], prototypes[:, :2])
        first, second = np.argsort(-scores)[:2]
        chosen = advise(int(first), int(second), found, taken, np.ones(6))
        assert chosen is not None
        advised.append(right(chosen.slot, row))
        random.append(right(int(rng.integers(2, 6)), row))
    assert np.mean(advised) > np.mean(random) + 0.15
