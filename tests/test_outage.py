from __future__ import annotations

import pymongo
import pytest
from pymongo.errors import AutoReconnect, NetworkTimeout, OperationFailure

from sem_curate import cli, outage
from sem_curate.app import ports
from sem_curate.errors import DatabaseUnavailableError


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_a_server_that_is_not_there_is_told_with_the_remedy() -> None:
    client = pymongo.MongoClient(f"mongodb://127.0.0.1:{ports.free_port()}", serverSelectionTimeoutMS=50)
    with (
        pytest.raises(DatabaseUnavailableError, match="start MongoDB and do the last step again") as caught,
        outage.told(),
    ):
        client.admin.command("ping")
    assert "refused" in str(caught.value)
    assert "Topology" not in str(caught.value)


def test_other_errors_stay_what_they_are() -> None:
    assert outage.as_error(AutoReconnect("connection closed"))
    assert outage.as_error(NetworkTimeout("slow"))
    assert outage.as_error(OperationFailure("no such command")) is None
    with pytest.raises(KeyError), outage.told():
        raise KeyError("x")


def test_the_command_line_says_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(**_: object) -> None:
        raise AutoReconnect("127.0.0.1:27017: connection closed")

    monkeypatch.setattr(cli.cli, "main", gone)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("sem-curate: the database does not answer (127.0.0.1:27017")
