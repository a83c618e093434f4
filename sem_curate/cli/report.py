"""``sem-curate report``: which imaging condition fails how often, and which views are worth retaking."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset

language_option = click.option(
    "--language", type=click.Choice(["ja", "en"]), default=None, help="Of texts; by default the dataset's."
)


@click.group("report")
def command() -> None:
    """Show which imaging condition fails how, and what to retake."""


@command.command("conditions")
@dataset_option
@click.option("--by", default=None, metavar="FIELD", help="Also group by an instrument field or manifest column.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write a plot (png, svg).")
@language_option
@output.json_option
def conditions(dataset_name: str, by: str | None, out: Path | None, language: str | None, as_json: bool) -> None:
    """Show how many views of each condition are missing, unusable or faulty, in percent."""
    ds = open_dataset(dataset_name)
    from sem_curate import mirror
    from sem_curate.quality.conditions import condition_report

    spoken = language or mirror.language(ds)
    result = condition_report(ds, by)
    if out is not None:
        from sem_curate.review import pictures

        pictures.write_figure(pictures.condition_report_figure(result, spoken), out)
    output.emit(result, as_json=as_json, text=lambda: _conditions_text(result, spoken, out))


@command.command("retake")
@dataset_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write a CSV file.")
@language_option
@output.json_option
def retake(dataset_name: str, out: Path | None, language: str | None, as_json: bool) -> None:
    """List the views that, photographed (again), would help most to tell two close candidates apart."""
    ds = open_dataset(dataset_name)
    from sem_curate import mirror
    from sem_curate.review.retakes import retake_list

    spoken = language or mirror.language(ds)
    rows = [{"particle_id": row["particle_id"], "view": row["view"], "why": row[spoken]} for row in retake_list(ds)]
    if out is not None:
        _write_csv(rows, out)
    output.emit({"retake": rows}, as_json=as_json, text=lambda: _retake_text(rows, out))


def _conditions_text(result: Mapping[str, Any], language: str, out: Path | None) -> str:
    from sem_curate import messages
    from sem_curate.quality.gate import TAGS
    from sem_curate.quality.report import shown

    if result["notice"]:
        return str(result["notice"][language])
    rows = result["groups"]
    tags = [tag for tag in TAGS if any(row["tags"][tag] for row in rows)]
    headers = ["view", *([result["by"]] if result["by"] else []), "views", "missing", "unusable", "quality", *tags]
    unknown = messages.text("report.no_value", language)
    lines = [
        [
            row["view"],
            *([shown(row["group"], unknown)] if result["by"] else []),
            row["views"],
            row["missing"],
            row["unusable"],
            "-" if row["mean_quality"] is None else f"{row['mean_quality']:.2f}",
            *(f"{100 * row['tags'][tag]:.0f} %" for tag in tags),
        ]
        for row in rows
    ]
    written = f"\nwritten: {out}" if out else ""
    return output.table(headers, lines) + written


def _retake_text(rows: Sequence[Mapping[str, str]], out: Path | None) -> str:
    if not rows:
        return "nothing to retake: no needs-review particle has two close candidates that another view would separate"
    written = f"\nwritten: {out}" if out else ""
    lines = [(row["particle_id"], row["view"], row["why"]) for row in rows]
    return output.table(("particle", "view", "why"), lines) + written


def _write_csv(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    # Excel reads Japanese in UTF-8 only behind a byte order mark.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ("particle_id", "view", "why"))
        writer.writeheader()
        writer.writerows(rows)
