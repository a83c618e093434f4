"""What ``sem-curate train clip`` does: gather the material, then train."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sem_curate.embed.training import clip, clip_material
from sem_curate.embed.training.clip_loop import SIZES, ClipConfig
from sem_curate.embed.training.lessons import Material
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent

PARTICLES: Final = 15_360
RATE: Final = 1.5e-3
RATE_FROM_WHOLE: Final = 2e-4  # what was learnt before is to be moved, not forgotten


def run(
    *,
    out: Path,
    images: Path | None = None,
    particles: int | None = None,
    views: int = 4,
    start: str | None = None,
    lock: bool = False,
    keep: float = 0.0,
    minutes: float = 40.0,
    steps: int | None = None,
    batch: int = 96,
    rate: float | None = None,
    patience: int = 0,
    exact: bool = False,
    data: Path | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress = silent,
    track: Callable[[int, dict[str, float]], None] = lambda step, measured: None,
) -> dict[str, Any]:
    """Train on own images with captions, on rendered particles, or on both by turns.

    Args:
        out: receives the encoder, ``trained:OUT``; holds the checkpoint of a run that was cut off.
        images: folder of own images with a manifest, see `clip_material.own`.
        particles: to render; default: 15360 without own images, else none.
        views: of each particle.
        start: see `clip.opening`; "none" for random weights. Default: bundled:sem-clip for own images, which moves what
            it knows; bundled:sem-dino without.
        lock: leave the image tower as it is and fit the text side to it (LiT, arXiv:2111.07991).
        keep: see `clip.train`.
        minutes: of training.
        steps: instead of minutes.
        batch: images per step.
        rate: learning rate.
        patience: checks without a better held-out figure before stopping, 0 for never.
        exact: float32 throughout.
        data: folder for rendered images, reused by later runs; default: a temporary one.
        seed: of everything.
        workers: processes and threads.
        progress: called as work is done.
        track: called with step and measurements.

    Raises:
        InputError: when nothing is left to train on.
    """
    count = particles if particles is not None else 0 if images else PARTICLES
    if images is None and not count:
        raise InputError("nothing to train on; give --images FOLDER, or more than 0 --particles")
    begin = start or ("bundled:sem-clip" if images else "bundled:sem-dino")
    opened = clip.opening(None if begin == "none" else begin)
    with tempfile.TemporaryDirectory() as scratch:
        materials, described, unreadable = list[Material](), dict[str, Any](), 0
        if images is not None:
            captioned, unreadable = clip_material.own(images, size=opened.size, progress=progress)
            materials.append(captioned)
            described["own_images"] = len(captioned.images)
        if count:
            place = (data or Path(scratch)) / f"clip-{opened.size}"
            made = clip_material.rendered(
                place, count, seed=seed, views=views, size=opened.size, workers=workers, progress=progress
            )
            materials.append(made)
            described |= {"particles": count, "views_per_particle": views}
        config = ClipConfig(
            minutes=minutes, steps=steps, batch=batch, seed=seed, threads=workers, patience=patience, mixed=not exact,
            learning_rate=rate or (RATE_FROM_WHOLE if opened.whole else RATE),
            sizes=SIZES if opened.resizes else ((1.0, opened.size),),
        )  # fmt: skip
        facts = clip.train(
            materials, out, config, opened, lock=lock, keep=keep, described=described, progress=progress, track=track
        )
    return {
        "encoder": f"trained:{out}",
        **described,
        "unreadable": unreadable,
        **{key: facts[key] for key in ("steps", "seconds", "losses", "held_out_map")},
    }
