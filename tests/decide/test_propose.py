from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sem_curate import schema
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import propose as proposing
from sem_curate.decide import receipts, reference
from sem_curate.decide.match import Match
from sem_curate.decide.reference import Batch
from sem_curate.decide.thresholds import LEAVE_ONE_OUT, NONE, Thresholds
from sem_curate.errors import StateError
from sem_curate.integrate.contract import QualityMean
from sem_curate.integrate.learned import TrainConfig, train

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
    first = reference.propose_batch(batch, built).proposals
    second = reference.propose_batch(batch, loaded).proposals
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
    batch, labels = batch_of(700)  # more than two blocks
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG)
    known = receipts.Known([f"view{i}" for i in range(6)], built.label_ids, built.master_ids, built.labels)

    def all_receipts(order: np.ndarray, size: int) -> dict[str, str]:
        ids = {}
        for start in range(0, len(order), size):
            part = order[start : start + size]
            keys = tuple(batch.particle_ids[row] for row in part)
            some = Batch(keys, batch.vectors[part], batch.present[part], batch.quality[part])
            contents = receipts.evidence(reference.propose_batch(some, built), known)
            for key, content in zip(keys, contents, strict=True):
                ids[key] = receipts.receipt("ds_1", key, content)["receipt_id"]
        return ids

    rows = np.arange(700)
    together = all_receipts(rows, 700)
    assert all_receipts(np.random.default_rng(0).permutation(rows), 97) == together
    alone = all_receipts(rows[::23], 1)
    assert alone == {key: together[key] for key in alone}


def test_a_receipt_says_what_every_view_did_and_null_where_there_is_none() -> None:
    batch, labels = batch_of(40)
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG)
    names = [f"view{i}" for i in range(6)]
    known = receipts.Known(names, built.label_ids, built.master_ids, built.labels)
    contents = receipts.evidence(reference.propose_batch(batch, built), known)
    for content, present in zip(contents, batch.present, strict=True):
        for kind in ("weights", "contributions", "removal", "votes"):
            assert [content[kind][name] is not None for name in names] == present.tolist(), kind
        given = [value for value in content["contributions"].values() if value is not None]
        assert sum(given) == pytest.approx(content["total"], abs=1e-4)
        assert content["masters"][0]["distance"] == pytest.approx(1 - content["masters"][0]["similarity"], abs=1e-4)
        assert 0 <= content["score"] <= 1


def test_another_rule_may_be_asked_for(tmp_path: Path) -> None:
    batch, labels = batch_of(40)
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    for rule in ("prototype", "neighbours", "logistic", "mixture"):
        config = DecideConfig(rule=rule)
        built = reference.build(masters, labels, batch, IntegrateConfig(), config)
        reference.save(built, tmp_path / "ref.npz")
        loaded = reference.load(tmp_path / "ref.npz")
        found = reference.propose_batch(batch, loaded)
        assert (loaded.lane.rule.name, found.match.method) == (rule, rule)
        np.testing.assert_array_equal(found.score, reference.propose_batch(batch, built).score)
    with pytest.raises(ValueError, match="rule must be one of auto, prototype"):
        DecideConfig(rule="oracle")


def test_a_reference_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    text = np.frombuffer(b'{"master_ids": []}', dtype=np.uint8)
    np.savez(tmp_path / "ref_old.npz", text=text)
    with pytest.raises(StateError, match="another version of sem_curate; propose again"):
        reference.load(tmp_path / "ref_old.npz")


def test_a_learned_integrator_is_frozen_by_its_version(tmp_path: Path) -> None:
    batch, labels = batch_of(60)
    masters = Batch(batch.particle_ids[:9], batch.vectors[:9], batch.present[:9], batch.quality[:9])
    target = np.arange(60) % 3
    start = QualityMean.of(batch.views)
    learned, other = (
        train("deep_sets", batch.views, target, start=start, config=TrainConfig(epochs=3, patience=3, seed=seed))
        for seed in (1_000_000, 1_000_001)
    )
    built = reference.build(masters, labels, batch, IntegrateConfig(), CONFIG, integrator=learned)
    reference.save(built, tmp_path / "ref.npz")
    assert reference.integrator_of(tmp_path / "ref.npz") == {"rung": "deep_sets", "version": learned.version}
    loaded = reference.load(tmp_path / "ref.npz", learned)
    found, again = reference.propose_batch(batch, built), reference.propose_batch(batch, loaded)
    np.testing.assert_array_equal(found.score, again.score)
    np.testing.assert_array_equal(found.contributions.shapley, again.contributions.shapley)
    if other.version != learned.version:
        with pytest.raises(StateError, match="was made with integrator deep_sets"):
            reference.load(tmp_path / "ref.npz", other)
    with pytest.raises(StateError, match="not quality_mean"):
        reference.load(tmp_path / "ref.npz")
