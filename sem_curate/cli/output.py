"""How every command prints: a table or text for people, one JSON value for machines, and exit codes."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

OK = 0
FAILED = 1  # a check, a target or the whole step failed
USAGE = 2  # click's own
PARTIAL = 3  # the work was done, but some of the input was refused and reported
INTERRUPTED = 130

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add ``--json`` (parameter ``as_json``): the result as one JSON value on standard output."""
    decorated: Command = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)
    return decorated


def emit(result: Mapping[str, Any], *, as_json: bool, text: Callable[[], str] | None = None) -> None:
    """Print ``result`` as JSON, or ``text()`` (by default "key: value" lines) for people."""
    if as_json:
        click.echo(jsonlib.dumps(result, ensure_ascii=False, indent=2, default=str))
    elif text is not None:
        click.echo(text())
    else:
        click.echo("\n".join(f"{key}: {value}" for key, value in result.items()))


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a plain aligned table; full-width characters count as two columns."""
    cells = [list(headers), *[["" if cell is None else str(cell) for cell in row] for row in rows]]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(headers))]
    lines = ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def fail(error: Exception) -> None:
    """Print one error line on standard error."""
    click.echo(f"sem-curate: {error}", err=True)


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
