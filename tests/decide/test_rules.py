from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from sem_curate.arrays import unit_rows
from sem_curate.decide import rules


def data(masters: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (
        unit_rows(rng.normal(size=(masters, 8))),
        np.concatenate([np.arange(labels), rng.integers(0, labels, masters - labels)]),
        unit_rows(rng.normal(size=(7, 8))),
    )


@pytest.mark.parametrize("name", rules.RULES)
@given(st.integers(1, 4), st.integers(0, 30), st.integers(0, 9999))
@settings(deadline=None, max_examples=15)
def test_rows_sum_to_one_and_the_order_of_masters_does_not_matter(name: str, labels: int, more: int, seed: int) -> None:
    masters, of, vectors = data(labels + more, labels, seed)
    order = np.random.default_rng(seed).permutation(len(of))
    first = rules.fit(masters, of, name=name).confidence(vectors)
    second = rules.fit(masters[order], of[order], name=name).confidence(vectors)
    assert first.shape == (7, labels)
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(first, second, atol=5e-3 if name in (rules.LOGISTIC, rules.MIXTURE) else 1e-5)


def test_chosen_by_the_number_of_masters_and_overridden_by_name() -> None:
    assert rules.choose(np.array([0, 1, 2]), 3) == rules.PROTOTYPE
    assert rules.choose(np.array([0, 0, 1, 1]), 2) == rules.MIXTURE
    assert rules.choose(np.array([0, 0, 0]), 1) == rules.PROTOTYPE
    masters, of, _ = data(8, 2, 0)
    assert rules.fit(masters, of, name=rules.NEIGHBOURS).name == rules.NEIGHBOURS
    with pytest.raises(ValueError, match="no proposal rule is called 'svm'"):
        rules.fit(masters, of, name="svm")


def test_two_labels_with_the_same_masters_share_the_confidence() -> None:
    masters = np.repeat(np.eye(3, dtype=np.float32)[:1], 4, axis=0)
    for name in rules.RULES:
        found = rules.fit(masters, np.array([0, 0, 1, 1]), name=name).confidence(np.eye(3, dtype=np.float32))
        np.testing.assert_allclose(found, 0.5, atol=1e-3)


def test_headcount_alone_does_not_win() -> None:
    masters = unit_rows(np.r_[np.tile([[1, 0, 0.0]], (30, 1)), [[0, 1, 0.0]]])
    rule = rules.fit(masters, np.array([0] * 30 + [1]), name=rules.NEIGHBOURS)
    np.testing.assert_allclose(rule.confidence(unit_rows(np.array([[1, 1, 0.0]]))), 0.5, atol=1e-3)


def test_a_label_without_masters_gets_nothing() -> None:
    masters, of, vectors = data(6, 2, 1)
    for name in (rules.LOGISTIC, rules.NEIGHBOURS):
        assert rules.fit(masters, of, n_labels=3, name=name).confidence(vectors)[:, 2].max() < 1e-6


def test_the_mixture_is_no_worse_than_the_best_single_rule_on_digits() -> None:
    images, truth = load_digits(return_X_y=True)
    vectors = unit_rows(images - images.mean(axis=0))
    right: dict[str, list[float]] = {name: [] for name in rules.RULES}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        chosen = np.concatenate([rng.permutation(np.flatnonzero(truth == digit))[:5] for digit in range(10)])
        for name in rules.RULES:
            made = rules.fit(vectors[chosen], truth[chosen], name=name).confidence(vectors).argmax(axis=1)
            right[name].append(float((made == truth).mean()))
    means = {name: np.mean(values) for name, values in right.items()}
    assert means[rules.MIXTURE] >= max(means.values()) - 0.005
