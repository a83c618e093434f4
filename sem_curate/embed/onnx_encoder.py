"""Family ``onnx:<file>``: the image side of an encoder, run by ONNX Runtime; the file says how to prepare images.

Needs the extra ``onnx``. Files come from ``sem-curate export onnx``; torch is not needed to run them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Image, unit_rows
from sem_curate.embed.identity import encoder_key, provenance
from sem_curate.embed.prepare import CPU_BATCH, preferred_batch, prepare
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError, SetupError
from sem_curate.parallel import available_cores

META: Final = "sem_curate"  # the model's own metadata entry: JSON
INPUT, OUTPUT = "images", "vectors"
INSTALL: Final = "install it with: pip install 'sem-curate[onnx]'"
PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")


def load(name: str, rest: str) -> OnnxEncoder:
    """Load an exported encoder.

    Args:
        name: the full encoder name, kept as its id.
        rest: the ``.onnx`` file.

    Raises:
        SetupError: ONNX Runtime is not installed.
        EncoderError: no such file, damaged, or not one of ours.
    """
    path = Path(rest).expanduser()
    if not path.is_file():
        raise EncoderError(f"there is no ONNX file '{path}'; write one with: sem-curate export onnx --out '{path}'")
    session = _session(path)
    entry = session.get_modelmeta().custom_metadata_map.get(META)
    if entry is None:
        raise EncoderError(
            f"'{path}' does not say how images are prepared for it; use a file written by 'sem-curate export onnx'"
        )
    try:
        told = json.loads(entry)
        settings = {**told["preprocessing"], **{k: tuple(told["preprocessing"][k]) for k in ("mean", "std")}}
        return OnnxEncoder(name, session, Preprocessing(**settings), _file_hash(path), bool(told["takes_mask"]))
    except (ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"'{path}' describes its input wrongly ({error}); export it again") from error


class OnnxEncoder:
    """An `Encoder` around an ONNX Runtime session."""

    supports_text = False

    def __init__(self, name: str, session: Any, preprocessing: Preprocessing, weights: str, takes_mask: bool) -> None:
        """Derive the key and try one image.

        Args:
            name: the encoder's name as the user gave it.
            session: takes ``images`` (B, C, H, W), gives ``vectors`` (B, D).
            preprocessing: applied to each image.
            weights: hash of the file.
            takes_mask: the network wants the particle mask as one more channel.
        """
        self._session, self.preprocessing, self.takes_mask = session, preprocessing, takes_mask
        self.id = name
        self.key = encoder_key(name, preprocessing, weights)
        self._shape = (len(preprocessing.mean) + takes_mask, preprocessing.height, preprocessing.width)
        self.batch = preferred_batch(self._shape, CPU_BATCH)
        self.dim = int(self.embed_images(np.zeros((1, *self._shape), np.float32)).shape[1])
        self.provenance: dict[str, Any] = {
            **provenance(name, self.key, preprocessing, weights), "supports_text": False,
        }  # fmt: skip

    def preprocess(self, image: Image, mask: Bools | None = None) -> Floats:
        """Prepare one (H, W) grey image: (C, h, w) float32. Safe to call from several threads."""
        return prepare(self.preprocessing, image, mask, takes_mask=self.takes_mask)

    def embed_images(self, batch: Floats) -> Floats:
        """Embed prepared images: (B, C, H, W) float32 -> (B, D) float32 unit rows.

        Raises:
            EncoderError: when the batch has another shape, or the network answers NaN.
        """
        if batch.ndim != 4 or batch.shape[1:] != self._shape:
            raise EncoderError(f"encoder '{self.id}' takes batches of shape (B, {self._shape}); got {batch.shape}")
        if not len(batch):
            return np.zeros((0, self.dim), np.float32)
        parts = range(0, len(batch), self.batch)
        return np.concatenate([self._run(batch[at : at + self.batch]) for at in parts])

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Refuse: only image sides are exported.

        Raises:
            EncoderError: always.
        """
        raise EncoderError(
            f"encoder '{self.id}' reads images only; search in words needs 'bundled:sem-clip' or 'open_clip:...'"
        )

    def _run(self, part: Floats) -> Floats:
        raw = self._session.run([OUTPUT], {INPUT: np.ascontiguousarray(part, np.float32)})[0]
        if raw.ndim != 2 or not np.isfinite(raw).all():
            raise EncoderError(f"encoder '{self.id}' answered shape {raw.shape} or non-finite numbers; export it again")
        return unit_rows(raw)


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SetupError(f"'onnx:' encoders need ONNX Runtime; {INSTALL}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = 3  # errors only: warnings of its optimizer are nothing to act on
    providers = [known for known in PROVIDERS if known in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # the runtime raises kinds of its own
        reason = " ".join(str(error).split())[:240]
        raise EncoderError(f"'{path}' cannot be run ({reason}); copy or export it again") from error


def _file_hash(path: Path) -> str:
    """Hash the file, and the ``.data`` beside it that holds the weights of networks above 2 GB."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (path, path.with_name(path.name + ".data")):
        if part.is_file():
            with part.open("rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
    return digest.hexdigest()
