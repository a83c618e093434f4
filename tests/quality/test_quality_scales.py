from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.quality import gate
from sem_curate.quality.scales import EMPTY, Scales, build

GROUP = ("view1", "S-4800", None)


def scales_of(values: list[float], group: tuple = GROUP) -> Scales:
    return build(dict.fromkeys(gate.RANKED, values), [group] * len(values), generation=3)


def at(value: float) -> dict[str, float]:
    return dict.fromkeys(gate.RANKED, value)


def test_a_view_is_placed_in_its_own_condition() -> None:
    scales = scales_of(list(np.arange(100.0)))
    placed = scales.places(GROUP, {**at(50.0), "snr": -1.0})
    assert placed is not None
    assert placed["sharpness"].rank == pytest.approx(0.5, abs=0.01)
    assert placed["sharpness"].typical == pytest.approx(74.25, abs=0.5)  # the upper quartile
    assert 0 < placed["snr"].rank < 0.01
    assert scales.places(GROUP, at(98.0))["noise_sigma"].rank < 0.05  # type: ignore[index]  # lower is better
    assert placed["noise_sigma"].typical == pytest.approx(24.75, abs=0.5)
    assert scales.places(("view2", "S-4800", None), at(50.0)) is None


def test_fewer_than_thirty_views_give_no_scale() -> None:
    assert scales_of(list(range(29))).places(GROUP, at(1.0)) is None
    assert EMPTY.places(GROUP, at(1.0)) is None


def test_ties_share_the_middle() -> None:
    placed = scales_of([1.0] * 40).places(GROUP, at(1.0))
    assert placed is not None
    assert [place.rank for place in placed.values()] == pytest.approx([0.5] * len(gate.RANKED))


@given(st.lists(st.floats(-5, 5), min_size=30, max_size=60), st.floats(-6, 6), st.floats(-6, 6))
def test_better_values_never_rank_lower(values: list[float], one: float, other: float) -> None:
    scales = scales_of(values)
    low, high = (scales.places(GROUP, at(v)) for v in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert 0 < low["sharpness"].rank <= high["sharpness"].rank < 1


def test_scales_survive_json() -> None:
    scales = scales_of(list(np.random.default_rng(0).normal(size=50)))
    again = Scales.from_json(json.loads(json.dumps(scales.as_json())))
    assert (again.generation, again.places(GROUP, at(0.3))) == (3, scales.places(GROUP, at(0.3)))
