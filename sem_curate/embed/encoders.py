"""The one table of encoder families: a name resolves to a loader, and nothing is found by scanning.

=========================================  ==========================================================
name                                       what it is
=========================================  ==========================================================
``bundled:sem-dino``, ``bundled:sem-clip``  trained by this project on rendered particles; offline
``trained:<folder>``                       what ``sem-curate train`` wrote
``timm:<name>[@checkpoint]``               any timm model; checkpoint = file or hub-style folder
``timm:local-dir:<folder>``                a folder in the hub's format, which names its own model
``timm:<name>[@checkpoint]#pool=mask``     a vision transformer, patch tokens pooled inside the particle (or ``avg``)
``open_clip:<arch>/<tag or path>``         any open_clip model; path = file or ``open_clip_config.json`` folder
``open_clip:local-dir:<folder>``           the same folder; ``hf-hub:<owner>/<name>`` works for both libraries
``onnx:<file>``                            image side of any of these, written by ``sem-curate export onnx``
=========================================  ==========================================================
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.errors import UnknownEncoderError, did_you_mean

MARK: Final = "#pool="  # begins the choice of pooling at the end of a name

# family -> module with ``load(name, rest) -> Encoder``. Modules load only when asked for: torch takes seconds.
FAMILIES: Final = {
    "bundled": "sem_curate.embed.bundled",
    "trained": "sem_curate.embed.trained",
    "timm": "sem_curate.embed.timm_encoder",
    "open_clip": "sem_curate.embed.clip_encoder",
    "onnx": "sem_curate.embed.onnx_encoder",
}

DEFAULT_IMAGE: Final = "bundled:sem-dino"  # decides
DEFAULT_TEXT: Final = "bundled:sem-clip"  # supports: search, second opinions
DEFAULTS: Final = (DEFAULT_IMAGE, DEFAULT_TEXT)


class Encoder(Protocol):
    """Turns grey images, and sometimes sentences, into unit vectors of one space."""

    id: str
    """The name as given to `get_encoder`."""
    key: str
    """Folder-safe slug and hash of (name, preprocessing, weights); vectors of different keys never mix."""
    dim: int
    supports_text: bool
    batch: int
    """Images per network call that suit this network on this machine."""
    provenance: dict[str, Any]
    """JSON values stored with the vectors: ``id``, ``key``, ``weights``, ``preprocessing_hash``, ``preprocessing``."""
    takes_mask: bool
    """Whether vectors depend on where the particle is; ``preprocess`` finds it when no mask is given."""

    def preprocess(self, image: Image, mask: Bools | None = None) -> Floats:
        """(H, W) grey of any dtype -> (C, h, w) float32. Callable from several threads."""

    def embed_images(self, batch: Floats) -> Floats:
        """(B, C, h, w) float32 -> (B, D) float32 unit rows."""

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """T sentences -> (T, D) float32 unit rows; EncoderError when there is no text side."""


@lru_cache(maxsize=4)
def get_encoder(name: str) -> Encoder:
    """Return the encoder of this name, loading it once per process.

    Args:
        name: ``family:rest``, see the table above.

    Raises:
        UnknownEncoderError: no such family or model, with the closest known name.
        EncoderError: the weights are missing, cannot be fetched, or do not fit.
    """
    family, colon, rest = name.partition(":")
    if not colon or family not in FAMILIES or not rest:
        known = [*DEFAULTS, *(f"{known_family}:" for known_family in FAMILIES)]
        hint = did_you_mean(name, known) or did_you_mean(f"bundled:{name}", known)
        raise UnknownEncoderError(
            f"no encoder is called '{name}'; a name is FAMILY:MODEL with FAMILY one of {', '.join(FAMILIES)}.{hint}"
        )
    if MARK in rest and family != "timm":
        raise UnknownEncoderError(
            f"'{name}' asks for a pooling, which only vision transformers of 'timm:' offer; leave out '{MARK}...'"
        )
    encoder: Encoder = importlib.import_module(FAMILIES[family]).load(name, rest)
    return encoder
