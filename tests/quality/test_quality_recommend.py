from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sem_curate.quality.recommend import BEST, LEAST_BAD, ONLY, REASONS, WHOLE, ViewQuality, recommend, recommend_all


def view(name: str, quality: float | None = 0.8, **other: object) -> ViewQuality:
    values = {"present": True, "usable": True, "contour_completeness": 0.5, **other}
    return ViewQuality(name, quality=quality, **values)  # type: ignore[arg-type]


def test_each_reason() -> None:
    cases = {
        ONLY: [view("a"), view("b", None, present=False)],
        WHOLE: [view("a", 0.9), view("b", 0.7, contour_completeness=1.0)],
        BEST: [view("a", 0.9), view("b", 0.3, contour_completeness=1.0)],  # whole, but far worse
        LEAST_BAD: [view("a", 0.0, usable=False), view("b", 0.1, usable=False)],
    }
    chosen = {reason: recommend(views) for reason, views in cases.items()}
    assert {reason: (choice.view, choice.reason) for reason, choice in chosen.items() if choice} == {
        ONLY: ("a", ONLY), WHOLE: ("b", WHOLE), BEST: ("a", BEST), LEAST_BAD: ("b", LEAST_BAD),
    }  # fmt: skip


def test_an_unreadable_view_is_never_shown_first() -> None:
    broken = view("a", 0.0, usable=False, tags=("unreadable",))
    assert recommend([broken]) is None
    assert recommend([broken, view("b", 0.01, usable=False, tags=("no_particle",))]).view == "b"  # type: ignore[union-attr]
    assert recommend([broken, view("b")]).reason == BEST  # type: ignore[union-attr] # not the only view there is


def test_no_particle_only_when_nothing_else_is_left() -> None:
    lost = view("a", 0.0, usable=False, tags=("no_particle",))
    assert recommend([lost, view("b", 0.05)]).view == "b"  # type: ignore[union-attr]


def test_a_bar_over_the_particle_and_neighbours_count_against_a_view() -> None:
    for tag in ("scale_bar", "several_particles"):
        assert recommend([view("a", 0.80, tags=(tag,)), view("b", 0.75)]).view == "b"  # type: ignore[union-attr]
        assert recommend([view("a", 0.80, tags=(tag,)), view("b", 0.5)]).view == "a"  # type: ignore[union-attr]
    both = view("a", 0.9, tags=("scale_bar", "several_particles"))
    assert recommend([both, view("b", 0.7)]).view == "b"  # type: ignore[union-attr]


def test_a_view_that_is_said_to_be_cut_does_not_show_the_whole_outline() -> None:
    for tag in ("frame_cut", "contour_missing"):
        cut = view("a", 0.8, contour_completeness=1.0, tags=(tag,))
        found = recommend([cut, view("b", 0.7, contour_completeness=1.0)])
        assert found is not None
        assert (found.view, found.reason) == ("b", WHOLE)
        alone = recommend([cut, view("b", 0.3)])
        assert alone is not None
        assert (alone.view, alone.reason) == ("a", BEST)


def test_particles_without_a_choice_are_left_out() -> None:
    assert set(recommend_all({"P1": [view("a")], "P2": [view("a", None)]})) == {"P1"}


views = st.builds(
    ViewQuality,
    view=st.sampled_from(["view1", "view2", "view3"]),
    present=st.booleans(),
    quality=st.one_of(st.none(), st.floats(0, 1)),
    usable=st.booleans(),
    contour_completeness=st.one_of(st.none(), st.floats(0, 1)),
    tags=st.lists(st.sampled_from(["scale_bar", "several_particles", "unreadable", "blur"]), max_size=2),
)


@given(st.lists(views, max_size=6, unique_by=lambda item: item.view))
def test_the_choice_is_a_measured_readable_view(given_views: list[ViewQuality]) -> None:
    fit = [v for v in given_views if v.present and v.quality is not None and "unreadable" not in v.tags]
    choice = recommend(given_views)
    assert (choice is None) == (not fit)
    if choice:
        assert choice.reason in REASONS
        chosen = next(v for v in fit if v.view == choice.view)
        assert chosen.usable or not any(v.usable for v in fit)
