"""Serve the FiftyOne App on this machine only, with our panel beside the sample grid, and stop it cleanly.

FiftyOne has no login: whoever reaches the port can read every file of the user and run every operator. So the
address is a loopback one unless the caller says, in so many words, that this is understood.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from types import FrameType
from typing import Any
from urllib.parse import quote

from sem_curate.app import mongod, plugins, ports
from sem_curate.errors import InputError, SetupError

DEFAULT_PORT = 5151
CACHE_VARIABLE = "FIFTYONE_PLUGINS_CACHE_ENABLED"
NO_TRACKING_VARIABLE = "FIFTYONE_DO_NOT_TRACK"
STOP_SECONDS = 20.0  # FiftyOne's server needs about five to stop


@dataclass(frozen=True)
class Server:
    """A running App: its address for people, and FiftyOne's session."""

    url: str
    port: int
    session: Any


def check_address(address: str, *, no_login_understood: bool = False) -> None:
    """Refuse to serve beyond this machine.

    Raises:
        InputError: for any address but a loopback one, unless ``no_login_understood``.
    """
    if _is_loopback(address) or no_login_understood:
        return
    raise InputError(
        f"'{address}' would open the App to other machines, and FiftyOne has no login: anybody there could read your "
        "files. Stay on 127.0.0.1 and use an SSH tunnel (sem-curate app --remote-hint), "
        "or add --i-know-there-is-no-login"
    )


def check_port(port: int, address: str = ports.LOOPBACK) -> None:
    """Refuse a port that cannot be used, naming one that can.

    Raises:
        InputError: when it is not a port number.
        SetupError: when something listens there already.
    """
    if not 1 <= port <= 65535:
        raise InputError(f"port must be in [1, 65535]; got {port}")
    if not ports.is_free(port, address):
        other = ports.next_free(port, address)
        remedy = f"; use: --port {other}" if other else ""
        raise SetupError(f"port {port} is in use, perhaps by another FiftyOne App{remedy}")


def url_of(dataset_name: str | None, port: int, address: str = ports.LOOPBACK) -> str:
    """Return the address to open in a browser.

    >>> url_of("my set", 5151)
    'http://127.0.0.1:5151/datasets/my%20set'
    """
    base = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    return f"{base}/datasets/{quote(dataset_name, safe='')}" if dataset_name else base


def tunnel_hint(port: int) -> str:
    """Return how to reach the App from another machine without opening it to the network."""
    return f"On your own machine run:  ssh -N -L {port}:127.0.0.1:{port} USER@THIS-MACHINE\nand open the address above."


def prepare(port: int, address: str = ports.LOOPBACK, *, no_login_understood: bool = False) -> None:
    """Check everything that can go wrong before the App starts, and install the plugins.

    Raises:
        SemCurateError: with the remedy.
    """
    check_address(address, no_login_understood=no_login_understood)
    check_port(port, address)
    mongod.ensure_database()
    plugins.install()


@contextmanager
def running(
    dataset_name: str | None,
    port: int = DEFAULT_PORT,
    *,
    address: str = ports.LOOPBACK,
    no_login_understood: bool = False,
) -> Iterator[Server]:
    """Serve the App while the block runs; afterwards no server process is left.

    Args:
        dataset_name: what to show; None shows FiftyOne's list of datasets.
        port: where.
        address: a loopback address.
        no_login_understood: allow other addresses.
    """
    prepare(port, address, no_login_understood=no_login_understood)
    with _plugins_cached():
        session = _launch(dataset_name, port, address)
    try:
        yield Server(url_of(dataset_name, port, address), port, session)
    finally:
        _close(session, port, address)


def serve(
    dataset_name: str | None,
    port: int = DEFAULT_PORT,
    *,
    address: str = ports.LOOPBACK,
    no_login_understood: bool = False,
    open_browser: bool = False,
    on_ready: Callable[[Server], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the App until Ctrl-C, SIGTERM or ``stop`` (from another thread).

    Args:
        dataset_name: what to show.
        port: where.
        address: a loopback address.
        no_login_understood: allow other addresses.
        open_browser: open the user's browser, where there is a screen.
        on_ready: called once with the running server, for example to print its address.
        stop: set it to end the call.
    """
    with (
        stop_signals(stop) as ended,
        running(dataset_name, port, address=address, no_login_understood=no_login_understood) as server,
    ):
        if on_ready is not None:
            on_ready(server)
        if open_browser and has_screen():
            webbrowser.open(server.url)
        wait_for(ended)


@contextmanager
def stop_signals(stop: threading.Event | None = None) -> Iterator[threading.Event]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into an event while the block runs; a second Ctrl-C interrupts."""
    ended = threading.Event() if stop is None else stop
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if ended.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        ended.set()

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = {number: signal.signal(number, on_signal) for number in _signals(names)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(ended: threading.Event, seconds: float = float("inf")) -> None:
    """Wait for the event. Polls, because a signal handler that sets an event its own thread waits on can dead-lock."""
    deadline = time.monotonic() + seconds
    while not ended.is_set() and time.monotonic() < deadline:
        time.sleep(min(0.2, seconds))


def has_screen() -> bool:
    """Tell whether a browser window could appear; on a server, Python would start a text browser instead."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def workspace() -> Any:
    """Return the start layout: sample grid on the left, our panel on the right."""
    import fiftyone as fo

    samples, panel = fo.Panel(type="Samples", pinned=True), fo.Panel(type=plugins.PANEL)
    # Without active_child both halves stay blank.
    halves = [fo.Space(children=[item], active_child=item.component_id) for item in (samples, panel)]
    return fo.Space(orientation="horizontal", children=halves)


@contextmanager
def _plugins_cached() -> Iterator[None]:
    # The server is a child process and learns this from its environment: 17 ms instead of 30 per operator call.
    before = os.environ.get(CACHE_VARIABLE)
    os.environ.setdefault(CACHE_VARIABLE, "true")
    try:
        yield
    finally:
        if before is None:
            del os.environ[CACHE_VARIABLE]


def _launch(dataset_name: str | None, port: int, address: str) -> Any:
    import logging

    import fiftyone as fo

    from sem_curate.dataset import load_dataset

    if NO_TRACKING_VARIABLE not in os.environ:
        # Nothing about a laboratory's images leaves it unasked; FiftyOne's question would also cover half the panel.
        fo.config.do_not_track = True
    dataset = load_dataset(dataset_name) if dataset_name else None
    spaces = workspace() if dataset is not None else None
    logger = logging.getLogger("fiftyone")
    level = logger.level
    logger.setLevel(logging.WARNING)  # its own instructions for remote sessions would contradict ours
    try:
        with redirect_stdout(sys.stderr):  # "trying again" on a slow machine; our standard output is a result
            return fo.launch_app(dataset, spaces=spaces, remote=True, address=address, port=port, auto=False)
    except Exception as error:
        raise SetupError(
            f"the App did not start on port {port} ({error}); run: sem-curate doctor --port {port}"
        ) from error
    finally:
        logger.setLevel(level)


def _close(session: Any, port: int, address: str) -> None:
    import fiftyone as fo

    session._disable_wait_warning = True  # it would advise session.wait(), which is our business
    fo.close_app()
    deadline = time.monotonic() + STOP_SECONDS
    while not ports.is_free(port, address):
        if time.monotonic() > deadline:
            raise SetupError(f"the App's server on port {port} did not stop within {STOP_SECONDS:.0f} seconds")
        time.sleep(0.1)


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _signals(names: tuple[str, ...]) -> list[signal.Signals]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]
