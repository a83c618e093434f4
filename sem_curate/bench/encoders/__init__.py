"""Benchmark of encoders: what they are good for, how fast they run, what survives a kill."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure
from sem_curate.errors import InputError, did_you_mean

# In the order of the report; each module has ``figures(setting) -> list[Figure]``.
PARTS: Final = ("throughput", "resume", "onnx", "clip", "dino")


def run(
    *, seed: int = 0, data: Path | None = None, weights: Path | None = None, parts: tuple[str, ...] = PARTS
) -> list[Figure]:
    """Measure on simulated images, and on real ones where given.

    Args:
        seed: of the first simulated particle.
        data: folder of real SEM images with a ``manifest.csv``.
        weights: a real checkpoint, named after its timm model.
        parts: which of :data:`PARTS`.

    Returns:
        Figures, each with the baseline of the same run.

    Raises:
        InputError: for an unknown part.
    """
    for part in parts:
        if part not in PARTS:
            raise InputError(
                f"bench encoders has no part '{part}'.{did_you_mean(part, PARTS)} Known: {', '.join(PARTS)}"
            )
    setting = Setting(seed, data, weights)
    return [
        figure
        for part in parts
        for figure in importlib.import_module(f"sem_curate.bench.encoders.{part}").figures(setting)
    ]
