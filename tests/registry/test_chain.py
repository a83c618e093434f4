from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.registry import chain
from sem_curate.registry.chain import Head


def rows(count: int) -> list[dict[str, Any]]:
    return [{"_id": f"e{n}", "by": "佐藤", "label_id": "針\n{状}", "seconds": n / 7} for n in range(count)]


def test_blocks_of_any_size_make_the_same_chain() -> None:
    whole, head = chain.linked(rows(7), Head())
    first, middle = chain.linked(rows(7)[:3], Head())
    second, end = chain.linked(rows(7)[3:], middle)
    assert first + second == whole
    assert (end, head.number) == (head, 7)
    assert chain.walk(whole).wrong == 0
    assert chain.walk(whole).head == head
    assert chain.walk([]).wrong == 0


@given(
    st.integers(0, 9), st.sampled_from(["by", "label_id", "seconds", "chain", "hash", "more", "drop", "swap", "twice"])
)
def test_any_change_shows(at: int, what: str) -> None:
    made, head = chain.linked(rows(10), Head())
    if what == "drop":
        del made[at]
    elif what == "swap":
        made[at], made[at - 1] = made[at - 1], made[at]
    elif what == "twice":
        made.insert(at, made[at])
    else:
        made[at] = {**made[at], what: {"seconds": 99.5, "chain": 77, "hash": "0" * 64}.get(what, "x")}
    assert chain.walk(made, {head.number: head.hash}).wrong


def test_a_forged_chain_does_not_lead_to_a_head_that_was_noted() -> None:
    _, noted = chain.linked(rows(5), Head())
    forged, _ = chain.linked([{**row, "by": "x"} for row in rows(6)], Head())
    assert chain.walk(forged).wrong == 0
    assert chain.walk(forged, {noted.number: noted.hash}).wrong == 1


def test_an_end_that_was_cut_off_shows() -> None:
    made, head = chain.linked(rows(5), Head())
    found = chain.walk(made[:3], {head.number: head.hash})
    assert found.problems == ["events 4 to 5 are missing at the end"]


def test_only_the_first_problems_are_kept_as_text() -> None:
    made, _ = chain.linked(rows(60), Head())
    found = chain.walk([{**row, "by": "x"} for row in made])
    assert (found.wrong, len(found.problems)) == (60, chain.SHOWN)


def test_bookkeeping_and_empty_fields_are_not_hashed_and_times_are_as_the_database_keeps_them() -> None:
    moment = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    stored = datetime(2026, 11, 23, 0, 0, 0, 123000)
    one = {"_id": "a", "at": moment, "note": None, "mirrored": False}
    two = {"mirrored": True, "at": stored, "_id": "a", "hash": "x"}
    assert chain.canonical(one) == chain.canonical(two)
    with pytest.raises(ValueError, match="not JSON compliant"):
        chain.canonical({"seconds": float("nan")})
    with pytest.raises(TypeError, match="cannot hold a set"):
        chain.canonical({"tags": {1}})
