from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate import messages
from sem_curate.quality import gate, recommend
from sem_curate.quality.measures import ViewMeasures
from sem_curate.quality.recommend import ViewQuality

GOOD = ViewMeasures(
    sharpness=2.0, snr=8.0, contrast=0.5, saturation_low=0.0, saturation_high=0.0, charging=0.0, drift=0.1,
    contour_completeness=1.0, frame_cut=0.0, particle_area=0.4, info_bar=0.0,
)  # fmt: skip

FAULTS = [
    ("sharpness", 0.3, "blur"),
    ("snr", 0.6, "noise"),
    ("contrast", 0.04, "low_contrast"),
    ("saturation_high", 0.3, "saturation"),
    ("saturation_low", 0.3, "saturation"),
    ("charging", 0.9, "charging"),
]


def test_a_good_view() -> None:
    verdict = gate.judge(GOOD)
    assert verdict == gate.Verdict(verdict.quality, (), True, "prior")
    assert verdict.quality > 0.9


@pytest.mark.parametrize(("measure", "value", "tag"), FAULTS)
def test_one_fault_lowers_quality_and_is_named(measure: str, value: float, tag: str) -> None:
    verdict = gate.judge(replace(GOOD, **{measure: value}))
    assert verdict.tags == (tag,)
    assert verdict.quality < 0.5
    assert verdict.usable


@pytest.mark.parametrize(
    ("measure", "value", "tag"),
    [("drift", 2.0, "drift"), ("frame_cut", 0.1, "frame_cut"), ("particle_area", 0.002, "small_particle"),
     ("info_bar", 0.08, "info_bar")],
)  # fmt: skip
def test_remarks_that_do_not_lower_quality(measure: str, value: float, tag: str) -> None:
    verdict = gate.judge(replace(GOOD, **{measure: value}))
    assert verdict.tags == (tag,)
    assert verdict.quality == gate.judge(GOOD).quality


def test_a_missing_contour_costs_moderately() -> None:
    verdict = gate.judge(replace(GOOD, contour_completeness=0.0, frame_cut=1.0, particle_area=1.0))
    assert verdict.tags == ("contour_missing", "frame_cut")
    assert 0.6 < verdict.quality < gate.judge(GOOD).quality


def test_only_no_particle_is_unusable() -> None:
    worst = ViewMeasures(0, 0, 0, 1, 0, 1, 20, 0, 1, 0.5, 0)
    assert gate.judge(worst).usable
    assert gate.judge(replace(GOOD, particle_area=0.0)) == gate.Verdict(0.0, ("no_particle",), False)


@given(st.sampled_from(["sharpness", "snr", "contrast", "contour_completeness"]), st.floats(0, 1), st.floats(0, 1))
def test_better_measures_never_lower_quality(name: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert gate.judge(replace(GOOD, **{name: low})).quality <= gate.judge(replace(GOOD, **{name: high})).quality


def test_ranks_lower_the_worse_half_only_and_never_change_tags() -> None:
    plain = gate.judge(GOOD)
    top = gate.judge(GOOD, {"sharpness": 0.9, "snr": 0.6})
    low = gate.judge(GOOD, {"sharpness": 0.02, "snr": 0.6})
    assert (top.basis, low.basis) == ("rank", "rank")
    assert low.quality < plain.quality <= top.quality
    assert low.tags == plain.tags == ()


def test_every_code_has_a_text_in_both_languages() -> None:
    codes = [f"tag.{tag}" for tag in gate.TAGS] + [f"recommend.{reason}" for reason in recommend.REASONS]
    for code in codes:
        for language in ("ja", "en"):
            assert messages.text(code, language) != code


def view(
    name: str, quality: float | None, contour: float | None = 1.0, *, present: bool = True, usable: bool = True
) -> ViewQuality:
    return ViewQuality(name, present, quality, usable, contour)


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ([], None),
        ([view("v1", 0.9, present=False)], None),  # a placeholder is no view
        ([view("v1", None)], None),  # not measured yet
        ([view("v1", 0.9, present=False), view("v2", 0.1)], ("v2", "only_view")),
        ([view("v1", 0.8), view("v2", 0.9, 0.1)], ("v1", "whole_outline")),
        ([view("v1", 0.3), view("v2", 0.9, 0.1)], ("v2", "best_quality")),  # a bad outline view is not worth it
        ([view("v1", 0.5, 0.2), view("v2", 0.6, None)], ("v2", "best_quality")),
        ([view("v1", 0.0, usable=False), view("v2", 0.0, usable=False)], ("v1", "least_bad")),
        ([view("v1", 0.9, usable=False), view("v2", 0.2, 0.0)], ("v2", "best_quality")),
        ([view("v1", 0.7), view("v2", 0.7)], ("v1", "whole_outline")),  # the first of equals
    ],
)
def test_recommend(views: list[ViewQuality], expected: tuple[str, str] | None) -> None:
    choice = recommend.recommend(views)
    assert (choice and (choice.view, choice.reason)) == expected


def test_recommend_all_leaves_out_particles_without_a_choice() -> None:
    chosen = recommend.recommend_all({"a": [view("v1", 0.9)], "b": [view("v1", None)]})
    assert list(chosen) == ["a"]
