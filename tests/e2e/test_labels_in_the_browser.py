"""The Labels tab in the real App: a label is renamed after a dry run, merged, and everything is rolled back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.e2e
NAME = "<b>針状</b> $where.名 🧪"


@pytest.fixture
def labelled(proposed: Any) -> Iterator[Any]:
    """The dataset with proposals; changes that a failed test left are rolled back, newest first."""
    from sem_curate import dataset
    from sem_curate.registry import label_log
    from sem_curate.review import relabel

    catalogue = dataset.record(proposed).catalogue
    before = label_log.newest_seq(catalogue)
    yield proposed
    for change in reversed(label_log.changes(catalogue, after=before)):
        if change["undone_by"] is None and change["kind"] != "rollback":
            relabel.roll_back(proposed, change["change_id"], by="test")


def shown_names(ds: Any, label_id: str) -> set[str]:
    """Names that proposals of a label show on the samples of every slice."""
    found: set[str] = set()
    for name in ds.group_slices:
        view = ds.select_group_slices(name)
        for label in view.values("proposal"):
            if label is not None and label["label_id"] == label_id:
                found.add(label["label"])
    return found


def test_rename_with_a_dry_run_then_roll_back(screens: Any, labelled: Any) -> None:
    screen = screens("e2e-ready")
    screen.card()
    screen.find("tab-labels").click()
    screen.find("label-card").wait_for()
    screen.find("timeline").wait_for()
    screen.shoot("labels-ja")
    row = screen.find("label-row").first
    label_id = row.get_attribute("data-label")
    before = shown_names(labelled, label_id)

    screen.find("label-rename").click()
    screen.find("name-ja").fill(NAME)
    screen.find("name-en").fill(NAME)  # fields speak one language, whichever the dataset has
    screen.find("label-reason").fill("表記ゆれの統一")
    screen.find("label-check").click()
    screen.find("effects").wait_for()
    screen.shoot("label-dry-run-ja")
    screen.find("label-apply").click()
    screen.find("label-form").wait_for(state="detached")
    screen.page.locator('[data-cy="semc-label-card"] h2').filter(has_text=NAME).wait_for()
    assert screen.page.locator('[data-cy="semc-label-card"] h2 b').count() == 0  # text, never markup
    assert before
    assert shown_names(labelled, label_id) == {NAME}

    screen.find("rollback").first.click()
    screen.find("effects").wait_for()
    screen.shoot("label-rollback-ja")
    screen.find("label-apply").click()
    screen.find("label-form").wait_for(state="detached")
    screen.page.locator('[data-cy="semc-label-card"] h2').filter(has_not_text=NAME).wait_for()
    screen.find("label-history").wait_for()
    screen.shoot("label-rolled-back-ja")
    assert shown_names(labelled, label_id) == before


def test_a_taken_name_is_refused_with_the_label_that_has_it(screens: Any, labelled: Any) -> None:
    screen = screens("e2e-ready", lang="en")
    screen.card()
    screen.find("tab-labels").click()
    screen.find("label-card").wait_for()
    taken = screen.find("label-row").nth(1).inner_text().split("\n")[0]
    screen.find("label-rename").click()
    screen.find("name-en").fill(taken.upper())
    screen.find("label-check").click()
    refused = screen.page.locator('[data-cy="semc-label-form"] [role="alert"]')
    refused.wait_for()
    assert taken.lower() in refused.inner_text().lower()
    screen.shoot("label-clash-en")
    screen.press("Escape")
    screen.find("label-form").wait_for(state="detached")


def test_a_merge_redirects_and_the_split_form_opens(screens: Any, labelled: Any) -> None:
    screen = screens("e2e-ready", lang="ja", width=1100)
    screen.card()
    screen.find("tab-labels").click()
    screen.find("label-card").wait_for()
    screen.find("label-split").click()
    screen.find("label-form").wait_for()
    screen.shoot("label-split-ja")
    screen.press("Escape")
    screen.find("label-merge").click()
    screen.find("merge-into").select_option(index=1)
    screen.find("label-check").click()
    screen.find("effects").wait_for()
    screen.shoot("label-merge-ja")
    screen.find("label-apply").click()
    screen.find("label-form").wait_for(state="detached")
    screen.page.locator('[data-cy="semc-label-card"] .semc-reason').wait_for()
    screen.shoot("label-merged-ja")


@pytest.fixture
def accept(labelled: Any) -> Iterator[Callable[..., None]]:
    """Decide for a label; taken back afterwards."""
    from sem_curate.review import run as review

    made: list[str] = []

    def decide(label_id: str, *particles: str) -> None:
        for particle in particles:
            made.append(particle)
            review.decide(labelled, particle, "label", label_id=label_id, by="suzuki", request_id=uuid.uuid4().hex)

    yield decide
    for _ in made:
        review.undo(labelled, by="suzuki", request_id=uuid.uuid4().hex)


def test_the_drift_of_a_definition_is_told_by_version(
    screens: Any, labelled: Any, accept: Callable[..., None]
) -> None:  # fmt: skip
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import relabel

    every = labels.in_catalogue(dataset.record(labelled).catalogue)
    needle = next(one.label_id for one in every if one.name("en") == "needle-like")
    accept(needle, "P-sphere-2", "P-porous-3")
    words = {"definition_ja": "長さが幅の 5 倍以上の粒子", "definition_en": "particles five times as long as wide"}
    relabel.apply(labelled, "redefine", needle, words, by="tanaka", reason="球が混ざるため")
    accept(needle, "P-needle-2", "P-needle-3")

    screen = screens("e2e-ready")
    screen.card()
    screen.find("tab-labels").click()
    screen.page.locator(f'[data-cy="semc-label-row"][data-label="{needle}"]').click()
    screen.find("version").nth(1).wait_for()
    told = screen.find("timeline").inner_text()
    newest = labels.get(needle).version
    assert f"v{newest} 針状" in told
    assert "中心の移動" in told
    screen.find("timeline").scroll_into_view_if_needed()
    screen.shoot("label-drift-ja")
