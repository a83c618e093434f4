"""``sem-curate search``: particles that fit a text, Japanese or English."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output


@click.command()
@click.argument("text")
@click.option("--dataset", "name", required=True, help="Dataset name.")
@click.option("-k", "k", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Hits wanted.")
@click.option(
    "--views", "mode", default="top2", show_default=True, type=click.Choice(["top2", "any", "overall"]),
    help="The two best views of a particle count, any one, or all.",
)  # fmt: skip
@output.json_option
def command(text: str, name: str, k: int, mode: str, as_json: bool) -> None:
    """Find particles in words: "needle-like", "針状", "porous without cracks", "多孔質でない球状"."""
    from sem_curate import dataset
    from sem_curate.search import run

    result = run.search(dataset.load_dataset(name), text, k=k, mode=mode)
    output.emit(result, as_json=as_json, text=lambda: _text(result))


def _text(result: dict[str, Any]) -> str:
    rows = [
        (place, hit["particle_id"], f"{hit['z']:+.2f}", hit["best_view"], hit["label"] or "", hit["filepath"])
        for place, hit in enumerate(result["hits"], 1)
    ]
    understood = result["positive"] + "".join(f" [-{item}]" for item in result["negatives"])
    table = output.table(("#", "particle", "z", "best view", "label", "file"), rows)
    return "\n".join([f"{understood.strip()}  ({result['encoder']})", *map(_named, result["labels"]), table])


def _named(label: dict[str, Any]) -> str:
    name = " / ".join(dict.fromkeys((label["name_ja"], label["name_en"])))
    once = f", called '{label['written']}' before" if label["former"] else ""
    return f"read as label {name}{once}: {label['decided']} decided; words: {', '.join(label['words'])}"
