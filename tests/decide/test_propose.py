from __future__ import annotations

import numpy as np

from sem_curate import schema
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import propose as proposing
from sem_curate.decide import receipts, reference
from sem_curate.decide.match import Match
from sem_curate.decide.reference import Batch
from sem_curate.decide.thresholds import LEAVE_ONE_OUT, NONE, Thresholds

CONFIG = DecideConfig()
KNOWN = Thresholds(unknown=0.5, auto=0.7, source=LEAVE_ONE_OUT, n=20)


def made(confidence, knownness, *, agreement=1.0, quality=0.9, usable=True, thresholds=KNOWN):
    shares = np.array([confidence], np.float32)
    found = Match(shares, np.array([knownness], np.float32), np.zeros((1, 1), np.float32), "prototype")
    return proposing.propose(
        found,
        np.array([agreement], np.float32),
        np.array([quality], np.float32),
        np.array([usable]),
        thresholds,
        CONFIG,
    )


def test_each_reason_on_its_own() -> None:
    assert made([0.9, 0.1], 0.9).state == (schema.AUTO,)
    cases = {
        proposing.NOT_KNOWN: made([0.9, 0.1], 0.4),
        proposing.LOW_KNOWNNESS: made([0.9, 0.1], 0.6),
        proposing.CLOSE_CANDIDATES: made([0.55, 0.45], 0.9),
        proposing.VIEWS_DISAGREE: made([0.9, 0.1], 0.9, agreement=0.3),
        proposing.POOR_QUALITY: made([0.9, 0.1], 0.9, quality=0.1),
        proposing.NO_USABLE_VIEW: made([0.9, 0.1], 0.9, usable=False),
        proposing.TOO_FEW_MASTERS: made([1.0], 0.9, thresholds=Thresholds(-1, 2, NONE, 1)),
    }
    for reason, proposals in cases.items():
        assert reason in proposals.reasons[0], reason
        wanted = schema.UNKNOWN if reason == proposing.NOT_KNOWN else schema.REVIEW
        assert proposals.state == (wanted,), reason


def test_without_a_usable_view_nothing_is_proposed() -> None:
    proposals = made([0.9, 0.1], 0.9, usable=False)
    assert proposals.label.tolist() == [-1]
    assert proposals.confidence.tolist() == [0.0]


def test_ranks_are_shares_of_the_reference() -> None:
    grid = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    assert proposing.ranks(np.array([0.0, 0.25, 0.9]), grid).tolist() == [0.0, 0.5, 1.0]
    assert proposing.ranks(np.array([0.3]), np.empty(0)).tolist() == [0.5]


def batch_of(n: int, seed: int = 0) -> tuple[Batch, dict[str, str]]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 12))
    vectors = (centres[np.arange(n) % 3][:, None] + rng.normal(size=(n, 6, 12)) * 0.4).astype(np.float32)
    present = rng.random((n, 6)) < 0.8
    present[:, 0] = True
    ids = tuple(f"P-{i}" for i in range(n))
    return Batch(ids, vectors, present, np.ones((n, 6), np.float32)), {f"P-{i}": f"lbl_{i % 3}" for i in range(9)}


def test_reference_round_trip_gives_the_same_proposals(tmp_path) -> None:
    batch, labels = batch_of(40)
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG)
    reference.save(built, tmp_path / "ref.npz")
    loaded = reference.load(tmp_path / "ref.npz")
    first = reference.propose_batch(batch, built, IntegrateConfig(), CONFIG)[2]
    second = reference.propose_batch(batch, loaded, IntegrateConfig(), CONFIG)[2]
    np.testing.assert_array_equal(first.confidence, second.confidence)
    assert first.state == second.state
    assert [built.label_ids[i] for i in first.label[9:]] == [f"lbl_{i % 3}" for i in range(9, 40)]


def test_masters_without_views_are_left_out() -> None:
    batch, labels = batch_of(12)
    batch.present[4] = False
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG)
    assert set(labels) - set(built.master_ids) == {"P-4"}


def test_receipts_do_not_depend_on_the_batch() -> None:
    batch, labels = batch_of(60)
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG)

    def all_receipts(size: int) -> list[str]:
        ids = []
        for start in range(0, 60, size):
            part = slice(start, start + size)
            some = Batch(batch.particle_ids[part], batch.vectors[part], batch.present[part], batch.quality[part])
            pooled, found, proposals, _ = reference.propose_batch(some, built, IntegrateConfig(), CONFIG)
            for row, key in enumerate(some.particle_ids):
                content = receipts.evidence(
                    row,
                    found,
                    proposals,
                    pooled.weights,
                    view_names=[f"view{i}" for i in range(6)],
                    label_ids=built.label_ids,
                    master_ids=built.master_ids,
                    master_labels=built.master_labels,
                )
                ids.append(receipts.receipt("ds_1", key, content)["receipt_id"])
        return ids

    assert all_receipts(60) == all_receipts(7)
