"""Simple drawn particles for the quality tests: known blur, noise and outline."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def disc(
    *, side: int = 256, centre: tuple[float, float] = (0.5, 0.5), radius: float = 0.28, level: float = 0.65,
    background: float = 0.15, blur: float = 0.8, noise: float = 0.02, texture: float = 0.06, seed: int = 0,
) -> NDArray[np.uint8]:  # fmt: skip
    """A textured disc; centre (x, y) and radius as shares of the side."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    inside = np.hypot(columns - centre[0], rows - centre[1]) < radius
    grain = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), 1.5)
    image = np.where(inside, level + texture * grain / grain.std(), background)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    noisy = image + rng.normal(0, noise, image.shape) if noise else image
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def with_info_bar(image: NDArray[np.uint8], *, rows: int = 28, paper: int = 0, ink: int = 255) -> NDArray[np.uint8]:
    """The same image with a bar of text below it."""
    bar = np.full((rows, image.shape[1]), paper, np.uint8)
    cv2.putText(bar, "SE 10.0kV x2,000", (6, rows - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
    return np.vstack([image, bar])
