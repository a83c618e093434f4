"""What every part of the decision benchmark is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """Sizes and seeds, and where real images and weights are.

    Attributes:
        particles: rendered particles.
        draws: of audits in the part ``guarantee``; below 500 a violation rate is not to be quoted.
        seed: of the first rendered particle; no seed used here was used for training or tuning.
        data: folder with ``manifest.csv``, None to measure on simulated particles only.
        weights: DeiT-Tiny checkpoint for real features, None for the bundled encoder only.
    """

    particles: int = 480
    draws: int = 500
    seed: int = 0
    data: Path | None = None
    weights: Path | None = None
