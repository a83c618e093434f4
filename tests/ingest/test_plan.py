from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.plan import Found, Held, plan

IDS = st.sampled_from(["P-1", "P-2", "粒子3"])
VIEWS = st.sampled_from(["view1", "view2", "view3"])
PATHS = st.sampled_from([f"/data/{name}.png" for name in "abcd"])
STATS = st.sampled_from(["10:1", "10:2"])
FOUND = st.lists(st.builds(Found, st.builds(ViewFile, PATHS.map(Path), IDS, VIEWS), STATS), max_size=25)
HELD = st.dictionaries(
    st.tuples(IDS, VIEWS),
    st.builds(Held, st.uuids().map(str), PATHS, STATS, st.just("hash"), st.booleans()),
    max_size=9,
)


def found(path: str, particle: str = "P-1", view: str = "view1", stat: str = "10:1") -> Found:
    return Found(ViewFile(Path(path), particle, view), stat)


def test_one_of_each() -> None:
    held = {
        ("P-1", "view1"): Held("s1", "/a.png", "10:1", "h"),
        ("P-1", "view2"): Held("s2", "/b.png", "10:1", "h"),
        ("P-2", "view1"): Held("s3", "", "", "", present=False),
    }
    same, touched = found("/a.png"), found("/b.png", view="view2", stat="10:9")
    late, fill = found("/c.png", view="view3"), found("/d.png", "P-2")
    double = found("/e.png")
    result = plan([same, touched, late, fill, double], held)
    assert result.unchanged == (same,)
    assert result.changed == (touched,)
    assert result.new == (late,)
    assert result.fills == (fill,)
    assert result.to_read == (late, fill, touched)
    (problem,) = result.duplicates
    assert (problem.path, problem.code, problem.severity) == ("/e.png", "duplicate_view", "refused")
    assert "/a.png" in problem.reason


def test_a_moved_file_is_looked_at_again() -> None:
    held = {("P-1", "view1"): Held("s1", "/old/a.png", "10:1", "h")}
    assert len(plan([found("/new/a.png")], held).changed) == 1


def test_a_deleted_display_copy_is_made_again() -> None:
    held = {("P-1", "view1"): Held("s1", "/a.tif", "10:1", "h", shown=False)}
    assert len(plan([found("/a.tif")], held).changed) == 1


def test_the_same_row_twice_is_only_a_notice() -> None:
    (problem,) = plan([found("/a.png"), found("/a.png")], {}).duplicates
    assert (problem.code, problem.severity) == ("listed_twice", "notice")


@given(FOUND, HELD)
def test_nothing_is_lost_and_the_first_wins(files: list[Found], held: dict[tuple[str, str], Held]) -> None:
    result = plan(files, held)
    kept = [*result.new, *result.fills, *result.changed, *result.unchanged]
    assert len(kept) + len(result.duplicates) == len(files)
    slots = [item.slot for item in kept]
    assert len(set(slots)) == len(slots)
    for item in kept:
        assert item is next(other for other in files if other.slot == item.slot)


@given(FOUND, HELD)
def test_each_file_stands_where_the_dataset_says(files: list[Found], held: dict[tuple[str, str], Held]) -> None:
    result = plan(files, held)
    assert all(item.slot not in held for item in result.new)
    assert all(not held[item.slot].present for item in result.fills)
    assert all(held[item.slot].present for item in (*result.changed, *result.unchanged))
    assert all(held[item.slot].source_stat == item.stat for item in result.unchanged)
    assert not any(
        held[item.slot].source_stat == item.stat and held[item.slot].source_path == str(item.file.path)
        for item in result.changed
    )


@given(FOUND)
def test_a_second_run_has_nothing_to_do(files: list[Found]) -> None:
    first = plan(files, {})
    held = {item.slot: Held("s", str(item.file.path), item.stat, "h") for item in first.to_read}
    second = plan(files, held)
    assert second.to_read == ()
    assert second.unchanged == first.new
    assert second.duplicates == first.duplicates
