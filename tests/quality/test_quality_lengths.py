from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.quality.lengths import NM, format_length, parse_lengths


@pytest.mark.parametrize(
    ("text", "nanometres"),
    [
        ("10 µm", [10_000]),  # micro sign
        ("10 μm", [10_000]),  # Greek letter
        ("１０．０ μｍ", [10_000]),  # full width
        ("500nm", [500]),
        ("2.00um", [2000]),
        ("2,5 um", [2500]),
        ("x5.0k 10.0um", [10_000]),
        ("WD 8.5mm 1 um", [1000]),
        ("WD = 8.5 mm", []),
        ("HFW: 41.4 µm | 5 µm", [5000]),
        ("1 mm 20 nm", [1_000_000, 20]),
        ("0 um", []),
        ("10 umm, 10 kV, x10", []),
        ("", []),
    ],
)
def test_lengths(text: str, nanometres: list[float]) -> None:
    assert parse_lengths(text) == pytest.approx(nanometres)


@given(
    st.integers(1, 999),
    st.sampled_from(sorted(NM)),
    st.sampled_from(["", " "]),
    st.sampled_from(["10.0kV ", "SE(U) ", ""]),
)
def test_any_number_with_any_unit(number: int, unit: str, gap: str, before: str) -> None:
    expected = number * NM[unit]
    assert parse_lengths(f"{before}{number}{gap}{unit}") == ([expected] if expected <= 1e8 else [])


@given(st.floats(1, 9e6))
def test_what_is_written_can_be_read(nanometres: float) -> None:
    assert parse_lengths(format_length(nanometres)) == [pytest.approx(nanometres, rel=1e-3)]


@given(st.text(max_size=40))
def test_any_text_is_no_error(text: str) -> None:
    assert all(0 < value <= 1e8 for value in parse_lengths(text))
