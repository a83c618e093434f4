from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from sem_curate import schema
from sem_curate.errors import InputError
from sem_curate.quality import compare, learned, logistic
from sem_curate.quality.learned import LEARNABLE, TagModel, fit

BLUR, NOISE = LEARNABLE.index("blur"), LEARNABLE.index("noise")
SHARPNESS, SNR = schema.MEASURES.index("sharpness"), schema.MEASURES.index("snr")


def views(n: int, seed: int, *, shift: float = 0.0, slips: float = 0.0):
    """Measures of n views, four per particle; the reviewer calls blur below 1 + shift, the rules below 1."""
    rng = np.random.default_rng(seed)
    measures = np.abs(rng.normal(1.0, 0.5, (n, len(schema.MEASURES))))
    ruled = np.zeros((n, len(LEARNABLE)), bool)
    said = ruled.copy()
    ruled[:, BLUR] = measures[:, SHARPNESS] < 1
    said[:, BLUR] = (measures[:, SHARPNESS] < 1 + shift) ^ (rng.random(n) < slips)
    return measures, said, ruled, [f"P-{i // 4:03d}" for i in range(n)]


def named(row: np.ndarray) -> dict[str, float]:
    return dict(zip(schema.MEASURES, row.tolist(), strict=True))


def test_another_taste_is_learned_and_adopted() -> None:
    found = fit(*views(200, 0, shift=0.3, slips=0.05))
    assert found.model is not None
    assert set(found.model.weights) == {"blur"}
    figures = found.figures["blur"]
    assert figures.adopted
    assert figures.rules is not None
    assert figures.learned is not None
    assert figures.gain == pytest.approx(figures.learned - figures.rules)
    fresh, said, ruled, _ = views(400, 1, shift=0.3)
    guess = np.array([found.model.predict(named(row))["blur"] > 0.5 for row in fresh])
    ours = compare.scores(said[:, BLUR], guess)[0]
    rules = compare.scores(said[:, BLUR], ruled[:, BLUR])[0]
    assert ours is not None
    assert rules is not None
    assert ours > rules + 0.05


def test_a_reviewer_who_agrees_with_the_rules_teaches_nothing() -> None:
    found = fit(*views(200, 0, slips=0.05))
    assert found.model is None
    assert found.figures["blur"].why in ("the rules are as good", "better than the rules, but not surely")


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_random_tags_teach_nothing(rate: float) -> None:
    for seed in range(8):
        measures, said, ruled, groups = views(200, seed)
        random = np.random.default_rng(seed).random(said.shape) < rate
        assert fit(measures, random, ruled, groups).model is None


def test_too_few_corrections_are_refused_in_words() -> None:
    measures, said, ruled, groups = views(40, 0)
    said[:, BLUR] = False
    said[:3, BLUR] = True
    found = fit(measures, said, ruled, groups)
    assert found.model is None
    assert found.figures["blur"].why == "needs 8 views with and 8 without; has 3 and 37"
    assert found.figures["blur"].learned is None
    said[:20, BLUR] = True
    one_particle = fit(measures, said, ruled, ["P"] * 20 + groups[20:])
    assert one_particle.figures["blur"].why == "needs 5 particles with and 5 without; has 1 and 5"


def test_no_corrections_at_all() -> None:
    empty = np.zeros((0, len(LEARNABLE)), bool)
    found = fit(np.zeros((0, len(schema.MEASURES))), empty, empty, [])
    assert found.model is None
    assert found.figures["blur"].why == "needs 8 views with and 8 without; has 0 and 0"


def test_the_same_corrections_give_the_same_model_through_json() -> None:
    one, two = (fit(*views(120, 3, shift=0.4)) for _ in range(2))
    assert one.model is not None
    assert one.model == two.model
    assert one.figures == two.figures
    again = TagModel.from_json(json.loads(json.dumps(one.model.as_json())))
    row = named(views(1, 9)[0][0])
    assert again.predict(row) == one.model.predict(row)


def test_another_list_of_measures_is_refused() -> None:
    model = fit(*views(120, 3, shift=0.4)).model
    assert model is not None
    row = named(views(1, 9)[0][0])
    del row["snr"]
    with pytest.raises(InputError, match="1 other measures than were given"):
        model.predict(row)
    reordered = dict(reversed(list(named(views(1, 9)[0][0]).items())))
    assert model.predict(reordered) == model.predict(named(views(1, 9)[0][0]))


@pytest.mark.parametrize("damage", [{"means": [0.0]}, {"scales": [0.0] * len(schema.MEASURES)}])
def test_a_damaged_model_is_refused(damage: dict[str, list[float]]) -> None:
    model = fit(*views(120, 3, shift=0.4)).model
    assert model is not None
    with pytest.raises(InputError, match="--revert"):
        TagModel.from_json({**model.as_json(), **damage})


def test_measures_that_are_not_finite_and_wrong_shapes_are_refused() -> None:
    measures, said, ruled, groups = views(40, 0)
    with pytest.raises(InputError, match="tags and rules"):
        fit(measures, said[:, :3], ruled, groups)
    measures[3, 2] = np.nan
    with pytest.raises(InputError, match="1 of 40 views"):
        fit(measures, said, ruled, groups)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 60),
    st.sampled_from([0.0, 1e-9, 1.0, 1e6]),
    st.integers(1, 10),
)
def test_whatever_is_corrected_nothing_is_ever_not_finite(seed: int, n: int, spread: float, particles: int) -> None:
    rng = np.random.default_rng(seed)
    measures = np.abs(rng.normal(0, 1, (n, len(schema.MEASURES)))) * spread
    said, ruled = (rng.random((n, len(LEARNABLE))) < rng.random() for _ in range(2))
    said[:, BLUR] = measures[:, SHARPNESS] > np.median(measures[:, SHARPNESS])  # separates cleanly
    found = fit(measures, said, ruled, [str(i % particles) for i in range(n)])
    for figures in found.figures.values():
        values = [value for value in figures.as_dict().values() if isinstance(value, float)]
        assert np.isfinite(values).all()
    if found.model:
        chances = found.model.predict(dict.fromkeys(schema.MEASURES, 1e9))
        assert all(0 < chance < 1 for chance in chances.values())


def test_the_logistic_is_that_of_scikit_learn() -> None:
    measures, said, _, _ = views(150, 5, shift=0.3, slips=0.2)
    theirs = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-10, max_iter=1000).fit(measures, said[:, BLUR])
    ours = logistic.logistic(measures, said[:, BLUR], 1.0)
    np.testing.assert_allclose(ours[:-1], theirs.coef_[0], atol=1e-3)
    np.testing.assert_allclose(ours[-1], theirs.intercept_[0], atol=1e-3)


def test_views_of_one_particle_are_never_on_both_sides_of_a_fold() -> None:
    _, said, _, groups = views(97, 0)
    particles = np.unique(groups, return_inverse=True)[1]
    dealt = logistic.folds(said[:, BLUR], particles, 0)
    assert all(len(set(dealt[particles == particle])) == 1 for particle in set(particles))
    assert set(dealt) == set(range(logistic.FOLDS))


def test_probabilities_are_calibrated_for_balanced_answers() -> None:
    measures, said, ruled, groups = views(4000, 7)
    doubt = 1 / (1 + np.exp(5 * (measures[:, SHARPNESS] - 1.4)))
    said[:, BLUR] = np.random.default_rng(7).random(4000) < doubt
    train, test = slice(0, 2000), slice(2000, 4000)
    model = fit(measures[train], said[train], ruled[train], groups[train]).model
    assert model is not None
    chance = np.array([model.predict(named(row))["blur"] for row in measures[test]])
    truth = said[test, BLUR]
    weight = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (chance >= low) & (chance < low + 0.2)
        assert inside.sum() >= 100
        assert abs(np.average(truth[inside], weights=weight[inside]) - chance[inside].mean()) < 0.1


def test_balanced_accuracy_by_hand() -> None:
    said = np.array([True, True, True, True, False, False])
    found = np.array([True, True, True, False, True, False])
    balanced, f1 = compare.scores(said, found)
    assert balanced == pytest.approx((0.75 + 0.5) / 2)
    assert f1 == pytest.approx(2 * 3 / (4 + 4))
    assert compare.scores(np.zeros(3, bool), np.zeros(3, bool)) == (None, None)


def test_a_whole_particle_is_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(120) < 0.5
    ours, rules = np.where(rng.random(120) < 0.8, said, ~said), np.where(rng.random(120) < 0.7, said, ~said)
    counts = np.stack([compare.hits(said, ours), compare.hits(said, rules)])
    draws = compare.resamples(np.arange(120), 0)
    alone = compare.lower_bounds(counts, np.arange(120), draws, 0.05, folds=5)
    repeated = compare.lower_bounds(np.repeat(counts, 4, axis=1), np.repeat(np.arange(120), 4), draws, 0.05, folds=5)
    assert repeated == pytest.approx(alone)  # four equal views of each particle add nothing


def test_every_learnable_tag_knows_its_own_measures() -> None:
    assert set(learned._OWN) == set(LEARNABLE)
    assert {name for names in learned._OWN.values() for name in names} <= set(schema.MEASURES)
    assert set(learned._LOG_OFFSETS) <= set(schema.MEASURES)
