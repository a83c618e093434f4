from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sem_curate import parallel


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def test_cores_follow_a_container_limit(tmp_path: Path) -> None:
    assert parallel.quota(tmp_path) is None
    write(tmp_path / "cpu.max", "max 100000\n")
    assert parallel.quota(tmp_path) is None
    write(tmp_path / "cpu.max", "150000 100000\n")
    assert parallel.quota(tmp_path) == 2  # one and a half: the second thread still helps


def test_cores_follow_an_older_container_limit(tmp_path: Path) -> None:
    write(tmp_path / "cpu" / "cpu.cfs_quota_us", "-1")
    write(tmp_path / "cpu" / "cpu.cfs_period_us", "100000")
    assert parallel.quota(tmp_path) is None
    write(tmp_path / "cpu" / "cpu.cfs_quota_us", "50000")
    assert parallel.quota(tmp_path) == 1


def test_there_is_always_a_core() -> None:
    assert 1 <= parallel.available_cores() <= (os.cpu_count() or 1)


def test_items_are_worked_on_in_order_and_every_digit_is_that_of_one_thread() -> None:
    rng = np.random.default_rng(0)
    left = [rng.standard_normal((64, 300), dtype=np.float32) for _ in range(20)]
    right = rng.standard_normal((300, 500), dtype=np.float32)
    with parallel.threadpool_limits(1, user_api="blas"):
        alone = [rows @ right for rows in left]
    found = parallel.on_cores(lambda rows: rows @ right, left)
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_error_in_one_item_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        parallel.on_cores(lambda value: 1 // value, [1, 0, 2])
