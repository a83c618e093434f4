from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import stat
from pathlib import Path

import pytest

from sem_curate.app import mongod, ports
from sem_curate.errors import DatabaseUnavailableError


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configured address: FiftyOne would start its own server."""
    monkeypatch.delenv(mongod.URI_VARIABLE, raising=False)
    monkeypatch.setenv("FIFTYONE_CONFIG_PATH", str(tmp_path / "none.json"))


@pytest.fixture
def fiftyone_without_server(private: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installed FiftyOne whose helper package downloaded nothing: the folder is there and empty."""
    bin_folder = tmp_path / "fiftyone" / "db" / "bin"
    bin_folder.mkdir(parents=True)
    spec = importlib.machinery.ModuleSpec("fiftyone", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "fiftyone")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return bin_folder


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_missing_server_is_found_and_explained(fiftyone_without_server: Path) -> None:
    assert mongod.binary() is None
    answer = mongod.answers()
    assert not answer.ok
    assert answer.problem == "FiftyOne has no mongod"
    assert mongod.URI_VARIABLE in answer.remedy


def test_missing_server_stops_a_command_in_one_sentence(fiftyone_without_server: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"FiftyOne has no mongod; .*FIFTYONE_DATABASE_URI"):
        mongod.ensure_database()


def test_repair_wants_consent(fiftyone_without_server: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="FiftyOne has no working mongod"):
        mongod.repair(consent=False)


def test_a_server_that_stops_gives_its_last_words(fiftyone_without_server: Path) -> None:
    words = "error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    _script(fiftyone_without_server / "mongod", f"echo '{words}' >&2; exit 127")
    answer = mongod.answers()
    assert not answer.ok
    assert "libcurl.so.4" in answer.problem
    assert answer.remedy == "install its libraries: apt-get install libcurl4 libssl3"
    assert not answer.repairable  # downloading the same server again would not help


def test_a_server_that_is_killed_by_a_signal(fiftyone_without_server: Path) -> None:
    _script(fiftyone_without_server / "mongod", "kill -ILL $$")
    answer = mongod.answers()
    assert "signal 4" in answer.problem
    assert "AVX" in answer.remedy


def test_a_file_that_is_no_program(fiftyone_without_server: Path) -> None:
    broken = fiftyone_without_server / "mongod"
    broken.write_bytes(b"half a download")
    broken.chmod(0o755)
    assert "cannot be run" in mongod.answers().problem


def test_a_configured_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongod, "PING_SECONDS", 0.3)
    uri = f"mongodb://127.0.0.1:{ports.free_port()}"
    monkeypatch.setenv(mongod.URI_VARIABLE, uri)
    answer = mongod.answers()
    assert answer.where == uri
    assert "no answer" in answer.problem
    with pytest.raises(DatabaseUnavailableError, match="start that server or correct"):
        mongod.ensure_database()


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mongod.URI_VARIABLE, "not an address")
    assert "no answer" in mongod.answers().problem


def test_the_address_may_stand_in_fiftyones_config_file(private: None, tmp_path: Path) -> None:
    assert mongod.configured_uri() is None
    Path(os.environ["FIFTYONE_CONFIG_PATH"]).write_text(json.dumps({"database_uri": "mongodb://db:27017"}))
    assert mongod.configured_uri() == "mongodb://db:27017"
    Path(os.environ["FIFTYONE_CONFIG_PATH"]).write_text("{broken")
    assert mongod.configured_uri() is None


@pytest.mark.fiftyone
def test_a_real_server_starts_answers_and_leaves_nothing(private: None) -> None:
    executable = mongod.binary()
    if executable is None:
        pytest.fail(f"no private mongod to start: {mongod.repair_advice()}")
    port = ports.free_port()
    with mongod.running(executable, port=port) as address:
        assert ports.listens(port)
        assert mongod._ping(address, "here", 5, "").ok
    assert ports.is_free(port)
    assert mongod.answers().ok


@pytest.mark.fiftyone
def test_we_look_where_fiftyone_looks(private: None) -> None:
    from fiftyone.core.service import DatabaseService

    assert str(mongod.binary()) == DatabaseService.find_mongod()


@pytest.mark.fiftyone
def test_ensure_database_connects_fiftyone() -> None:
    mongod.ensure_database()
    import fiftyone as fo

    assert isinstance(fo.list_datasets(), list)
