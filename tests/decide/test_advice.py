from __future__ import annotations

from typing import Any

import numpy as np

from sem_curate import schema
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import advice, receipts, reference
from sem_curate.decide import propose as proposing
from sem_curate.decide.assess import COUNTS
from sem_curate.decide.reference import Batch, Reference
from sem_curate.quality.retake import MARGIN

VIEWS = tuple(f"view{i}" for i in range(1, 7))
TELLING = 4  # the slot that shows the difference between the labels
# Wide margins, so that many particles are close cases; hardly anything is unknown.
INTEGRATE, DECIDE = IntegrateConfig(), DecideConfig(unknown_quantile=0.0, auto_quantile=0.0, min_margin=0.9)


def drawn(n: int, seed: int, *, close: bool = False) -> tuple[Batch, np.ndarray]:
    """Particles of two labels that look alike in every slot but one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    centres = np.random.default_rng(7).normal(size=(2, 16))
    between = centres.mean(axis=0)
    strength = np.full(6, 0.05)
    strength[TELLING] = 0.0 if close else 1.0
    towards = between + (centres[labels] - between)[:, None] * strength[None, :, None]
    vectors = (towards + rng.normal(size=(n, 6, 16)) * 0.25).astype(np.float32)
    present = np.ones((n, 6), bool)
    return Batch(tuple(f"P-{seed}-{i}" for i in range(n)), vectors, present, np.ones((n, 6), np.float32)), labels


def built() -> Reference:
    masters, labels = drawn(24, 1)
    by_name = {key: f"lbl_{label}" for key, label in zip(masters.particle_ids, labels, strict=True)}
    return reference.build(masters, by_name, drawn(200, 2)[0], INTEGRATE, DECIDE)


def without(batch: Batch, slot: int) -> Batch:
    present = batch.present.copy()
    present[:, slot] = False
    return Batch(batch.particle_ids, batch.vectors, present, batch.quality)


def advised(batch: Batch, frozen: Reference) -> tuple[Any, list[dict[str, Any] | None]]:
    found = reference.propose_batch(batch, frozen)
    return found.proposals, advice.retakes(batch, found, frozen, VIEWS)


def test_the_telling_view_is_advised_and_only_to_close_cases_in_review() -> None:
    frozen = built()
    made, found = advised(without(drawn(60, 3)[0], TELLING), frozen)
    given = [item for item in found if item]
    assert given
    assert {item["view"] for item in given} == {VIEWS[TELLING]}
    assert all(item["missing"] and item["separation"] >= item["best_present"] + MARGIN for item in given)
    assert all(sorted(item["labels"]) == ["lbl_0", "lbl_1"] for item in given)
    for state, reasons, item in zip(made.state, made.reasons, found, strict=True):
        if item:
            assert state == schema.REVIEW
            assert set(reasons) & {proposing.CLOSE_CANDIDATES, proposing.VIEWS_DISAGREE}


def test_a_poor_view_is_taken_again_and_a_good_one_is_not() -> None:
    frozen = built()
    batch = drawn(60, 3, close=True)[0]
    poor = batch.quality.copy()
    poor[:, TELLING] = 0.3
    _, again = advised(Batch(batch.particle_ids, batch.vectors, batch.present, poor), frozen)
    assert {(item["view"], item["missing"]) for item in again if item} == {(VIEWS[TELLING], False)}
    assert not any(advised(batch, frozen)[1])


def test_separations_survive_saving(tmp_path: Any) -> None:
    frozen = built()
    reference.save(frozen, tmp_path / "ref.npz")
    np.testing.assert_array_equal(reference.load(tmp_path / "ref.npz").separation, frozen.separation)
    assert frozen.separation.shape == (6, 2, 2)
    assert frozen.separation[:, 0, 1].argmax() == TELLING


def test_one_label_alone_needs_no_advice() -> None:
    masters, _ = drawn(6, 1)
    frozen = reference.build(masters, dict.fromkeys(masters.particle_ids, "lbl_0"), drawn(30, 2)[0], INTEGRATE, DECIDE)
    assert not any(advised(without(drawn(20, 3)[0], TELLING), frozen)[1])


def disputing(batch: Batch, slot: int, rows: range) -> Batch:
    tags = tuple(
        tuple(("charging",) if row in rows and view == slot else () for view in range(6))
        for row in range(len(batch.particle_ids))
    )
    return Batch(batch.particle_ids, batch.vectors, batch.present, batch.quality, tags)


def test_a_dispute_moves_auto_to_review_and_changes_nothing_else() -> None:
    frozen, batch = built(), drawn(60, 3)[0]
    assessed = reference.propose_batch(batch, frozen)
    before, heard = assessed.proposals, assessed.weights[:, 1] >= COUNTS
    after = reference.propose_batch(disputing(batch, 1, range(30)), frozen).proposals
    assert schema.AUTO in before.state[:30]
    assert heard[:30].sum() > 20
    for row in range(60):
        added = (proposing.VLM_QUALITY,) if row < 30 and heard[row] else ()
        assert after.reasons[row] == (*before.reasons[row], *added)
        moved = bool(added) and before.state[row] == schema.AUTO
        assert after.state[row] == (schema.REVIEW if moved else before.state[row])
    for name in ("label", "confidence", "margin", "knownness", "agreement"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_a_view_without_weight_raises_nothing() -> None:
    frozen, batch = built(), drawn(20, 3)[0]
    blank = batch.quality.copy()
    blank[:, 1] = 0.0
    batch = disputing(Batch(batch.particle_ids, batch.vectors, batch.present, blank), 1, range(20))
    found = reference.propose_batch(batch, frozen)
    assert not any(proposing.VLM_QUALITY in reasons for reasons in found.proposals.reasons)
    assert not any(reference.disputed_views(batch, found.weights))


def test_the_receipt_says_so_and_stays_silent_otherwise() -> None:
    frozen, batch = built(), without(drawn(60, 3)[0], TELLING)
    batch = disputing(batch, 1, range(1))
    found = reference.propose_batch(batch, frozen)
    retakes = advice.retakes(batch, found, frozen, VIEWS)
    disputed = reference.disputed_views(batch, found.weights)
    known = receipts.Known(VIEWS, frozen.label_ids, frozen.master_ids, frozen.labels)
    contents = receipts.evidence(found, known, disputed=disputed, retakes=retakes)
    assert contents[0]["vlm_disputes"] == {"view2": ["charging"]}
    assert not any("vlm_disputes" in content for content in contents[1:])
    assert [content.get("retake") for content in contents] == retakes
