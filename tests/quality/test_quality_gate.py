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
    sharpness=2.0, spectral_centroid=0.1, noise_sigma=0.02, snr=8.0, contrast=0.5, saturation_low=0.0,
    saturation_high=0.0, charging=0.0, drift=0.05, contour_completeness=1.0, frame_cut=0.0, particle_area=0.4,
    other_particles=0.0, info_bar=0.0, scale_bar_px=0.0, overlay=0.0,
)  # fmt: skip

# One measure turned bad, and the tag that must follow.
FAULTS = [
    ("sharpness", 0.3, "blur"),
    ("noise_sigma", 0.2, "noise"),
    ("contrast", 0.04, "low_contrast"),
    ("saturation_high", 0.3, "saturation"),
    ("saturation_low", 0.3, "saturation"),
    ("charging", 0.95, "charging"),
    ("drift", 5.0, "drift"),
    ("contour_completeness", 0.3, "contour_missing"),
    ("frame_cut", 0.2, "frame_cut"),
    ("other_particles", 0.2, "several_particles"),
    ("particle_area", 0.002, "small_particle"),
    ("overlay", 0.1, "scale_bar"),
    ("info_bar", 0.08, "info_bar"),
]
RANKS = gate.RANKED
# What quality looks at instead of what is named: noise is named by its strength, and costs by what it hides.
HIDDEN = {"noise": {"snr": 0.6}}


USUAL = {name: getattr(GOOD, name) for name in RANKS}


def places(value: float, typical: dict[str, float] | None = None) -> dict[str, gate.Place]:
    return {name: gate.Place(value, (typical or USUAL)[name]) for name in RANKS}


def test_a_good_view() -> None:
    verdict = gate.judge(GOOD)
    assert verdict == gate.Verdict(verdict.quality, (), True, "prior", ())
    assert verdict.quality > 0.9


@pytest.mark.parametrize(("measure", "value", "tag"), FAULTS)
def test_one_fault_is_named_and_costs_what_it_may(measure: str, value: float, tag: str) -> None:
    verdict = gate.judge(replace(GOOD, **{measure: value}, **HIDDEN.get(tag, {})))
    assert verdict.tags == verdict.measured == (tag,)
    assert verdict.usable
    if gate.FAULTS[tag].cost == 0:
        assert verdict.quality == gate.judge(GOOD).quality  # a remark
    elif gate.FAULTS[tag].cost == 1:
        assert verdict.quality < 0.5
    else:
        assert 0.5 < verdict.quality < gate.judge(GOOD).quality


def test_every_tag_but_two_has_a_fault_and_one_case_here() -> None:
    assert set(gate.FAULTS) == set(gate.TAGS) - {gate.NO_PARTICLE, gate.BY_FILE}
    assert {tag for _, _, tag in FAULTS} == set(gate.FAULTS)


def test_only_no_particle_is_unusable() -> None:
    worst = replace(GOOD, sharpness=0, snr=0, contrast=0, saturation_low=1, charging=1, drift=20, frame_cut=1,
                    contour_completeness=0, other_particles=0.5, overlay=1)  # fmt: skip
    assert gate.judge(worst).usable
    none = gate.judge(replace(GOOD, particle_area=0.0, info_bar=0.1))
    assert none == gate.Verdict(0.0, ("no_particle", "info_bar"), False, "prior", ("no_particle", "info_bar"))


@given(st.sampled_from(["sharpness", "snr", "contrast", "contour_completeness"]), st.floats(0, 1), st.floats(0, 1))
def test_better_measures_never_lower_quality(name: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert gate.judge(replace(GOOD, **{name: low})).quality <= gate.judge(replace(GOOD, **{name: high})).quality


def test_ranks_mark_down_the_worse_half() -> None:
    plain, top, low = gate.judge(GOOD), gate.judge(GOOD, places(0.9)), gate.judge(GOOD, places(0.02))
    assert (top.basis, low.basis) == ("rank", "rank")
    assert low.quality < plain.quality <= top.quality
    assert low.tags == plain.tags == ()


def test_thresholds_follow_a_condition_whose_good_images_have_low_values() -> None:
    soft = replace(GOOD, sharpness=0.6)  # this detector never gives more
    assert gate.judge(soft).tags == ("blur",)
    usual = {**USUAL, "sharpness": 0.62}
    assert gate.judge(soft, places(0.6, usual)).tags == ()
    assert gate.judge(replace(GOOD, sharpness=0.2), places(0.01, usual)).tags == ("blur",)


def test_a_condition_where_all_is_bad_does_not_become_the_measure() -> None:
    hopeless = {"sharpness": 0.05, "noise_sigma": 0.3, "snr": 0.1, "contrast": 0.01}
    bad = replace(GOOD, **hopeless)
    assert gate.judge(bad, places(0.9, hopeless)).tags == ("blur", "noise", "low_contrast")


def test_a_sharper_condition_does_not_make_others_blurred() -> None:
    usual = {"sharpness": 5.0, "noise_sigma": 0.001, "snr": 100.0, "contrast": 0.9}
    assert gate.judge(GOOD, places(0.5, usual)).tags == ()


def test_learned_tags_replace_rules_only_where_they_were_adopted() -> None:
    blurred = replace(GOOD, sharpness=0.3)
    assert gate.judge(blurred, learned={"blur": 0.1}).tags == ()
    assert gate.judge(blurred, learned={"noise": 0.9}).tags == ("blur", "noise")
    assert gate.judge(GOOD, learned={"noise": 0.9}).quality < 0.5
    assert gate.judge(GOOD, learned={"blur": 0.9}).quality < 0.5


@pytest.mark.parametrize(("measure", "value", "tag"), FAULTS)
def test_a_reviewers_word_wins(measure: str, value: float, tag: str) -> None:
    bad = replace(GOOD, **{measure: value}, **HIDDEN.get(tag, {}))
    cleared = gate.judge(bad, corrected=())
    assert (cleared.tags, cleared.measured) == ((), (tag,))
    assert cleared.quality >= gate.judge(bad).quality
    seen = gate.judge(GOOD, corrected=[tag])
    assert (seen.tags, seen.measured) == ((tag,), ())
    if gate.FAULTS[tag].cost == 1:
        assert seen.quality < 0.5 < cleared.quality


def test_a_reviewer_decides_whether_there_is_a_particle() -> None:
    assert not gate.judge(GOOD, corrected=["no_particle"]).usable
    assert gate.judge(replace(GOOD, particle_area=0.0), corrected=[]).usable


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


def test_a_noisy_condition_is_its_own_measure() -> None:
    fast = replace(GOOD, noise_sigma=0.12)  # a fast scan gives no better
    assert gate.judge(fast).tags == ("noise",)
    assert gate.judge(fast, places(0.5, {**USUAL, "noise_sigma": 0.115})).tags == ()
    assert gate.judge(replace(GOOD, noise_sigma=0.2), places(0.01, {**USUAL, "noise_sigma": 0.115})).tags == ("noise",)


@given(st.floats(-1, 3), st.floats(-1, 3), st.floats(-1, 3))
def test_what_is_usual_only_ever_forgives(value: float, typical: float, centre: float) -> None:
    for width in (0.1, -0.1):
        score = gate.Logistic(centre, width)
        assert score(value, typical) >= score(value) - 1e-12
