from __future__ import annotations

import pytest

from sem_curate.decide.doubts import LOSES, NO_GAIN, OTHER_VECTORS, doubt
from sem_curate.decide.rungs import Row


@pytest.mark.parametrize(
    ("gain", "low", "high", "code"),
    [
        (-0.05, -0.08, -0.02, LOSES),
        (-0.05, -0.12, 0.02, NO_GAIN),
        (0.02, -0.01, 0.05, NO_GAIN),  # may be chance
        (0.005, 0.001, 0.009, NO_GAIN),  # sure, but too little to adopt today
        (0.05, 0.02, 0.08, None),
    ],
)
def test_a_rung_in_force_is_doubted_unless_it_would_be_adopted_again(
    gain: float, low: float, high: float, code: str | None
) -> None:
    rows = (Row("quality_mean", 0.8, 0.0, 0.0, 0.0, True), Row("deep_sets", 0.8 + gain, gain, low, high, False))
    found = doubt("deep_sets", rows)
    assert (found.code if found else None) == code
    if found:
        assert (found.gain, found.low, found.high) == (gain, low, high)


def test_nothing_is_said_where_nothing_was_compared_and_other_vectors_are_always_said() -> None:
    assert doubt("deep_sets", ()) is None
    found = doubt("deep_sets", (), same_vectors=False)
    assert found is not None
    assert found.code == OTHER_VECTORS
