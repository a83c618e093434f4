"""Learned rungs on disk: ``model.safetensors`` and ``model.json`` in a folder named after what is in it. No pickles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from sem_curate.config import IntegrateConfig, as_dict
from sem_curate.errors import InputError
from sem_curate.integrate.contract import QualityMean
from sem_curate.integrate.learned import LearnedIntegrator
from sem_curate.integrate.networks import EXTRA, NETWORKS

FORMAT: Final = 1
WEIGHTS: Final = "model.safetensors"
CARD: Final = "model.json"


def save(model: LearnedIntegrator, root: Path) -> Path:
    """Write a model to ``root/<rung>-<version>``; the same model is written once.

    Returns:
        The folder; complete or absent, because it is renamed into place.
    """
    folder = root / f"{model.rung}-{model.version}"
    if (folder / CARD).is_file():
        return folder
    tensors = {f"network.{name}": value.contiguous() for name, value in model.network.state_dict().items()}
    for name, array in (("means", model.start.means), ("usual", model.start.usual)):
        if array is not None:
            tensors[f"start.{name}"] = torch.from_numpy(np.array(array, np.float32))
    blob = save_tensors(tensors)
    card = {
        "format": FORMAT,
        "rung": model.rung,
        "version": model.version,
        "dim": _dim(model),
        "sha256": hashlib.sha256(blob).hexdigest(),
        "integrate": as_dict(model.start.config),
        "notes": dict(model.notes),
    }
    temporary = root / f".{folder.name}.{os.getpid()}"
    temporary.mkdir(parents=True, exist_ok=True)
    (temporary / WEIGHTS).write_bytes(blob)
    (temporary / CARD).write_text(json.dumps(card, indent=1, sort_keys=True), encoding="utf-8")
    if folder.exists():  # an incomplete one
        shutil.rmtree(folder)
    os.replace(temporary, folder)
    return folder


def load(folder: Path) -> LearnedIntegrator:
    """Read a model written by :func:`save`.

    Raises:
        InputError: files are missing, of another format, or not what the card says.
    """
    card = _card(folder)
    try:
        blob = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(f"'{folder}' has no {WEIGHTS}; train again with 'sem-curate train integrator'") from error
    if hashlib.sha256(blob).hexdigest() != card.get("sha256"):
        raise InputError(f"'{folder / WEIGHTS}' is not the file its {CARD} describes; train again or restore it")
    try:
        tensors = load_tensors(blob)
        network = NETWORKS[card["rung"]](int(card["dim"]))
        network.load_state_dict({k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")})
        start = QualityMean(
            _array(tensors, "start.means"), _array(tensors, "start.usual"), IntegrateConfig(**card["integrate"])
        )
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"'{folder}' does not hold a learned integrator ({error})") from error
    return LearnedIntegrator(card["rung"], start, network.eval().requires_grad_(False), card.get("notes", {}))


def _card(folder: Path) -> dict[str, Any]:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{folder}' has no readable {CARD}; train one with 'sem-curate train integrator'"
        ) from error  # fmt: skip
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InputError(f"'{folder / CARD}' is not of format {FORMAT}; train again with this version")
    return card


def _dim(model: LearnedIntegrator) -> int:
    first = next(layer for layer in model.network.modules() if isinstance(layer, torch.nn.Linear))
    return int(first.in_features) - EXTRA


def _array(tensors: dict[str, torch.Tensor], name: str) -> Any:
    return tensors[name].numpy() if name in tensors else None
