from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.config import DecideConfig
from sem_curate.decide.match import NEIGHBOURS, PROTOTYPE, match
from sem_curate.decide.thresholds import LEAVE_ONE_OUT, NONE, RIVALS, from_masters

CONFIG = DecideConfig()


def world(per_label: int, n_labels: int = 4, noise: float = 0.3, seed: int = 0):
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.normal(size=(n_labels, 16)))
    labels = np.repeat(np.arange(n_labels), per_label)
    masters = unit_rows(centres[labels] + rng.normal(size=(len(labels), 16)) * noise / 4)
    truth = rng.integers(0, n_labels, 50)
    vectors = unit_rows(centres[truth] + rng.normal(size=(50, 16)) * noise / 4)
    return vectors, truth, masters, labels


@pytest.mark.parametrize(
    ("per_label", "method"), [(1, PROTOTYPE), (2, PROTOTYPE), (5, PROTOTYPE), (6, NEIGHBOURS), (12, NEIGHBOURS)]
)
def test_easy_worlds_are_solved_by_both_methods(per_label: int, method: str) -> None:
    vectors, truth, masters, labels = world(per_label)
    found = match(vectors, masters, labels, CONFIG)
    assert found.method == method
    assert (found.confidence.argmax(axis=1) == truth).mean() > 0.95
    np.testing.assert_allclose(found.confidence.sum(axis=1), 1.0, atol=1e-5)


@given(st.integers(1, 5), st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_the_order_of_masters_does_not_matter(per_label: int, seed: int) -> None:
    vectors, _, masters, labels = world(per_label, seed=seed)
    order = np.random.default_rng(seed).permutation(len(masters))
    straight = match(vectors, masters, labels, CONFIG)
    shuffled = match(vectors, masters[order], labels[order], CONFIG)
    np.testing.assert_allclose(straight.confidence, shuffled.confidence, atol=1e-4)
    np.testing.assert_allclose(straight.knownness, shuffled.knownness, atol=1e-5)


@pytest.mark.parametrize("per_label", [1, 2, 4])
def test_a_master_is_not_its_own_evidence(per_label: int) -> None:
    _, _, masters, labels = world(per_label)
    own = np.arange(len(masters))
    found = match(masters, masters, labels, CONFIG, own=own)
    assert (found.knownness < 0.9999).all()
    assert np.isneginf(found.similarity[own, own]).all()
    if per_label == 1:  # its label has nothing else to offer
        assert (found.confidence.argmax(axis=1) != labels).all()


def test_one_label_and_one_master_are_defined() -> None:
    vectors = unit_rows(np.eye(3, 4))
    found = match(vectors, vectors[:1], np.zeros(1, np.int64), CONFIG)
    np.testing.assert_allclose(found.confidence, 1.0)
    alone = match(vectors[:1], vectors[:1], np.zeros(1, np.int64), CONFIG, own=np.zeros(1, np.int64))
    assert np.isfinite(alone.confidence).all()
    assert alone.knownness.tolist() == [-1.0]


def test_two_labels_with_identical_masters_tie() -> None:
    same = unit_rows(np.ones((2, 4)))
    found = match(same[:1], same, np.array([0, 1]), CONFIG)
    np.testing.assert_allclose(found.confidence, [[0.5, 0.5]], atol=1e-6)


def test_no_masters_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one master"):
        match(np.ones((1, 3), np.float32), np.ones((0, 3), np.float32), np.zeros(0, np.int64), CONFIG)


def test_thresholds_say_where_they_come_from() -> None:
    _, _, masters, labels = world(4)
    assert from_masters(masters, labels, CONFIG).source == LEAVE_ONE_OUT
    _, _, few, few_labels = world(1)
    rivals = from_masters(few, few_labels, CONFIG)
    assert rivals.source == RIVALS
    assert rivals.unknown < rivals.auto < 1
    single = from_masters(masters[:1], labels[:1], CONFIG)
    assert (single.source, single.auto) == (NONE, 2.0)  # nothing can reach it
