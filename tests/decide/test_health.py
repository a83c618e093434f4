from __future__ import annotations

import numpy as np
import pytest

from sem_curate.arrays import unit_rows
from sem_curate.decide import certificate, health
from sem_curate.messages import MESSAGES

DIM = 16


def around(label: int, count: int, seed: int, noise: float = 0.25) -> np.ndarray:
    return unit_rows(np.eye(DIM)[label] + noise * np.random.default_rng(seed).normal(size=(count, DIM)))


def masters(vectors: np.ndarray, labels: np.ndarray, **more: np.ndarray) -> health.Masters:
    names = [f"L{label}" for label in range(int(labels.max()) + 1)] if len(labels) else []
    full = np.ones(len(labels), np.float32)
    return health.Masters(
        vectors, labels, [f"m{i}" for i in range(len(labels))], names,
        more.get("quality", full), more.get("views", full),
    )  # fmt: skip


def world(per_label: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(3), per_label)
    vectors = np.concatenate([around(label, per_label, label) for label in range(3)])
    truth = np.repeat(np.arange(3), 40)
    return vectors, labels, np.concatenate([around(label, 40, 10 + label) for label in range(3)]), truth


@pytest.mark.parametrize("per_label", [1, 2, 5, 20])
def test_sound_masters_are_kept_and_share_the_decisions(per_label: int) -> None:
    vectors, labels, particles, truth = world(per_label)
    found = health.masters_health(masters(vectors, labels), particles, truth)
    assert [item.suggestion for item in found] == [health.KEEP] * len(found)
    assert 0.9 < sum(item.drives for item in found) <= 1.0001
    assert all((item.sibling is None) == (per_label == 1) for item in found)
    if per_label == 1:  # without its only master a label cannot be proposed
        assert all(item.gain is not None and item.gain < -0.2 for item in found)


def test_a_mislabelled_master_is_found_and_costs_accuracy() -> None:
    vectors, labels, particles, truth = world(4)
    labels[0] = 1  # an L0 particle filed under L1
    sure = health.masters_health(masters(vectors, labels), particles, truth)
    assert sure[0].suggestion in (health.RETIRE_MISLEADING, health.KEEP)
    assert sure[0].rival_id == "L0"
    assert sure[0].gain is not None
    assert sure[0].gain >= 0
    unsure = health.masters_health(masters(vectors, labels), particles, np.full(len(truth), -1))
    assert unsure[0].suggestion == health.CHECK_LABEL
    assert unsure[0].gain is None


def test_of_twins_the_one_with_better_pictures_stays() -> None:
    vectors, labels, particles, truth = world(3)
    vectors[1] = vectors[0]
    quality = np.ones(9, np.float32)
    quality[0] = 0.6
    found = health.masters_health(masters(vectors, labels, quality=quality), particles, truth)
    assert [item.suggestion for item in found[:2]] == [health.RETIRE_TWIN, health.KEEP]


def test_poor_pictures_that_decide_much_are_to_be_taken_again() -> None:
    vectors, labels, particles, truth = world(2)
    views = np.ones(6, np.float32)
    views[3] = 1 / 6
    found = health.masters_health(masters(vectors, labels, views=views), particles, truth)
    assert found[3].suggestion == health.PHOTOGRAPH
    assert found[3].drives > 0


def test_particles_that_the_masters_do_not_cover_are_promoted() -> None:
    vectors, labels, particles, truth = world(3)
    odd = unit_rows(np.eye(DIM)[8:9] + 0.2 * np.eye(DIM)[1:2])
    particles, truth = np.concatenate([particles, odd]), np.r_[truth, 0]
    ids = [f"p{i}" for i in range(len(truth))]
    found = health.labels_health(masters(vectors, labels), particles, ids, truth)
    assert found[0].promote[0] == "p120"
    assert len(found[0].promote) <= 3
    assert [item.masters for item in found] == [3, 3, 3]
    assert found[1].recall is not None
    assert found[1].recall > 0.9
    nothing = health.labels_health(masters(vectors, labels), particles, ids, np.full(len(truth), -1))
    assert all(item.promote == () and item.recall is None for item in nothing)


def test_without_masters_or_particles_there_is_nothing_to_say() -> None:
    nobody = masters(np.zeros((0, DIM), np.float32), np.zeros(0, np.int64))
    assert health.masters_health(nobody, np.zeros((0, DIM), np.float32), np.zeros(0, np.int64)) == []
    vectors, labels, particles, _ = world(2)
    found = health.masters_health(masters(vectors, labels), particles[:0], np.zeros(0, np.int64))
    assert all(item.drives == 0 and item.gain is None for item in found)


def test_every_code_has_words() -> None:
    assert all(f"health.{code}" in MESSAGES for code in health.SUGGESTIONS)
    why = (certificate.TOO_FEW_AUDITS, certificate.TOO_MANY_WRONG, certificate.SCORES_MOVED, certificate.AUDITS_FAIL)
    assert all(f"certificate.{code}" in MESSAGES for code in (*certificate.STATUSES, *why))


def test_a_master_whose_proposals_people_mostly_reversed_is_not_kept_without_a_word() -> None:
    kept = health.Health("m", "a", 0.1, 0.9, "b", 0.1, 0.0, None, health.KEEP)
    assert health.after_reversals(kept, 4, 3).suggestion == health.OVERRULED
    assert health.after_reversals(kept, 2, 2).suggestion == health.KEEP  # may be chance
    assert health.after_reversals(kept, 10, 4).suggestion == health.KEEP  # mostly right
    twin = health.Health("m", "a", 0.1, 0.99, "b", 0.1, 0.0, None, health.RETIRE_TWIN)
    assert health.after_reversals(twin, 4, 4).suggestion == health.RETIRE_TWIN
