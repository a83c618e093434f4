"""Find a Chromium-like browser and fonts for Japanese; both are optional."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

VARIABLE: Final = "SEM_CURATE_BROWSER"
COMMANDS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge")
# What `playwright install chromium` leaves behind.
PLAYWRIGHT_GLOBS: Final = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
)


def find_browser() -> Path | None:
    """Return an executable browser: ``SEM_CURATE_BROWSER``, one on the PATH, or Playwright's own."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen) if os.access(chosen, os.X_OK) else None
    for command in COMMANDS:
        found = shutil.which(command)
        # Ubuntu's chromium-browser is a stub that only tells to install a snap, until the snap is there.
        if found and not _is_snap_stub(Path(found)):
            return Path(found)
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser()
    return next((path for pattern in PLAYWRIGHT_GLOBS for path in sorted(cache.glob(pattern), reverse=True)), None)


def japanese_fonts() -> tuple[str, ...]:
    """Return families that can draw Japanese, as fontconfig lists them; empty when none or fontconfig is missing."""
    try:
        listed = subprocess.run(
            ["fc-list", ":lang=ja", "family"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(sorted({line.split(",")[0].strip() for line in listed.stdout.splitlines() if line.strip()}))


def _is_snap_stub(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"snap install" in file.read(4096)
    except OSError:
        return False
