from __future__ import annotations

from dataclasses import replace

import pytest

from sem_curate import schema
from sem_curate.errors import ConflictError, InputError
from sem_curate.registry.fold import EventView, State
from sem_curate.review import actions


def act(action: str, *, state: State | None = None, **values: object) -> EventView:
    given = {"proposed": "lbl_a", "label_id": None, "by": "sato", "request_id": "r1"} | values
    return actions.decision_event("P-1", action, state or State(), **given)


@pytest.mark.parametrize(
    ("action", "decision", "label"),
    [
        ("accept", schema.CONFIRMED, "lbl_a"),
        ("label", schema.CONFIRMED, "lbl_b"),
        ("unknown", schema.UNKNOWN, None),
        ("skip", schema.SKIPPED, None),
    ],
)
def test_what_each_action_decides(action: str, decision: str, label: str | None) -> None:
    event = act(action, label_id="lbl_b", state=State(seq=4))
    assert (event.decision, event.label_id, event.seq, event.event_id) == (decision, label, 5, "r1")


@pytest.mark.parametrize(
    ("action", "values", "words"),
    [
        ("acept", {}, "Did you mean 'accept'"),
        ("accept", {"proposed": None}, "no proposal to accept"),
        ("label", {}, "choose a label"),
        ("accept", {"by": " "}, "name of its reviewer"),
    ],
)
def test_senseless_actions_are_refused(action: str, values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        act(action, **values)


def test_whoever_looked_at_an_older_state_is_told() -> None:
    with pytest.raises(ConflictError, match="by ito after you looked"):
        act("accept", state=State(schema.CONFIRMED, "lbl_b", "ito", seq=2), seen_seq=1)


def decided(event_id: str, seq: int, by: str = "sato", particle: str = "P-1") -> EventView:
    return EventView(event_id, particle, seq, "decide", by, decision=schema.CONFIRMED, label_id="lbl_a")


def undo_of(
    own: list[EventView], histories: dict[str, list[EventView]], *, request_id: str
) -> tuple[list[EventView], list[str]]:
    target = actions.newest_standing(own, histories)
    return actions.undo_events([target] if target else [], histories, by="sato", request_id=request_id)


def only_undo_of(own: list[EventView], histories: dict[str, list[EventView]], request_id: str = "r") -> EventView:
    made, refused = undo_of(own, histories, request_id=request_id)
    assert (len(made), refused) == (1, [])
    return made[0]


def test_undo_takes_the_newest_decision_that_still_stands() -> None:
    one, two = decided("a", 1), decided("b", 1, particle="P-2")
    undone = EventView("u", "P-2", 2, "undo", "sato", undoes="b")
    found = only_undo_of([undone, two, one], {"P-1": [one], "P-2": [two, undone]})
    assert (found.particle_id, found.undoes, found.seq) == ("P-1", "a", 2)
    assert undo_of([], {}, request_id="r") == ([], [])


def test_undo_refuses_to_take_back_somebody_elses_word() -> None:
    mine, theirs = decided("a", 1), decided("b", 2, by="ito")
    made, refused = undo_of([mine], {"P-1": [mine, theirs]}, request_id="r")
    assert made == []
    assert "changed by ito" in refused[0]


def tagged(event_id: str, seq: int, view: str = "view1", by: str = "sato") -> EventView:
    return EventView(event_id, "P-1", seq, "tag", by, view=view, tags=("blur",))


def correct(tags: list[str], *, state: State | None = None, **values: object) -> EventView:
    given = {"by": "sato", "request_id": "r1"} | values
    return actions.tag_event("P-1", "view1", tags, state or State(), **given)


def test_a_correction_is_the_complete_list_in_one_order() -> None:
    event = correct(["noise", "blur", "noise"], state=State(seq=3), image="abc")
    assert (event.kind, event.view, event.tags, event.seq, event.image) == ("tag", "view1", ("blur", "noise"), 4, "abc")
    assert correct([]).tags == ()


@pytest.mark.parametrize(
    ("tags", "values", "words"),
    [
        (["blurr"], {}, "Did you mean 'blur'"),
        (["unreadable"], {}, "cannot be set by hand"),
        (["blur"], {"by": ""}, "name of its reviewer"),
    ],
)
def test_senseless_corrections_are_refused(tags: list[str], values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        correct(tags, **values)


def test_a_correction_of_what_somebody_else_changed_is_refused_by_their_name() -> None:
    with pytest.raises(ConflictError, match="by ito after you looked"):
        correct(["blur"], state=State(seq=2, last_by="ito"), seen_seq=1)
    with pytest.raises(InputError, match="both to be added and to be removed"):
        actions.changed_tags([], ["blur"], ["blur"])


def test_undo_takes_a_correction_back_before_an_older_decision() -> None:
    events = [decided("a", 1), tagged("t", 2)]
    found = only_undo_of(events[::-1], {"P-1": events})
    assert (found.undoes, found.view, found.seq) == ("t", "view1", 3)
    undone = EventView("u", "P-1", 3, "undo", "sato", undoes="t", view="view1")
    again = only_undo_of([undone, *events[::-1]], {"P-1": [*events, undone]}, "r2")
    assert (again.undoes, again.view) == ("a", None)


def test_another_view_or_a_decision_of_somebody_else_does_not_block_undoing_a_correction() -> None:
    mine = tagged("t", 1)
    others = [tagged("x", 2, "view2", by="ito"), decided("d", 3, by="ito")]
    found = only_undo_of([mine], {"P-1": [mine, *others]})
    assert (found.undoes, found.seq) == ("t", 4)
    _, refused = undo_of([mine], {"P-1": [mine, tagged("y", 2, by="ito")]}, request_id="r")
    assert "tags of view1 of particle 'P-1' were changed by ito" in refused[0]
    decision = decided("d", 1)
    by_ito = tagged("y", 2, by="ito")
    assert only_undo_of([decision], {"P-1": [decision, by_ito]}).undoes == "d"


def test_a_batch_is_undone_view_by_view_but_for_what_others_changed() -> None:
    mine = [replace(tagged(f"m{seq}", seq, f"view{seq}"), batch="m") for seq in (1, 2, 3)]
    theirs = tagged("t", 4, "view2", by="ito")
    made, refused = actions.undo_events(mine, {"P-1": [*mine, theirs]}, by="sato", request_id="u")
    assert [(event.undoes, event.view, event.seq, event.batch) for event in made] == [
        ("m1", "view1", 5, "u"),
        ("m3", "view3", 6, "u"),
    ]
    assert len({event.event_id for event in made}) == 2
    assert len(refused) == 1
    again, _ = actions.undo_events(mine, {"P-1": [*mine, theirs, *made]}, by="sato", request_id="v")
    assert again == []
