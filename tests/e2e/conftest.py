"""A served App with small datasets, and a browser page that fails the test when the page throws."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sem_curate.app import plugins, ports

HERE = Path(__file__).parent
# WebGL and its software renderer for the grid; no sandbox because containers run as root.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
START_SECONDS = 180.0  # a cold start imports FiftyOne twice, on a machine that may be busy
PATIENCE_MS = 30_000
REVIEWER, OTHER_REVIEWER = "佐藤", "田中"
# Noise of the App itself, not of the panel: without a network its web fonts and its own error of a half-loaded entry.
NOT_OURS = ("entry is loading",)


@dataclass
class App:
    """The served App and the datasets in it."""

    process: subprocess.Popen[str]
    port: int
    answers: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self.answers = iter(self.process.stdout.readline, "")

    def wait_for(self, word: str) -> None:
        said = []
        for line in self.answers:
            said.append(line)
            if line.strip() == word:
                return
        pytest.fail(f"the App ended before it said {word}:\n{''.join(said[-40:])}")

    def reset(self, dataset: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"reset {dataset}\n")
        self.process.stdin.flush()
        self.wait_for("DONE")

    def stop(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended by itself, which a test has reported
            self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def served(small: ModuleType, folder: Path) -> Iterator[App]:
    """The App in its own process group, with the plugins installed the way users install them."""
    import fiftyone as fo

    plugins.install()
    small.build("e2e-bare", folder / "bare", per_family=1, masters=0, vectors=False)
    foreign = fo.Dataset("e2e-foreign", persistent=True)
    foreign.add_sample(fo.Sample(filepath=str(next((folder / "bare").glob("*.png")))))
    port = ports.free_port()
    environment = {**os.environ, "SEM_CURATE_REVIEWER": REVIEWER, "FIFTYONE_PLUGINS_CACHE_ENABLED": "true"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "serve_app.py"), "e2e-bare", str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    killer = threading.Timer(START_SECONDS, lambda: os.killpg(process.pid, 9))
    killer.start()
    app = App(process, port)
    app.wait_for("READY")
    killer.cancel()
    yield app
    app.stop()


@pytest.fixture(scope="session")
def browser(served: App) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from sem_curate.app.browser import find_browser

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(find_browser()), headless=True, args=FLAGS)
        yield launched
        launched.close()


class Screen:
    """A page on one dataset, with the steps that tests share."""

    def __init__(self, page: Any, port: int, pictures: Path) -> None:
        self.page, self.port, self.pictures = page, port, pictures
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_default_timeout(PATIENCE_MS)

    def open(self, dataset: str) -> Screen:
        for attempt in range(2):  # the App's first page load may hang; a second one works
            self.page.goto(f"http://127.0.0.1:{self.port}/datasets/{dataset}", wait_until="domcontentloaded")
            try:
                self.page.wait_for_selector('[data-cy="semc-root"]')
                self.page.wait_for_selector('[data-cy="fo-grid"] [data-cy="looker"]')
                break
            except Exception:
                if attempt:
                    self.shoot(f"failed-{dataset}")
                    raise
        return self

    def find(self, name: str) -> Any:
        return self.page.locator(f'[data-cy="semc-{name}"]')

    def card(self) -> str:
        """Wait for a card, and return its particle."""
        try:
            self.find("card").wait_for()
        except Exception:
            self.shoot("failed-card")
            raise
        return str(self.find("card").get_attribute("data-particle"))

    def wait_for_another_card(self, than: str) -> str:
        self.page.wait_for_function(
            "than => { const card = document.querySelector('[data-cy=semc-card]');"
            " return card && card.dataset.particle !== than }",
            arg=than,
        )
        return self.card()

    def wait_for_card(self, particle: str) -> None:
        self.page.wait_for_function(
            "wanted => document.querySelector('[data-cy=semc-card]')?.dataset.particle === wanted", arg=particle
        )

    def wait_for_text(self, name: str, text: str) -> None:
        self.find(name).filter(has_text=text).first.wait_for()

    def open_modal(self, *, of: int) -> Any:
        """Open the sample modal of one image of the grid, and return it."""
        modal = self.page.locator("#modal")
        for _ in range(3):  # the grid moves its images while it settles, and a click may fall between them
            box = self.page.locator('[data-cy="fo-grid"] [data-cy="looker"]').nth(of).bounding_box()
            self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6)
            try:
                modal.locator('[data-cy^="panel-tab-"]').first.wait_for(timeout=10_000)
                break
            except Exception:
                self.page.wait_for_timeout(500)
        return modal

    def wait_until_saved(self, text: str) -> None:
        """Wait for the message about a decision that has reached the history."""
        self.page.locator(".semc-toast.semc-done").filter(has_text=text).first.wait_for()

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def shoot(self, name: str) -> None:
        self.page.wait_for_timeout(400)  # pictures and transitions; nothing is asserted after it
        self.page.screenshot(path=str(self.pictures / f"{name}.png"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen = os.environ.get("SEM_CURATE_SCREENSHOTS")
    made = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def screens(served: App, browser: Any, pictures: Path) -> Iterator[Any]:
    """Open datasets: ``screens("name", lang="ja", width=1500)``; page errors fail the test."""
    opened: list[Screen] = []
    contexts: list[Any] = []

    def make(dataset: str, *, lang: str = "ja", width: int = 1500, height: int = 900) -> Screen:
        served.reset(dataset)
        locale = "ja-JP" if lang == "ja" else "en-US"
        context = browser.new_context(viewport={"width": width, "height": height}, locale=locale)
        contexts.append(context)
        # Else a popover of the App waits for a click.
        context.add_init_script("localStorage.setItem('fiftyone-enterprise-tooltip-seen','true')")
        screen = Screen(context.new_page(), served.port, pictures)
        opened.append(screen)
        return screen.open(dataset)

    yield make
    errors = [error for screen in opened for error in screen.errors if error not in NOT_OURS]
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def proposed(served: App, small: ModuleType, folder: Path) -> Any:
    """The dataset with masters and proposals."""
    return small.build("e2e-ready", folder / "ready", per_family=8)


@pytest.fixture
def ready(proposed: Any) -> Iterator[Any]:
    """The same, undecided but for the masters: what a test decides is undone after it, also when it fails."""
    from sem_curate.review import run as review

    yield proposed
    for reviewer in (OTHER_REVIEWER, REVIEWER):
        while review.undo(proposed, by=reviewer, request_id=uuid.uuid4().hex):
            pass


@pytest.fixture(scope="session")
def searchable(served: App, small: ModuleType, folder: Path) -> Any:
    """The same particles, embedded by the bundled encoders, so that they can be found in words."""
    return small.build("e2e-search", folder / "search", per_family=8, text=True)
