"""One contract for the default and the three learned rungs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.errors import InputError
from sem_curate.integrate import models
from sem_curate.integrate.contract import Integrator, QualityMean, Views, sound
from sem_curate.integrate.learned import LearnedIntegrator, TrainConfig, train
from sem_curate.integrate.networks import NETWORKS

RUNGS = ("quality_mean", *NETWORKS)
DIM, VIEWS, LABELS = 12, 6, 3
QUICK = TrainConfig(epochs=8, patience=8)


def particles(n: int, seed: int, views: int = VIEWS) -> tuple[Views, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % LABELS
    centres = np.random.default_rng(99).normal(size=(LABELS, DIM))
    vectors = (centres[labels][:, None] + rng.normal(size=(n, views, DIM))).astype(np.float32)
    present = rng.random((n, views)) < 0.75
    vectors[~present] = np.nan  # whatever stands there must not matter
    quality = rng.random((n, views)).astype(np.float32)
    quality[rng.random((n, views)) < 0.1] = np.nan
    return Views(vectors, present, quality), labels


@pytest.fixture(scope="module")
def rungs() -> dict[str, Integrator]:
    views, labels = particles(60, 0)
    start = QualityMean()  # without slot means: then the order of the views may not matter at all
    trained = {rung: train(rung, views, labels, start=start, config=QUICK) for rung in NETWORKS}
    for model in trained.values():  # stopped early or not: the properties must hold away from zero, too
        for value in model.network.parameters():
            value.data += 0.05 * np.random.default_rng(1).normal(size=tuple(value.shape)).astype(np.float32).mean()
    return {"quality_mean": start, **trained}


@pytest.mark.parametrize("rung", RUNGS)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 8))
@settings(deadline=None, max_examples=15)
def test_order_of_views_does_not_matter(rungs: dict[str, Integrator], rung: str, seed: int, count: int) -> None:
    views, _ = particles(4, seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    straight = rungs[rung](views)
    turned = rungs[rung](Views(views.vectors[:, order], views.present[:, order], views.quality[:, order]))
    np.testing.assert_allclose(straight.vectors, turned.vectors, atol=1e-5)
    np.testing.assert_allclose(straight.weights[:, order], turned.weights, atol=1e-5)


@pytest.mark.parametrize("rung", RUNGS)
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_copies_and_masked_views_change_nothing(rungs: dict[str, Integrator], rung: str, seed: int) -> None:
    views, _ = particles(4, seed)
    plain = rungs[rung](views)
    copied = Views(*(np.concatenate([part, part[:, :2]], axis=1) for part in vars(views).values()))
    np.testing.assert_allclose(rungs[rung](copied).vectors, plain.vectors, atol=1e-5)
    absent = np.zeros((4, 1), bool)
    padded = Views(
        np.concatenate([views.vectors, np.full((4, 1, DIM), 7, np.float32)], axis=1),
        np.concatenate([views.present, absent], axis=1),
        np.concatenate([views.quality, np.ones((4, 1), np.float32)], axis=1),
    )
    again = rungs[rung](padded)
    np.testing.assert_allclose(again.vectors, plain.vectors, atol=1e-5)
    assert (again.weights[:, -1] == 0).all()


@pytest.mark.parametrize("rung", RUNGS)
def test_no_view_no_vector_and_weights_sum_to_one(rungs: dict[str, Integrator], rung: str) -> None:
    views, _ = particles(6, 3)
    views.present[0] = False
    done = rungs[rung](views)
    assert np.isfinite(done.vectors).all()
    assert (done.vectors[0] == 0).all()
    np.testing.assert_allclose(done.weights.sum(axis=1), views.present.any(axis=1), atol=1e-5)


@pytest.mark.parametrize("rung", list(NETWORKS))
def test_an_untrained_rung_is_the_default(rung: str) -> None:
    views, _ = particles(5, 4)
    bare = LearnedIntegrator(rung, QualityMean(), NETWORKS[rung](DIM), {})
    np.testing.assert_allclose(bare(views).vectors, QualityMean()(views).vectors, atol=1e-5)


@pytest.mark.parametrize("rung", list(NETWORKS))
def test_training_is_repeatable_and_survives_the_disk(rung: str, tmp_path: Path) -> None:
    views, labels = particles(45, 5)
    first, second = (train(rung, views, labels, start=QualityMean.of(views), config=QUICK) for _ in range(2))
    assert first.version == second.version
    folder = models.save(first, tmp_path)
    back = models.load(folder)
    assert back.version == first.version
    np.testing.assert_array_equal(back(views).vectors, first(views).vectors)
    assert models.save(second, tmp_path) == folder
    (folder / models.WEIGHTS).write_bytes(b"other")
    with pytest.raises(InputError, match="is not the file"):
        models.load(folder)


def test_attention_learns_where_the_label_is() -> None:
    """Only view 2 carries the label and the mean is nearly blind: training has to move the weight there."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    vectors = rng.normal(size=(240, VIEWS, DIM)).astype(np.float32)
    vectors[:, 2] = np.where(labels[:, None] == 0, 3.0, -3.0) * np.eye(DIM)[0] + 0.3 * rng.normal(size=(240, DIM))
    vectors[:, 2, 1] += 4  # the view is recognisable
    views = Views(vectors, np.ones((240, VIEWS), bool), np.ones((240, VIEWS), np.float32))
    model = train("gated_attention", views, labels, start=QualityMean(), config=TrainConfig(epochs=60))
    assert model(views).weights[:, 2].mean() > 1.5 * QualityMean()(views).weights[:, 2].mean()


def test_broken_views_are_counted_with_an_example() -> None:
    views, _ = particles(3, 6)
    views.present[:] = True
    views.vectors[:] = np.nan_to_num(views.vectors, nan=1.0)
    views.vectors[1, 4, 0] = np.nan
    clean = sound(views)
    assert (clean.broken, clean.example) == (1, (1, 4))
    assert not clean.views.present[1, 4]
    assert np.isfinite(QualityMean()(views).vectors).all()


def test_one_label_cannot_be_learned() -> None:
    views, labels = particles(6, 7)
    with pytest.raises(ValueError, match="at least 2 labels; got 1"):
        train("deep_sets", views, labels * 0, start=QualityMean())
