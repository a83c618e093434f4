from __future__ import annotations

import json
import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from sem_curate.app import launch, ports
from sem_curate.cli.app import command
from sem_curate.errors import InputError, SetupError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.20", "::", "example.org", "127.0.0.1.evil.example"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"no login.*SSH tunnel.*--i-know-there-is-no-login"):
        launch.check_address(address)
    launch.check_address(address, no_login_understood=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.1.1", "::1", "localhost"])
def test_loopback_addresses_pass(address: str) -> None:
    launch.check_address(address)


def test_the_command_refuses_before_it_starts_anything() -> None:
    result = CliRunner().invoke(command, ["--address", "0.0.0.0"])
    assert isinstance(result.exception, InputError)


def test_a_taken_port_names_the_next_free_one(taken: int) -> None:
    with pytest.raises(SetupError, match=rf"port {taken} is in use.*use: --port \d+"):
        launch.check_port(taken)
    assert not ports.is_free(taken)
    following = ports.next_free(taken)
    assert following is not None
    assert following > taken
    launch.check_port(following)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port(port: int) -> None:
    with pytest.raises(InputError, match="port must be in"):
        launch.check_port(port)


def test_url_escapes_the_name() -> None:
    assert launch.url_of("a/b 粒", 1) == "http://127.0.0.1:1/datasets/a%2Fb%20%E7%B2%92"
    assert launch.url_of(None, 1, "::1") == "http://[::1]:1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_become_an_event_and_are_given_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with launch.stop_signals() as ended:
        os.kill(os.getpid(), number)
        launch.wait_for(ended)
        assert ended.is_set()
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_interrupts() -> None:
    with launch.stop_signals() as ended:
        os.kill(os.getpid(), signal.SIGINT)
        launch.wait_for(ended)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.fiftyone
@pytest.mark.parametrize(("said", "quiet"), [(None, True), ("false", False)])
def test_usage_statistics_are_off_unless_somebody_wants_them(
    monkeypatch: pytest.MonkeyPatch, said: str | None, quiet: bool
) -> None:
    import fiftyone as fo

    monkeypatch.setattr(fo.config, "do_not_track", False)
    monkeypatch.delenv(launch.NO_TRACKING_VARIABLE)
    if said is not None:
        monkeypatch.setenv(launch.NO_TRACKING_VARIABLE, said)
    port = ports.free_port()
    with launch.running(None, port):
        question = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql", b'{"query": "{ doNotTrack }"}', {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(question, timeout=30) as answer:
            assert json.load(answer)["data"]["doNotTrack"] is quiet


@pytest.mark.fiftyone
def test_the_app_is_served_with_our_layout_and_leaves_no_process(dataset_name: str) -> None:
    import psutil

    from sem_curate.dataset import create_dataset

    create_dataset(dataset_name)
    port = ports.free_port()
    stop = threading.Event()
    seen: dict[str, object] = {}

    def ready(server: launch.Server) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/fiftyone", timeout=30) as answer:
            seen["status"] = answer.status
        seen["url"] = server.url
        seen["panels"] = [child.children[0].type for child in server.session.spaces.children]
        seen["active"] = [
            child.active_child == child.children[0].component_id for child in server.session.spaces.children
        ]
        stop.set()

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    launch.serve(dataset_name, port, on_ready=ready, stop=stop)
    assert seen == {
        "status": 200,
        "url": f"http://127.0.0.1:{port}/datasets/{dataset_name}",
        "panels": ["Samples", "sem_curate_panel"],
        "active": [True, True],
    }
    assert ports.is_free(port)
    _, left = psutil.wait_procs(
        [child for child in psutil.Process().children(recursive=True) if child.pid not in before], timeout=20
    )
    assert left == []
