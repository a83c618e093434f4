from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from sem_curate.app import mongod, ports, probes
from sem_curate.app.checks import FAIL, OK
from sem_curate.cli.doctor import command


def _doctor(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), standalone_mode=False)


def test_chosen_checks_as_json() -> None:
    port = ports.free_port()
    result = _doctor("--json", "--only", "python", "--only", "port", "--port", str(port))
    report = json.loads(result.stdout)
    assert result.return_value == 0
    assert [check["name"] for check in report["checks"]] == ["python", "port"]
    assert report["checks"][1]["detail"] == f"{port} is free"


def test_a_fail_line_gives_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongod, "PING_SECONDS", 0.2)
    monkeypatch.setenv(mongod.URI_VARIABLE, f"mongodb://127.0.0.1:{ports.free_port()}")
    result = _doctor("--only", "mongod")
    assert result.return_value == 1
    assert result.stdout.startswith("FAIL  mongod")
    assert "->" in result.stdout


def test_an_unknown_check_lists_the_known_ones() -> None:
    result = _doctor("--only", "mongo")
    assert "there are: python, packages, opencv, mongod" in str(result.exception)


def test_repair_needs_a_dataset() -> None:
    assert "belong together" in str(_doctor("--repair").exception)


def test_both_opencv_packages_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    names = probes.installed_names() | {"opencv-python"}
    monkeypatch.setattr(probes, "installed_names", lambda: names)
    (found,) = probes.run(("opencv",), 5151)
    assert found.status == FAIL
    assert "opencv-python-headless" in found.detail


def test_this_environment_is_in_range() -> None:
    for name in ("packages", "opencv", "torch", "folder"):
        (found,) = probes.run((name,), 5151)
        assert found.status == OK, found


def test_the_bundled_encoders_embed() -> None:
    (found,) = probes.run(("encoders",), 5151)
    assert found.status == OK, found


@pytest.mark.fiftyone
def test_fiftyone_registers_exactly_what_our_plugins_declare() -> None:
    from sem_curate.app import plugins

    plugins.install()
    (found,) = probes.run(("plugins",), 5151)
    assert found.status == OK, found
    registered, problems = probes.registered_names()
    assert problems == []
    assert all(registered.values())
