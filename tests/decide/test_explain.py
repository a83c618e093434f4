from __future__ import annotations

import copy
from typing import Any

from sem_curate.decide import explain

OLD: dict[str, Any] = {
    "label_id": "lb_a", "state": "review", "reasons": ["close_candidates"], "confidence": 0.6, "margin": 0.2,
    "knownness": 0.8, "agreement": 0.5, "method": "prototype", "encoder_key": "e1", "master_set_version": 3,
    "thresholds": {"unknown": 0.4, "auto": 0.7}, "weights": {"view1": 0.5, "view2": 0.5, "view3": 0.0},
    "masters": [{"particle_id": "P-1", "label_id": "lb_a", "similarity": 0.8}],
}  # fmt: skip


def test_equal_receipts_have_nothing_to_tell() -> None:
    assert explain.changes(OLD, copy.deepcopy(OLD)) == []


def test_everything_that_changed_is_said_the_outcome_first() -> None:
    new = copy.deepcopy(OLD) | {
        "label_id": "lb_b", "state": "auto", "reasons": [], "confidence": 0.9, "master_set_version": 4,
        "thresholds": {"unknown": 0.5, "auto": 0.7}, "weights": {"view1": 0.3, "view2": 0.0, "view3": 0.7},
        "masters": [{"particle_id": "P-9", "label_id": "lb_b", "similarity": 0.95}],
    }  # fmt: skip
    found = explain.changes(OLD, new, {"lb_a": "needle", "lb_b": "rod"}.__getitem__)
    assert found == [
        "the proposal changed from 'needle' to 'rod'",
        "the state changed from review to auto",
        "no longer a reason to look: close_candidates",
        "another master set: 3, now 4",
        "thresholds of known-ness moved: unknown 0.400, now 0.500",
        "the nearest master was P-1 ('needle', 0.800) and is P-9 ('rod', 0.950)",
        "confidence (not calibrated) rose from 0.600 to 0.900",
        "view1 counts less: 0.50, now 0.30",
        "view2 counts no longer (was 0.50)",
        "view3 counts now (0.70)",
    ]


def test_a_proposal_that_vanished_and_tiny_changes() -> None:
    gone = OLD | {"label_id": None, "masters": []}
    assert explain.changes(OLD, gone)[0] == "the proposal changed from 'lb_a' to 'no label'"
    assert explain.changes(OLD, OLD | {"margin": 0.2001}) == [
        "only numbers changed, each by less than is worth telling"
    ]
