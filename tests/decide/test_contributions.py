from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.decide import contributions as shares
from sem_curate.decide import rules
from sem_curate.integrate.contract import QualityMean, Views
from sem_curate.integrate.pool import pool

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 10_000))


def world(n: int, v: int, labels: int, seed: int) -> tuple[Views, QualityMean, rules.Rule, np.ndarray]:
    rng = np.random.default_rng(seed)
    views = Views(
        rng.normal(size=(n, v, 8)).astype(np.float32), rng.random((n, v)) < 0.8, rng.random((n, v)).astype(np.float32)
    )
    integrator = QualityMean.of(views)
    masters = rng.normal(size=(labels * 2, 8)).astype(np.float32)
    masters /= np.linalg.norm(masters, axis=1, keepdims=True)
    rule = rules.fit(masters, np.arange(labels * 2) % labels, name=rules.PROTOTYPE)
    label = rule.confidence(integrator(views).vectors).argmax(axis=1)
    return views, integrator, rule, label


def margin(views: Views, integrator: QualityMean, rule: rules.Rule, label: np.ndarray) -> np.ndarray:
    """Compute the stated value by really integrating the views that are there."""
    pooled = pool(
        views.vectors, views.present, views.quality,
        means=integrator.means, usual=integrator.usual, config=integrator.config,
    )  # fmt: skip
    scores = pooled.vectors @ rule.prototypes.T
    own = scores[np.arange(len(label)), label].copy()
    if scores.shape[1] > 1:
        scores[np.arange(len(label)), label] = -np.inf
        own -= scores.max(axis=1)
    return np.where(views.present.any(axis=1), own, 0)


@given(shapes)
@settings(deadline=None, max_examples=40)
def test_contributions_add_up_and_the_value_is_what_the_default_integrator_gives(
    shape: tuple[int, int, int, int],
) -> None:
    views, integrator, rule, label = world(*shape)
    found = shares.contributions(views, integrator, rule, label)
    np.testing.assert_allclose(found.shapley.filled(0).sum(axis=1), found.total, atol=1e-5)
    np.testing.assert_allclose(found.total, margin(views, integrator, rule, label), atol=1e-4)
    assert (found.shapley.mask == ~views.present).all()
    assert np.isfinite(found.shapley.data).all()


def test_shapley_is_the_mean_over_all_orders() -> None:
    views, integrator, rule, label = world(3, 4, 3, 5)
    found = shares.contributions(views, integrator, rule, label)
    by_hand = np.zeros((3, 4))
    for order in permutations(range(4)):
        there = np.zeros((3, 4), bool)
        before = np.zeros(3)
        for view in order:
            there[:, view] = True
            now = margin(Views(views.vectors, views.present & there, views.quality), integrator, rule, label)
            by_hand[:, view] += (now - before) / 24
            before = now
    np.testing.assert_allclose(found.shapley.filled(0), by_hand, atol=1e-5)


def test_removal_is_what_happens_when_a_view_is_left_out() -> None:
    views, integrator, rule, label = world(5, 6, 3, 7)
    found = shares.contributions(views, integrator, rule, label)
    for view in range(6):
        rest = views.present.copy()
        rest[:, view] = False
        left = margin(Views(views.vectors, rest, views.quality), integrator, rule, label)
        there = views.present[:, view]
        np.testing.assert_allclose(found.removal[there, view], (found.total - left)[there], atol=1e-4)


def test_a_proposal_resting_on_one_view_names_it() -> None:
    near, far = np.eye(4, dtype=np.float32)[:2]
    vectors = np.stack([far, far * 0.9 + near * 0.5, near, far])[None].astype(np.float32)
    quality = np.array([[0.02, 0.02, 1.0, 0.02]], np.float32)  # the others hardly count
    views = Views(vectors, np.ones((1, 4), bool), quality)
    rule = rules.fit(np.stack([near, far]), np.array([0, 1]))
    integrator = QualityMean()
    label = rule.confidence(integrator(views).vectors).argmax(axis=1)
    assert label[0] == 0
    assert shares.contributions(views, integrator, rule, label).single.tolist() == [2]
    same = Views(np.repeat(near[None, None], 4, 1) + 0.01 * vectors, views.present, quality)
    assert shares.contributions(same, integrator, rule, np.array([0])).single.tolist() == [-1]


@given(shapes)
@settings(deadline=None, max_examples=20)
def test_the_order_of_views_moves_contributions_with_them(shape: tuple[int, int, int, int]) -> None:
    views, _, rule, _ = world(*shape)
    integrator = QualityMean()
    label = rule.confidence(integrator(views).vectors).argmax(axis=1)
    order = np.random.default_rng(1).permutation(shape[1])
    turned = Views(views.vectors[:, order], views.present[:, order], views.quality[:, order])
    first = shares.contributions(views, integrator, rule, label).shapley.filled(9)
    second = shares.contributions(turned, integrator, rule, label).shapley.filled(9)
    np.testing.assert_allclose(first[:, order], second, atol=1e-5)


def test_without_masters_or_proposal_everything_is_zero_and_too_many_views_are_refused() -> None:
    views, integrator, rule, _ = world(2, 3, 2, 0)
    nobody = rules.fit(np.zeros((0, 8), np.float32), np.zeros(0, np.int64))
    assert not shares.contributions(views, integrator, nobody, np.array([-1, -1])).shapley.filled(0).any()
    assert not shares.contributions(views, integrator, rule, np.array([-1, -1])).total.any()
    with pytest.raises(ValueError, match="up to 12 views; got 13"):
        shares.subsets(13)


def test_entropy_is_zero_when_all_views_agree_and_one_when_they_split() -> None:
    near, far = np.eye(4, dtype=np.float32)[:2]
    rule = rules.fit(np.stack([near, far]), np.array([0, 1]))
    views = np.stack([[near, near], [near, far]])
    weights = np.full((2, 2), 0.5, np.float32)
    found = shares.agreement(views, weights, rule, np.array([0, 0]))
    np.testing.assert_allclose(found.entropy, [0, 1], atol=1e-6)
    np.testing.assert_allclose(found.share, [1, 0.5])
