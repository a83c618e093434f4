"""``sem-curate doctor``: check this machine, say what to fix, and fix what can be fixed from here."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.app import checks
from sem_curate.cli import output
from sem_curate.errors import SemCurateError
from sem_curate.progress import console


@click.command(name="doctor")
@click.option("--fix", is_flag=True, help="Install a missing mongod and the FiftyOne plugins.")
@click.option("--port", default=5151, show_default=True, help="The port the App should use.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run only this check; may be given several times.")
@click.option("--dataset", metavar="NAME", help="With --repair: the dataset to mend.")
@click.option("--repair", is_flag=True, help="Rebuild the dataset's fields from the decision history.")
@click.option("--verify-history", is_flag=True, help="Check the dataset's history against its hash chain.")
@click.option("--expect", metavar="HEAD", help="With --verify-history: a head that was noted earlier, NUMBER:HASH.")
@output.json_option
def command(
    fix: bool, port: int, only: tuple[str, ...], dataset: str | None, repair: bool, verify_history: bool,
    expect: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Check this machine and print one line per check, with the remedy for what is not OK.

    Exit code 0 unless a check says FAIL.
    """
    from sem_curate.app import probes

    if verify_history or expect:
        return _verify(dataset, verify_history, expect, as_json)
    if repair or dataset:
        return _repair(dataset, repair, as_json)
    known = list(probes.examinations(port))
    unknown = [name for name in only if name not in known]
    if unknown:
        raise click.BadParameter(f"no check is called '{unknown[0]}'; there are: {', '.join(known)}")
    notes = _fix(only) if fix else []
    found = probes.run(only, port)
    report = {**checks.summary(found), "fixed": notes}
    output.emit(report, as_json=as_json, text=lambda: "\n".join([*notes, checks.as_text(found)]))
    return output.OK if report["ok"] else output.FAILED


def _fix(only: tuple[str, ...]) -> list[str]:
    """Mend what can be mended; returns one line for each thing done or refused."""
    from sem_curate.app import mongod, plugins

    notes = []
    if (not only or "mongod" in only) and mongod.answers().repairable:
        click.echo(f"Installing a MongoDB server ({mongod.REPAIR_PACKAGE}) ...", err=True)
        try:
            answer = mongod.repair(consent=True)
            notes.append(f"installed {mongod.REPAIR_PACKAGE}" if answer.ok else f"mongod: {answer.problem}")
        except SemCurateError as error:
            notes.append(str(error))
    if not only or "plugins" in only:
        try:
            missing = [item.name for item in plugins.status() if not item.usable]
            plugins.install()
            notes += [f"installed {name}" for name in missing]
        except SemCurateError as error:
            notes.append(str(error))
    return notes


def _repair(dataset: str | None, repair: bool, as_json: bool) -> int:
    if not (dataset and repair):
        raise click.UsageError("--dataset NAME and --repair belong together")
    from sem_curate.app.mongod import ensure_database

    ensure_database()
    from sem_curate import mirror
    from sem_curate.dataset import load_dataset

    with console("repair", enabled=not as_json) as progress:
        result = mirror.rebuild(load_dataset(dataset), progress=progress)
    output.emit(result, as_json=as_json)
    return output.OK


def _verify(dataset: str | None, verify_history: bool, expect: str | None, as_json: bool) -> int:
    if not (dataset and verify_history):
        raise click.UsageError("--dataset NAME and --verify-history belong together")
    from sem_curate.app.mongod import ensure_database

    ensure_database()
    from sem_curate.dataset import dataset_id, load_dataset
    from sem_curate.registry import verifying

    result = verifying.verify(dataset_id(load_dataset(dataset)), expected=expect)
    output.emit(result, as_json=as_json, text=lambda: _verified_text(result))
    return output.OK if result["ok"] else output.FAILED


def _verified_text(found: dict[str, Any]) -> str:
    if found["ok"]:
        return (
            f"{found['events']} events, whole ({found['sealed']} of them from before the hash chain)\n"
            f"head: {found['head']}\nNote the head elsewhere: --expect checks later that nothing before it was changed."
        )
    more = found["wrong"] - len(found["problems"])
    lines = [f"{found['wrong']} problems in {found['events']} events:", *found["problems"]]
    lines += [f"and {more} more"] if more > 0 else []
    lines.append("Restore the database from an older backup; do not repair the fields from this history.")
    return "\n".join(lines)
