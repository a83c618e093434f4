"""What ``sem-curate doctor`` checks, as small functions of plain values: nothing here starts or imports anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sem_curate.errors import SemCurateError

OK: Final = "OK"
WARN: Final = "WARN"
FAIL: Final = "FAIL"

REINSTALL: Final = "install again: pip install --upgrade sem-curate, or in a checkout: make clean setup"
OLDEST_PYTHON: Final = (3, 10)
FREE_GB_FAIL: Final = 0.5  # below this MongoDB and the vector files stop in the middle of a write
FREE_GB_WARN: Final = 5.0  # 10,000 particles with display copies and vectors need about this much

# Two packages that install the same ``cv2`` folder: whichever came last has overwritten half of the other.
OPENCV: Final = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report."""

    name: str
    status: str
    detail: str
    fix: str = ""


def guarded(name: str, check: Callable[[], Check]) -> Check:
    """Run one check; a crash becomes a FAIL line, because a doctor must not be the next patient."""
    try:
        return check()
    except Exception as error:  # whatever a broken installation may raise
        text = (str(error).strip().splitlines() or ["no message"])[0]
        detail = text if isinstance(error, SemCurateError) else f"{type(error).__name__}: {text}"
        return Check(name, FAIL, detail, REINSTALL)


def summary(checks: Sequence[Check]) -> dict[str, object]:
    """Return the report as one JSON-able value; ``ok`` is False when anything is FAIL."""
    counts = {status: sum(check.status == status for check in checks) for status in (OK, WARN, FAIL)}
    return {"ok": counts[FAIL] == 0, "counts": counts, "checks": [asdict(check) for check in checks]}


def as_text(checks: Iterable[Check]) -> str:
    """Return the report for people: one line each, and the fix below what is not OK."""
    lines = []
    for check in checks:
        lines.append(f"{check.status:<4}  {check.name:<10}  {check.detail}")
        if check.status != OK and check.fix:
            lines.append(f"{'':<18}-> {check.fix}")
    return "\n".join(lines)


def python_version(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Python is new enough."""
    text = ".".join(str(part) for part in version[:3])
    if tuple(version[:2]) < OLDEST_PYTHON:
        wanted = ".".join(str(part) for part in OLDEST_PYTHON)
        return Check("python", FAIL, f"Python {text}", f"install Python {wanted} or newer, then: make clean setup")
    return Check("python", OK, f"Python {text}")


def packages(installed: Mapping[str, str | None], problems: Sequence[str], shown: Sequence[str]) -> Check:
    """Every requirement is installed in its range.

    Args:
        installed: ``{name: version or None}`` of our requirements.
        problems: what is missing or out of range, as text.
        shown: names whose versions the line shows.
    """
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        return Check("packages", FAIL, "; ".join(problems[:3]) + more, REINSTALL)
    versions = ", ".join(f"{name} {installed[name]}" for name in shown if installed.get(name))
    return Check("packages", OK, f"{len(installed)} in range ({versions})")


def opencv(installed: Collection[str]) -> Check:
    """Exactly one OpenCV package is installed."""
    found = [name for name in OPENCV if name in installed]
    if len(found) > 1:
        fix = f"pip uninstall -y {' '.join(found)} && pip install opencv-python-headless"
        return Check("opencv", FAIL, f"{len(found)} packages share one cv2 folder: {', '.join(found)}", fix)
    if not found:
        return Check("opencv", FAIL, "not installed", "pip install opencv-python-headless")
    return Check("opencv", OK, found[0])


def data_folder(folder: Path, writable: bool, free_gb: float) -> Check:
    """The data folder can be written and the disk has room."""
    detail = f"{folder} ({free_gb:.1f} GB free)"
    if not writable:
        return Check("folder", FAIL, f"{folder} is not writable", "set SEM_CURATE_HOME to a folder of yours")
    if free_gb < FREE_GB_WARN:
        status = FAIL if free_gb < FREE_GB_FAIL else WARN
        return Check("folder", status, detail, "free some disk space, or set SEM_CURATE_HOME to a larger disk")
    return Check("folder", OK, detail)


def port(number: int, free: bool, other: int | None) -> Check:
    """The App's port is free."""
    if free:
        return Check("port", OK, f"{number} is free")
    fix = f"use another one: sem-curate app --port {other}" if other else "stop what listens there"
    return Check("port", WARN, f"{number} is in use", fix)


def browser(found: Path | None) -> Check:
    """A browser is there for the end-to-end tests; the App itself opens in any browser, also on another machine."""
    if found is None:
        fix = "only browser tests need it: apt-get install chromium, or set SEM_CURATE_BROWSER"
        return Check("browser", WARN, "no Chromium or Chrome found", fix)
    return Check("browser", OK, str(found))


def fonts(families: Sequence[str]) -> Check:
    """Some font can draw Japanese."""
    if not families:
        return Check("fonts", WARN, "no font for Japanese found here", "apt-get install fonts-noto-cjk")
    return Check("fonts", OK, f"{families[0]} (one of {len(families)} for Japanese)")


def plugins(states: Mapping[str, str], problems: Sequence[str], registered: int) -> Check:
    """FiftyOne finds our plugins and registers exactly what they declare."""
    missing = [name for name, state in states.items() if state == "missing"]
    if missing:
        return Check("plugins", WARN, f"not installed yet: {', '.join(missing)}", "run: sem-curate plugins install")
    wrong = [f"{name} is {state}" for name, state in states.items() if state not in ("linked", "copied")]
    if wrong or problems:
        return Check("plugins", FAIL, "; ".join([*wrong, *problems][:3]), "run: sem-curate plugins install")
    where = ", ".join(f"{name} {state}" for name, state in states.items())
    return Check("plugins", OK, f"{where}; {registered} operators and panels registered")
