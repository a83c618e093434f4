from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sem_curate.arrays import unit_rows
from sem_curate.search.rank import Block, Hit, aggregate, rank, usable, zscores
from sem_curate.search.text import QueryVectors

D = 4
EAST, NORTH = np.eye(D, dtype=np.float32)[:2]


def query(positive: np.ndarray | None = EAST, *negatives: np.ndarray) -> QueryVectors:
    return QueryVectors(positive, np.array(negatives, np.float32).reshape(-1, D))


def collection(seed: int, count: int = 12, views: int = 6) -> Block:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(count, views, D)))
    present = rng.random((count, views)) < 0.7
    present[:, 0] = True
    return Block([f"P{number:03d}" for number in range(count)], vectors, present)


def as_table(hits: list[Hit]) -> dict[str, tuple[float, float]]:
    return {hit.particle_id: (round(hit.score, 5), round(hit.z, 3)) for hit in hits}


def test_by_hand() -> None:
    # Cosines with EAST: A .8 .6 .0, B .7 .7 .7, C 1 and nothing else is there.
    cosines = np.array([[0.8, 0.6, 0.0], [0.7, 0.7, 0.7], [1.0, 0.0, 0.0]], np.float32)
    mask = np.array([[True] * 3, [True] * 3, [True, False, False]])
    np.testing.assert_allclose(aggregate(cosines, mask, "top2"), [0.7, 0.7, 1.0], atol=1e-6)
    np.testing.assert_allclose(aggregate(cosines, mask, "any"), [0.8, 0.7, 1.0], atol=1e-6)
    np.testing.assert_allclose(aggregate(cosines, mask, "overall"), [1.4 / 3, 0.7, 1.0], atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from(["top2", "any", "overall"]))
def test_view_order_does_not_matter(seed: int, mode: str) -> None:
    block = collection(seed)
    order = np.random.default_rng(seed).permutation(6)
    shuffled = Block(block.ids, block.vectors[:, order], block.present[:, order])
    first, second = (rank([b], query(), k=99, mode=mode) for b in (block, shuffled))
    assert as_table(first).keys() == as_table(second).keys()
    for hit, other in zip(first, second, strict=True):
        assert hit.particle_id == other.particle_id
        assert hit.score == pytest.approx(other.score, abs=1e-5)
        assert hit.best_view == order[other.best_view]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from(["top2", "any", "overall"]))
def test_absent_views_are_ignored_whatever_they_hold(seed: int, mode: str) -> None:
    block = collection(seed)
    rubbish = block.vectors.copy()
    rubbish[~block.present] = np.nan
    assert rank([block], query(), k=99, mode=mode) == rank(
        [Block(block.ids, rubbish, block.present)], query(), k=99, mode=mode
    )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 11))
def test_block_borders_do_not_matter(seed: int, cut: int) -> None:
    whole = collection(seed)
    parts = [Block(whole.ids[a:b], whole.vectors[a:b], whole.present[a:b]) for a, b in ((0, cut), (cut, 12))]
    first, second = (as_table(rank(blocks, query(EAST, NORTH), k=99)) for blocks in ([whole], parts))
    assert first.keys() == second.keys()
    for particle_id, numbers in first.items():
        assert numbers == pytest.approx(second[particle_id], abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_a_duplicated_particle_ranks_beside_its_twin(seed: int) -> None:
    block = collection(seed)
    twin = Block(
        [*block.ids, "P000-twin"], np.concatenate([block.vectors, block.vectors[:1]]),
        np.concatenate([block.present, block.present[:1]]),
    )  # fmt: skip
    hits = rank([twin], query(), k=99)
    places = [hit.particle_id for hit in hits]
    assert places.index("P000-twin") == places.index("P000") + 1


@given(values=arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.floats(-1, 1, width=32)))
def test_modes_are_ordered(values: np.ndarray) -> None:
    mask = np.ones(values.shape, bool)
    top1, top2, mean = (aggregate(values, mask, mode) for mode in ("any", "top2", "overall"))
    assert (top1 >= top2 - 1e-5).all()
    assert (top2 >= mean - 1e-5).all()


def test_many_views_give_no_head_start() -> None:
    # Pure noise: particles with six views must not crowd out those with one.
    rng = np.random.default_rng(0)
    count = 4000
    vectors = unit_rows(rng.normal(size=(count, 6, 32)))
    present = np.ones((count, 6), bool)
    present[: count // 2, 1:] = False
    ids = [f"{'one' if number < count // 2 else 'six'}-{number}" for number in range(count)]
    target = QueryVectors(np.eye(32, dtype=np.float32)[0], np.zeros((0, 32), np.float32))
    z = {hit.particle_id: hit.z for hit in rank([Block(ids, vectors, present)], target, k=count)}
    one, six = (np.mean([value for name, value in z.items() if name.startswith(kind)]) for kind in ("one", "six"))
    assert abs(one - six) < 0.1


def test_negatives_push_down() -> None:
    both, only = unit_rows(EAST + NORTH), EAST
    vectors = np.stack([np.stack([both] * 2), np.stack([only] * 2), *[np.stack([-EAST] * 2)] * 4])
    block = Block(["both", "only", "a", "b", "c", "d"], vectors, np.ones((6, 2), bool))
    assert [hit.particle_id for hit in rank([block], query(EAST, NORTH), k=2)] == ["only", "both"]


def test_only_negatives_put_what_lacks_them_first() -> None:
    vectors = np.stack([np.stack([EAST, EAST]), np.stack([NORTH, EAST]), np.stack([NORTH, NORTH])])
    block = Block(["a", "b", "c"], vectors, np.ones((3, 2), bool))
    hits = rank([block], query(None, EAST), k=3)
    assert [hit.particle_id for hit in hits] == ["c", "b", "a"]
    assert hits[1].best_view == 0  # the view that shows least of it


def test_best_view_is_a_good_one() -> None:
    vectors = np.stack([np.stack([EAST, unit_rows(EAST + NORTH), NORTH])])
    quality = np.array([[0.05, 0.9, 0.9]], np.float32)
    (hit,) = rank([Block(["p"], vectors, np.ones((1, 3), bool), quality)], query(), k=1)
    assert hit.best_view == 1


def test_quality_gate_keeps_something_of_each_particle() -> None:
    present = np.array([[True, True, False], [True, True, True], [True, True, True]])
    quality = np.array([[0.1, 0.1, 0.9], [0.1, 0.9, 0.9], [np.nan, 0.1, 0.2]], np.float32)
    assert usable(present, quality).tolist() == [[True, True, False], [False, True, True], [True, False, True]]


def test_particles_without_views_are_left_out() -> None:
    block = Block(["a", "b"], np.zeros((2, 3, D), np.float32), np.zeros((2, 3), bool))
    assert rank([block], query(), k=5) == []
    assert rank([], query(), k=5) == []


def test_ties_are_broken_by_id() -> None:
    block = Block(["b", "c", "a"], np.stack([np.stack([EAST])] * 3), np.ones((3, 1), bool))
    assert [hit.particle_id for hit in rank([block], query(), k=3)] == ["a", "b", "c"]


def test_zscores_of_equal_values_are_zero() -> None:
    assert zscores(np.full((5, 2), 0.3, np.float32)).tolist() == [[0.0, 0.0]] * 5


@pytest.mark.parametrize(("k", "mode"), [(0, "top2"), (5, "best")])
def test_bad_arguments_are_refused(k: int, mode: str) -> None:
    with pytest.raises(ValueError, match=f"got '{mode}', {k}"):
        rank([collection(0)], query(), k=k, mode=mode)
