"""Read where the particle and its neighbours are, with a small network of this project.

The network learned on simulated images only (``sem-curate train reader``); its card beside the weights says on which
and how well it does. Charging was learned on simulated images as well: a score, not a measurement.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.errors import InputError

SIDE: Final = 128
WEIGHTS: Final = Path(__file__).with_name("weights") / "reader.onnx"
CARD: Final = "reader.json"
REACH: Final = (-0.5, 1.5)  # of the stretched range; a burnt-in label or a dead pixel may not outshine the rest

_local = threading.local()  # cv2.dnn networks are not thread-safe, so every thread keeps its own


@dataclass(frozen=True)
class Reading:
    """What the network sees.

    Attributes:
        particle: (128, 128) float32, probability that a pixel shows the main particle; the image squeezed to a square.
        others: (128, 128) float32, probability that it shows another particle.
        charging: strength as simulated, >= 0; above 0.3 a person complains.
    """

    particle: Floats
    others: Floats
    charging: float


def read(unit: Floats) -> Reading:
    """Read an image without its info bar.

    Args:
        unit: (H, W) float32, any range; contrast is stretched.

    Raises:
        InputError: when the weights are missing or damaged.
    """
    net = network()
    net.setInput(prepare(unit)[None, None])
    maps, charging = net.forward(["maps", "charging"])
    probabilities = 1 / (1 + np.exp(-np.clip(_unshuffle(maps[0]), -30, 30)))
    return Reading(probabilities[0], probabilities[1], max(0.0, float(np.expm1(np.clip(charging.item(), -1, 5)))))


def prepare(unit: Floats) -> Floats:
    """Squeeze to 128 x 128 and stretch the contrast: 1st percentile to 0, 99th to 1."""
    shrinks = unit.shape[0] >= SIDE and unit.shape[1] >= SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return stretch(cv2.resize(np.asarray(unit, np.float32), (SIDE, SIDE), interpolation=how))


def stretch(square: Floats) -> Floats:
    """Move the 1st percentile to 0 and the 99th to 1."""
    low, high = np.percentile(square, (1, 99))
    scaled: Floats = np.clip((square - np.float32(low)) / np.float32(max(high - low, 1e-3)), *REACH).astype(np.float32)
    return scaled


def _unshuffle(maps: Floats) -> Floats:
    """Lay (8, h, w) out as (2, 2 h, 2 w): each output pixel is one of four channels."""
    _, height, width = maps.shape
    blocks = maps.reshape(2, 2, 2, height, width).transpose(0, 3, 1, 4, 2)
    laid: Floats = blocks.reshape(2, 2 * height, 2 * width)
    return laid


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """Return the model card that lies beside the weights.

    Raises:
        InputError: when there is none, or it is not JSON.
    """
    path = weights.with_suffix(".json")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' is missing or damaged; install sem-curate again") from error
    return content


@cache
def load_bytes(weights: Path = WEIGHTS) -> bytes:
    """Return the weights after comparing them with the hash on the card.

    Raises:
        InputError: when the file is missing, or not the one the card describes.
    """
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise InputError(f"'{weights}' is missing; install sem-curate again") from error
    if hashlib.sha256(content).hexdigest() != card(weights)["sha256"]:
        raise InputError(f"'{weights}' is not the file its card describes; install sem-curate again")
    return content


def network(weights: Path = WEIGHTS) -> Any:
    """Return a network of this thread, ready to run.

    Raises:
        InputError: when the weights are missing or damaged.
    """
    held = _local.__dict__.setdefault("networks", {})
    if weights not in held:
        held[weights] = cv2.dnn.readNetFromONNX(np.frombuffer(load_bytes(weights), np.uint8))
    return held[weights]
