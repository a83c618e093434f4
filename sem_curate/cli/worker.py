"""``sem-curate worker``: run the operators that were queued in the App."""

from __future__ import annotations

from dataclasses import asdict

import click

from sem_curate.app import worker
from sem_curate.cli import output


@click.command(name="worker")
@click.option("--once", is_flag=True, help="Run what is queued now, then return.")
@output.json_option
def command(once: bool, as_json: bool) -> int:
    """Run queued SEM Curate operators in the background, until Ctrl-C.

    Start it with the same environment (database, plugins folder, SEM_CURATE_*) as the App.
    """
    if not once:
        click.echo("Waiting for queued operators; Ctrl-C stops after the running one.", err=True)
    ran = worker.work(once=once, report=_say)
    failed = sum(bool(done.error) for done in ran)
    result = {"ran": [asdict(done) for done in ran], "failed": failed}
    output.emit(result, as_json=as_json, text=lambda: f"Ran {len(ran)} operators, {failed} failed.")
    return output.FAILED if failed else output.OK


def _say(done: worker.Ran) -> None:
    click.echo(f"{done.operator}: {done.error or 'done'}", err=True)
