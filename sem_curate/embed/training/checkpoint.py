"""Training state on disk: safetensors and JSON, no pickles, replaced in one piece."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import torch

from sem_curate.errors import EncoderError

NAME: Final = "checkpoint.safetensors"


def save(folder: Path, modules: dict[str, torch.nn.Module], optimiser: torch.optim.Optimizer, facts: Any) -> None:
    """Write all state of a run.

    Args:
        folder: receives ``checkpoint.safetensors``; an older one is replaced.
        modules: by name.
        optimiser: its tensors are kept per parameter.
        facts: anything JSON can hold: where the run stands.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{name}/{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    for index, entry in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{key}": value for key, value in entry.items()}
    # Copies: safetensors refuses tensors that share memory.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    temporary = folder / f"{NAME}.{os.getpid()}.tmp"
    save_file(plain, str(temporary), metadata={"facts": json.dumps(facts)})
    os.replace(temporary, folder / NAME)


def facts(folder: Path) -> Any:
    """Return what `save` was told about the run, or None without a checkpoint.

    Raises:
        EncoderError: when the file is damaged.
    """
    if not (folder / NAME).is_file():
        return None
    from safetensors import safe_open

    try:
        with safe_open(str(folder / NAME), "pt") as file:
            return json.loads((file.metadata() or {})["facts"])
    except Exception as error:
        raise EncoderError(_damaged(folder)) from error


def load(folder: Path, modules: dict[str, torch.nn.Module], optimiser: torch.optim.Optimizer) -> None:
    """Put the state that `save` wrote back into modules and optimiser.

    Raises:
        EncoderError: when the file is damaged or of another network.
    """
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(folder / NAME))
        for name, module in modules.items():
            module.load_state_dict(_below(tensors, f"{name}/"))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _below(tensors, "optimiser/").items():
            index, _, key = name.partition("/")
            state.setdefault(int(index), {})[key] = tensor
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    except Exception as error:
        raise EncoderError(_damaged(folder)) from error


def discard(folder: Path) -> None:
    """Remove the checkpoint of a finished run."""
    (folder / NAME).unlink(missing_ok=True)


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _damaged(folder: Path) -> str:
    return (
        f"'{folder / NAME}' does not hold the state of this training; delete it to start afresh, or use another --out"
    )
