from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.decide import adopt


def masters(spread: float, *, per_label: int = 12, labels: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(labels), per_label)
    return unit_rows(rng.normal(size=(labels, 24))[index] + spread * rng.normal(size=(len(index), 24))), index


def test_a_clearly_better_encoder_is_adopted() -> None:
    worse, labels = masters(2.5)
    better, _ = masters(0.3)
    verdict = adopt.judge(worse, better, labels)
    assert verdict.adopted
    assert verdict.why == adopt.BETTER
    assert verdict.after == 1 > verdict.before
    assert verdict.won - verdict.lost == round(48 * (verdict.after - verdict.before))
    assert verdict.known_after > verdict.known_before


def test_the_other_way_round_it_is_not() -> None:
    worse, labels = masters(2.5)
    better, _ = masters(0.3)
    assert adopt.judge(better, worse, labels).why == adopt.NO_GAIN


@given(seed=st.integers(0, 500), spread=st.floats(0.1, 3))
@settings(max_examples=25, deadline=None)
def test_an_encoder_is_never_adopted_over_itself(seed: int, spread: float) -> None:
    vectors, labels = masters(spread, seed=seed)
    verdict = adopt.judge(vectors, vectors, labels)
    assert (verdict.adopted, verdict.won, verdict.lost, verdict.p_value) == (False, 0, 0, 1.0)
    assert verdict.known_before == verdict.known_after


def test_more_right_but_blind_for_the_unknown_is_refused() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 12)
    apart = np.eye(4, 80)[labels]
    # In use: tight labels far from each other, but two masters of each lean towards the next label.
    before = apart.copy()
    for leaning in (0, 1):
        before[leaning::12] = 0.5 * apart[leaning::12] + 0.6 * np.roll(apart, -12, axis=0)[leaning::12]
        before[leaning::12, 50 + 4 * leaning : 54 + 4 * leaning] = 0.62 * np.eye(4)
    # New: all labels right, but two of them lie closer together than the masters of the other two among themselves.
    after = apart.copy()
    after[12:24, 0] += 3.0
    after[np.arange(24, 48), 20 + np.arange(24)] = 0.6
    before, after = (vectors + 0.005 * rng.normal(size=(48, 80)) for vectors in (before, after))
    verdict = adopt.judge(unit_rows(before), unit_rows(after), labels)
    assert verdict.after == 1 > verdict.before
    assert verdict.p_value < adopt.P_VALUE
    assert verdict.known_after < verdict.known_before
    assert (verdict.adopted, verdict.why) == (False, adopt.LESS_KNOWN)


def test_too_few_masters_decide_nothing() -> None:
    worse, labels = masters(2.5, per_label=4)
    better, _ = masters(0.1, per_label=4)
    assert adopt.judge(worse, better, labels).why == adopt.TOO_FEW


def test_one_label_decides_nothing() -> None:
    vectors, labels = masters(1.0, per_label=30, labels=1)
    assert adopt.judge(vectors, vectors, labels).why == adopt.TOO_FEW


def test_masters_must_be_the_same() -> None:
    vectors, labels = masters(1.0)
    with pytest.raises(ValueError, match="same masters"):
        adopt.judge(vectors, vectors[1:], labels)


def test_knownness_by_hand() -> None:
    vectors = unit_rows(np.array([[1, 0.0], [1, 0.1], [0, 1.0], [0.1, 1.0]]))
    assert adopt.knownness_auroc(vectors, np.array([0, 0, 1, 1])) == 1
    assert adopt.knownness_auroc(vectors, np.array([0, 1, 0, 1])) < 0.6
    assert adopt.knownness_auroc(vectors[:1], np.array([0])) == 0.5
