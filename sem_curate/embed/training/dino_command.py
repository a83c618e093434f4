"""What ``sem-curate train dino`` does: gather the material, then train."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate.embed.training import data as rendered
from sem_curate.embed.training import dino
from sem_curate.embed.training.material import Source, read_folder
from sem_curate.embed.training.textures import texture_set
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent

PARTICLES: Final = 16_000
TEXTURES: Final = 20_000
RATE: Final = 2e-3
RATE_FROM_START: Final = 3e-4  # what was learnt before is to be moved, not forgotten


def run(
    *,
    out: Path,
    images: Path | None = None,
    particles: int | None = None,
    textures: int | None = None,
    views: int = 4,
    start: str | None = None,
    minutes: float = 75.0,
    steps: int | None = None,
    batch: int = 96,
    rate: float | None = None,
    patience: int = 0,
    exact: bool = False,
    data: Path | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = silent,
    track: Callable[[int, dict[str, float]], None] | None = None,
) -> dict[str, Any]:
    """Train on own images, on rendered particles and textures, or on all of them in equal shares.

    Args:
        out: receives the encoder, ``trained:OUT``; holds the checkpoint of a run that was cut off.
        images: folder of own images.
        particles: to render; default: 16000 without own images, else none.
        textures: to draw; default: 20000 without own images, else none.
        views: of each particle and texture.
        start: see `dino.beginning`.
        minutes: of training.
        steps: instead of minutes.
        batch: pairs of views per step.
        rate: learning rate.
        patience: checks without a better held-out figure before stopping, 0 for never.
        exact: float32 throughout, so that a seed gives the same result to the last bit; half as fast.
        data: folder for rendered and prepared images, reused by later runs; default: a temporary one.
        seed: of everything.
        workers: processes and threads.
        progress: called as work is done.
        track: called with step and measurements.

    Raises:
        InputError: when nothing is left to train on.
    """
    distil, _ = dino.lightly_modules()
    begin = dino.beginning(start)
    small = dino.takes_other_sizes(begin)
    config = distil.DistilConfig(
        minutes=minutes, steps=steps, batch=batch, seed=seed, threads=workers, patience=patience,
        learning_rate=rate or (RATE_FROM_START if start else RATE), small_crops=small, mixed=not exact,
        **({} if small and begin.size == dino.SIZE else {"sizes": ((1.0, begin.size),)}),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        place, side = data or Path(scratch), max(dino.MATERIAL_SIZE, begin.size)
        sources, unreadable = _gather(
            images, _default(particles, PARTICLES, images), _default(textures, TEXTURES, images), views, side, seed,
            workers, place, progress,
        )  # fmt: skip
        facts = dino.train(sources, out, config, start=start, progress=progress, track=track)
    return {
        "encoder": f"trained:{out}",
        **{source["name"]: source["things"] for source in facts["sources"]},
        "unreadable": unreadable,
        **{key: facts[key] for key in ("steps", "seconds", "loss_by_tenth", "held_out_retrieval")},
    }


def _default(given: int | None, usual: int, images: Path | None) -> int:
    return given if given is not None else 0 if images else usual


def _gather(
    images: Path | None, particles: int, textures: int, views: int, side: int, seed: int, workers: int,
    place: Path, progress: Progress,
) -> tuple[list[Source], int]:  # fmt: skip
    sources, unreadable = [], 0
    if images is not None:
        own, unreadable = read_folder(images, place / f"own-{side}.npy", size=side, progress=progress)
        sources.append(Source("own images", own))
    if particles:
        examples = _particles(place / f"particles-{side}", particles, views, side, seed, workers, progress)
        sources.append(Source("rendered particles", examples.images, family=examples.family))
    if textures:
        sources.append(Source("textures by formula", _textures(place, textures, views, side, seed, progress)))
    if not sources:
        raise InputError("nothing to train on; give --images FOLDER, or more than 0 --particles or --textures")
    return sources, unreadable


def _particles(
    folder: Path, count: int, views: int, side: int, seed: int, workers: int, progress: Progress
) -> rendered.TrainingSet:
    if not (folder / "texts.json").is_file():
        made = rendered.render_set(
            count, seed=dino.FIRST_SEED + seed, views=views, size=side, workers=workers, progress=progress
        )
        rendered.save(made, folder)
        del made
    found = rendered.load(folder)
    if found.images.shape[:2] != (count, views):
        raise InputError(
            f"'{folder}' holds {found.images.shape[0]} particles with {found.images.shape[1]} views, not {count} with "
            f"{views}; give the same numbers or another --data"
        )
    return found


def _textures(place: Path, count: int, views: int, side: int, seed: int, progress: Progress) -> Any:
    file = place / f"textures-{side}-{count}-{views}-{seed}.npy"
    if not file.is_file():
        place.mkdir(parents=True, exist_ok=True)
        made = texture_set(count, seed=dino.FIRST_SEED + seed, views=views, size=side, progress=progress)
        with file.with_suffix(".tmp").open("wb") as stream:
            np.save(stream, made)
        file.with_suffix(".tmp").replace(file)
    return np.load(file, mmap_mode="r")
