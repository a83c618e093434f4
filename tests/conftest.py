"""Isolation for the whole test session: nothing here may read or write the user's own FiftyOne or SEM Curate data.

FiftyOne reads its settings while it is imported, so they are set here, before any test module is.

A private FIFTYONE_DATABASE_DIR would not be enough: FiftyOne joins any database service the same user already runs,
whatever its folder. So the tests bring their own MongoDB server, at an address that is chosen now and started when
the first test needs it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from sem_curate.app import browser, mongod, ports
from sem_curate.errors import DatabaseUnavailableError

assert "fiftyone" not in sys.modules, "fiftyone was imported before its settings were isolated"

SESSION = Path(tempfile.mkdtemp(prefix="sem-curate-tests-"))
REAL_HOME = Path.home()
OWN_URI = os.environ.get(mongod.URI_VARIABLE)  # a developer without a private mongod names a server here
PORT = ports.free_port()
NAMES = f"sem_curate_test_{uuid.uuid4().hex[:8]}"


def _isolate() -> None:
    for name in [name for name in os.environ if name.startswith(("FIFTYONE_", "SEM_CURATE_"))]:
        if name not in (browser.VARIABLE, "SEM_CURATE_SCREENSHOTS"):
            del os.environ[name]
    fiftyone = SESSION / "fiftyone"
    os.environ.update(
        {
            "HOME": str(SESSION / "home"),
            # Caches may be shared: fonts, compiled kernels, downloaded browsers.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(REAL_HOME / ".cache")),
            "PLAYWRIGHT_BROWSERS_PATH": os.environ.get(
                "PLAYWRIGHT_BROWSERS_PATH", str(REAL_HOME / ".cache" / "ms-playwright")
            ),
            "FIFTYONE_CONFIG_PATH": str(fiftyone / "config.json"),
            "FIFTYONE_APP_CONFIG_PATH": str(fiftyone / "app_config.json"),
            "FIFTYONE_BRAIN_CONFIG_PATH": str(fiftyone / "brain_config.json"),
            "FIFTYONE_DATABASE_DIR": str(fiftyone / "database"),
            "FIFTYONE_DATABASE_URI": OWN_URI or f"mongodb://127.0.0.1:{PORT}",
            "FIFTYONE_DATABASE_NAME": NAMES,
            "FIFTYONE_DATABASE_VALIDATION": "false",
            "FIFTYONE_DEFAULT_DATASET_DIR": str(fiftyone / "datasets"),
            "FIFTYONE_DATASET_ZOO_DIR": str(fiftyone / "dataset_zoo"),
            "FIFTYONE_MODEL_ZOO_DIR": str(fiftyone / "model_zoo"),
            "FIFTYONE_PLUGINS_DIR": str(fiftyone / "plugins"),
            "FIFTYONE_DO_NOT_TRACK": "true",
            "SEM_CURATE_HOME": str(SESSION / "sem_curate"),
            "SEM_CURATE_DATABASE": f"{NAMES}_registry",
            "HF_HUB_OFFLINE": "1",
        }
    )
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    (SESSION / "home").mkdir()
    (fiftyone / "plugins").mkdir(parents=True)


# Registered before fiftyone is imported, hence run after fiftyone's own exit handlers.
_AT_EXIT = ExitStack()
_AT_EXIT.callback(shutil.rmtree, SESSION, ignore_errors=True)
atexit.register(_AT_EXIT.close)
_isolate()


class Database:
    """The session's MongoDB server: started once, when first asked for."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.asked = False

    def require(self) -> None:
        """Start the server; fail the asking test, with the remedy, when there is none."""
        if not self.asked:
            self.asked = True
            self.problem = self._start()
        if self.problem is not None:
            pytest.fail(f"this test needs a MongoDB server: {self.problem}", pytrace=False)

    def _start(self) -> str | None:
        if OWN_URI is None:
            executable = mongod.binary()
            if executable is None:
                return f"FiftyOne has no mongod; {mongod.repair_advice()}"
            try:
                _AT_EXIT.enter_context(mongod.running(executable, port=PORT))
            except DatabaseUnavailableError as error:
                return f"{error}; {mongod.start_advice(str(error))}"
        else:
            _AT_EXIT.callback(_drop_databases)
        answer = mongod.answers()
        return None if answer.ok else f"{answer.where}: {answer.problem}; {answer.remedy}"


def _drop_databases() -> None:
    import pymongo

    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(os.environ[mongod.URI_VARIABLE])
    for name in (NAMES, f"{NAMES}_registry"):
        client.drop_database(name)
    client.close()


DATABASE = Database()
BROWSER = browser.find_browser()
SKIPPED_FOR_BROWSER: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: their driver keeps an event loop running, in which FiftyOne's operators return tasks."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give `fiftyone` tests their database, and `e2e` tests a browser or a skip that is counted."""
    if item.get_closest_marker("e2e") and BROWSER is None:
        SKIPPED_FOR_BROWSER.append(item.nodeid)
        pytest.skip("no Chromium or Chrome")
    if item.get_closest_marker("fiftyone") or item.get_closest_marker("e2e"):
        DATABASE.require()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly when browser tests did not run: a green line must not hide that."""
    if SKIPPED_FOR_BROWSER:
        terminalreporter.section("BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(SKIPPED_FOR_BROWSER)} end-to-end tests were skipped: no Chromium or Chrome.")
        terminalreporter.line(f"Remedy: sudo apt-get install chromium fonts-noto-cjk, or set {browser.VARIABLE}.")


@pytest.fixture(scope="session")
def small() -> ModuleType:
    """Builds small datasets of rendered particles."""
    import small_dataset

    return small_dataset


@pytest.fixture(scope="session")
def certified() -> ModuleType:
    """Builds datasets for audits and certificates."""
    import certified_dataset

    return certified_dataset


@pytest.fixture
def browser_path() -> Path:
    """The browser for Playwright's ``executable_path``. Use it in tests marked `e2e`."""
    assert BROWSER is not None, "mark this test with @pytest.mark.e2e"
    return BROWSER


@pytest.fixture
def dataset_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A dataset name nobody uses; the dataset and its registry records are deleted afterwards."""
    assert request.node.get_closest_marker("fiftyone") or request.node.get_closest_marker("e2e"), (
        "mark this test with @pytest.mark.fiftyone"
    )
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    _forget(name)


def _forget(name: str) -> None:
    import fiftyone as fo

    from sem_curate.registry import datasets
    from sem_curate.registry.connection import connect
    from sem_curate.registry.documents import DatasetRecord, Label

    if fo.dataset_exists(name):
        fo.delete_dataset(name)
    connect()
    for record in DatasetRecord.objects(name=name):
        datasets.forget(record.dataset_id)
        Label.objects(catalogue=record.catalogue).delete()
