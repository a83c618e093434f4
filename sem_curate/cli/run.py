"""``sem-curate run``: the stages on what changed."""

from __future__ import annotations

from typing import Any

import click

from sem_curate import schema
from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option
from sem_curate.config import RULES, DecideConfig
from sem_curate.progress import console


@click.command("run")
@dataset_option
@click.option(
    "--stage", "stages", multiple=True, type=click.Choice(schema.STAGES), help="Only this stage (repeatable)."
)
@click.option("--encoder", "encoders", multiple=True, help="Image encoder, then optionally a text encoder.")
@click.option("--auto-confirm", is_flag=True, help="Write decisions for auto proposals.")
@click.option(
    "--without-certificate/--with-certificate", "without", default=None,
    help="Let masters' thresholds alone make proposals auto although nothing is certified; kept for this dataset.",
)  # fmt: skip
@click.option("--rule", type=click.Choice(RULES), help="How labels are proposed; kept for this dataset.")
@reviewer_option
@output.json_option
def command(
    dataset_name: str, stages: tuple[str, ...], encoders: tuple[str, ...], auto_confirm: bool, without: bool | None,
    rule: str | None, by: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure quality, embed and propose, for the particles that wait for it.

    Interrupted? Run it again: it goes on where it stopped.
    """
    from sem_curate import pipeline

    ds = open_dataset(dataset_name)
    _keep_choices(ds, without, rule, by)
    with console(dataset_name, enabled=not as_json) as progress:
        result = pipeline.run_stages(
            ds,
            stages or schema.STAGES,
            encoders=encoders,
            decide=DecideConfig(auto_confirm=auto_confirm),
            progress=progress,
        )
    output.emit({"dataset": dataset_name, "stages": result}, as_json=as_json, text=lambda: stage_table(result))


def _keep_choices(ds: Any, without: bool | None, rule: str | None, by: str | None) -> None:
    from sem_curate import dataset
    from sem_curate.registry import choices

    identity = dataset.dataset_id(ds)
    if without is not None:
        choices.choose(identity, choices.WITHOUT_CERTIFICATE, {"on": without}, by=reviewer(by), reason="sem-curate run")
    if rule is not None:
        choices.choose(identity, choices.RULE, {"name": rule}, by=reviewer(by), reason="sem-curate run")


def stage_table(result: dict[str, dict[str, Any]]) -> str:
    """Return one line per stage, then any notice a stage left."""
    rows = [
        (stage, summary["in"], summary["out"], f"{summary['seconds']:.1f} s", _detail(summary))
        for stage, summary in result.items()
    ]
    notices = [f"{stage}: {summary['notice']}" for stage, summary in result.items() if summary.get("notice")]
    return "\n".join([output.table(("stage", "in", "out", "time", ""), rows), *notices])


def _detail(summary: dict[str, Any]) -> str:
    if "auto" in summary:
        return ", ".join(f"{summary[state]} {state}" for state in schema.PROPOSAL_STATES)
    if summary.get("skipped"):
        examples = summary.get("skipped_examples") or [""]
        return f"{summary['skipped']} skipped (e.g. {examples[0]})"
    return ""
