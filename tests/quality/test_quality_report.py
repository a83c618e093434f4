from __future__ import annotations

from sem_curate.quality.gate import TAGS
from sem_curate.quality.report import Count, shown, tabulate

VIEWS = ("view1", "view2")


def test_shares_are_of_what_they_say() -> None:
    row = tabulate([Count("view1", "A", 8, 5, 1, 2.5, {"blur": 2}, missing=2)], VIEWS)[0]
    assert (row["views"], row["measured"], row["missing"], row["unusable"]) == (8, 5, 2, 1)
    assert row["missing_share"] == 0.2  # of ten particles
    assert row["unusable_share"] == 0.2  # of five measured views
    assert row["mean_quality"] == 0.5
    assert row["tags"] == {**dict.fromkeys(TAGS, 0.0), "blur": 0.4}


def test_nothing_measured_is_no_quality_and_no_division_by_zero() -> None:
    row = tabulate([Count("view1", None, 3)], VIEWS)[0]
    assert (row["mean_quality"], row["unusable_share"], row["missing_share"]) == (None, 0.0, 0.0)
    assert tabulate([], VIEWS) == []


def test_rows_follow_the_views_and_groups_sort_as_people_expect() -> None:
    groups = [None, "B", 5000.0, "A", 300.0]
    rows = tabulate([Count(view, group, 1) for view in ("view2", "view1") for group in groups], VIEWS)
    assert [(row["view"], row["group"]) for row in rows] == [
        (view, group) for view in VIEWS for group in (300.0, 5000.0, "A", "B", None)
    ]


def test_group_names_for_people() -> None:
    assert [shown(value, "?") for value in (5000.0, 0.5, "lot A", "", None, True)] == [
        "5000", "0.5", "lot A", "?", "?", "True",
    ]  # fmt: skip
