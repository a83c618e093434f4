"""What a second run costs, what survives ``kill -9``, and whether memory grows with the number of images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure, at_most, equals
from sem_curate.embed import trial

FILES: Final = 200
KILLED_AFTER: Final = 96  # images
FEW: Final = 2_000
MANY: Final = 20_000
SIDE: Final = 48  # pixels; memory must not depend on the number of images, whatever their size
GROWTH: Final = 0.10

# Runs `sem-curate embed` as a user would; kills itself after so many images, else prints its peak memory in MB.
CHILD: Final = """
import os, resource, signal, sys
from sem_curate.cli.embed import command
from sem_curate.embed import files
limit, original = int(sys.argv[1]), files.embed_files

def dying(*arguments, progress, **options):
    def watch(done, skipped):
        if limit and done >= limit:
            os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, progress=watch, **options)

files.embed_files = dying
command.main(sys.argv[2:], standalone_mode=False)
if os.path.exists("/proc/self/status"):  # ru_maxrss would count the process that started this one
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print("PEAK", peak)
"""


def figures(setting: Setting) -> list[Figure]:
    """Return images embedded again, equality after a kill, and growth of peak memory."""
    with tempfile.TemporaryDirectory(prefix="sem-curate-") as name:
        folder = Path(name)
        encoder = trial.random_checkpoint(folder, trial.TINY)
        images = _noise(folder / "images", FILES, setting.seed)
        whole = folder / "whole"
        first, second = (_run(whole, encoder, images) for _ in range(2))
        uninterrupted = _vectors(whole)
        killed = _child(folder / "killed", encoder, images, limit=KILLED_AFTER)
        if killed.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the run that should have been killed was not: {killed.stderr[-500:]}")
        resumed = _run(folder / "killed", encoder, images)
        same = uninterrupted.tobytes() == _vectors(folder / "killed").tobytes()
        peaks = [_peak(folder / str(count), encoder, count, setting.seed) for count in (FEW, MANY)]
    return [
        equals(f"resume: images of {FILES} embedded by a second run", second["computed"], 0),
        Figure(
            f"resume: images of {FILES} embedded after a kill at {KILLED_AFTER}", resumed["computed"], first["computed"]
        ),
        equals("resume: killed and run again, same bits as never killed", str(same), "True"),
        Figure(f"resume: peak memory of {FEW} images (MB)", peaks[0]),
        at_most(f"resume: growth of peak memory from {FEW} to {MANY} images", peaks[1] / peaks[0] - 1, GROWTH),
    ]


def _noise(folder: Path, count: int, seed: int) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        cv2.imwrite(str(folder / f"{index:05d}.png"), rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8))
    return folder


def _child(home: Path, encoder: str, images: Path, *, limit: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = [str(limit), str(images), "--encoder", encoder, "--out", str(home / "v.npz"), "--json"]
    return subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], env={**os.environ, "SEM_CURATE_HOME": str(home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _run(home: Path, encoder: str, images: Path) -> dict[str, Any]:
    """Embed a folder to the end; return what the command printed and its ``peak`` memory in MB."""
    done = _child(home, encoder, images)
    printed, _, peak = done.stdout.rpartition("PEAK")
    if done.returncode or not peak:
        raise RuntimeError(f"embedding '{images}' failed: {done.stderr[-500:]}")
    return {**json.loads(printed), "peak": float(peak)}


def _vectors(home: Path) -> Floats:
    with np.load(home / "v.npz") as saved:
        vectors: Floats = saved["vectors"]
        return vectors


def _peak(home: Path, encoder: str, count: int, seed: int) -> float:
    return float(_run(home, encoder, _noise(home / "images", count, seed + 1))["peak"])
