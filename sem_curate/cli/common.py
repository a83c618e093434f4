"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def dataset_option(command: Command) -> Command:
    """Add ``--dataset NAME`` (parameter ``dataset_name``)."""
    decorated: Command = click.option("--dataset", "dataset_name", required=True, help="Dataset name.")(command)
    return decorated


def reviewer_option(command: Command) -> Command:
    """Add ``--by NAME``: who is acting; default ``SEM_CURATE_REVIEWER``, else the machine's user."""
    decorated: Command = click.option("--by", default=None, help="Who is acting (default: $SEM_CURATE_REVIEWER).")(
        command
    )
    return decorated


def open_dataset(name: str) -> Any:
    """Make sure a database answers, then load one of our datasets."""
    from sem_curate.app.mongod import ensure_database

    ensure_database()
    from sem_curate import dataset

    return dataset.load_dataset(name)


def reviewer(by: str | None) -> str:
    """Return the name given, or the default reviewer."""
    from sem_curate.review.run import default_reviewer

    return by or default_reviewer()
