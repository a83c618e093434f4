"""What every part of the encoder benchmark is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Sizes of the simulated input, and where real images and weights are.

    Attributes:
        seed: of the first simulated particle; no seed used here was used for training.
        data: folder of real SEM images with a ``manifest.csv``, None to measure on simulated images only.
        weights: checkpoint of a real network (file name = timm model name), None for random weights.
    """

    seed: int = 0
    data: Path | None = None
    weights: Path | None = None
