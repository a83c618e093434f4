"""Sharing the risk among looks: it never adds up to more than was promised, and peeking does not break it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.decide.certificate import CERTIFIED, Promise
from sem_curate.decide.guarantee import Audits, certify
from sem_curate.decide.looks import number, question, spend


@given(st.floats(0.001, 0.5), st.integers(1, 40))
def test_all_looks_together_spend_at_most_the_risk(delta: float, looks: int) -> None:
    spent = [spend(delta, look) for look in range(1, looks + 1)]
    assert sum(spent) <= delta * (1 + 1e-9)
    assert all(later < earlier for earlier, later in itertools.pairwise(spent))


def test_looks_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        spend(0.1, 0)


def test_drawing_until_it_passes_breaks_the_promise_without_sharing_and_keeps_it_with() -> None:
    """Every particle is wrong slightly more often than promised: any certificate is a violation."""
    promise, size, rounds, draws = Promise(0.1, 0.1), 40, 8, 300
    rng = np.random.default_rng(0)
    broken = {"shared": 0, "whole": 0}
    for _ in range(draws):
        right = rng.random(size * rounds) >= promise.alpha + 0.005
        for way in broken:
            for look in range(1, rounds + 1):
                n = look * size
                delta = spend(promise.delta, look) if way == "shared" else promise.delta
                audits = Audits(tuple(map(str, range(n))), np.ones(n, np.float32), right[:n], ("a",) * n)
                if certify(audits, np.ones(10, np.float32), Promise(promise.alpha, delta)).status == CERTIFIED:
                    broken[way] += 1
                    break
    assert broken["shared"] <= promise.delta * draws
    assert broken["whole"] > promise.delta * draws


def test_a_look_is_counted_once_for_audits_it_used_and_the_same_question_is_the_same() -> None:
    assert number(["c"], [["a"], ["a", "b"]]) == 1  # other audits were looked at
    assert number(["a", "c"], [["a"], ["a", "b"]]) == 3
    assert number(["a", "b"], [["a"]], unfinished=1) == 3  # at least as many as draws
    asked = [question(["a"], "ref", Promise(alpha, 0.1)) for alpha in (0.05, 0.05, 0.02)]
    assert asked[0] == asked[1] != asked[2]
    assert question(["a"], "other", Promise(0.05, 0.1)) != asked[0]
