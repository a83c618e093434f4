"""What an export to ONNX changes: cosine to the torch vectors, loss of 8 bits and of half precision, size, speed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sem_curate.arrays import Image
from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure, at_least
from sem_curate.embed import hardware, onnx_export, trial
from sem_curate.embed.encoders import DEFAULTS, Encoder, get_encoder
from sem_curate.embed.listing import image_files
from sem_curate.ingest.readers import read_grey
from sem_curate.rendering import render_particles

IMAGES: Final = 96
ROUNDS: Final = 5


@dataclass(frozen=True)
class _Case:
    title: str
    encoder: str
    images: Sequence[Image]
    where: str


def figures(setting: Setting) -> list[Figure]:
    """Return figures of the bundled encoders on simulated views, and of real weights on real images where given."""
    simulated = _simulated(setting.seed)
    cases = [_Case(name.removeprefix("bundled:"), name, simulated, "simulated") for name in DEFAULTS]
    if setting.weights is not None:
        name = f"timm:{setting.weights.stem}@{setting.weights}"
        real = _real(setting.data) if setting.data else simulated
        cases.append(_Case(setting.weights.stem, name, real, "real" if setting.data else "simulated"))
    with tempfile.TemporaryDirectory(prefix="sem-curate-") as folder:
        return [figure for number, case in enumerate(cases) for figure in _case(case, Path(folder) / str(number))]


def _case(case: _Case, folder: Path) -> list[Figure]:
    torch, halved = (trial.load_torch(case.encoder, precision) for precision in (hardware.FULL, hardware.HALF))
    paths = [onnx_export.export(torch, folder / name, int8=name == "int8") for name in ("full", "int8")]
    full, small = (get_encoder(f"onnx:{path}") for path in paths)
    exact, rough = (onnx_export.compare(torch, other, case.images) for other in (full, small))
    half = onnx_export.compare(torch, halved, case.images)
    speed = _speed([torch, full, small], case.images)
    size = [onnx_export.megabytes(path) for path in paths]
    begin, many = f"onnx: {case.title}", f"{len(case.images)} {case.where} images"
    return [
        at_least(f"{begin}, cosine to torch, worst of {many}", exact.cosine_min, onnx_export.COSINE),
        Figure(f"{begin}, 8 bits: cosine to torch, worst", rough.cosine_min, 1.0),
        Figure(f"{begin}, 8 bits: cosine to torch, mean", rough.cosine_mean, 1.0),
        Figure(f"{begin}, 8 bits: share of the nearest ten kept", rough.neighbours, 1.0),
        Figure(f"{begin}, 8 bits: megabytes", size[1], size[0]),
        Figure(f"{begin}, images/s of the network beside torch", speed[1], speed[0]),
        Figure(f"{begin}, 8 bits: images/s of the network beside torch", speed[2], speed[0]),
        Figure(f"{begin}, half precision in torch: cosine, worst", half.cosine_min, 1.0),
    ]


def _speed(encoders: Sequence[Encoder], images: Sequence[Image]) -> list[float]:
    """Return images/s of each on the same batch, in turns; medians."""
    batch = np.stack([encoders[0].preprocess(image) for image in images[:32]])
    took = np.zeros((ROUNDS + 1, len(encoders)))
    for number in range(len(took)):
        for place, encoder in enumerate(encoders):
            start = time.perf_counter()
            encoder.embed_images(batch)
            took[number, place] = time.perf_counter() - start
    return [float(rate) for rate in np.median(len(batch) / took[1:], axis=0)]  # the first round warms up


def _simulated(seed: int) -> list[Image]:
    particles = render_particles(IMAGES // 6, seed=seed)
    return [view.image for particle in particles for view in particle.views.values() if view is not None]


def _real(data: Path) -> list[Image]:
    files = list(image_files([str(data)]))
    return [read_grey(path) for path in files[:: max(1, len(files) // IMAGES)][:IMAGES]]
