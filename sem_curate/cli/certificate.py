"""``sem-curate certificate``: at most alpha wrong among what is confirmed automatically."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option


@click.group("certificate")
def command() -> None:
    """Promise an error rate for what is confirmed automatically, from audits."""


@command.command("status")
@dataset_option
@output.json_option
def status(dataset_name: str, as_json: bool) -> None:
    """Show what is promised, or what is missing."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import certifying

    result = certifying.status(ds)
    output.emit(result, as_json=as_json, text=lambda: _text(result))


@command.command("try")
@dataset_option
@reviewer_option
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="Largest share of wrong ones, such as 0.02; by default the last one asked for, at first 0.05.",
)
@click.option(
    "--delta",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="Risk that the promise fails, such as 0.05; by default the last one asked for, at first 0.10.",
)
@click.option("--reason", default="")
@output.json_option
def try_(
    dataset_name: str, by: str | None, alpha: float | None, delta: float | None, reason: str, as_json: bool
) -> int:
    """Test the audits; exit code 1 when nothing can be certified yet. Each try on the same audits spends risk."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import certifying

    held = certifying.try_to_certify(ds, certifying.asked(ds, alpha, delta), by=reviewer(by), reason=reason)
    result = certifying.status(ds)
    output.emit(result, as_json=as_json, text=lambda: _text(result))
    return output.OK if held is not None and result["status"] == "certified" else output.FAILED


@command.command("list")
@dataset_option
@output.json_option
def list_attempts(dataset_name: str, as_json: bool) -> None:
    """List every attempt, oldest first; each was a look at the audits."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.registry import certificates

    found = certificates.attempts(dataset.dataset_id(ds))
    rows = [
        {
            "number": held.number, "certificate_id": held.certificate_id, "status": held.status, "alpha": held.alpha,
            "delta": held.delta, "look": held.look, "audited": held.audited, "errors": held.errors,
            "automation": round(held.automation, 4), "threshold": held.threshold, "reference_id": held.reference_id,
            "encoder_key": held.encoder_key, "master_set_version": held.master_set_version, "by": held.by,
            "at": held.at, "log": [dict(entry) for entry in held.log],
        }
        for held in found
    ]  # fmt: skip
    shown = ("number", "certificate_id", "status", "alpha", "delta", "look", "audited", "errors", "automation", "by")
    output.emit(
        {"attempts": rows},
        as_json=as_json,
        text=lambda: output.table(shown, [[row[name] for name in shown] for row in rows]) if rows else "none yet",
    )


@command.command("suspend")
@dataset_option
@reviewer_option
@click.argument("certificate_id", required=False)
@click.option("--reason", required=True)
@output.json_option
def suspend(dataset_name: str, by: str | None, certificate_id: str | None, reason: str, as_json: bool) -> None:
    """Suspend the certificate in force, or the one given."""
    _change(dataset_name, "suspended", by, certificate_id, reason, as_json)


@command.command("revoke")
@dataset_option
@reviewer_option
@click.argument("certificate_id", required=False)
@click.option("--reason", required=True)
@output.json_option
def revoke(dataset_name: str, by: str | None, certificate_id: str | None, reason: str, as_json: bool) -> None:
    """Take back the certificate in force, or the one given."""
    _change(dataset_name, "revoked", by, certificate_id, reason, as_json)


@command.command("reinstate")
@dataset_option
@reviewer_option
@click.argument("certificate_id", required=False)
@click.option("--reason", required=True)
@output.json_option
def reinstate(dataset_name: str, by: str | None, certificate_id: str | None, reason: str, as_json: bool) -> None:
    """Put a suspended or revoked certificate back in force; who did so and why is kept."""
    _change(dataset_name, "active", by, certificate_id, reason, as_json)


@command.command("opt-in")
@dataset_option
@reviewer_option
@click.option("--off", is_flag=True, help="Switch it off again.")
@click.option("--reason", default="")
@output.json_option
def opt_in(dataset_name: str, by: str | None, off: bool, reason: str, as_json: bool) -> None:
    """Confirm auto proposals although nothing is certified, knowing that."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.registry import certificates

    certificates.opt_in(dataset.dataset_id(ds), not off, by=reviewer(by), reason=reason)
    told = "auto proposals are confirmed without a certificate" if not off else "only what is certified is confirmed"
    output.emit({"opted_in": not off}, as_json=as_json, text=lambda: f"{told}, from the next proposals on")


def _change(
    dataset_name: str, status: str, by: str | None, certificate_id: str | None, reason: str, as_json: bool
) -> None:
    ds = open_dataset(dataset_name)
    from sem_curate.decide import certifying

    certifying.change(ds, status, certificate_id, by=reviewer(by), reason=reason)
    result = certifying.status(ds)
    output.emit(result, as_json=as_json, text=lambda: _text(result))


def _text(result: dict[str, Any]) -> str:
    lines = [result["en"], *(reason["en"] for reason in result["why"])]
    lines.append(
        f"asked for: at most {result['alpha']:.3g} wrong at a risk of {result['delta']:.3g}; "
        f"{result['audited']} audits with {result['errors']} wrong, {result['waiting']} wait, "
        f"{result['left']} could be drawn"
    )
    if result["threshold"] is not None:
        lines.append(f"from score {result['threshold']:.3f} on: {result['automation']:.0%} of {result['production']}")
    if result["labels"]:
        names = _names([row["label_id"] for row in result["labels"]])
        rows = [
            (names.get(row["label_id"], row["label_id"]), row["audited"], row["accepted"], row["errors"])
            for row in result["labels"]
        ]
        lines += ["", output.table(("label proposed", "audited", "of these confirmed", "wrong"), rows)]
        lines.append("the promise is about all labels together, not about each")
    return "\n".join(lines)


def _names(label_ids: list[str]) -> dict[str, str]:
    from sem_curate.registry import labels

    return {label_id: label.name() for label_id, label in labels.by_ids(label_ids).items()}
