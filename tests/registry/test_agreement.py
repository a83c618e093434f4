from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sem_curate import schema
from sem_curate.registry.agreement import agreement, verdict
from sem_curate.registry.fold import EventView, fold


def said(*answers: tuple[str, str | None]) -> list[EventView]:
    return [
        EventView(f"e{at}", "P", at, "decide", by, schema.CONFIRMED if label else schema.UNKNOWN, label)
        for at, (by, label) in enumerate(answers, start=1)
    ]


def test_two_who_agree_settle_it_and_a_third_is_not_asked() -> None:
    found = agreement(said(("x", "a"), ("y", "a")), 2)
    assert (found.settled, found.disputed) == ((schema.CONFIRMED, "a"), False)
    assert not found.asks("z")


def test_a_disagreement_goes_to_a_third_whose_word_settles_it() -> None:
    two = said(("x", "a"), ("y", None))
    assert agreement(two, 2).disputed
    assert [agreement(two, 2).asks(who) for who in "xyz"] == [False, False, True]
    assert agreement([*two, *said(("x", "a"), ("y", None), ("z", "a"))[2:]], 2).settled == (schema.CONFIRMED, "a")


def test_what_came_of_it_is_one_word() -> None:
    one, other = said(("x", "a")), said(("x", "a"), ("y", None))
    assert verdict([], 2) is None
    assert verdict(one, 1) is None  # nobody else was asked
    assert [verdict(one, 2), verdict(other, 2)] == [schema.REVIEWERS_WAITING, schema.REVIEWERS_DISAGREE]
    assert verdict(said(("x", "a"), ("y", None), ("z", "a")), 2) == schema.REVIEWERS_AGREE
    assert verdict(said(("x", "a"), ("y", "a")), 3) == schema.REVIEWERS_WAITING


def test_one_person_is_one_voice_and_skips_machines_and_what_was_taken_back_are_none() -> None:
    assert agreement(said(("x", "a"), ("x", "a")), 2).settled is None
    assert agreement(said(("x", "a"), ("x", "b")), 2).votes == {"x": (schema.CONFIRMED, "b")}
    auto = EventView("a", "P", 1, "decide", "sem-curate", schema.AUTO, "a", source="propose")
    skip = EventView("s", "P", 2, "decide", "x", schema.SKIPPED)
    undone = [
        EventView("d", "P", 3, "decide", "y", schema.CONFIRMED, "a"),
        EventView("u", "P", 4, "undo", "y", undoes="d"),
    ]
    assert agreement([auto, skip, *undone], 1).votes == {}


@given(st.lists(st.tuples(st.sampled_from("vwxyz"), st.sampled_from([None, "a", "b"])), max_size=9), st.integers(1, 3))
def test_asking_only_who_is_wanted_ends_with_the_settled_answer_in_force(answers, wanted) -> None:
    events: list[EventView] = []
    for by, label in answers:
        found = agreement(events, wanted)
        if found.asks(by):
            events = said(*[(event.by, event.label_id) for event in events], (by, label))
    found = agreement(events, wanted)
    if found.settled:
        state = fold(events)
        assert (state.decision, state.label_id) == found.settled
    assert len(found.votes) == len(events)
