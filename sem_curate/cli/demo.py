"""``sem-curate demo``: the whole loop on rendered particles."""

from __future__ import annotations

import sys
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.progress import console


@click.command("demo")
@click.option("--particles", default=300, show_default=True, help="How many particles to render.")
@click.option("--size", default=128, show_default=True, help="Image side in pixels.")
@click.option("--seed", default=7, show_default=True)
@click.option("--dataset", "name", default="sem-demo", show_default=True)
@click.option("--reset", is_flag=True, help="Delete the demo dataset and its history first.")
@click.option("--app/--no-app", default=True, help="Open the App at the end.")
@click.option("--port", default=5151, show_default=True, help="Port of the App on 127.0.0.1.")
@output.json_option
def command(particles: int, size: int, seed: int, name: str, reset: bool, app: bool, port: int, as_json: bool) -> None:
    """Render simulated particles, run the loop, compare with the truth, open the App."""
    from sem_curate.app.mongod import ensure_database

    ensure_database()
    if app:
        from sem_curate.app import launch

        launch.prepare(port)  # a taken port should not be found out after minutes of work
    from sem_curate import demo

    with console("demo", enabled=not as_json) as progress:
        result = demo.run(name, particles=particles, size=size, seed=seed, reset=reset, progress=progress)
    output.emit(result, as_json=as_json, text=lambda: _text(result))
    sys.stdout.flush()
    if app:
        from sem_curate.cli.app import serve

        serve(name, port, open_browser=True)


def _text(result: dict[str, Any]) -> str:
    stages = [(name, row["in"], row["out"], f"{row['seconds']:.1f} s") for name, row in result["stages"].items()]
    accuracy = [(name, _percent(value)) for name, value in result["accuracy_on_known_families"].items()]
    shares = ", ".join(f"{_percent(share)} {state}" for state, share in result["shares"].items())
    return "\n".join(
        [
            output.table(("stage", "in", "out", "time"), stages),
            "",
            "On simulated particles, with masters picked by the truth:",
            output.table(("proposals from", "right"), accuracy),
            f"{shares}; of the auto ones {_percent(result['auto_correct'])} are right",
            f"{_percent(result['withheld_families_sent_to_people'])} of the families without masters went to people",
            f"Note: {result['without_certificate']}",
        ]
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
