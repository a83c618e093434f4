"""``sem-curate ingest``: a folder or a CSV manifest into a dataset."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from sem_curate.cli import output
from sem_curate.cli.common import reviewer_option
from sem_curate.errors import InputError
from sem_curate.ingest import problems
from sem_curate.ingest.report import IngestReport
from sem_curate.progress import console

_SHOWN: Final = 20


@click.command(name="ingest")
@click.argument("source", type=click.Path())
@click.option("--dataset", "dataset_name", required=True, help="Dataset name; created when there is none.")
@click.option("--pattern", help="File-name pattern of a folder, e.g. '{particle_id}_{view}.{ext}'.")
@click.option("--views", help="View names of a new dataset, comma separated; the first is the anchor.")
@click.option("--root", "roots", multiple=True, type=click.Path(), help="Another folder that files may lie in.")
@click.option("--catalogue", help="Label catalogue that a new dataset shares.")
@click.option("--report", type=click.Path(dir_okay=False), help="Write all problems to this CSV file.")
@reviewer_option
@output.json_option
def command(
    source: str,
    dataset_name: str,
    pattern: str | None,
    views: str | None,
    roots: tuple[str, ...],
    catalogue: str | None,
    report: str | None,
    by: str | None,
    as_json: bool,
) -> int:
    """Read SOURCE, a folder of images or a CSV manifest, into a dataset.

    Run it again at any time: what is already in is skipped, new, changed and late images are taken in. Exit code 3
    means that some files were refused; each is listed with its reason.
    """
    from sem_curate.ingest.run import ingest

    options: dict[str, Any] = {
        "pattern": pattern,
        "views": None if views is None else views.split(","),
        "roots": [Path(root) for root in roots],
        "catalogue": catalogue,
        "by": by,
    }
    with console("ingest", enabled=sys.stderr.isatty()) as progress:
        result = ingest(source, dataset_name, progress=progress, **options)
    if report is not None:
        _write_report(result, report)
    output.emit(result.as_dict(), as_json=as_json, text=lambda: describe(result, report))
    return output.OK if result.complete else output.PARTIAL


def _write_report(result: IngestReport, path: str) -> None:
    try:
        problems.write_csv(result.problems, path)
    except OSError as error:
        raise InputError(
            f"the images are in, but the report '{path}' cannot be written ({error.strerror}); give another path "
            "and run it again"
        ) from error


def describe(result: IngestReport, report: str | None = None) -> str:
    """Return counts, then at most 20 problems."""
    lines = [
        f"dataset '{result.dataset}': {result.particles} particles in the source, {result.particles_new} new",
        f"images: {result.views_new} new, {result.views_changed} changed, {result.views_moved} moved, "
        f"{result.views_unchanged} unchanged, {result.views_refused} refused",
    ]
    if result.placeholders:
        lines.append(f"{result.placeholders} particles lack their first view; a placeholder stands there")
    if result.metadata_updated:
        lines.append(f"{result.metadata_updated} images got corrected manifest columns")
    if result.files_ignored:
        lines.append(f"{result.files_ignored} other files ignored")
    if result.problems:
        headers = ("severity", "file", "particle / view", "reason")
        lines += ["", output.table(headers, problems.table_rows(result.problems, _SHOWN))]
        left = len(result.problems) - _SHOWN
        if left > 0:
            where = f"all are in {report}" if report else "--report FILE writes all"
            lines.append(f"... and {left} more; {where}")
    return "\n".join(lines)
