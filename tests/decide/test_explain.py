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


FULL: dict[str, Any] = OLD | {
    "reference_id": "ref_1", "certificate_id": None, "certificate": None, "auto_without_certificate": False,
    "encoder": {"weights": "w1"}, "integrator": {"rung": "quality_mean", "version": "v1"},
    "settings": {"integrate": {"quality_power": 0.5}, "decide": {"min_margin": 0.3, "rule": "auto"}},
    "label_versions": {"lb_a": 1}, "images": {"view1": "aa", "view2": "bb", "view3": None},
    "contributions": {"view1": 0.2, "view2": 0.1, "view3": None},
    "weights": {"view1": 0.5, "view2": 0.5, "view3": None},
}  # fmt: skip


def test_every_cause_has_its_words() -> None:
    def said(**new: Any) -> list[str]:
        return explain.changes(FULL, FULL | new, {"lb_a": "needle"}.__getitem__)

    assert said(images={"view1": "cc", "view2": None, "view3": "dd"}) == [
        "view1 shows another image", "view2 is gone", "view3 is new",
    ]  # fmt: skip
    assert said(encoder_key="e2") == ["other vectors: e1, now e2"]
    assert said(encoder={"weights": "w2"}) == ["the encoder's weights or preprocessing changed"]
    assert said(integrator={"rung": "deep_sets", "version": "v2"}) == [
        "another way to integrate views: quality_mean, now deep_sets"
    ]
    assert said(reference_id="ref_2", integrator={"rung": "quality_mean", "version": "v2"}) == [
        "slot means or the learned integrator are others"
    ]
    assert said(settings={"integrate": {"quality_power": 1.0}, "decide": {"min_margin": 0.3, "rule": "logistic"}}) == [
        "settings changed: quality_power was 0.5 and is 1.0; rule was auto and is logistic"
    ]
    assert said(label_versions={"lb_a": 2}) == [
        "the definition of 'needle' changed: version 1, now 2 (definitions do not shape a proposal)"
    ]
    assert said(certificate_id="ct_1") == ["certificate none, now ct_1"]
    held = FULL | {"certificate_id": "ct_1", "certificate": {"status": "certified", "threshold": 0.5}}
    assert explain.changes(held, held | {"certificate": {"status": "suspended", "threshold": 0.5}}) == [
        "certificate ct_1 was certified and is suspended"
    ]
    assert said(auto_without_certificate=True) == ["somebody knowingly does without a certificate now"]
    assert said(contributions={"view1": -0.1, "view2": 0.1, "view3": None}) == [
        "view1 speaks less for the proposal: +0.200, now -0.100"
    ]
    assert said(weights={"view1": None, "view2": 1.0, "view3": None}) == [
        "view1 counts no longer (was 0.50)", "view2 counts more: 0.50, now 1.00",
    ]  # fmt: skip
