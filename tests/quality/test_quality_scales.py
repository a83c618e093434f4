from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.quality.scales import EMPTY, Scales, build

GROUP = ("view1", "S-4800", None)


def scales_of(values: list[float], group: tuple = GROUP) -> Scales:
    return build({"sharpness": values, "snr": values}, [group] * len(values), generation=3)


def test_a_view_is_placed_in_its_own_condition() -> None:
    scales = scales_of(list(np.arange(100.0)))
    placed = scales.ranks(GROUP, {"sharpness": 50.0, "snr": -1.0})
    assert placed is not None
    assert placed["sharpness"] == pytest.approx(0.5, abs=0.01)
    assert 0 < placed["snr"] < 0.01
    assert scales.ranks(("view2", "S-4800", None), {"sharpness": 50.0, "snr": 1.0}) is None


def test_fewer_than_thirty_views_give_no_scale() -> None:
    assert scales_of(list(range(29))).ranks(GROUP, {"sharpness": 1.0, "snr": 1.0}) is None
    assert EMPTY.ranks(GROUP, {"sharpness": 1.0, "snr": 1.0}) is None


def test_ties_share_the_middle() -> None:
    placed = scales_of([1.0] * 40).ranks(GROUP, {"sharpness": 1.0, "snr": 1.0})
    assert placed == pytest.approx({"sharpness": 0.5, "snr": 0.5})


@given(st.lists(st.floats(-5, 5), min_size=30, max_size=60), st.floats(-6, 6), st.floats(-6, 6))
def test_better_values_never_rank_lower(values: list[float], one: float, other: float) -> None:
    scales = scales_of(values)
    low, high = (scales.ranks(GROUP, {"sharpness": v, "snr": 0.0}) for v in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert 0 < low["sharpness"] <= high["sharpness"] < 1


def test_scales_survive_json() -> None:
    scales = scales_of(list(np.random.default_rng(0).normal(size=50)))
    again = Scales.from_json(json.loads(json.dumps(scales.as_json())))
    value = {"sharpness": 0.3, "snr": 0.1}
    assert (again.generation, again.ranks(GROUP, value)) == (3, scales.ranks(GROUP, value))
