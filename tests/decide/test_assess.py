"""The pure lane on ordinary and on degenerate input."""

from __future__ import annotations

import numpy as np
import pytest

from sem_curate import schema
from sem_curate.decide import assess as lane
from sem_curate.decide import propose as proposing
from sem_curate.decide import rules
from sem_curate.decide.steady import assess_steadily
from sem_curate.integrate.contract import Views
from sem_curate.messages import MESSAGES

DIM = 16


def views(labels: np.ndarray, seed: int, noise: float = 0.5, count: int = 6) -> Views:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(12, DIM))
    vectors = centres[labels][:, None] + noise * rng.normal(size=(len(labels), count, DIM))
    return Views(vectors.astype(np.float32), np.ones((len(labels), count), bool), np.ones((len(labels), count), "f4"))


def finite(found: lane.Assessment) -> None:
    made = found.proposals
    for values in (made.confidence, made.margin, made.knownness, made.agreement, found.score, found.entropy,
                   found.confidence, found.weights):  # fmt: skip
        assert np.isfinite(values).all()
    if found.contributions is not None:
        assert np.isfinite(found.contributions.shapley.data).all()
    assert set(made.state) <= set(schema.PROPOSAL_STATES)
    assert all(reasons or state == schema.AUTO for state, reasons in zip(made.state, made.reasons, strict=True))


def names(labels: np.ndarray) -> list[str]:
    return [f"L{label}" for label in labels]


def test_known_particles_are_auto_and_strangers_unknown() -> None:
    of = np.repeat(np.arange(4), 6)
    fresh = np.r_[np.repeat(np.arange(4), 20), np.full(20, 9)]
    particles = views(fresh, 2)
    fitted = lane.fit(views(of, 1), names(of), particles)
    found = lane.assess(fitted, particles)
    finite(found)
    assert fitted.rule.name == rules.MIXTURE
    assert (found.proposals.label[:80] == fresh[:80]).mean() > 0.97
    states = np.array(found.proposals.state)
    assert (states[80:] == schema.UNKNOWN).mean() > 0.9
    assert (states[:80] == schema.AUTO).mean() > 0.3
    assert found.score[80:].mean() < 0.3 < found.score[:80].mean()


@pytest.mark.parametrize("masters", [0, 1, 3])
def test_one_label_or_none(masters: int) -> None:
    of = np.zeros(masters, np.int64)
    particles = views(np.array([0, 1, 2]), 3)
    found = lane.assess(lane.fit(views(of, 1), names(of), particles), particles)
    finite(found)
    assert found.notes[0].code == (lane.ONE_LABEL if masters else lane.NO_MASTERS)
    assert (found.proposals.label == (0 if masters else -1)).all()
    assert all(state == schema.REVIEW for state in found.proposals.state)
    assert all(proposing.TOO_FEW_MASTERS in reasons for reasons in found.proposals.reasons)


def test_one_master_per_label() -> None:
    of = np.arange(4)
    particles = views(np.repeat(of, 10), 2)
    fitted = lane.fit(views(of, 1), names(of), particles)
    found = lane.assess(fitted, particles)
    finite(found)
    assert fitted.rule.name == rules.PROTOTYPE
    assert (found.proposals.label == np.repeat(of, 10)).mean() > 0.9


def test_masters_without_views_are_left_out_and_counted() -> None:
    of = np.repeat(np.arange(3), 3)
    masters = views(of, 1)
    masters.present[:3] = False  # all of L0
    masters.present[4] = False
    particles = views(of, 2)
    fitted = lane.fit(masters, names(of), particles)
    assert fitted.label_ids == ("L1", "L2")
    assert fitted.notes[0] == lane.Note(lane.MASTERS_WITHOUT_VIEW, 4, "master row 0 of 'L0'")
    finite(lane.assess(fitted, particles))


def test_missing_views_and_nan_vectors() -> None:
    of = np.repeat(np.arange(3), 4)
    particles = views(of, 2)
    particles.present[0] = False
    particles.vectors[1, 2, 5] = np.nan
    particles.vectors[2] = np.inf
    found = lane.assess(lane.fit(views(of, 1), names(of), particles), particles)
    finite(found)
    assert found.notes == (lane.Note(lane.BROKEN_VIEWS, 7, "particle row 1, view 2"),)
    for row in (0, 2):
        assert found.proposals.label[row] == -1
        assert found.score[row] == 0
        assert found.proposals.reasons[row][0] == proposing.NO_USABLE_VIEW
        assert found.contributions is not None
        assert found.contributions.shapley.mask[row].all()
    assert found.contributions is not None
    assert found.contributions.shapley.mask[1].tolist() == [False, False, True, False, False, False]
    assert found.proposals.label[1] == 0


def test_two_labels_with_the_same_masters() -> None:
    one = views(np.zeros(4, np.int64), 1)
    both = Views(*(np.concatenate([part, part]) for part in vars(one).values()))
    particles = views(np.zeros(5, np.int64), 2)
    for rule in rules.RULES:
        found = lane.assess(lane.fit(both, ["a"] * 4 + ["b"] * 4, particles, rule=rule), particles)
        finite(found)
        assert lane.SAME_MASTERS in {note.code for note in found.notes}
        assert all(proposing.CLOSE_CANDIDATES in reasons for reasons in found.proposals.reasons)
        assert schema.AUTO not in found.proposals.state


def test_nobody_to_ask() -> None:
    of = np.repeat(np.arange(2), 3)
    nobody = views(np.zeros(0, np.int64), 0)
    found = lane.assess(lane.fit(views(of, 1), names(of), nobody), nobody)
    assert found.proposals.state == ()
    some = views(of, 2)
    finite(lane.assess(lane.fit(views(of, 1), names(of), nobody), some))


def test_a_master_does_not_vouch_for_itself() -> None:
    of = np.repeat(np.arange(2), 3)
    masters = views(of, 1, noise=2.0)
    fitted = lane.fit(masters, names(of), masters)
    alone = lane.assess(fitted, masters, own=np.arange(6)).proposals.knownness
    assert (alone < lane.assess(fitted, masters).proposals.knownness - 1e-3).all()


def test_masked_views_have_no_influence_on_anything_said() -> None:
    of = np.repeat(np.arange(3), 5)
    particles = views(of, 2, noise=1.5)
    particles.present[:, 3] = False
    other = Views(np.where(particles.present[..., None], particles.vectors, 55), particles.present, particles.quality)
    fitted = lane.fit(views(of, 1), names(of), particles)
    first, second = lane.assess(fitted, particles), lane.assess(fitted, other)
    np.testing.assert_allclose(first.score, second.score, atol=1e-5)
    np.testing.assert_allclose(first.confidence, second.confidence, atol=1e-5)
    assert first.proposals.state == second.proposals.state


def test_every_code_has_words() -> None:
    assert all(f"note.{code}" in MESSAGES for code in lane.NOTES)
    assert all(f"reason.{code}" in MESSAGES for code in proposing.REASONS)


def test_a_learned_rung_proposes_and_contributions_stay_in_the_default() -> None:
    from sem_curate.integrate.contract import QualityMean
    from sem_curate.integrate.learned import TrainConfig, train

    of = np.repeat(np.arange(3), 8)
    particles, masters = views(of, 2), views(of, 1)
    rung = train("deep_sets", masters, of, start=QualityMean.of(particles), config=TrainConfig(epochs=5))
    learned = lane.assess(lane.fit(masters, names(of), particles, integrator=rung), particles)
    default = lane.assess(lane.fit(masters, names(of), particles), particles)
    finite(learned)
    assert (learned.proposals.label == of).mean() > 0.9
    assert learned.contributions is not None
    assert default.contributions is not None
    np.testing.assert_allclose(learned.contributions.total, default.contributions.total, atol=1e-5)


@pytest.mark.parametrize("count", [3, 24, 300])
def test_a_particle_of_the_sample_stands_at_its_own_place(count: int) -> None:
    """To the last digit, however the sample is cut up: a rank would else flip by one place from run to run."""
    rng, of = np.random.default_rng(0), np.repeat(np.arange(3), 4)
    masters, pool = (
        Views(rng.normal(size=(n, 6, 384)).astype(np.float32), np.ones((n, 6), bool), np.ones((n, 6), "f4"))
        for n in (len(of), count)
    )
    fitted = lane.fit(masters, names(of), pool)
    found = assess_steadily(fitted, pool, own=np.full(count, -1), disputed=np.zeros((count, 6), np.bool_))
    each = np.arange(1, count + 1, dtype=np.float32) / np.float32(count)
    for values, kept in (
        (found.match.knownness, fitted.production.knownness),
        (found.match.confidence.max(axis=1), fitted.production.confidence),
    ):
        np.testing.assert_array_equal(np.sort(proposing.ranks(values, kept)), each)
