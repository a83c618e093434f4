"""``sem-curate labels``: list, add and rename labels."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option


@click.group("labels")
def command() -> None:
    """List, add and rename labels. The id below a name never changes."""


@command.command("list")
@dataset_option
@output.json_option
def list_labels(dataset_name: str, as_json: bool) -> None:
    """List the labels of a dataset's catalogue."""
    found = _registry().in_catalogue(_catalogue(dataset_name))
    rows = [(label.label_id, label.name_ja, label.name_en, label.version) for label in found]
    output.emit(
        {"labels": [asdict(label) for label in found]},
        as_json=as_json,
        text=lambda: output.table(("id", "日本語", "English", "version"), rows),
    )


@command.command("add")
@dataset_option
@reviewer_option
@click.option("--ja", default="", help="Japanese name.")
@click.option("--en", default="", help="English name.")
@click.option("--definition-ja", default="")
@click.option("--definition-en", default="")
@output.json_option
def add(dataset_name: str, by: str | None, ja: str, en: str, as_json: bool, **definitions: str) -> None:
    """Add a label."""
    catalogue = _catalogue(dataset_name)
    label = _registry().create(catalogue, name_ja=ja, name_en=en, by=reviewer(by), **definitions)
    output.emit(
        asdict(label), as_json=as_json, text=lambda: f"added {label.label_id}: {label.name('ja')} / {label.name()}"
    )


@command.command("rename")
@dataset_option
@reviewer_option
@click.argument("label")
@click.option("--ja", default=None, help="New Japanese name.")
@click.option("--en", default=None, help="New English name.")
@click.option("--reason", default="")
@output.json_option
def rename(
    dataset_name: str, by: str | None, label: str, ja: str | None, en: str | None, reason: str, as_json: bool
) -> None:
    """Give LABEL (name or id) a new name. Decisions and vectors stay as they are."""
    ds = open_dataset(dataset_name)
    found = _registry().find(_catalogue(dataset_name), label)
    renamed = _registry().rename(found.label_id, name_ja=ja, name_en=en, by=reviewer(by), reason=reason)
    from sem_curate import mirror

    written = mirror.rename_label(ds, renamed)
    result = {**asdict(renamed), "samples_updated": written}
    output.emit(result, as_json=as_json, text=lambda: f"{found.name()} is now {renamed.name('ja')} / {renamed.name()}")


def _registry() -> Any:
    from sem_curate.registry import labels

    return labels


def _catalogue(dataset_name: str) -> str:
    ds = open_dataset(dataset_name)
    from sem_curate import dataset

    return dataset.record(ds).catalogue
