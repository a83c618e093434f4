from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.decide import calibration as shown
from sem_curate.decide.score import Production, production


def audits(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.random(n).astype(np.float32)
    return score, rng.random(n) < 0.4 + 0.6 * score


def test_few_audits_show_ranks() -> None:
    score, correct = audits(30, 0)
    found = shown.show(score, score, correct)
    assert found.method == shown.RANK
    np.testing.assert_array_equal(found.value, score)
    assert shown.show(score, np.linspace(0, 1, 100), np.ones(100, bool)).method == shown.RANK


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_intervals_hold_the_value_and_rise_with_the_score(seed: int) -> None:
    score, correct = audits(200, seed)
    found = shown.show(np.linspace(0, 1, 20).astype(np.float32), score, correct)
    assert found.method == shown.VENN_ABERS
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert (np.diff(found.low) >= -1e-6).all()
    assert len(shown.show(score[:0], score, correct).value) == 0


def test_venn_abers_is_closer_to_the_truth_than_the_rank() -> None:
    score, correct = audits(300, 1)
    new, right = audits(4000, 2)
    calibrated = shown.calibration_error(shown.show(new, score, correct).value, right)
    raw = shown.calibration_error(new, right)
    assert calibrated[0] < raw[0] / 3
    assert calibrated[1] <= calibrated[0] <= calibrated[2] + 0.02
    assert shown.calibration_error(new[:0], right[:0]) == (0.0, 0.0, 0.0)


def test_temperature_finds_the_factor_by_which_confidences_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(4, p=row) for row in honest])
    sure = shown.tempered(honest.astype(np.float32), 1 / 3)
    heat = shown.temperature(sure, truth)
    assert 2.6 < heat < 3.4
    np.testing.assert_allclose(shown.tempered(sure, heat).sum(axis=1), 1, atol=1e-5)
    assert shown.temperature(sure, np.full(4000, -1)) == 1.0


def test_the_score_is_the_worse_rank_and_zero_without_a_vector() -> None:
    grid = np.linspace(0, 1, 11).astype(np.float32)
    score = Production(grid, grid).score(
        np.array([0.95, 0.25, 0.9]), np.array([0.35, 0.95, 0.9]), np.array([True, True, False])
    )
    np.testing.assert_allclose(score, [4 / 11, 3 / 11, 0])
    nothing = production(grid, grid, np.zeros(11, bool))
    assert len(nothing.confidence) == 0
    assert np.isfinite(nothing.score(grid, grid, np.ones(11, bool))).all()
