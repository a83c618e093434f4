"""A reviewer at work: the panel in the real App, driven by the keyboard."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def stored(ds: Any, particle: str) -> tuple[list[tuple[str, str]], set[str], int]:
    """Return the history as (kind, decision or ""), decisions found on the slices, and the number of slices."""
    from sem_curate import dataset, schema
    from sem_curate.registry import history

    events = history.of_particles(dataset.dataset_id(ds), [particle]).get(particle, [])
    views = dataset.read_views(ds, [particle], (schema.DECISION,))[particle].values()
    return (
        [(event.kind, event.decision or "") for event in events],
        {view[schema.DECISION] for view in views},
        len(views),
    )


def counts(ds: Any) -> dict[str, int]:
    from sem_curate.review import run as review

    return review.counts(ds)


def test_accept_goes_on_and_undo_comes_back(screens: Any, ready: Any) -> None:
    before = counts(ready)
    screen = screens("e2e-ready")
    first = screen.card()
    past = len(stored(ready, first)[0])  # what other tests did and took back
    screen.shoot("review-ja")
    screen.press("a")
    second = screen.wait_for_another_card(first)
    screen.wait_until_saved(first)
    screen.wait_for_text("left", str(before["left"] - 1))
    screen.shoot("review-accepted")
    events, decisions, slices = stored(ready, first)
    assert (events[past:], decisions) == ([("decide", "confirmed")], {"confirmed"})
    assert slices >= 5
    assert second != first

    screen.press("z")
    screen.wait_for_card(first)
    screen.wait_for_text("left", str(before["left"]))
    assert stored(ready, first)[0][past:] == [("decide", "confirmed"), ("undo", "")]
    assert stored(ready, first)[1] == {"undecided"}
    assert counts(ready) == before


def test_a_whole_queue_by_keyboard_until_it_is_empty(screens: Any, ready: Any) -> None:
    before = counts(ready)
    assert before["review"] >= 2
    screen = screens("e2e-ready")
    seen = [screen.card()]
    for key in ["u", *["Enter"] * (before["review"] - 2)]:
        screen.press(key)
        seen.append(screen.wait_for_another_card(seen[-1]))
    screen.press("s")
    screen.find("queue-empty").wait_for()
    screen.shoot("queue-empty")
    assert len(set(seen)) == before["review"]
    screen.wait_for_text("left", str(before["unknown"]))
    assert [stored(ready, particle)[0][-1] for particle in (seen[0], seen[-1])] == [
        ("decide", "unknown"),
        ("decide", "skipped"),
    ]
    for particle in reversed(seen):
        screen.press("z")
        screen.wait_for_card(particle)
    screen.wait_for_text("left", str(before["left"]))
    assert counts(ready) == before


def test_another_label_by_typing_japanese(screens: Any, ready: Any) -> None:
    screen = screens("e2e-ready")
    first = screen.card()
    screen.press("l")
    screen.find("picker-input").wait_for()
    screen.shoot("label-picker")
    screen.page.keyboard.insert_text("多孔")
    screen.press("Enter")
    screen.wait_for_another_card(first)
    screen.wait_until_saved("多孔質")
    from sem_curate.review import run as review

    assert review.card(ready, first)["label"]["name_ja"] == "多孔質"
    screen.press("Control+z")
    screen.wait_for_card(first)
    screen.press("2")
    screen.wait_for_another_card(first)
    screen.wait_until_saved(first)
    second_choice = review.card(ready, first)
    assert second_choice["label"]["label_id"] == second_choice["candidates"][1]["label_id"]
    screen.press("z")
    screen.wait_for_card(first)


def test_letters_that_are_typed_do_not_decide(screens: Any, ready: Any) -> None:
    before = counts(ready)
    screen = screens("e2e-ready")
    screen.card()
    screen.find("reviewer").click()
    screen.find("reviewer-input").fill("")
    screen.page.keyboard.type("aus")
    # While kana are being converted every key belongs to the input method.
    screen.page.evaluate(
        "document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert screen.find("reviewer-input").input_value() == "aus"
    screen.press("Enter")
    screen.wait_for_text("reviewer", "aus")
    assert counts(ready) == before


def test_somebody_else_was_first(screens: Any, ready: Any) -> None:
    from sem_curate.review import run as review

    screen = screens("e2e-ready")
    particle = screen.card()
    review.decide(ready, particle, "unknown", by="田中", request_id=f"conflict-{particle}")
    screen.press("a")
    screen.find("problem").wait_for()
    screen.wait_for_card(particle)
    screen.wait_for_text("decision", "田中")
    screen.shoot("conflict")
    assert stored(ready, particle)[0][-1] == ("decide", "unknown")
    review.undo(ready, by="田中", request_id=f"conflict-undo-{particle}")


def test_missing_views_long_names_and_layers(screens: Any, ready: Any, small: Any) -> None:
    screen = screens("e2e-ready", width=1900, height=1000)
    screen.card()
    screen.find("queue-auto").click()
    screen.page.wait_for_timeout(300)
    card = screen.card()
    seen = set()
    while card not in seen:  # walk round the queue without deciding
        seen.add(card)
        assert screen.find("views").locator("> *").count() == 6
        if screen.find("missing").count() and "missing-view" not in seen:
            seen.add("missing-view")
            screen.shoot("missing-view")
        screen.press("j")
        card = screen.wait_for_another_card(card)
    assert "missing-view" in seen
    screen.press("k")
    screen.wait_for_another_card(card)

    screen.page.locator(".semc-tile .semc-photo").nth(1).click()
    screen.find("lightbox").wait_for()
    screen.press("ArrowRight")
    screen.shoot("lightbox")
    screen.press("Escape")
    screen.find("lightbox").wait_for(state="detached")
    screen.press("?")
    screen.find("help").wait_for()
    screen.shoot("help")
    screen.press("Escape")
    screen.find("help").wait_for(state="detached")
    screen.press("e")
    screen.wait_for_text("accept", "Accept")
    screen.shoot("review-en")


def test_a_long_name_is_text_and_does_not_break_the_layout(screens: Any, ready: Any, small: Any) -> None:
    from sem_curate.review import run as review

    state = review.card(ready, small.LONG_ID)["state"]
    screen = screens("e2e-ready", width=1100)
    screen.card()
    screen.find(f"queue-{state}").click()
    for _ in range(counts(ready)[state]):
        card = screen.card()
        if card == small.LONG_ID:
            break
        screen.press("j")
        screen.wait_for_another_card(card)
    screen.wait_for_card(small.LONG_ID)
    screen.shoot("long-name")
    assert screen.page.locator(".semc b", has_text="長い名前").count() == 0
    for box in (screen.find("root").bounding_box(), screen.find("card").bounding_box()):
        assert box["x"] + box["width"] <= 1100
    assert screen.find("root").evaluate("root => root.scrollWidth <= root.clientWidth")


def test_the_sample_modal_shows_its_particle(screens: Any, ready: Any) -> None:
    screen = screens("e2e-ready")
    screen.card()
    modal = screen.open_modal(of=4)
    modal.locator('[data-cy="panel-tab-sem_curate_panel"]').click()
    inside = modal.locator('[data-cy="semc-card"]')
    inside.wait_for()
    particle = inside.get_attribute("data-particle")
    before = len(stored(ready, particle)[0])
    screen.shoot("modal")
    screen.press("u")
    modal.locator('[data-cy="semc-toasts"]').filter(has_text=particle).wait_for()
    modal.locator('[data-cy="semc-decision"]').filter(has_text="未知").wait_for()
    assert stored(ready, particle)[0][before:] == [("decide", "unknown")]
    screen.press("z")
    modal.locator('[data-cy="semc-toasts"]').filter(has_text="元に戻しました").wait_for()
    assert stored(ready, particle)[0][before:] == [("decide", "unknown"), ("undo", "")]
    screen.press("?")  # Escape closes our layer, not the App's modal
    modal.locator('[data-cy="semc-help"]').wait_for()
    screen.press("Escape")
    modal.locator('[data-cy="semc-help"]').wait_for(state="detached")
    assert inside.is_visible()
