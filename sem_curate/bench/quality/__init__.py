"""Benchmark of view quality: measures against truth, what they are good for, and their speed."""

from __future__ import annotations

import importlib
from pathlib import Path

from sem_curate.bench.figures import Figure
from sem_curate.bench.quality.setting import Setting
from sem_curate.bench.quality.windows import SUFFIXES
from sem_curate.errors import InputError, did_you_mean

# In the order of the report; each module has ``figures(setting) -> list[Figure]``.
PARTS = ("sharpness", "outline", "bars", "tags", "speed", "weights", "learned")


def run(
    *, size: int = 256, particles: int = 48, seed: int = 0, data: Path | None = None, parts: tuple[str, ...] = PARTS
) -> list[Figure]:
    """Measure on simulated images, and on real frames where given.

    Args:
        size: side of the rendered images in pixels.
        particles: rendered particles.
        seed: of the first particle.
        data: folder of real SEM frames, or a folder that holds them in ``frames``.
        parts: which of :data:`PARTS`.

    Returns:
        Figures, each with the baseline of the same run.

    Raises:
        InputError: for an unknown part, or a folder without images.
    """
    for part in parts:
        if part not in PARTS:
            raise InputError(
                f"bench quality has no part '{part}'.{did_you_mean(part, PARTS)} Known: {', '.join(PARTS)}"
            )
    setting = Setting(size, particles, seed, None if data is None else _frames(data))
    return [
        figure
        for part in parts
        for figure in importlib.import_module(f"sem_curate.bench.quality.{part}").figures(setting)
    ]


def _frames(data: Path) -> Path:
    for folder in (data / "frames", data):
        if folder.is_dir() and any(path.suffix.lower() in SUFFIXES for path in folder.iterdir()):
            return folder
    raise InputError(f"{data} holds no frames; expected are {', '.join(SUFFIXES)} in it or in {data / 'frames'}")
