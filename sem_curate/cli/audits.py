"""``sem-curate audits``: a random sample of production, judged without seeing the proposals."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option


@click.group("audits")
def command() -> None:
    """Draw particles at random to be judged blindly; a certificate rests on them."""


@command.command("draw")
@dataset_option
@reviewer_option
@click.argument("count", type=click.IntRange(min=1), required=False)
@click.option("--seed", type=int, default=None, help="Of the draw; random by default, and stored with it.")
@output.json_option
def draw(dataset_name: str, by: str | None, count: int | None, seed: int | None, as_json: bool) -> None:
    """Draw COUNT particles, or as many as are still needed for what was promised."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import certifying

    result = certifying.draw(ds, count, by=reviewer(by), seed=seed)
    output.emit(result, as_json=as_json, text=lambda: _drawn(ds.name, result))


@command.command("status")
@dataset_option
@output.json_option
def status(dataset_name: str, as_json: bool) -> None:
    """Show the draws, what waits for a judgement, and how many more are needed."""
    ds = open_dataset(dataset_name)
    from sem_curate import mirror
    from sem_curate.decide import auditing, certifying

    mirror.mark_audits(ds)
    found, now = auditing.standing(ds), certifying.status(ds)
    rows = [_row(made, made.draw_id in found.spent | found.outdated) for made in found.draws]
    result = {"draws": rows, "waiting": list(found.waiting), "certificate": now}
    output.emit(result, as_json=as_json, text=lambda: _status(rows, now, found.waiting))


@command.command("close")
@dataset_option
@reviewer_option
@output.json_option
def close(dataset_name: str, by: str | None, as_json: bool) -> None:
    """Close open draws; what nobody judged counts as wrong, and the proposals can be seen again."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import auditing

    closed = auditing.close(ds, by=reviewer(by))
    output.emit({"closed": closed}, as_json=as_json, text=lambda: f"{len(closed)} draws closed")


def _drawn(name: str, result: dict[str, Any]) -> str:
    short = "" if result["drawn"] == result["asked"] else f" (of {result['asked']} asked for: no more are there)"
    return (
        f"draw {result['number']}: {result['drawn']} of {result['population']} particles{short}, "
        f"seed {result['seed']}\n"
        f"judge them in the App (queue 監査 / Audit), or here: sem-curate review queue --queue audit --dataset '{name}'"
    )


def _row(made: Any, spent: bool) -> dict[str, Any]:
    return {
        "number": made.number,
        "drawn": len(made.particle_ids),
        "of": made.population,
        "seed": made.seed,
        "by": made.by,
        "at": made.at,
        "closed_at": made.closed_at,
        "state": "spent" if spent else "closed" if made.closed_at else "open",
    }


def _status(rows: list[dict[str, Any]], now: dict[str, Any], waiting: tuple[str, ...]) -> str:
    lines = [now["en"], *(reason["en"] for reason in now["why"])]
    if rows:
        columns = ("number", "drawn", "of", "seed", "by", "state")
        lines += ["", output.table(columns, [[row[name] for name in columns] for row in rows])]
    if waiting:
        lines += ["", f"{len(waiting)} wait for a judgement, next: {waiting[0]}"]
    return "\n".join(lines)
