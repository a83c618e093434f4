"""``sem-curate train``: make the small bundled encoders again, from rendered particles only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.progress import console


def _options(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--particles", default=12_000, show_default=True, type=click.IntRange(16), help="To render."),
            click.option("--views", default=3, show_default=True, type=click.IntRange(2, 6), help="Per particle."),
            click.option("--minutes", default=25.0, show_default=True, help="Training time, rendering not included."),
            click.option("--steps", type=click.IntRange(1), help="Train exactly so many steps instead."),
            click.option("--batch", default=96, show_default=True, type=click.IntRange(4), help="Particles per step."),
            click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder."),
            click.option(
                "--data", type=click.Path(path_type=Path, file_okay=False), help="Keep or reuse renders here."
            ),
            click.option("--start", type=click.Path(path_type=Path, exists=True), help="A trained sem-dino folder."),
            click.option("--seed", default=0, show_default=True, help="Of particles and training."),
            click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes, threads."),
            output.json_option,
        )
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Train the small bundled encoders on rendered particles; use the result as ``trained:FOLDER``."""


@command.command()
@_options
def dino(**options: Any) -> None:
    """Train an image encoder: one vector for all views of a particle."""
    _train("dino", **options)


@command.command()
@_options
def clip(**options: Any) -> None:
    """Train an image and text encoder: Japanese and English words find particles."""
    _train("clip", **options)


def _train(
    kind: str, *, particles: int, views: int, out: Path, data: Path | None, start: Path | None, as_json: bool,
    seed: int, workers: int, minutes: float, steps: int | None, batch: int,
) -> None:  # fmt: skip
    from sem_curate.embed.training import clip as clip_training
    from sem_curate.embed.training import data as material
    from sem_curate.embed.training import dino as dino_training
    from sem_curate.embed.training.loop import TrainConfig

    config = TrainConfig(minutes=minutes, steps=steps, seed=seed, threads=workers, batch=batch)
    with console("render", enabled=not as_json) as report:
        if data is not None and (data / "texts.json").is_file():
            examples = material.load(data)
        else:
            examples = material.render_set(particles, seed=seed, views=views, workers=workers, progress=report)
            if data is not None:
                material.save(examples, data)
    with console(f"train {kind}", enabled=not as_json) as report:
        trainer = dino_training.train if kind == "dino" else clip_training.train
        outcome = trainer(examples, out, config, start=start, progress=report)
    result = {
        "encoder": f"trained:{out}",
        "particles": len(examples),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
        "loss": round(outcome.losses[-1], 4),
    }
    output.emit(result, as_json=as_json)
