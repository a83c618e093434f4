from __future__ import annotations

import numpy as np
import pytest

from sem_curate import schema
from sem_curate.bench.quality import learned
from sem_curate.quality.learned import LEARNABLE


@pytest.fixture
def views() -> learned.Views:
    rng = np.random.default_rng(0)
    distance = rng.normal(1.0, 3.0, (480, len(LEARNABLE)))
    measures = np.abs(rng.normal(1.0, 0.1, (480, len(schema.MEASURES))))
    measures[:, schema.MEASURES.index("sharpness")] = 10 + distance[:, LEARNABLE.index("blur")]
    return learned.Views(measures, distance < 0, distance, np.arange(480) // 6)


def test_corrected_and_held_out_views_share_no_particle(views: learned.Views) -> None:
    mine, others = learned._split(views, np.random.default_rng(1))
    assert len(mine.particles) == learned.CORRECTIONS
    assert not set(mine.particles) & set(others.particles)
    assert len(others.particles) > 200


def test_a_taste_that_the_measures_show_is_gained(views: learned.Views) -> None:
    mine, others = learned._split(views, np.random.default_rng(1))
    found = learned._fit(mine, mine.distance < 1.5)
    assert found.model is not None
    assert set(found.model.weights) == {"blur"}  # the other measures here say nothing
    tags, blur = learned._tags(others, found), LEARNABLE.index("blur")
    assert (tags[:, blur] == (others.distance[:, blur] < 1.5)).mean() > (
        others.ruled[:, blur] == (others.distance[:, blur] < 1.5)
    ).mean()
    np.testing.assert_array_equal(np.delete(tags, blur, 1), np.delete(others.ruled, blur, 1))


def test_random_answers_have_the_rate_they_are_named_after(views: learned.Views) -> None:
    rng = np.random.default_rng(2)
    coin, _, other, tenth, third = (tagger(views, rng) for tagger in learned.SCHEMES.values())
    assert coin.mean() == pytest.approx(0.1, abs=0.02)
    np.testing.assert_array_equal(other.sum(axis=0), views.ruled.sum(axis=0))
    assert (tenth != views.ruled).mean() == pytest.approx(0.1, abs=0.02)
    assert (third != views.ruled).mean() == pytest.approx(1 / 3, abs=0.03)


def test_the_lower_bound_is_below_the_mean_gain() -> None:
    assert learned._low([0.9, 0.8, 0.85], [0.7, 0.7, 0.7]) < 0.15
    assert learned._low([0.8, 0.7, 0.6], [0.7, 0.7, 0.7]) < 0
