"""Write the image side of a torch encoder as ONNX, in full precision or 8 bits, and measure what that costs."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from sem_curate.arrays import Floats, Image
from sem_curate.embed.encoders import Encoder
from sem_curate.embed.network import TorchEncoder
from sem_curate.embed.onnx_encoder import INPUT, INSTALL, META, OUTPUT
from sem_curate.errors import EncoderError, SetupError

OPSET: Final = 18
# What an export in full precision has to reach on every image; below it, something was translated wrongly.
COSINE: Final = 0.9999
NEAREST: Final = 10


@dataclass(frozen=True)
class Loss:
    """How far vectors of one encoder are from those of another, over the same N images.

    Attributes:
        cosine_min: of the worst image, at most 1; higher is better.
        cosine_mean: over images.
        neighbours: share of the nearest ten (or N - 1) images that both find, in [0, 1]; higher is better.
    """

    images: int
    cosine_min: float
    cosine_mean: float
    neighbours: float


def export(encoder: Encoder, out: Path, *, int8: bool = False) -> Path:
    """Write an ``onnx:`` encoder.

    Args:
        encoder: a torch encoder.
        out: ``.onnx`` is added when missing; replaced only when the export succeeded.
        int8: store and multiply weights in 8 bits (dynamic quantisation: no calibration images needed).

    Returns:
        The file written. Networks above 2 GB have a ``.data`` file beside it.

    Raises:
        SetupError: the extra ``onnx`` is not installed.
        EncoderError: not a torch encoder, or the network cannot be translated.
    """
    if not isinstance(encoder, TorchEncoder):
        raise EncoderError(f"'{encoder.id}' is an ONNX file already; export the encoder it was made from")
    target = out if out.suffix == ".onnx" else out.with_name(out.name + ".onnx")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        whole = Path(folder) / target.name
        _translate(encoder, whole)
        if int8:
            _quantize(whole)
        for part in sorted(Path(folder).iterdir(), key=lambda path: path == whole):  # the file itself comes last
            shutil.move(part, target.parent / part.name)
    return target


def compare(first: Encoder, second: Encoder, images: Sequence[Image]) -> Loss:
    """Return how far the vectors of ``second`` are from those of ``first`` on the same (H, W) images."""
    one, other = (_embed(encoder, images) for encoder in (first, second))
    cosine = np.clip((one * other).sum(axis=1), -1, 1)
    both = [len(set(a) & set(b)) / len(a) for a, b in zip(_nearest(one), _nearest(other), strict=True)]
    return Loss(len(images), float(cosine.min()), float(cosine.mean()), float(np.mean(both)))


def _embed(encoder: Encoder, images: Sequence[Image]) -> Floats:
    inputs = (encoder.preprocess(image) for image in images)
    return np.concatenate([encoder.embed_images(one[None]) for one in inputs])


def _nearest(vectors: Floats) -> list[list[int]]:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    ranked: list[list[int]] = np.argsort(-similar, axis=1)[:, : min(NEAREST, len(vectors) - 1)].tolist()
    return ranked


def _translate(encoder: TorchEncoder, path: Path) -> None:
    told = {**encoder.provenance, "takes_mask": encoder.takes_mask}
    tower = encoder.tower().cpu()
    try:
        with _quiet():
            program = torch.onnx.export(
                tower, (torch.zeros(2, *encoder.input_shape),), dynamo=True, opset_version=OPSET,
                input_names=[INPUT], output_names=[OUTPUT], verbose=False,
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=65536)}},
            )  # fmt: skip
            assert program is not None  # with dynamo it is always one
            program.model.metadata_props[META] = json.dumps(told)
            program.save(str(path))
    except ImportError as error:
        raise SetupError(f"exporting to ONNX needs the packages onnx and onnxscript; {INSTALL}") from error
    except Exception as error:  # the exporter raises many kinds
        reason = " ".join(str(error).split())[:240]
        raise EncoderError(f"'{encoder.id}' cannot be translated to ONNX ({reason})") from error
    finally:
        encoder.to_device()


def _quantize(path: Path) -> None:
    """Replace a file by its 8-bit version, keeping its metadata."""
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise SetupError(f"8-bit networks need the packages onnx and onnxruntime; {INSTALL}") from error
    full = path.with_suffix(".full")
    path.rename(full)
    with _quiet():
        # Per channel: one scale for a whole matrix loses the small channels of a vision transformer.
        quantize_dynamic(str(full), str(path), weight_type=QuantType.QInt8, per_channel=True)
        model = onnx.load(str(path))
        kept = {entry.key: entry.value for entry in onnx.load(str(full), load_external_data=False).metadata_props}
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, kept)
        onnx.save(model, str(path))
    full.unlink()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's own advice out of the user's terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def megabytes(path: Path) -> float:
    """Return the size of an exported network, weights beside it included."""
    parts = (path, path.with_name(path.name + ".data"))
    return sum(os.path.getsize(part) for part in parts if part.is_file()) / 2**20


def as_dict(loss: Loss) -> dict[str, Any]:
    """Return the loss as JSON values."""
    return {"images": loss.images, "cosine_min": loss.cosine_min, "cosine_mean": loss.cosine_mean,
            "same_nearest": loss.neighbours}  # fmt: skip
