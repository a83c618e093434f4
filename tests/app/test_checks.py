from __future__ import annotations

from pathlib import Path

import pytest

from sem_curate.app import checks
from sem_curate.app.checks import FAIL, OK, WARN, Check
from sem_curate.errors import EncoderError


@pytest.mark.parametrize(
    ("version", "status"), [((3, 9, 19), FAIL), ((3, 10, 0), OK), ((3, 14, 1), OK)], ids=["old", "oldest", "new"]
)
def test_python_version(version: tuple[int, ...], status: str) -> None:
    assert checks.python_version(version).status == status


def test_packages_shows_three_problems_and_counts_the_rest() -> None:
    found = checks.packages({}, ["a is missing", "b is missing", "c is missing", "d is missing"], ())
    assert found.status == FAIL
    assert found.detail == "a is missing; b is missing; c is missing and 1 more"


def test_packages_in_range() -> None:
    found = checks.packages({"numpy": "2.1", "torch": None}, [], ("numpy",))
    assert (found.status, found.detail) == (OK, "2 in range (numpy 2.1)")


def test_two_opencv_packages_fail_with_a_remedy_that_removes_both() -> None:
    found = checks.opencv({"opencv-python", "opencv-python-headless", "numpy"})
    assert found.status == FAIL
    assert "pip uninstall -y opencv-python opencv-python-headless" in found.fix


@pytest.mark.parametrize(
    ("installed", "status"), [({"opencv-python-headless"}, OK), ({"opencv-python"}, OK), ({"numpy"}, FAIL)]
)
def test_one_or_no_opencv(installed: set[str], status: str) -> None:
    assert checks.opencv(installed).status == status


@pytest.mark.parametrize(
    ("writable", "free_gb", "status"),
    [(True, 100.0, OK), (True, 2.0, WARN), (True, 0.1, FAIL), (False, 100.0, FAIL)],
)
def test_data_folder(writable: bool, free_gb: float, status: str) -> None:
    assert checks.data_folder(Path("/data"), writable, free_gb).status == status


def test_port_in_use_names_a_free_one() -> None:
    found = checks.port(5151, False, 5152)
    assert (found.status, found.fix) == (WARN, "use another one: sem-curate app --port 5152")


def test_optional_parts_only_warn() -> None:
    assert checks.browser(None).status == WARN
    assert checks.fonts(()).status == WARN
    assert checks.browser(Path("/usr/bin/chromium")).status == OK


@pytest.mark.parametrize(
    ("state", "problems", "status"),
    [("linked", [], OK), ("missing", [], WARN), ("outdated", [], FAIL), ("copied", ["x: SyntaxError"], FAIL)],
)
def test_plugins(state: str, problems: list[str], status: str) -> None:
    assert checks.plugins({"@sem-curate/panel": state}, problems, 1).status == status


def test_a_crashing_check_is_a_line_and_not_a_stack_trace() -> None:
    def crash() -> Check:
        raise ZeroDivisionError("division by zero\nsecond line")

    found = checks.guarded("sum", crash)
    assert (found.status, found.detail) == (FAIL, "ZeroDivisionError: division by zero")


def test_a_deliberate_error_keeps_its_own_words() -> None:
    def refuse() -> Check:
        raise EncoderError("weights are missing")

    assert checks.guarded("encoders", refuse).detail == "weights are missing"


def test_report_counts_and_indents() -> None:
    found = [Check("a", OK, "fine"), Check("b", WARN, "hm", "do this"), Check("c", FAIL, "bad", "do that")]
    result = checks.summary(found)
    assert (result["ok"], result["counts"]) == (False, {OK: 1, WARN: 1, FAIL: 1})
    text = checks.as_text(found)
    assert "do this" in text
    assert len(text.splitlines()) == 5
