"""The hash chain on a real server: several writers, tampering, histories from before the chain."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import appending, datasets, history, verifying
from sem_curate.registry.documents import Event
from sem_curate.registry.fold import EventView

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def key(dataset_name: str) -> str:
    return datasets.open_record(dataset_name, views=["view1", "view2"]).dataset_id


def event(event_id: str, seq: int = 1, particle: str | None = None, **values: Any) -> EventView:
    content: dict[str, Any] = {"decision": "confirmed", "label_id": "l", "seconds": 1.25} | values
    return EventView(event_id, particle or f"P-{event_id}", seq, "decide", "佐藤", **content)


def collection() -> Any:
    return Event._get_collection()


def test_single_events_and_bulks_make_one_chain(key: str) -> None:
    history.append(event("a"), key)
    history.append_many([event(f"b{n}") for n in range(2500)], key)
    history.append(event("a"), key)  # a retry
    history.append(event("c"), key)
    found = verifying.verify(key)
    assert found["ok"], found["problems"]
    assert (found["events"], found["linked"], found["sealed"]) == (2502, 2502, 0)
    assert found["head"] == verifying.head(key)
    assert verifying.verify(key, expected=found["head"])["ok"]


def test_a_bulk_leaves_out_what_is_taken_and_leaves_no_hole(key: str) -> None:
    history.append_many([event("a"), event("b")], key)
    stored = history.append_many([event("b"), event("x", 1, "P-a"), event("c"), event("c"), event("d")], key)
    assert [one.event_id for one in stored] == ["c", "d"]
    with pytest.raises(ConflictError):
        history.append(event("y", 1, "P-a"), key)
    found = verifying.verify(key)
    assert (found["ok"], found["linked"]) == (True, 4)


def test_a_place_taken_in_the_middle_of_a_bulk_costs_only_that_event(key: str, monkeypatch: Any) -> None:
    history.append(event("a", 1, "P-1"), key)
    # As if it had been stored after the block was checked.
    monkeypatch.setattr(appending, "_free", lambda block, dataset_id: list(range(len(block))))
    stored = history.append_many([event("b"), event("late", 1, "P-1"), event("c")], key)
    assert [one.event_id for one in stored] == ["b", "c"]
    assert verifying.verify(key)["ok"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: collection().update_one({"_id": "e3"}, {"$set": {"label_id": "other"}}), "was changed"),
        (lambda: collection().update_one({"_id": "e3"}, {"$set": {"extra": 1}}), "was changed"),
        (lambda: collection().update_one({"_id": "e3"}, {"$unset": {"chain": ""}}), "missing"),
        (lambda: collection().delete_one({"_id": "e3"}), "event 4 is missing"),
        (lambda: collection().delete_many({"chain": {"$gte": 38}}), "missing at the end"),
    ],
)
def test_tampering_shows(key: str, change: Any, said: str) -> None:
    history.append_many([event(f"e{n}") for n in range(40)], key)
    assert verifying.verify(key)["ok"]
    change()
    found = verifying.verify(key)
    assert not found["ok"]
    assert any(said in problem for problem in found["problems"])
    assert found["wrong"] >= 1


def test_a_history_from_before_the_chain_is_sealed_by_the_first_new_event(key: str) -> None:
    old = [{"_id": f"old{n}", "dataset_id": key, "particle_id": f"P-{n}", "seq": 1, "kind": "decide", "by": "ito",
            "decision": "confirmed", "mirrored": True} for n in range(30)]  # fmt: skip
    collection().insert_many(old)
    before = verifying.verify(key)
    assert (before["ok"], before["sealed"], before["linked"]) == (True, 30, 0)
    history.append(event("new"), key)
    found = verifying.verify(key)
    assert (found["ok"], found["sealed"], found["linked"]) == (True, 30, 2)
    collection().update_many({"dataset_id": key}, {"$set": {"mirrored": False}})  # bookkeeping stays free
    assert verifying.verify(key)["ok"]
    collection().update_one({"_id": "old7"}, {"$set": {"by": "sato"}})
    assert "from before the chain was changed" in verifying.verify(key)["problems"][0]
    collection().delete_one({"_id": "old7"})
    assert "29 events outside the chain, but 30 were sealed" in verifying.verify(key)["problems"][0]


def test_a_wrong_head_is_refused_with_an_example(key: str) -> None:
    with pytest.raises(InputError, match="42:<64 hex"):
        verifying.verify(key, expected="yesterday's")


WRITER = """
    import sys
    from sem_curate.registry import history
    from sem_curate.registry.fold import EventView

    key, who = sys.argv[1:3]
    def made(n, seq=1):
        return EventView(f"{who}-{n}", f"P-{who}-{n}", seq, "decide", who, decision="confirmed", label_id="l")
    for n in range(60):
        history.append(made(n), key)
        if n % 20 == 0:
            history.append_many([made(f"{n}-{m}") for m in range(300)], key)
"""


def test_processes_that_write_at_once_make_one_chain(key: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), key]
    writers = [subprocess.Popen([*command, f"w{n}"], stderr=subprocess.PIPE, text=True) for n in range(4)]
    told = [writer.communicate(timeout=300)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4, told
    found = verifying.verify(key)
    assert found["ok"], found["problems"]
    assert found["linked"] == 4 * (60 + 3 * 300)
