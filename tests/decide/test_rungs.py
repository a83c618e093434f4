from __future__ import annotations

from pathlib import Path

import numpy as np

from sem_curate.decide import rungs
from sem_curate.integrate.contract import DEFAULT, Views
from sem_curate.integrate.learned import TrainConfig


def key_world(n: int, seed: int) -> tuple[Views, np.ndarray]:
    """The label shows in one recognisable view of six; the mean of all drowns it."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    vectors = rng.normal(size=(n, 6, 12))
    vectors[:, 2] = 0.3 * rng.normal(size=(n, 12)) + 2.5 * np.eye(12)[labels]
    vectors[:, 2, 6] += 4
    return Views(vectors.astype(np.float32), np.ones((n, 6), bool), np.ones((n, 6), np.float32)), labels


def test_a_rung_is_adopted_where_it_clearly_wins_and_drawn(tmp_path: Path) -> None:
    views, labels = key_world(180, 0)
    pool = Views(views.vectors * 0, np.zeros((180, 6), bool), views.quality)  # no centring: views stay recognisable
    found = rungs.compare(
        views, labels, np.arange(180), pool=pool, rungs=("gated_attention",), config=TrainConfig(epochs=40), repeats=1
    )
    assert found.winner == "gated_attention"
    assert found.model is not None
    assert found.rows[1].low > 0
    assert found.rows[1].gain >= rungs.LEAST_GAIN
    assert found.as_dict()["version"] == found.model.version
    rungs.plot(found, tmp_path / "gain.png")
    assert (tmp_path / "gain.png").stat().st_size > 1000


def test_the_default_stays_where_nothing_can_be_gained() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    vectors = (4 * np.eye(12)[labels][:, None] + rng.normal(size=(60, 6, 12))).astype(np.float32)
    views = Views(vectors, np.ones((60, 6), bool), np.ones((60, 6), np.float32))
    found = rungs.compare(views, labels, np.arange(60) // 2, config=TrainConfig(epochs=3), repeats=1)
    assert (found.winner, found.model) == (DEFAULT, None)
    assert found.rows[0].rung == DEFAULT
    assert not any(row.adopted for row in found.rows[1:])


def test_too_few_groups_give_the_default_and_a_reason() -> None:
    views, labels = key_world(12, 2)
    found = rungs.compare(views, labels, np.arange(12) % 2)
    assert found.winner == DEFAULT
    assert "at least 3 groups and 2 labels; got 2 and 3" in found.note
