"""``sem-curate bench NAME``: figures beside their baselines, from the same run."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.errors import InputError

# name -> (module, what it measures)
BENCHES: dict[str, tuple[str, str]] = {
    "rendering": ("sem_curate.bench.rendering", "views rendered per second"),
    "quality": ("sem_curate.bench.quality", "quality measures against truth, and their speed"),
    "decide": ("sem_curate.bench.decide", "reference worlds, the guarantee, speed, rendered and real particles"),
    "encoders": ("sem_curate.bench.encoders", "encoders: throughput, resuming, ONNX, text search, real particles"),
    "search": ("sem_curate.bench.search", "text search on unseen simulated particles"),
    "loop": ("sem_curate.bench.loop", "real images: masters from one frame group, proposals on the others"),
    "labels": ("sem_curate.bench.labels", "renaming a label on 100,000 particles x 6"),
    "scale": ("sem_curate.bench.scale", "10,000 particles, and 100 more"),
}


@click.command("bench", help="Measure NAME: " + "; ".join(f"{name} = {text}" for name, (_, text) in BENCHES.items()))
@click.argument("name", type=click.Choice(list(BENCHES)))
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=None, help="Real images to measure on.")
@click.option("--weights", type=click.Path(exists=True, path_type=Path), default=None, help="A checkpoint to measure.")
@click.option("--draws", type=int, default=None, help="Draws of a repeated experiment.")
@click.option("--encoder", "encoders", multiple=True, help="Image encoder, then optionally a text encoder.")
@click.option("--particles", type=int, default=None, help="How many particles.")
@click.option("--masters", type=int, default=None, help="Masters per label.")
@click.option("--part", "parts", multiple=True, help="Only this part of a long benchmark; can be repeated.")
@output.json_option
def command(name: str, as_json: bool, **options: Any) -> int:
    """Run one benchmark; exit code 1 when a target is missed."""
    from sem_curate.bench.figures import machine

    module = importlib.import_module(BENCHES[name][0])
    given = {key: value for key, value in options.items() if value not in (None, ())}
    unknown = set(given) - set(inspect.signature(module.run).parameters)
    if unknown:
        raise InputError(f"bench {name} takes no --{min(unknown)}")
    if name in ("loop", "scale", "encoders", "labels"):
        from sem_curate.app.mongod import ensure_database

        ensure_database()
    figures = [figure if isinstance(figure, dict) else figure.as_dict() for figure in module.run(**given)]
    result = {"bench": name, "machine": machine(), "figures": figures}
    output.emit(result, as_json=as_json, text=lambda: _text(figures))
    return output.FAILED if any(figure["holds"] is False for figure in figures) else output.OK


def _text(figures: list[dict[str, Any]]) -> str:
    signs = {"higher": ">=", "lower": "<=", "equal": "="}
    rows = [
        (
            figure["name"],
            _number(figure["value"]),
            _number(figure["baseline"]),
            f"{signs[figure['direction']]} {_number(figure['target'])}" if figure["direction"] else "",
            {None: "", True: "holds", False: "MISSED"}[figure["holds"]],
        )
        for figure in figures
    ]
    return output.table(("figure", "value", "baseline", "target", ""), rows)


def _number(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
