"""Images per second of the whole pipeline, beside the network alone and beside FiftyOne's own ``compute_embeddings``.

All use one network (DINOv2 ViT-S/14 at 224 px, random weights: they do not change the time) in one process. They run
in turns on the same files, and a figure is the median over rounds of the ratio within a round: what else the machine
does then hits both sides. Processor time is beside it: on a busy machine, a program with more threads gets more cores.
FiftyOne has no half precision on a CPU, so ours is shown beside it and does not count for the target.
"""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.bench.encoders import material
from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure, at_least
from sem_curate.embed import hardware, trial
from sem_curate.embed.network import TorchEncoder
from sem_curate.embed.pipeline import Lane, Source, embed_stream
from sem_curate.embed.store import VectorStore
from sem_curate.ingest.readers import read_grey

MODEL: Final = "vit_small_patch14_dinov2"
FILES: Final = 48
BATCH: Final = 16
ROUNDS: Final = 5
BARE_TARGET: Final = 0.90
FIFTYONE_TARGET: Final = 1.5
SIZE: Final = (1280, 960)  # a whole frame; decoding its PNG takes a tenth of what this network takes
CROP: Final = (512, 512)

Doubles = NDArray[np.float64]
Times = dict[str, Doubles]  # seconds of each round
BARE, OURS, CROPS, HALVED = "network alone", "pipeline", "pipeline on crops", "pipeline in half precision"


def figures(setting: Setting) -> list[Figure]:
    """Return images per second at 1280 x 960 PNG, and the ratios to the bare network and to FiftyOne."""
    with tempfile.TemporaryDirectory(prefix="sem-curate-") as name:
        folder = Path(name)
        checkpoint = trial.random_checkpoint(folder, MODEL, img_size=224)
        full, half = (trial.load_torch(checkpoint, precision) for precision in (hardware.FULL, hardware.HALF))
        paths = material.write_images(folder / "frames", FILES, setting.seed, size=SIZE)
        crops = material.write_images(folder / "crops", FILES, setting.seed, size=CROP)
        with FiftyOneRival(full, paths) as rival:
            rounds = _rounds(full, half, paths, crops, rival)
    wall, processor = ({name: np.array([one[name][kind] for one in rounds]) for name in rounds[0]} for kind in (0, 1))
    return _report(wall, processor)


def _rounds(
    full: TorchEncoder, half: TorchEncoder, paths: list[str], crops: list[str], rival: FiftyOneRival
) -> list[dict[str, tuple[float, float]]]:
    inputs = np.stack([full.preprocess(read_grey(path)) for path in paths])
    work: dict[str, Callable[[], Any]] = {
        BARE: lambda: trial.run_bare(full, inputs, BATCH),
        OURS: lambda: _pipeline(full, paths),
        CROPS: lambda: _pipeline(full, crops),
        HALVED: lambda: _pipeline(half, paths),
        f"FiftyOne with batches of {BATCH}": lambda: rival.compute(BATCH),
        "FiftyOne without options": lambda: rival.compute(None),
    }
    for warm in work.values():
        warm()
    # The order turns round: whoever runs after an idle moment must not always be the same.
    return [{name: _took(work[name]) for name in list(work)[:: (-1) ** number]} for number in range(ROUNDS)]


def _pipeline(encoder: TorchEncoder, paths: list[str]) -> None:
    """Embed as the embed stage does, into an empty store beside the files."""
    lane = Lane(encoder, VectorStore(Path(paths[0]).parent / uuid.uuid4().hex, dim=encoder.dim))
    done = sum(
        batch.computed for batch in embed_stream((Source(p, p) for p in paths), [lane], read=read_grey, batch=BATCH)
    )
    assert done == len(paths)


class FiftyOneRival:
    """The same network as a FiftyOne model on a FiftyOne dataset of the same files."""

    def __init__(self, encoder: TorchEncoder, paths: list[str]) -> None:
        """Wrap the network the way FiftyOne's documentation wraps any torch model."""
        import fiftyone as fo
        from fiftyone.utils.torch import TorchImageModel, TorchImageModelConfig
        from torchvision import transforms

        size, mean, std = encoder.preprocessing.height, encoder.preprocessing.mean, encoder.preprocessing.std
        prepare = transforms.Compose(
            [
                transforms.Resize(size), transforms.CenterCrop(size),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )  # fmt: skip
        self._model = TorchImageModel(
            TorchImageModelConfig(
                {"model": encoder.tower(), "transforms": prepare, "ragged_batches": False, "as_feature_extractor": True}
            )
        )
        self._dataset = fo.Dataset(f"bench-throughput-{uuid.uuid4().hex[:8]}")
        self._dataset.add_samples([fo.Sample(filepath=path) for path in paths], progress=False)
        self._dim = encoder.dim

    def __enter__(self) -> FiftyOneRival:
        return self

    def __exit__(self, *_: object) -> None:
        self._dataset.delete()

    def compute(self, batch_size: int | None) -> None:
        """Run FiftyOne's own ``compute_embeddings`` over all files."""
        vectors = self._dataset.compute_embeddings(self._model, batch_size=batch_size, progress=False)
        assert np.shape(vectors) == (len(self._dataset), self._dim)


def _report(wall: Times, processor: Times) -> list[Figure]:
    files = f"files {SIZE[0]} x {SIZE[1]} PNG, batches of {BATCH}"
    found = [
        Figure(
            f"throughput: images/s, {MODEL} at 224, {files}", _median(FILES / wall[OURS]), _median(FILES / wall[BARE])
        ),
        at_least("throughput: pipeline / network alone", _share(wall, BARE, OURS), BARE_TARGET),
        Figure("throughput: ... by processor time", _share(processor, BARE, OURS)),
        at_least(
            f"throughput: pipeline / network alone, files {CROP[0]} x {CROP[1]} PNG",
            _share(wall, BARE, CROPS),
            BARE_TARGET,
        ),
        Figure("throughput: ... by processor time", _share(processor, BARE, CROPS)),
    ]
    for rival in [name for name in wall if name.startswith("FiftyOne")]:
        ratio, by_processor = _share(wall, rival, OURS), _share(processor, rival, OURS)
        found += [
            at_least(f"throughput: pipeline / {rival}", ratio, FIFTYONE_TARGET, 1.0),
            Figure("throughput: ... by processor time", by_processor, 1.0),
            Figure(f"throughput: pipeline in half precision / {rival}", _share(wall, rival, HALVED), 1.0),
        ]
    return found


def _share(took: Times, other: str, ours: str) -> float:
    """Return how many times as fast ours is: the median over rounds."""
    return _median(took[other] / took[ours])


def _median(values: Doubles) -> float:
    return float(np.median(values))


def _took(work: Callable[[], Any]) -> tuple[float, float]:
    """Return wall seconds and processor seconds; the latter of this process and of the children it waited for."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - start, sum(os.times()[:4]) - before
