from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sem_curate import schema
from sem_curate.registry.fold import EventView, State, active_ids, fold, topics


def decide(seq: int, decision: str = schema.CONFIRMED, label: str | None = "lbl_a", by: str = "sato") -> EventView:
    return EventView(f"e{seq}", "P-1", seq, "decide", by, decision=decision, label_id=label)


def undo(seq: int, target: int) -> EventView:
    return EventView(f"e{seq}", "P-1", seq, "undo", "sato", undoes=f"e{target}")


def test_nothing_happened() -> None:
    assert fold([]) == State()


def test_the_last_decision_stands() -> None:
    state = fold([decide(1), decide(2, schema.UNKNOWN, None)])
    assert (state.decision, state.label_id, state.seq) == (schema.UNKNOWN, None, 2)


def test_undo_brings_back_what_was_before() -> None:
    state = fold([decide(1, label="lbl_a"), decide(2, label="lbl_b"), undo(3, 2)])
    assert (state.label_id, state.seq, state.reopened) == ("lbl_a", 3, True)


def test_undo_of_the_only_decision_leaves_it_open_for_people_only() -> None:
    state = fold([decide(1, schema.AUTO), undo(2, 1)])
    assert (state.decision, state.reopened, state.seq) == (schema.UNDECIDED, True, 2)


def test_undo_of_an_undo_restores() -> None:
    assert fold([decide(1), undo(2, 1), undo(3, 2)]).decision == schema.CONFIRMED


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=8), st.randoms())
def test_storage_order_does_not_matter_and_every_seq_counts(steps, random) -> None:
    events = [
        undo(seq, 1 + target % (seq - 1)) if is_undo and seq > 1 else decide(seq, label=f"lbl_{seq}")
        for seq, (is_undo, target) in enumerate(steps, start=1)
    ]
    shuffled = list(events)
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(events)
    assert fold(events).seq == len(events)
    if events:
        assert events[-1].event_id in active_ids(events)  # nothing later could cancel it


def tag(seq: int, view: str, *tags: str, by: str = "sato") -> EventView:
    return EventView(f"e{seq}", "P-1", seq, "tag", by, view=view, tags=tags)


def test_the_last_correction_of_each_view_stands() -> None:
    state = fold([tag(1, "view1", "blur"), tag(2, "view2"), tag(3, "view1", "noise", by="ito")])
    assert {view: (found.tags, found.by) for view, found in state.view_tags.items()} == {
        "view1": (("noise",), "ito"),
        "view2": ((), "sato"),
    }
    assert (state.decision, state.seq, state.last_by) == (schema.UNDECIDED, 3, "ito")


def test_undoing_a_correction_brings_back_the_one_before_and_reopens_nothing() -> None:
    events = [decide(1), tag(2, "view1", "blur", by="ito"), tag(3, "view1", "noise"), undo(4, 3)]
    state = fold(events)
    assert state.view_tags["view1"].tags == ("blur",)
    assert (state.decision, state.reopened) == (schema.CONFIRMED, False)
    assert "view1" not in fold([*events, undo(5, 2)]).view_tags
    assert fold([*events, undo(5, 4)]).view_tags["view1"].tags == ("noise",)


def test_a_correction_after_an_undone_decision_leaves_it_reopened() -> None:
    assert fold([decide(1), undo(2, 1), tag(3, "view1")]).reopened


STEPS = st.lists(st.tuples(st.sampled_from(["decide", "undo", "view1", "view2"]), st.integers(0, 9)), max_size=10)


def history_of(steps: list[tuple[str, int]]) -> list[EventView]:
    events: list[EventView] = []
    for seq, (what, number) in enumerate(steps, start=1):
        if what == "undo" and seq > 1:
            events.append(undo(seq, 1 + number % (seq - 1)))
        elif what.startswith("view"):
            events.append(tag(seq, what, *("blur", "noise")[: number % 3]))
        else:
            events.append(decide(seq, label=f"lbl_{number}"))
    return events


@given(STEPS, st.randoms())
def test_decisions_and_each_view_fold_as_if_the_others_were_not_there(steps, random) -> None:
    events = history_of(steps)
    about, whole = topics(events), fold(events)
    shuffled = list(events)
    random.shuffle(shuffled)
    assert fold(shuffled) == whole
    alone = fold([event for event in events if about[event.event_id] is None])
    assert replace(alone, seq=whole.seq, view_tags=whole.view_tags, last_by=whole.last_by) == whole
    for view in ("view1", "view2"):
        only = fold([event for event in events if about[event.event_id] == view])
        assert only.view_tags.get(view) == whole.view_tags.get(view)
        assert (only.decision, only.reopened) == (schema.UNDECIDED, False)


def test_a_correction_is_about_the_pixels_it_was_made_on() -> None:
    found = fold([replace(tag(1, "view1", "blur"), image="abc")]).view_tags["view1"]
    assert found.holds_for("abc")
    assert not found.holds_for("def")
    assert fold([tag(1, "view1")]).view_tags["view1"].holds_for("anything")
