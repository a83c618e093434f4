"""``sem-curate receipt``: why a proposal is what it is."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset
from sem_curate.errors import StateError
from sem_curate.progress import console


@click.group("receipt")
def command() -> None:
    """Show what a proposal rests on."""


@command.command("show")
@dataset_option
@click.argument("particle_id")
@output.json_option
def show(dataset_name: str, particle_id: str, as_json: bool) -> None:
    """Show the current receipt of a particle."""
    ds = open_dataset(dataset_name)
    from sem_curate.registry import history

    receipt_id = _current(ds, particle_id)
    content = history.get_receipt(receipt_id) or {}
    output.emit({"receipt_id": receipt_id, **content}, as_json=as_json, text=lambda: _text(receipt_id, content))


@command.command("replay")
@dataset_option
@click.argument("particle_id", required=False)
@click.option("--all", "everything", is_flag=True, help="The current receipts of all particles.")
@output.json_option
def replay(dataset_name: str, particle_id: str | None, everything: bool, as_json: bool) -> int:
    """Propose again against the frozen reference; exit code 1 when something came out differently."""
    if everything == (particle_id is not None):
        raise click.UsageError("give a particle or --all")
    ds = open_dataset(dataset_name)
    if particle_id is None:
        return _replay_all(ds, as_json=as_json)
    from sem_curate.decide import explain
    from sem_curate.decide.run import replay as propose_again
    from sem_curate.registry import history

    receipt_id = _current(ds, particle_id)
    result = propose_again(ds, particle_id, receipt_id)
    result["changes"] = explain.changes(history.get_receipt(receipt_id) or {}, result.pop("content"), _label_name)
    same = f"{receipt_id}: the same, bit for bit"
    output.emit(result, as_json=as_json, text=lambda: same if result["same"] else "\n".join(result["changes"]))
    return output.OK if result["same"] else output.FAILED


def _replay_all(ds: Any, *, as_json: bool) -> int:
    from sem_curate.decide.run import replay_all

    with console("replay", enabled=not as_json) as report:
        result = replay_all(ds, progress=report)
    output.emit(result, as_json=as_json, text=lambda: _replayed_text(result))
    return output.OK if result["same"] == result["receipts"] else output.FAILED


def _replayed_text(result: dict[str, Any]) -> str:
    lines = [f"{result['same']} of {result['receipts']} receipts came out the same, bit for bit"]
    if result["different"]:
        first = result["examples"][0]
        lines.append(
            f"{result['different']} differently (e.g. '{first['particle_id']}': {'; '.join(first['changes'])})"
        )
    if result["cannot"]:
        lines.append(f"{result['cannot']} cannot be replayed ({result['why']})")
    return "\n".join(lines)


@command.command("diff")
@dataset_option
@click.argument("first")
@click.argument("second")
@output.json_option
def diff(dataset_name: str, first: str, second: str, as_json: bool) -> None:
    """Say in words what changed from receipt FIRST to receipt SECOND (ids as ``receipt show`` prints them)."""
    open_dataset(dataset_name)
    from sem_curate.decide import explain
    from sem_curate.registry import history

    stored = history.get_receipts([first, second])
    missing = [receipt_id for receipt_id in (first, second) if receipt_id not in stored]
    if missing:
        raise StateError(f"{len(missing)} of 2 receipts are not in the history (e.g. '{missing[0]}')")
    found = explain.changes(stored[first], stored[second], _label_name)
    result = {"first": first, "second": second, "changes": found}
    output.emit(result, as_json=as_json, text=lambda: "\n".join(found) or "nothing changed")


def _current(ds: Any, particle_id: str) -> str:
    from sem_curate import dataset, schema

    rows = dataset.find_particles(ds, {schema.PARTICLE_ID: particle_id}, (schema.RECEIPT_ID,), limit=1)
    receipt_id: str = (rows[0].get(schema.RECEIPT_ID) or "") if rows else ""
    if not receipt_id:
        raise StateError(f"particle '{particle_id}' has no proposal yet; run: sem-curate run --dataset '{ds.name}'")
    return receipt_id


def _label_name(label_id: str) -> str:
    from sem_curate.registry import labels

    return labels.by_ids([label_id])[label_id].name()


def _text(receipt_id: str, content: dict[str, Any]) -> str:
    from sem_curate.registry import labels

    names = labels.by_ids([row["label_id"] for row in [*content["candidates"], *content["masters"]]])
    return "\n".join(
        [
            f"{receipt_id}: {content['state']} ({', '.join(content['reasons']) or 'no reason to look'})",
            output.table(
                ("candidate", "confidence (not calibrated)"),
                [(names[row["label_id"]].name(), row["score"]) for row in content["candidates"]],
            ),
            "",
            output.table(
                ("nearest master", "label", "cosine"),
                [(row["particle_id"], names[row["label_id"]].name(), row["similarity"]) for row in content["masters"]],
            ),
            "",
            output.table(("view", "weight", "contribution", "without it"), _view_rows(content)),
            f"views that agree {content['agreement']:.0%}, score {content.get('score')}, rule {content['method']}",
            *(
                [f"without {content['one_view']} the proposal would be another label"]
                if content.get("one_view")
                else []
            ),
            f"master set {content['master_set_version']}, vectors {content['encoder_key']}, {_promised(content)}",
        ]
    )


def _view_rows(content: dict[str, Any]) -> list[tuple[str, ...]]:
    kinds = [content.get(kind) or {} for kind in ("weights", "contributions", "removal")]
    return [
        (view, *("not available" if kind.get(view) is None else f"{kind[view]:.3f}" for kind in kinds))
        for view in content["weights"]
    ]


def _single(content: dict[str, Any]) -> list[str]:
    view = content.get("one_view")
    return [f"without {view} the proposal would be another label"] if view else []


def _promised(content: dict[str, Any]) -> str:
    if content.get("certificate_id"):
        return f"certificate {content['certificate_id']} ({content['certificate']['status']})"
    return "no certificate" + (", knowingly done without" if content.get("auto_without_certificate") else "")
