from __future__ import annotations

import numpy as np
import pytest

from sem_curate.bench import evaluate
from sem_curate.bench.figures import at_least, at_most, equals
from sem_curate.decide.reference import Batch


def world(spoiled: int, seed: int = 0) -> tuple[Batch, dict[str, str], dict[str, str]]:
    """60 particles of 4 labels; ``spoiled`` of 6 views show noise and are measured as poor."""
    rng = np.random.default_rng(seed)
    centres, poses = rng.normal(size=(4, 24)), rng.normal(size=(6, 24)) * 2
    label = np.arange(60) % 4
    vectors = centres[label][:, None] + poses[None] + rng.normal(size=(60, 6, 24)) * 0.8
    quality = np.full((60, 6), 0.9, np.float32)
    for row in range(60):
        bad = rng.permutation(6)[:spoiled]
        vectors[row, bad] = rng.normal(size=(spoiled, 24)) * 3
        quality[row, bad] = 0.1
    ids = tuple(f"P-{i}" for i in range(60))
    truth = {key: f"label {value}" for key, value in zip(ids, label, strict=True)}
    batch = Batch(ids, vectors.astype(np.float32), np.ones((60, 6), bool), quality)
    return batch, {key: truth[key] for key in ids[:12]}, truth


def test_quality_weights_beat_the_baselines_when_views_are_spoiled() -> None:
    ours, single, mean = [], [], []
    for seed in range(8):
        batch, masters, truth = world(2, seed)
        made = evaluate.proposals_by_variant(batch, masters)
        assert all(set(proposed) == set(truth) - set(masters) for proposed in made.values())
        ours.append(evaluate.accuracy(made[evaluate.DEFAULT], truth))
        single.append(evaluate.accuracy(made[evaluate.SINGLE], truth))
        mean.append(evaluate.accuracy(made[evaluate.MEAN], truth))
    assert np.mean(ours) > max(np.mean(single), np.mean(mean))


def test_scores_by_hand() -> None:
    proposed, truth = {"a": "x", "b": "x", "c": "y", "d": "y"}, {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y"}
    assert evaluate.accuracy(proposed, truth) == pytest.approx(3 / 4)
    assert evaluate.macro_recall(proposed, truth) == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(evaluate.accuracy({}, truth))


def test_pixel_neighbours_take_the_nearest() -> None:
    masters = np.array([[0, 0], [10, 10]], np.float32)
    found = evaluate.pixel_neighbours(masters, ["low", "high"], np.array([[1, 2], [9, 7]], np.float32), ["a", "b"])
    assert found == {"a": "low", "b": "high"}


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (at_least("x", 1, 1), True),
        (at_least("x", 0.9, 1), False),
        (at_most("x", 2, 1), False),
        (equals("x", 3, 3), True),
    ],
)
def test_targets(figure, holds: bool) -> None:
    assert figure.holds is holds
