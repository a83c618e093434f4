from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sem_curate.decide import audits as plans
from sem_curate.decide import certificate as certs
from sem_curate.decide.certificate import Promise
from sem_curate.decide.drift import after, look_for_drift
from sem_curate.decide.guarantee import Audits, certify, confirmed, least_accepted, sequence


def audited(score: np.ndarray, correct: np.ndarray, labels: int = 3) -> Audits:
    ids = tuple(f"p{i}" for i in range(len(score)))
    return Audits(ids, score.astype(np.float32), correct, tuple(f"L{i % labels}" for i in range(len(score))))


def production(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """A world in which certainty is worth something: 14 % wrong on the whole, few of them at the top."""
    rng = np.random.default_rng(seed)
    score = rng.random(count).astype(np.float32)
    return score, rng.random(count) < 1 - 0.45 * (1 - score) ** 2.2


def test_perfect_audits_certify_from_the_number_that_the_binomial_asks_for() -> None:
    promise = Promise(0.05, 0.10)
    assert least_accepted(promise) == 45
    assert binom.cdf(0, 45, 0.05) <= 0.10 < binom.cdf(0, 44, 0.05)
    score = np.linspace(0, 1, 45)
    found = certify(audited(score, np.ones(45, bool)), score.astype(np.float32), promise)
    assert (found.status, found.threshold, found.automation, found.errors) == (certs.CERTIFIED, 0.0, 1.0, 0)
    short = certify(audited(score[:44], np.ones(44, bool)), score[:44].astype(np.float32), promise)
    assert (short.status, short.why, short.more_audits) == (certs.SUGGESTION, (certs.TOO_FEW_AUDITS,), 1)
    assert short.threshold is None


def test_the_promise_is_kept_over_many_draws() -> None:
    """Violations over 400 draws must be compatible with delta; a rule that ignores the test breaks it in a third."""
    promise, broken, certified, naive = Promise(0.05, 0.10), 0, 0, 0
    for seed in range(400):
        score, correct = production(seed)
        rows = np.random.default_rng(seed).permutation(len(score))[:150]
        found = certify(audited(score[rows], correct[rows]), score, promise)
        if found.threshold is not None:
            certified += 1
            broken += (~correct[score >= found.threshold]).mean() > promise.alpha
        order = np.argsort(-score[rows])
        rate = np.cumsum(~correct[rows][order]) / np.arange(1, 151)
        lowest = score[rows][order][np.flatnonzero(rate <= 0.05).max()] if (rate <= 0.05).any() else 2.0
        naive += (~correct[score >= lowest]).mean() > 0.05 if (score >= lowest).any() else False
    assert certified > 200
    assert broken <= binom.ppf(0.999, 400, promise.delta)
    assert naive > binom.ppf(0.999, 400, promise.delta)


@given(st.integers(0, 10_000), st.integers(0, 200), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
@settings(deadline=None, max_examples=60)
def test_any_result_is_consistent_and_survives_json(seed: int, n: int, alpha: float, delta: float) -> None:
    score, correct = production(seed, 500)
    found = certify(audited(score[:n], correct[:n]), score, Promise(alpha, delta), reference_id="ref_1")
    assert certs.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert (found.status == certs.CERTIFIED) == (found.threshold is not None) == (found.more_audits == 0)
    thresholds = [step.threshold for step in found.steps]
    assert thresholds == sorted(thresholds, reverse=True)
    assert all(step.p <= delta for step in found.steps[:-1])
    if found.threshold is not None:
        assert found.errors / found.accepted <= alpha
        assert sum(item.accepted for item in found.labels) == found.accepted
    else:
        assert found.why
        assert not confirmed(found, score, np.ones(500, bool)).any()


def test_the_grid_ignores_labels_and_a_changed_certificate_is_noticed() -> None:
    score, correct = production(1)
    first = certify(audited(score[:200], correct[:200]), score, Promise())
    worse = certify(audited(score[:200], correct[:200] & (np.arange(200) % 2 == 0)), score, Promise())
    grid = sequence(score).tolist()
    assert {step.threshold for step in first.steps} | {step.threshold for step in worse.steps} <= set(grid)
    assert first.certificate_id != worse.certificate_id
    stored = first.as_dict() | {"threshold": 0.0}
    with pytest.raises(ValueError, match="was changed after it was issued"):
        certs.from_dict(stored)


def test_more_audits_is_about_what_is_then_needed() -> None:
    score, correct = production(3, 20_000)
    few = certify(audited(score[:40], correct[:40]), score, Promise())
    assert few.status == certs.SUGGESTION
    assert few.more_audits is not None
    assert 5 <= few.more_audits <= 400
    hopeless = certify(audited(score[:200], np.zeros(200, bool)), score, Promise())
    assert (hopeless.more_audits, hopeless.why) == (None, (certs.TOO_MANY_WRONG,))
    nothing = certify(audited(score[:0], correct[:0]), score, Promise())
    assert nothing.more_audits == 45
    assert certify(audited(score[:0], correct[:0]), score[:0], Promise()).status == certs.SUGGESTION


def test_labels_without_evidence_are_listed() -> None:
    score = np.r_[np.ones(60), np.zeros(5)]
    ids = tuple(str(i) for i in range(65))
    found = certify(Audits(ids, score, score > 0.5, ("a",) * 60 + ("b",) * 5), score, Promise())
    assert found.status == certs.CERTIFIED
    assert found.without_evidence == ("b",)


def test_only_certificates_in_force_confirm_and_opting_in_is_explicit() -> None:
    score, correct = production(5)
    good = certify(audited(score[:300], correct[:300]), score, Promise())
    auto = score > 0.9
    np.testing.assert_array_equal(confirmed(good, score, auto), score >= (good.threshold or 0))
    few = certify(audited(score[:10], correct[:10]), score, Promise())
    assert not confirmed(few, score, auto).any()
    np.testing.assert_array_equal(confirmed(few, score, auto, opted_in=True), auto)
    stopped = certs.suspended(good, (certs.SCORES_MOVED,))
    assert not confirmed(stopped, score, auto, opted_in=True).any()
    assert certs.suspended(few, (certs.SCORES_MOVED,)) == few


def test_audits_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="given more than once: 'a'"):
        Audits(("a", "a"), np.zeros(2), np.zeros(2, bool), ("x", "x"))
    with pytest.raises(ValueError, match="one id, score, outcome and proposal"):
        Audits(("a",), np.zeros(2), np.zeros(2, bool), ("x", "x"))
    with pytest.raises(ValueError, match="1 audit scores are NaN"):
        Audits(("a",), np.array([np.nan]), np.zeros(1, bool), ("x",))
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        Promise(alpha=0)


def test_the_plan_is_random_repeatable_and_never_asks_masters() -> None:
    ids = [f"P-{i}" for i in range(2000)]
    plan = plans.draw(ids, 100, seed=1, leave_out=ids[:10])
    assert plan == plans.draw(reversed(ids), 100, seed=1, leave_out=ids[:10])
    assert plan == plans.draw(ids, 300, seed=1, leave_out=ids[:10])[:100]
    assert not set(plan) & set(ids[:10])
    assert plan != plans.draw(ids, 100, seed=2)
    chosen = [int(key[2:]) for seed in range(40) for key in plans.draw(ids, 50, seed=seed)]
    assert abs(np.mean(chosen) - 999.5) < 4 * 577 / np.sqrt(2000)
    with pytest.raises(ValueError, match="count must be >= 0"):
        plans.draw(ids, -1, seed=0)


def test_drift_suspends_and_says_why_and_calm_batches_pass() -> None:
    rng = np.random.default_rng(0)
    score, correct = production(6)
    good = certify(audited(score[:300], correct[:300]), score, Promise())
    reference = {"score": score, "knownness": score}
    calm = sum(
        bool(look_for_drift(reference, {"score": one, "knownness": one}, good).why)
        for one in (rng.random(400).astype(np.float32) for _ in range(200))
    )
    assert calm <= binom.ppf(0.999, 200, 0.01)
    moved = look_for_drift(reference, {"score": score[:400], "knownness": score[:400] * 0.7}, good)
    assert (moved.why, moved.blamed) == ((certs.SCORES_MOVED,), ("knownness",))
    assert after(good, moved).status == certs.SUSPENDED
    assert after(good, moved).why == (certs.SCORES_MOVED,)
    wrong = look_for_drift(reference, {"score": score[:400], "knownness": score[:400]}, good, audited=20, errors=6)
    assert wrong.why == (certs.AUDITS_FAIL,)
    assert look_for_drift({"s": score}, {"s": score[:3]}, good).why == ()
    with pytest.raises(ValueError, match="same scores"):
        look_for_drift({"s": score}, {"t": score}, good)
    with pytest.raises(ValueError, match="errors must lie between"):
        look_for_drift({"s": score}, {"s": score}, good, audited=1, errors=2)
