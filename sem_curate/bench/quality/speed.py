"""Images per second beside the least that any tool does: read the file and take a Laplacian. And memory."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.bench.quality.setting import Setting
from sem_curate.ingest.readers import read_grey
from sem_curate.quality.measures import inspect
from sem_curate.rendering import render_views

TARGET: Final = 0.35
GROWTH: Final = 32.0  # MB; thirty decoded images
FILES: Final = 60
MANY: Final = 10  # times the files, for memory
REPEATS: Final = 3
SIZE: Final = (1280, 960)  # width, height
RENDERED: Final = 320  # pixels a side; enlarged, and noise added at full size, so that files are as large as real ones
NOISE: Final = 6.0  # grey levels


def figures(setting: Setting) -> list[Figure]:
    """Return images per second at 1280 x 960 on all cores, beside ``cv2.imread`` and a Laplacian, and memory growth.

    Both loops run in turns on the same files and threads; the best of three turns counts for each.
    """
    with tempfile.TemporaryDirectory(prefix="sem-curate-") as folder, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        paths = _write(Path(folder), setting.seed)
        _run(pool, _stage, paths[: os.cpu_count() or 1])  # each thread loads its network once
        turns = [(_run(pool, _stage, paths), _run(pool, _bare, paths)) for _ in range(REPEATS)]
        before = _peak_mb()
        _run(pool, _stage, paths * (MANY - 1 - REPEATS))
        grown = _peak_mb() - before
    ours, bare = (len(paths) / min(column) for column in zip(*turns, strict=True))
    return [
        Figure("quality: images/s at 1280 x 960, all cores", ours, bare),
        at_least("quality: images/s as a share of cv2.imread and a Laplacian", ours / bare, TARGET),
        at_most(f"quality: growth of peak memory from {REPEATS * FILES} to {MANY * FILES} images (MB)", grown, GROWTH),
    ]


def _write(folder: Path, seed: int) -> list[str]:
    paths = []
    for index in range(FILES):
        view = f"view{1 + index % 6}"
        rendered = render_views(seed + index // 6, [view], size=RENDERED).views[view]
        if rendered is None:
            continue
        rng = np.random.default_rng(seed + index)
        large = cv2.resize(rendered.image, SIZE, interpolation=cv2.INTER_CUBIC)
        noisy = large + rng.normal(0, NOISE, large.shape)
        paths.append(str(folder / f"{index:02d}.png"))
        cv2.imwrite(paths[-1], np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return paths


def _run(pool: Executor, one: Callable[[str], float], paths: Sequence[str]) -> float:
    start = time.perf_counter()
    list(pool.map(one, paths))
    return time.perf_counter() - start


def _stage(path: str) -> float:
    """Read and measure as the quality stage does."""
    return inspect(read_grey(path)).measures.sharpness


def _bare(path: str) -> float:
    return float(cv2.Laplacian(cv2.imread(path, cv2.IMREAD_UNCHANGED), cv2.CV_64F).var())


def _peak_mb() -> float:
    """Return the most memory that this process has held: kilobytes on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
