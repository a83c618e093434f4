from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.ingest.views import normalise, unknown_reason
from sem_curate.schema import DEFAULT_VIEWS


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize(
    "form", ["{}", "0{}", "v{}", "V{}", "view{}", "View_{}", "VIEW-{}", "view 0{}", "V-{}", " {} "]
)
def test_numbers_mean_the_nth_view(form: str, number: int) -> None:
    assert normalise(form.format(number), DEFAULT_VIEWS) == f"view{number}"


def test_full_width_writing_is_understood() -> None:
    assert normalise("ｖｉｅｗ３", DEFAULT_VIEWS) == "view3"
    assert normalise("３", DEFAULT_VIEWS) == "view3"


def test_own_names_win_over_numbers() -> None:
    names = ("2", "1", "SE_top", "二次電子")
    assert [normalise(text, names) for text in ("1", "2", "se_TOP", "二次電子", "v1")] == [
        "1", "2", "SE_top", "二次電子", "2",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", " ", "0", "7", "view0", "view77", "v", "front", "-1", "1.0", "9" * 400])
def test_anything_else_is_unknown(text: str) -> None:
    assert normalise(text, DEFAULT_VIEWS) is None


def test_the_reason_names_the_known_ones_and_the_closest() -> None:
    reason = unknown_reason("veiw2", DEFAULT_VIEWS)
    assert "view1, view2" in reason
    assert "Did you mean 'view2'?" in reason
    assert "--views" in reason


@given(st.text(max_size=20))
def test_the_answer_is_always_one_of_the_names(text: str) -> None:
    assert normalise(text, DEFAULT_VIEWS) in (None, *DEFAULT_VIEWS)
