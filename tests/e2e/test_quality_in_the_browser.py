"""Quality in the real App: tags corrected with the keyboard, and the condition report."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def fields(ds: Any, particle: str, view: str) -> tuple[list[str], str | None]:
    """Tags in force and who corrected them, as FiftyOne's own samples say it."""
    sample = ds.select_group_slices(view).match({"particle_id": particle}).first()
    return list(sample["quality_tags"] or []), sample["tags_corrected_by"]


def wait_for_chips(screen: Any, view: str, *, corrected: bool) -> None:
    style = ".semc-corrected" if corrected else ":not(.semc-corrected)"
    screen.page.locator(f'[data-cy="semc-tags-{view}"]{style}').wait_for()


def test_a_tag_is_corrected_with_the_keyboard_and_taken_back(screens: Any, ready: Any) -> None:
    screen = screens("e2e-ready")
    particle = screen.card()
    view = screen.find("recommended").get_attribute("data-view")
    before = fields(ready, particle, view)
    assert before[1] is None
    screen.shoot("tags-ja")

    screen.press("t")
    screen.find("tag-list").wait_for()
    option = screen.find("tag-drift")
    chosen = option.get_attribute("aria-selected") == "true"
    screen.press("7")  # drift, by its key
    screen.page.locator(f'[data-cy="semc-tag-drift"][aria-selected="{str(not chosen).lower()}"]').wait_for()
    for key in ("a", "u", "s", "z"):  # decide nothing while the editor is open
        screen.press(key)
    screen.shoot("tag-editor-ja")
    screen.press("Enter")
    screen.find("tag-editor").wait_for(state="detached")
    screen.wait_until_saved(particle)
    wait_for_chips(screen, view, corrected=True)
    screen.shoot("tag-saved-ja")
    after = fields(ready, particle, view)
    assert set(after[0]) == set(before[0]) ^ {"drift"}
    assert after[1] == "佐藤"
    assert screen.card() == particle

    screen.press("z")
    screen.page.locator(".semc-toast").filter(has_text="タグの修正を元に戻しました").first.wait_for()
    assert screen.page.locator(".semc-toast button").count() == 0  # it would undo something older now
    wait_for_chips(screen, view, corrected=False)
    assert fields(ready, particle, view) == before

    screen.press("a")  # the keys are back on the card, and what it shows is not outdated
    screen.wait_for_another_card(particle)
    screen.wait_until_saved(particle)
    assert screen.find("problem").count() == 0


def test_views_by_key_and_a_confirmation_right_before_a_decision(screens: Any, ready: Any) -> None:
    from sem_curate.review import run as review

    screen = screens("e2e-ready", lang="en", width=1280)
    particle = screen.card()
    first, second = [view["view"] for view in review.card(ready, particle)["views"] if view["present"]][1:3]
    before = fields(ready, particle, first)
    screen.press("i")
    for view in (first, second):
        screen.press(f"Shift+Digit{view[-1]}")
        screen.page.locator(f'[data-cy="semc-measures"][data-view="{view}"]').wait_for()
    screen.press("ArrowUp")
    screen.page.locator(f'[data-cy="semc-measures"][data-view="{first}"]').wait_for()
    screen.wait_for_text("measure-sharpness", "octaves")
    screen.shoot("measures-en")
    screen.press("i")
    screen.find("measures").wait_for(state="detached")

    screen.find(f"tags-{second}").click()
    screen.find("tag-list").wait_for()
    screen.find("tag-noise").click()
    screen.shoot("tag-editor-en")
    screen.press("Escape")
    screen.find("tag-editor").wait_for(state="detached")
    screen.press(f"Shift+Digit{first[-1]}")
    screen.press("t")
    screen.find("tag-list").wait_for()
    screen.press("c")  # what was measured is right
    screen.press("u")  # at once: what was just saved is no conflict
    screen.wait_for_another_card(particle)
    screen.wait_until_saved("unknown")
    assert screen.find("problem").count() == 0
    assert fields(ready, particle, first) == (before[0], "佐藤")
    assert fields(ready, particle, second)[1] is None


def test_the_report_leads_to_the_particles_it_counts(screens: Any, ready: Any) -> None:
    screen = screens("e2e-ready")
    screen.card()
    screen.find("tab-conditions").click()
    screen.find("heat").wait_for()
    screen.wait_for_text("heat", "欠損")
    assert screen.find("heat-row").count() == 6
    screen.shoot("conditions-ja")
    screen.page.locator('[data-cy^="semc-heat-view"][data-cy$="-missing"]').first.click()
    screen.page.locator(".semc-toast.semc-done").filter(has_text="グリッドに並べました").first.wait_for()
    screen.page.locator('[data-cy="entry-counts"]').filter(has_text="group").wait_for()
    screen.find("language").click()
    screen.wait_for_text("heat", "missing")
    screen.wait_for_text("tab-conditions", "Quality")
    screen.shoot("conditions-en")


def test_nothing_measured_says_what_to_run(screens: Any, served: Any, folder: Any) -> None:
    from sem_curate.ingest.run import ingest

    ingest(folder / "bare" / "manifest.csv", "e2e-unmeasured")
    screen = screens("e2e-unmeasured")
    screen.find("tab-conditions").click()
    screen.wait_for_text("conditions-empty", "sem-curate run --stage quality")
    screen.shoot("conditions-empty")


def test_one_undo_takes_back_corrections_made_together(screens: Any, ready: Any) -> None:
    from sem_curate.review import run as review
    from sem_curate.review.tags import correct_many

    particle = review.next_id(ready)
    views = [view["view"] for view in review.card(ready, particle)["views"] if view["present"]]
    before = [fields(ready, particle, view) for view in views]
    done = correct_many(ready, [(particle, view) for view in views], by="佐藤", request_id="e2e-bulk", add=["drift"])
    assert done["corrected"] > 1
    screen = screens("e2e-ready")
    assert screen.card() == particle
    screen.press("z")
    screen.wait_until_saved(f"まとめて行った {done['corrected']} 件を元に戻しました")
    for view in views:
        wait_for_chips(screen, view, corrected=False)
    screen.shoot("undo-bulk-ja")
    assert [fields(ready, particle, view) for view in views] == before
