from __future__ import annotations

import numpy as np
import pytest

from sem_curate.arrays import check_views, unit_rows


def test_unit_rows_keeps_zero_rows_zero() -> None:
    rows = unit_rows(np.array([[0, 0], [0, 2]], np.float64))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 0], [0, 1]]


def test_check_views_counts_and_gives_an_example() -> None:
    vectors = np.zeros((2, 3, 4), np.float32)
    vectors[1, 2, 0] = np.inf
    present = np.ones((2, 3), bool)
    with pytest.raises(ValueError, match=r"1 of 6 present views .* particle row 1, view 2"):
        check_views(vectors, present)
    present[1, 2] = False
    check_views(vectors, present)
