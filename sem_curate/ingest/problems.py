"""What ingest could not take, or wants people to know: one value per file, in plain words, with the remedy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

REFUSED: Final = "refused"
NOTICE: Final = "notice"
Severity = Literal["refused", "notice"]


@dataclass(frozen=True)
class Problem:
    """One file (or row, or folder) and what is the matter with it.

    Attributes:
        path: the file as the user named it; for a manifest row without a file, the manifest and line number.
        particle_id: "" when it is not known.
        view: "" when it is not known.
        code: a short stable word, for programs.
        reason: a sentence for people, with the remedy.
        severity: ``"refused"`` (this file is not in the dataset) or ``"notice"`` (it is, or nothing is missing).
    """

    path: str
    particle_id: str
    view: str
    code: str
    reason: str
    severity: Severity = REFUSED


COLUMNS: Final = tuple(field.name for field in fields(Problem))


def refused(problems: Iterable[Problem]) -> list[Problem]:
    """Return those whose file did not get in."""
    return [problem for problem in problems if problem.severity == REFUSED]


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Return refusals before notices, otherwise in the order they were met."""
    return sorted(problems, key=lambda problem: problem.severity != REFUSED)


def as_rows(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return plain dictionaries, ready for JSON."""
    return [asdict(problem) for problem in problems]


def as_csv(problems: Iterable[Problem]) -> str:
    """Return CSV text with a header line; cells that a spreadsheet would run as a formula are quoted as text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_defused(str(value)) for value in asdict(problem).values()] for problem in problems)
    return text.getvalue()


def write_csv(problems: Iterable[Problem], path: str | Path) -> None:
    """Write the CSV report; with a byte order mark, so that Excel shows Japanese file names."""
    Path(path).write_text(as_csv(problems), encoding="utf-8-sig", errors="backslashreplace", newline="")


def table_rows(problems: Sequence[Problem], limit: int) -> list[tuple[str, str, str, str]]:
    """Return (severity, path, "particle / view", reason) for the first ``limit`` problems."""
    return [(problem.severity, problem.path, _where(problem), problem.reason) for problem in ordered(problems)[:limit]]


def _where(problem: Problem) -> str:
    return " / ".join(part for part in (problem.particle_id, problem.view) if part)


def _defused(cell: str) -> str:
    return "'" + cell if cell[:1] in ("=", "+", "@") else cell
