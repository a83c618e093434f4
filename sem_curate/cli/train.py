"""``sem-curate train``: the small bundled encoders from rendered particles, quality tags from corrections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option
from sem_curate.progress import console


@click.group()
def command() -> None:
    """Train encoders on rendered particles (use the result as ``trained:FOLDER``), or quality tags on corrections."""


@command.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Own images, or none.")
@click.option("--particles", type=click.IntRange(0), help="To render. Default: 16000; 0 with --images.")
@click.option("--textures", type=click.IntRange(0), help="To draw. Default: 20000; 0 with --images.")
@click.option("--views", default=4, show_default=True, type=click.IntRange(2, 6), help="Per particle and texture.")
@click.option("--start", help="bundled:sem-dino, a trained folder, or timm:NAME[@FILE]; else random weights.")
@click.option("--minutes", default=75.0, show_default=True, help="Training time, rendering not included.")
@click.option("--steps", type=click.IntRange(1), help="Train exactly so many steps instead.")
@click.option("--batch", default=96, show_default=True, type=click.IntRange(4), help="Pairs of views per step.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Default: 2e-3; 3e-4 with --start.")
@click.option("--patience", default=0, show_default=True, help="Checks without gain before stopping; 0 = never.")
@click.option("--exact", is_flag=True, help="Float32 throughout: the same to the last bit, at half the speed.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder; may be resumed.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep or reuse what was rendered here.")
@click.option("--mlflow", "mlflow_uri", help="Also log to this MLflow tracking URI.")
@click.option("--seed", default=0, show_default=True, help="Of material and training.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes, threads.")
@output.json_option
def dino(as_json: bool, mlflow_uri: str | None, **options: Any) -> None:
    """Train an image encoder without labels, on rendered particles or --images; run again to resume.

    Single images are their own other view; a manifest.csv (filepath, particle_id) in the folder says what belongs
    together. Half an hour on a CPU adapts the bundled encoder; larger networks want a graphics card, which is used when
    there is one.
    """
    from sem_curate.embed.training import dino_command
    from sem_curate.embed.training.tracking import tracker

    with tracker(mlflow_uri, options) as track, console("train dino", enabled=not as_json) as report:
        result = dino_command.run(**options, progress=report, track=track)
    output.emit(result, as_json=as_json)


@command.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Own images, or none.")
@click.option("--particles", type=click.IntRange(0), help="To render. Default: 15360; 0 with --images.")
@click.option("--views", default=4, show_default=True, type=click.IntRange(1, 6), help="Per particle.")
@click.option(
    "--start",
    help="bundled:sem-clip (default with --images), bundled:sem-dino (default without), a trained folder, "
    "open_clip:ARCH/TAG, open_clip:ARCH//FILE, or none.",
)
@click.option("--lock", is_flag=True, help="Leave the image side as it is; fit the words to it.")
@click.option(
    "--keep",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of the old weights in the result; .5 forgets less on images unlike the new ones.",
)
@click.option("--minutes", default=40.0, show_default=True, help="Training time, rendering not included.")
@click.option("--steps", type=click.IntRange(1), help="Train exactly so many steps instead.")
@click.option("--batch", default=96, show_default=True, type=click.IntRange(4), help="Images per step.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Default: 1.5e-3; 2e-4 from a whole encoder.")
@click.option("--patience", default=0, show_default=True, help="Checks without gain before stopping; 0 = never.")
@click.option("--exact", is_flag=True, help="Float32 throughout: the same to the last bit, at half the speed.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder; may be resumed.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep or reuse what was rendered here.")
@click.option("--mlflow", "mlflow_uri", help="Also log to this MLflow tracking URI.")
@click.option("--seed", default=0, show_default=True, help="Of material and training.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes, threads.")
@output.json_option
def clip(as_json: bool, mlflow_uri: str | None, **options: Any) -> None:
    """Train an image and text encoder, on rendered particles or --images; run again to resume.

    Own images need a manifest.csv in their folder with the columns filepath and captions (Japanese, English or both,
    several separated by |; tags and class names are captions too).
    """
    from sem_curate.embed.training import clip_command
    from sem_curate.embed.training.tracking import tracker

    with tracker(mlflow_uri, options) as track, console("train clip", enabled=not as_json) as report:
        result = clip_command.run(**options, progress=report, track=track)
    output.emit(result, as_json=as_json)


@command.command()
@dataset_option
@click.option("--encoder", required=True, help="The new one, e.g. trained:FOLDER or timm:NAME.")
@click.option("--use", is_flag=True, help="Embed everything with it if it is better; vectors in use are kept.")
@output.json_option
def adopt(dataset_name: str, encoder: str, use: bool, as_json: bool) -> None:
    """Judge an encoder on the masters of a dataset: it has to be better at them, and as good at unknown particles."""
    ds = open_dataset(dataset_name)
    from dataclasses import asdict

    from sem_curate.decide.adopt_run import judge_encoder
    from sem_curate.pipeline import run_stages

    with console("embed", enabled=not as_json) as report:
        verdict = judge_encoder(ds, encoder, progress=report)
    result = {"encoder": encoder, **asdict(verdict), "in_use": verdict.adopted and use}
    if result["in_use"]:
        with console("embed", enabled=not as_json) as report:
            run_stages(ds, ("embed", "propose"), encoders=(encoder, *_text_encoder(ds)), progress=report)
    output.emit(result, as_json=as_json, text=lambda: _adopt_text(result, dataset_name))


def _text_encoder(ds: Any) -> tuple[str, ...]:
    """Return the text encoder in use, which a new image encoder does not replace."""
    from sem_curate.embed.run import encoders_in_use

    return tuple(encoders_in_use(ds)[1:])


def _adopt_text(result: dict[str, Any], name: str) -> str:
    compared = f"{result['masters']} masters asked for"
    if result["masters"] and result["p_value"] < 1:
        compared += (
            f": right {result['before']:.0%} before, {result['after']:.0%} after ({result['won']} won, "
            f"{result['lost']} lost, p {result['p_value']:.3f}); unknown told from known "
            f"{result['known_before']:.3f}, {result['known_after']:.3f}"
        )
    if result["in_use"]:
        return f"{compared}\n{result['why']}: now in use"
    how = f"use it with: sem-curate run --dataset {name} --encoder {result['encoder']}" if result["adopted"] else ""
    return f"{compared}\n{result['why']}" + (f"; {how}" if how else "; the encoder in use stays")


@command.command()
@dataset_option
@reviewer_option
@click.option("--reason", default="", help="Why; kept with the version.")
@click.option("--revert", is_flag=True, help="Do not train: let the rules alone decide again.")
@click.option("--use", "version", type=click.IntRange(1), help="Do not train: put this version in force again.")
@output.json_option
def quality(dataset_name: str, by: str | None, reason: str, revert: bool, version: int | None, as_json: bool) -> None:
    """Learn quality tags from corrections; adopted per tag, where held-out corrections say it beats the rules."""
    if revert and version is not None:
        raise click.UsageError("give --revert or --use VERSION, not both")
    ds = open_dataset(dataset_name)
    from sem_curate.quality import teaching

    with console("quality", enabled=not as_json) as report:
        if revert or version is not None:
            result = teaching.use(ds, version, by=reviewer(by), reason=reason, progress=report)
        else:
            result = teaching.train(ds, by=reviewer(by), reason=reason, progress=report)
    output.emit(result, as_json=as_json, text=lambda: _quality_text(result))


@command.command()
@dataset_option
@click.option("--group", "group_field", help="A field, e.g. lot, whose particles stay on one side of every test.")
@click.option("--seed", default=0, show_default=True, help="Of folds and training.")
@click.option("--epochs", default=120, show_default=True, type=click.IntRange(1), help="At most.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the gains to this file.")
@reviewer_option
@click.option("--reason", default="", help="Why; kept with the version.")
@click.option("--revert", is_flag=True, help="Do not train: let the quality mean integrate again.")
@click.option("--use", "version", type=click.IntRange(1), help="Do not train: put this version in force again.")
@output.json_option
def integrator(
    dataset_name: str, group_field: str | None, seed: int, epochs: int, plot: Path | None, by: str | None, reason: str,
    revert: bool, version: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare learned ways to integrate views on labelled particles; one is adopted where it surely wins by a point.

    The next proposals use what is in force, for all particles.
    """
    if revert and version is not None:
        raise click.UsageError("give --revert or --use VERSION, not both")
    ds = open_dataset(dataset_name)
    from sem_curate.decide import teach_integrator
    from sem_curate.integrate.learned import TrainConfig

    if revert or version is not None:
        result = teach_integrator.use(ds, version, by=reviewer(by), reason=reason)
    else:
        result = teach_integrator.train(
            ds, by=reviewer(by), reason=reason, group_field=group_field, config=TrainConfig(seed=seed, epochs=epochs),
            plot=plot,
        )  # fmt: skip
    output.emit(result, as_json=as_json, text=lambda: _integrator_text(result))


def _integrator_text(result: dict[str, Any]) -> str:
    number = result["in_force"]
    in_force = f"integrator {number} is in force" if number else "the quality mean integrates"
    if "rows" not in result:
        return f"{in_force}; propose again with: sem-curate run --stage propose"
    rows = [
        (row["rung"], f"{row['recall']:.3f}", f"{row['gain']:+.3f}", f"{row['low']:+.3f} to {row['high']:+.3f}",
         "adopted" if row["adopted"] else "")
        for row in result["rows"]
    ]  # fmt: skip
    table = output.table(("rung", "macro recall", "gain", "95 %", ""), rows) if rows else result["note"]
    won = f"adopted, kept in {result['folder']}" if result["folder"] else "nothing adopted"
    lines = [table, f"{result['particles']} labelled particles, {result['folds']} folds; {won}; {in_force}"]
    if result["doubt"]:
        lines.append(result["doubt"]["en"])
    return "\n".join(lines)


@command.command()
@click.option("--particles", default=1200, show_default=True, type=click.IntRange(16), help="To render.")
@click.option("--minutes", default=25.0, show_default=True, help="Training time, rendering not included.")
@click.option("--steps", type=click.IntRange(1), help="Train exactly so many steps instead.")
@click.option("--batch", default=24, show_default=True, type=click.IntRange(4), help="Scenes per step.")
@click.option("--rate", default=3e-3, show_default=True, help="Learning rate.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="An earlier --out, to go on from.")
@click.option("--seed", default=0, show_default=True, help="Of particles and training.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Threads.")
@output.json_option
def reader(
    particles: int, minutes: float, steps: int | None, batch: int, rate: float, out: Path, start: Path | None,
    seed: int, workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Train the network of the quality room that finds the particle and its neighbours."""
    from sem_curate.embed.training import reader as reader_training
    from sem_curate.embed.training import scenes
    from sem_curate.embed.training.loop import TrainConfig

    config = TrainConfig(
        minutes=minutes, steps=steps, seed=seed, threads=workers, batch=batch, learning_rate=rate,
        size=reader_training.SIZE, early_size=reader_training.EARLY_SIZE, early_share=reader_training.EARLY_SHARE,
    )  # fmt: skip
    with console("render", enabled=not as_json) as report:
        shots = scenes.render_shots(particles, seed=reader_training.FIRST_SEED + seed, progress=report)
    facts = {"particles": particles, "particle_seed": reader_training.FIRST_SEED + seed, "start": start and start.name}
    with console("train reader", enabled=not as_json) as report:
        outcome = reader_training.train(shots, out, config, facts=facts, start=start, progress=report)
    result = {"weights": str(out), "steps": outcome.steps, "seconds": round(outcome.seconds, 1),
              "loss": round(outcome.losses[-1], 4)}  # fmt: skip
    output.emit(result, as_json=as_json)


@command.command()
@click.option("--particles", default=700, show_default=True, type=click.IntRange(2), help="To render, in six views.")
@click.option("--minutes", default=25.0, show_default=True, help="Training time, rendering not included.")
@click.option("--steps", type=click.IntRange(1), help="Train exactly so many steps instead.")
@click.option("--batch", default=64, show_default=True, type=click.IntRange(4), help="Lessons per step.")
@click.option("--rate", default=3e-3, show_default=True, help="Learning rate.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="An earlier --out, to go on from.")
@click.option("--seed", default=0, show_default=True, help="Of particles and training.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Threads.")
@output.json_option
def drift(
    particles: int, minutes: float, steps: int | None, batch: int, rate: float, out: Path, start: Path | None,
    seed: int, workers: int, as_json: bool,
) -> None:  # fmt: skip
    """Train the network of the quality room that sees displaced scan lines."""
    from sem_curate.embed.training import drift as drift_training
    from sem_curate.embed.training import drift_lessons
    from sem_curate.embed.training.loop import TrainConfig

    config = TrainConfig(minutes=minutes, steps=steps, seed=seed, threads=workers, batch=batch, learning_rate=rate)
    first = drift_training.FIRST_SEED + seed
    with console("render", enabled=not as_json) as report:
        signals = drift_lessons.render_signals(particles, seed=first, progress=report)
    facts = {"particles": particles, "particle_seed": first, "start": start and start.name}
    with console("train drift", enabled=not as_json) as report:
        outcome = drift_training.train(signals, out, config, facts=facts, start=start, progress=report)
    result = {"weights": str(out), "steps": outcome.steps, "seconds": round(outcome.seconds, 1),
              "loss": round(outcome.losses[-1], 4)}  # fmt: skip
    output.emit(result, as_json=as_json)


def _quality_text(result: dict[str, Any]) -> str:
    in_force = f"model {result['version']} is in force" if result["version"] else "the rules decide"
    applied = f"{result['rejudged']} views judged again, {result['changed']} changed"
    if "tags" not in result:
        return f"{in_force}; {applied}"
    if not result["views"] and not result["passed_over"]:
        return (
            f"no tags were corrected yet; correct or confirm some in the App (T) or with: sem-curate review tags; "
            f"{in_force}"
        )
    columns = ("rules", "learned", "gain", "gain_low")
    rows = [
        (tag, row["positives"], row["views"] - row["positives"], *(_share(row[name]) for name in columns),
         "adopted" if row["adopted"] else "", row["why"])
        for tag, row in result["tags"].items()
        if row["positives"] or row["rules_f1"] is not None
    ]  # fmt: skip
    headers = ("tag", "with", "without", "rules", "learned", "gain", "at least", "", "")
    lines = [f"{result['views']} corrected views of {result['particles']} particles"]
    if result["passed_over"]:
        lines[0] += f"; {result['passed_over']} more are not measured, show no particle or have another image now"
    if rows:
        lines += [output.table(headers, rows), "Balanced accuracy; of the learned tags on views held out by particle."]
    if result["adopted"]:
        lines.append(f"adopted: {', '.join(result['adopted'])}; {in_force}; {applied}")
    else:
        lines.append(f"nothing adopted: {_why_nothing(result['tags'])}; {in_force}")
    return "\n".join(lines)


def _why_nothing(tags: dict[str, Any]) -> str:
    tried = [tag for tag, row in tags.items() if row["learned"] is not None]
    if tried:
        return f"'{tried[0]}': {tags[tried[0]]['why']}" if len(tried) == 1 else "no tag surely beats the rules"
    nearest = max(tags, key=lambda tag: min(tags[tag]["positives"], tags[tag]["views"] - tags[tag]["positives"]))
    return f"'{nearest}' {tags[nearest]['why']}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
