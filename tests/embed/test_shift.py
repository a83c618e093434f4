from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.embed import shift
from sem_curate.embed.store import VectorStore
from sem_curate.embed.watch import Watch, latest
from sem_curate.errors import StateError
from sem_curate.ingest.fingerprint import content_hash

DIM = 16
A, B = ("view1", "SEM-A", 12), ("view1", "SEM-B", 12)


def cloud(count: int, seed: int, moved: float = 0.0) -> np.ndarray:
    """Unit vectors around one direction; ``moved`` turns the whole cloud away."""
    rng = np.random.default_rng(seed)
    centre = np.zeros(DIM)
    centre[0], centre[1] = 4, 4 * moved
    return unit_rows(centre + rng.normal(size=(count, DIM)))


def names(prefix: str, count: int) -> list[str]:
    return [content_hash(f"{prefix}{number}".encode()) for number in range(count)]


@given(st.lists(st.text("0123456789abcdef", min_size=4, max_size=4)), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_the_sample_does_not_depend_on_order_batches_or_repeats(hashes: list[str], cut: int) -> None:
    whole = shift.Seen().with_new(hashes)
    parts = shift.Seen().with_new(hashes[cut:]).with_new(hashes[:cut])
    assert whole.sample == parts.sample == shift.bottom([*hashes, *hashes])
    assert len(whole.sample) <= shift.SAMPLE


def test_the_sample_is_a_fair_one() -> None:
    """Old and new contents have the same chance to be in it."""
    old, new = names("old", 2000), names("new", 2000)
    sample = shift.Seen().with_new(old).with_new(new).sample
    assert len(sample) == shift.SAMPLE
    assert 0.35 < len(set(sample) & set(old)) / len(sample) < 0.65


def test_more_of_the_same_is_no_shift_and_others_are() -> None:
    known = cloud(200, 0)
    same, p = shift.compare(known, cloud(60, 1))
    assert 0.4 < same < 0.6
    assert p > 0.001
    moved, p = shift.compare(known, cloud(60, 1, moved=1.0))
    assert moved > 0.75
    assert p < 1e-10
    assert shift.compare(known, known[:1].repeat(20, axis=0))[0] < 0.5  # nearer than usual is not farther


def test_false_alarms_are_rare() -> None:
    flagged = 0
    for seed in range(100):
        farther, p = shift.compare(cloud(60, seed), cloud(20, 1000 + seed))
        flagged += shift.Shift(A, 60, 20, farther, p, "itself").flagged
    assert flagged <= 3


def watched(
    store: VectorStore, hashes: list[str], vectors: np.ndarray, condition: tuple[object, ...]
) -> list[shift.Shift]:
    watch = Watch(store, "set")
    store.append(hashes, vectors)
    watch.add(hashes, dict.fromkeys(hashes, condition))
    return watch.finish()


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path, dim=DIM)


def test_a_shift_is_flagged_against_what_the_condition_showed(store: VectorStore) -> None:
    assert watched(store, names("a", 50), cloud(50, 0), A) == []  # nothing to compare with
    (usual,) = watched(store, names("b", 20), cloud(20, 1), A)
    assert (usual.flagged, usual.known, usual.new, usual.against) == (False, 50, 20, "itself")
    (moved,) = watched(store, names("c", 20), cloud(20, 2, moved=1.5), A)
    assert (moved.flagged, moved.known) == (True, 70)
    (shown,) = latest(store, "set")
    assert (shown["flagged"], shown["condition"], latest(store, "another set")) == (True, list(A), [])
    assert shift.read(store.folder)[A].count == 90


def test_a_new_instrument_is_compared_with_the_others(store: VectorStore) -> None:
    watched(store, names("a", 50), cloud(50, 0), A)
    (found,) = watched(store, names("b", 20), cloud(20, 1, moved=1.5), B)
    assert (found.flagged, found.against) == (True, "other instruments")
    assert watched(store, names("c", 20), cloud(20, 2), ("view2", "SEM-B", 12)) == []  # another view tells nothing


def test_few_images_are_not_judged_but_counted(store: VectorStore) -> None:
    watched(store, names("a", 50), cloud(50, 0), A)
    assert watched(store, names("b", 5), cloud(5, 1, moved=3.0), A) == []
    assert shift.read(store.folder)[A].count == 55


def test_nothing_new_writes_nothing(store: VectorStore) -> None:
    assert Watch(store, "set").finish() == []
    assert not (store.folder / shift.FILE).exists()


def test_several_conditions_share_the_error(store: VectorStore) -> None:
    found = [shift.Shift(A, 50, 20, 0.8, 0.004, "itself"), shift.Shift(B, 50, 20, 0.8, 0.3, "itself")]
    assert [one.p for one in shift.correct(found)] == [0.008, 0.6]


def test_a_damaged_file_is_named(store: VectorStore) -> None:
    (store.folder / shift.FILE).write_text("{", encoding="utf-8")
    with pytest.raises(StateError, match=r"conditions\.json' is damaged .* delete it"):
        shift.read(store.folder)
