"""Train the reader of the quality room: particle and neighbour masks, and charging, from rendered scenes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from sem_curate.embed.training import loop
from sem_curate.embed.training.reader_net import Network, to_onnx
from sem_curate.embed.training.scenes import Scene, Shot, scene
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent
from sem_curate.quality.reader import CARD, SIDE, WEIGHTS, stretch

STATE = "reader.safetensors"  # what a later training can start from; batch norm is folded away in the ONNX file
FIRST_SEED = 1_000_000  # benchmarks render seeds below
# Where particles are shows at a smaller size too, in half the time; exact outlines need the size of use.
SIZE, EARLY_SIZE, EARLY_SHARE = SIDE, 96, 0.5
RING = 2  # pixels at the frame count more: whether the frame cuts the particle is decided there
RING_WEIGHT = 3.0
CHARGING_WEIGHT = 2.0


def train(
    shots: Sequence[Shot],
    out: Path,
    config: loop.TrainConfig,
    *,
    facts: dict[str, Any],
    start: Path | None = None,
    progress: Progress = silent,
) -> loop.Outcome:
    """Train a network, and write its ONNX file, its card, and the state to go on from.

    Args:
        shots: rendered views (``scenes.render_shots``).
        out: folder for ``reader.onnx`` and ``reader.json``.
        config: budget; ``batch`` counts scenes.
        facts: what the card says about the material, e.g. how many particles of which seed.
        start: folder of an earlier training to go on from.
        progress: called with percent done.

    Raises:
        InputError: when ``start`` holds no training.
    """
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = Network()
    if start is not None:
        _resume(network, start)

    def step(size: int) -> torch.Tensor:
        return _loss(network, [scene(rng, shots, size) for _ in range(config.batch)])

    trained, outcome = loop.run(network, step, config, progress)
    save(trained, out, {**facts, "steps": outcome.steps, "scenes": outcome.steps * config.batch, "seed": config.seed})
    save_file({name: tensor.contiguous() for name, tensor in trained.state_dict().items()}, str(out / STATE))
    return outcome


def _resume(network: Network, folder: Path) -> None:
    if not (folder / STATE).is_file():
        raise InputError(f"'{folder}' holds no {STATE}; give a folder that 'sem-curate train reader' wrote")
    network.load_state_dict(load_file(str(folder / STATE)))


def save(network: torch.nn.Module, out: Path, facts: dict[str, Any]) -> None:
    """Write weights and card."""
    content = to_onnx(network)  # type: ignore[arg-type]
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS.name).write_bytes(content)
    card = {
        "name": "sem-curate reader",
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": "grey image without info bar, squeezed to 128 x 128, contrast stretched",
        "output": "probability of the particle and of other particles per pixel; log(1 + charging)",
        "data": "simulated particles of this project only; no real image was used for training",
        "limits": "charging is learned from simulated faults; thin needles blur at 128 pixels",
        **facts,
    }
    (out / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _loss(network: Network, scenes: Sequence[Scene]) -> torch.Tensor:
    images = torch.from_numpy(np.stack([stretch(one.image) for one in scenes]))[:, None]
    truth = torch.from_numpy(np.stack([np.stack([one.particle, one.others]) for one in scenes]).astype(np.float32))
    charging = torch.tensor([one.charging for one in scenes], dtype=torch.float32)
    maps, found = network(images)
    weight = torch.full(maps.shape[-2:], RING_WEIGHT)
    weight[RING:-RING, RING:-RING] = 1
    pixels = functional.binary_cross_entropy_with_logits(maps, truth, reduction="none")
    seen = torch.sigmoid(maps[:, 0])
    overlap = (2 * (seen * truth[:, 0]).sum((1, 2)) + 1) / (seen.sum((1, 2)) + truth[:, 0].sum((1, 2)) + 1)
    errors = CHARGING_WEIGHT * functional.mse_loss(found, torch.log1p(charging))
    return (pixels * weight).mean(dim=(0, 2, 3)) @ torch.tensor([1.0, 0.5]) + 0.5 * (1 - overlap).mean() + errors
