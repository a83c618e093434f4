"""Files that several parts measure with: simulated images on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from sem_curate.rendering import render_views

RENDERED = 320  # pixels a side; enlarged, with noise added at full size, so that files are as large as real ones
NOISE = 6.0  # grey levels


def write_images(folder: Path, count: int, seed: int, *, size: tuple[int, int] = (1280, 960)) -> list[str]:
    """Write simulated views as 8-bit PNG files of (width, height) ``size``, all different; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[str] = []
    base: dict[int, np.ndarray] = {}
    for index in range(count):
        shown = index % 24  # rendering is slow; the noise makes each file its own
        if shown not in base:
            base[shown] = cv2.resize(_view(seed + shown), size, interpolation=cv2.INTER_CUBIC)
        rng = np.random.default_rng((seed, index))
        noisy = base[shown] + rng.standard_normal((size[1], size[0]), np.float32) * NOISE
        paths.append(str(folder / f"{index:05d}.png"))
        cv2.imwrite(paths[-1], np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return paths


def _view(seed: int) -> np.ndarray:
    for view in (f"view{number}" for number in range(1, 7)):
        rendered = render_views(seed, [view], size=RENDERED).views[view]
        if rendered is not None:
            return np.asarray(rendered.image, np.float32)
    raise AssertionError(f"particle {seed} shows no view")
