from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

mpl.use("Agg")

from sem_curate.errors import InputError
from sem_curate.quality.report import Count, tabulate
from sem_curate.review.pictures import condition_report_figure, write_figure

VIEWS = ("view1", "view2")


def report(groups: tuple[Any, ...] = (None,), measured: int = 10) -> dict[str, Any]:
    counts = [
        Count(view, group, 10, measured, 1, 5.0, {"blur": 4, "noise": 1}, missing=10)
        for view in VIEWS
        for group in groups
    ]
    by = None if groups == (None,) else "lot"
    return {"by": by, "groups": tabulate(counts, VIEWS), "fields": ["lot"], "notice": None}


def texts(figure: Any) -> list[str]:
    axes = figure.axes[0]
    return [item.get_text() for item in (*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels())]


def test_cells_are_percentages_of_tags_that_occur() -> None:
    shown = texts(condition_report_figure(report(), "en"))
    assert shown[:8] == ["50", "10", "40", "10"] * 2  # missing, unusable, blur, noise for each view
    assert shown[8:12] == ["missing", "unusable", "blurred", "noisy"]
    assert shown[12:] == ["view1  (10 views)", "view2  (10 views)"]


def test_groups_have_names_in_the_language_asked() -> None:
    shown = texts(condition_report_figure(report(("ロットA", None)), "ja"))
    assert "view1 · ロットA  (10 枚)" in shown
    assert "view1 · （不明）  (10 枚)" in shown
    assert "外周欠け" not in shown
    assert "ボケ" in shown


@pytest.mark.parametrize("empty", [report(measured=0), {"by": None, "groups": [], "fields": [], "notice": None}])
def test_an_unmeasured_dataset_gives_words(empty: dict[str, Any]) -> None:
    assert "sem-curate run --stage quality" in condition_report_figure(empty, "en").axes[0].texts[0].get_text()


def test_writing_and_its_errors(tmp_path: Path) -> None:
    write_figure(condition_report_figure(report(), "ja"), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot write the plot"):
        write_figure(condition_report_figure(report(), "ja"), tmp_path / "a.nosuch")
