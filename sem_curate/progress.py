"""Progress reporting: one callable, so that a terminal, an operator and a notebook can all listen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Called with work done, total work (None when unknown) and a short text for people."""

    def __call__(self, done: int, total: int | None, text: str = "") -> None:
        """Report progress."""


def silent(done: int, total: int | None, text: str = "") -> None:
    """Report nothing."""


@contextmanager
def console(title: str, *, enabled: bool = True) -> Iterator[Progress]:
    """Draw a progress bar on standard error while the block runs."""
    if not enabled:
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=sys.stderr), transient=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int | None, text: str = "") -> None:
            bar.update(task, completed=done, total=total, description=f"{title} {text}".strip())

        yield report
