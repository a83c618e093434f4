from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sem_curate import schema
from sem_curate.registry.fold import EventView, State, active_ids, fold


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
