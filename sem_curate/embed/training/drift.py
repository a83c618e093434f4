"""Train the network of the quality room that sees displaced scan lines."""

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
from sem_curate.embed.training.drift_lessons import Lesson, Signal, lesson
from sem_curate.embed.training.drift_net import Network, to_onnx
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent
from sem_curate.quality.drift import WEIGHTS, encoded

STATE = "drift.safetensors"  # what a later training can start from
FIRST_SEED = 1_200_000  # benchmarks render seeds below 10,000, and these are not the reader's either
PRESENT, ABSENT = 4.0, 1.2  # 128ths of the side; between them a person may or may not complain
MOVED = 0.3  # below, the renderer displaces nothing, and there is no deviation to learn
FRESH = 4  # a lesson is made anew for so many that are taken
HELD = 16_384  # lessons that are kept, 3 GB
STEP_WEIGHT = 3.0


def train(
    signals: Sequence[Signal],
    out: Path,
    config: loop.TrainConfig,
    *,
    facts: dict[str, Any],
    start: Path | None = None,
    progress: Progress = silent,
) -> loop.Outcome:
    """Train a network, and write its ONNX file, its card, and the state to go on from.

    Args:
        signals: rendered once (``drift_lessons.render_signals``).
        out: folder for ``drift.onnx`` and ``drift.json``.
        config: budget; ``batch`` counts lessons. Image sizes are fixed.
        facts: what the card says about the material.
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
    held: list[Lesson] = []

    def step(_: int) -> torch.Tensor:
        wanted = config.batch if len(held) < config.batch else max(1, config.batch // FRESH)
        for _ in range(wanted):
            held.append(lesson(rng, signals))
        del held[:-HELD]
        return loss(network, [held[int(index)] for index in rng.integers(len(held), size=config.batch)])

    trained, outcome = loop.run(network, step, config, progress)
    save(trained, out, {**facts, "steps": outcome.steps, "lessons": outcome.steps * config.batch, "seed": config.seed})
    save_file({name: tensor.contiguous() for name, tensor in trained.state_dict().items()}, str(out / STATE))
    return outcome


def _resume(network: Network, folder: Path) -> None:
    if not (folder / STATE).is_file():
        raise InputError(f"'{folder}' holds no {STATE}; give a folder that 'sem-curate train drift' wrote")
    network.load_state_dict(load_file(str(folder / STATE)))


def save(network: torch.nn.Module, out: Path, facts: dict[str, Any]) -> None:
    """Write weights and card."""
    content = to_onnx(network)  # type: ignore[arg-type]
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS.name).write_bytes(content)
    card = {
        "name": "sem-curate drift",
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": "grey image without info bar, 256 columns and at most 256 rows: tilt of edges per cell, and pixels",
        "output": "logit that scan lines are displaced; log(1 + 2 x deviation in pixels) if they are",
        "data": "simulated particles of this project only; no real image was used for training",
        "limits": "drift as the renderer draws it: slow shear, a random walk and one jump; shear alone cannot be seen",
        **facts,
    }
    (out / WEIGHTS.with_suffix(".json").name).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def loss(network: Network, lessons: Sequence[Lesson]) -> torch.Tensor:
    """Return the error of steps, of the answer where a person has one, and of the deviation where there is drift."""
    tilts, pixels = (
        torch.from_numpy(np.stack(parts)).float()
        for parts in ([one.tilts for one in lessons], [one.pixels for one in lessons])
    )
    steps, held = (
        torch.from_numpy(np.stack(parts)) for parts in ([one.steps for one in lessons], [one.held for one in lessons])
    )
    drift = torch.tensor([one.drift for one in lessons])
    size = torch.tensor([encoded(one.deviation) for one in lessons])
    # Halves the time where the processor can; exact sums are kept outside.
    with torch.autocast("cpu", torch.bfloat16):
        seen = network(tilts, pixels)
    off = functional.smooth_l1_loss(seen.steps.float(), steps, reduction="none", beta=0.3)
    said = functional.binary_cross_entropy_with_logits(seen.logit.float(), (drift >= PRESENT).float(), reduction="none")
    sized = functional.smooth_l1_loss(seen.size.float(), size, reduction="none", beta=0.2)
    clear, moved = ((drift >= PRESENT) | (drift <= ABSENT)).float(), (drift > MOVED).float()
    return STEP_WEIGHT * (off * held).sum() / held.sum() + (said * clear).mean() + (sized * moved).mean()
