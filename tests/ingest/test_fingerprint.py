from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.ingest.fingerprint import content_hash, stat_key


def test_stat_key_follows_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    os.utime(path, ns=(5, 7_000_000_001))
    assert stat_key(path) == "3:7000000001"
    with pytest.raises(FileNotFoundError):
        stat_key(tmp_path / "gone")


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_different_content_has_different_hashes(one: bytes, other: bytes) -> None:
    assert (content_hash(one) == content_hash(other)) == (one == other)
    assert len(content_hash(one)) == 40
