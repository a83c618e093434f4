"""Benchmark: simulated views per second on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from sem_curate.rendering import FAMILIES, render_particle
from sem_curate.rendering.conditions import CONDITIONS

TARGET_VIEWS_PER_S = 40.0


def run(*, size: int = 128, particles: int = 32, seed: int = 0, repeats: int = 3) -> list[dict[str, Any]]:
    """Measure rendering speed at ``size`` pixels beside a bare height field with Lambert shading.

    Args:
        size: image side in pixels.
        particles: how many are rendered, all families in turn, six views each, with spoiled views as in the demo.
        seed: of the first particle.
        repeats: the best of so many passes counts, because other work on the machine only ever slows one down.

    Returns:
        One figure: ``value`` and ``baseline`` in views per second, higher is better. The baseline draws no texture,
        defects, overlays or truth, so it bounds what any height-field renderer could reach here.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        render_particle(seed, size=size)  # makes the noise volumes
        ours = _best(lambda: _ours(size, particles, seed), repeats)
        bare = _best(lambda: _bare(size, particles * len(CONDITIONS), seed), repeats)
    finally:
        cv2.setNumThreads(threads)
    views = particles * len(CONDITIONS)
    value, baseline = views / ours, views / bare
    return [
        {
            "name": f"views per second, one core, {size} px",
            "value": round(value, 1),
            "baseline": round(baseline, 1),
            "target": TARGET_VIEWS_PER_S,
            "direction": "higher",
            "holds": value >= TARGET_VIEWS_PER_S,
        }
    ]


def _best(work: Callable[[], None], repeats: int) -> float:
    """Return the shortest CPU time of one thread, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _ours(size: int, particles: int, seed: int) -> None:
    for index in range(particles):
        render_particle(seed + index, size=size, family=FAMILIES[index % len(FAMILIES)], spoiled=index % 3)


def _bare(size: int, views: int, seed: int) -> None:
    """Draw smoothed random height fields with Lambert shading."""
    rng = np.random.default_rng(seed)
    for _ in range(views):
        height = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), 4.0)
        gy, gx = np.gradient(height * 40)
        shade = np.maximum((0.5 * gx + 0.3 * gy + 0.8) / np.sqrt(1 + gx**2 + gy**2), 0)
        np.clip(shade * 255, 0, 255).astype(np.uint8)
