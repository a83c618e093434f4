from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.review import presort
from sem_curate.review.ledger import outdated, timeline

RNG = np.random.default_rng(1_000_000)


def test_a_text_that_fits_everything_does_not_swallow_the_others() -> None:
    images = unit_rows(np.eye(4)[[0, 0, 1, 1]] + [0, 0, 1.0, 0])
    texts = unit_rows(np.array([[0.3, 0, 1, 0], [0, 0.3, 0, 1]]))
    assert (images @ texts.T).argmax(axis=1).tolist() == [0, 0, 0, 0]
    assert presort.suggest(images, texts, np.ones(4, np.bool_)).tolist() == [0, 0, 1, 1]
    assert presort.suggest(images, texts, np.array([True, True, True, False]))[3] == -1
    assert presort.suggest(images, texts[:0], np.ones(4, np.bool_)).tolist() == [-1] * 4


@settings(deadline=None)  # the first call loads scikit-learn
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=200), st.integers(1, 30), st.booleans())
def test_every_row_stands_in_one_bundle_of_its_part(part, size, same) -> None:
    drawn = np.random.default_rng(len(part)).normal(size=(len(part), 4))
    vectors = unit_rows(np.ones_like(drawn) if same else drawn)
    made = presort.groups(np.array(part, np.int64), vectors, size=size)
    assert sorted(row for group in made for row in group.rows) == list(range(len(part)))
    assert all(len(group.rows) <= size for group in made)
    assert all(part[row] == group.part for group in made for row in group.rows)
    again = presort.groups(np.array(part, np.int64), vectors, size=size)
    assert again == made


def test_clusters_keep_alike_together() -> None:
    vectors = unit_rows(np.repeat(np.eye(3), 20, axis=0) + RNG.normal(0, 0.05, (60, 3)))
    found = presort.clusters(vectors, 3)
    assert len(set(found.tolist())) == 3
    assert all(len(set(found[start : start + 20].tolist())) == 1 for start in (0, 20, 40))


def test_the_timeline_shows_where_the_centre_moved() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1, 0]]
    under, agreed = np.array([1, 1, 3, 3, 1]), np.array([1, 0, 1, np.nan, np.nan], np.float32)
    rows = timeline([1, 2, 3], under, vectors, np.array([True, True, True, True, False]), agreed)
    assert [(row.decisions, row.shift, row.agreement, row.agreement_of) for row in rows] == [
        (3, None, 0.5, 2), (0, None, None, 0), (2, 1.0, 1.0, 1),
    ]  # fmt: skip


def test_what_is_nearer_to_another_label_or_farther_than_all_accepted_is_outdated() -> None:
    new = unit_rows(np.array([[1, 0.05, 0], [1, -0.05, 0], [1, 0.0, 0.05]]))
    old = unit_rows(np.array([[1, 0, 0], [0.2, 1, 0], [0.8, 0, 0.6]]))
    others = np.array([[0, 1, 0]], np.float32)
    doubtful, own = outdated(old, new, others)
    assert doubtful.tolist() == [False, True, True]
    assert own[0] > own[2] > own[1]
    assert not outdated(old, new[:2], others)[0].any()  # two particles are no definition
    assert outdated(old, new, others[:0])[0].tolist() == [False, True, True]
