"""Images of the quality benchmark: drawn particles with one known outline, and controlled blur and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GREY = NDArray[np.uint8]


def draw(rng: np.random.Generator, cut: bool | None, side: int = 256) -> tuple[GREY, bool]:
    """Draw one wavy, textured particle with a bright rim; ``cut`` pushes it over the frame."""
    rows, columns = np.mgrid[:side, :side]
    half = rng.uniform(0.2, 0.3, 2) * side
    # With waves of at most 15 % nothing of an uncut particle comes nearer than 4 % to the frame.
    centre = rng.uniform(0.4, 0.6, 2) * side
    if cut:
        axis, end = rng.integers(2), rng.integers(2)
        depth = rng.uniform(0.1, 0.6) * half.min()
        centre[axis] = depth if end else side - depth
    turn = rng.uniform(0, np.pi)
    across = (columns - centre[0]) * np.cos(turn) + (rows - centre[1]) * np.sin(turn)
    along = (rows - centre[1]) * np.cos(turn) - (columns - centre[0]) * np.sin(turn)
    angle = np.arctan2(along, across)
    waves = sum(np.cos(k * angle + rng.uniform(0, 6)) * rng.uniform(0, 0.04) for k in range(2, 6))
    distance = np.sqrt((across / half[0]) ** 2 + (along / half[1]) ** 2) / (1 + waves)
    grain = cv2.GaussianBlur(rng.standard_normal((side, side)), (0, 0), rng.uniform(1.5, 5))
    body = 0.5 + 0.06 * rng.uniform(0.3, 2) * grain / grain.std()
    image = np.where(distance < 1, body, 0.25) + 0.25 * np.exp(-(((distance - 1) / 0.03) ** 2))
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), bool(cut)


def spoil(rng: np.random.Generator, image: GREY, blur: float, noise: float) -> GREY:
    """Blur by a Gaussian of ``blur`` pixels, then add white noise of deviation ``noise`` (share of the range)."""
    floats = image.astype(np.float32) / 255
    if blur:
        floats = cv2.GaussianBlur(floats, (0, 0), blur)
    noisy = floats + rng.normal(0, noise, floats.shape)
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
