"""``sem-curate receipt``: why a proposal is what it is."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset
from sem_curate.errors import StateError


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
    from sem_curate import dataset, schema
    from sem_curate.registry import history

    rows = dataset.find_particles(ds, {schema.PARTICLE_ID: particle_id}, (schema.RECEIPT_ID,), limit=1)
    receipt_id: str = (rows[0].get(schema.RECEIPT_ID) or "") if rows else ""
    content = history.get_receipt(receipt_id) if receipt_id else None
    if content is None:
        raise StateError(
            f"particle '{particle_id}' has no proposal yet; run: sem-curate run --dataset '{dataset_name}'"
        )
    output.emit({"receipt_id": receipt_id, **content}, as_json=as_json, text=lambda: _text(receipt_id, content))


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
            output.table(("view", "weight"), content["weights"].items()),
            f"master set {content['master_set_version']}, vectors {content['encoder_key']}",
        ]
    )
