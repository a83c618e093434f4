"""What every part of the quality benchmark is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Size and seed of the simulated images, and where real ones are.

    Attributes:
        size: side of the rendered images in pixels.
        particles: how many rendered particles; parts that draw cheap images use a multiple.
        seed: of the first particle; no seed used here was used for training.
        frames: folder of real SEM frames (PNG or TIFF, any size), None to measure on simulated images only.
    """

    size: int = 256
    particles: int = 48
    seed: int = 0
    frames: Path | None = None


# Real images are harder to know the truth of; a target on them is the simulated one less this.
REAL_ALLOWANCE = 0.05
