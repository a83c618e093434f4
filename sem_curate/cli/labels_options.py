"""What every change of a label asks on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, reviewer_option
from sem_curate.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])
FIELDS = {"ja": "name_ja", "en": "name_en", "definition_ja": "definition_ja", "definition_en": "definition_en"}


def change_options(command: Command) -> Command:
    """Add ``--dataset``, ``--by``, ``--reason``, ``--dry-run``, ``--yes`` and ``--json``."""
    for option in (
        output.json_option,
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", "dry", is_flag=True, help="Say what it would touch, and change nothing."),
        click.option("--reason", default="", help="Why; goes into the history."),
        reviewer_option,
        dataset_option,
    ):
        command = option(command)
    return command


def part_of(text: str) -> dict[str, Any]:
    """Read one part of a split.

    >>> part_of("long needle")
    {'name': 'long needle'}
    >>> part_of("ja=長針;masters=P-1,P-2")
    {'name_ja': '長針', 'masters': ['P-1', 'P-2']}
    """
    if "=" not in text:
        return {"name": text}
    part: dict[str, Any] = {}
    for item in text.split(";"):
        key, _, value = item.partition("=")
        if key == "masters":
            part["masters"] = [one.strip() for one in value.split(",") if one.strip()]
        elif key.strip() in FIELDS:
            part[FIELDS[key.strip()]] = value.strip()
        else:
            raise InputError(f"a part has no '{key}'; known: {', '.join((*FIELDS, 'masters'))}")
    return part
