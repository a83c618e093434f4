"""Search in the real App, and what the panel says when there is nothing to show."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def test_search_in_japanese_and_english(screens: Any, searchable: Any) -> None:
    screen = screens("e2e-search")
    screen.card()
    screen.press("/")
    screen.find("search-input").wait_for()
    screen.shoot("search-empty")
    found = {}
    for query in ("針状", "needle-like"):
        screen.find("search-input").fill(query)
        screen.press("Enter")
        screen.page.wait_for_function(
            "query => document.querySelector('[data-cy=semc-hits]')?.dataset.query === query", arg=query
        )
        found[query] = [
            hit.get_attribute("data-particle") for hit in screen.page.locator("[data-particle].semc-hit").all()
        ]
    screen.shoot("search-hits")
    for particles in found.values():
        assert len(particles) == len(set(particles)) == 24
        assert sum("needle" in particle for particle in particles[:4]) >= 3
    assert set(found["針状"][:8]) & set(found["needle-like"][:8])

    screen.find("show-in-grid").click()
    screen.page.locator('[data-cy="entry-counts"]').filter(has_text="24 groups").wait_for()
    screen.shoot("search-in-grid")
    screen.find("hit-1").click()
    screen.wait_for_card(found["needle-like"][0])


def test_search_that_is_not_ready(screens: Any, served: Any) -> None:
    screen = screens("e2e-bare")
    screen.find("tab-search").click()
    screen.find("search-input").fill("針状")
    screen.press("Enter")
    screen.wait_for_text("search-problem", "まだ検索できません")
    screen.shoot("search-not-ready")


@pytest.mark.parametrize(
    ("dataset", "state"),
    [("e2e-bare", "no-masters"), ("e2e-foreign", "foreign")],
)
def test_empty_states_say_what_to_do(dataset: str, state: str, screens: Any, served: Any) -> None:
    screen = screens(dataset, lang="ja" if state == "no-masters" else "en")
    screen.find(state).wait_for()
    assert screen.find(state).locator("code").is_visible()
    screen.shoot(f"state-{state}")


def test_operators_are_in_the_browser(screens: Any, ready: Any) -> None:
    screen = screens("e2e-ready")
    screen.card()
    screen.page.mouse.click(700, 30)  # focus away from the panel
    screen.press("`")
    screen.page.keyboard.insert_text("SEM: 確定")
    screen.page.get_by_text("SEM: 確定 / decide").first.wait_for()
    screen.press("Enter")
    # Nothing is selected: the form says so and cannot be run.
    screen.page.get_by_text("nothing in this scope").first.wait_for()
    screen.shoot("operator-decide")


def test_a_stage_runs_from_the_app(screens: Any, ready: Any) -> None:
    from sem_curate import dataset

    dataset.mark_pending(ready, ["quality"], ["P-needle-0", "P-needle-1"])
    screen = screens("e2e-ready")
    screen.card()
    screen.page.mouse.click(700, 30)
    screen.press("`")
    screen.page.keyboard.insert_text("SEM: 画質評価")
    screen.page.get_by_text("SEM: 画質評価 / run quality").first.wait_for()
    screen.press("Enter")
    screen.page.get_by_text("everything pending (12)").wait_for()
    screen.shoot("operator-stage")
    screen.page.get_by_text("Run / 実行").first.click()
    screen.page.get_by_text("quality: 12 of 12").first.wait_for()
    screen.shoot("operator-stage-done")
    assert dataset.count_pending(ready)["quality"] == 0
