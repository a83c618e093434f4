"""What both trainings share: a time budget, learning-rate schedule, weight averaging, and saving."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sem_curate.embed.trained import CONFIG, WEIGHTS
from sem_curate.errors import EncoderError, InputError
from sem_curate.progress import Progress

# Short warm-up: with a few hundred steps in all, every step counts.
WARMUP = 0.05
# Averages roughly the last hundred steps; small batches make single steps noisy.
AVERAGING = 0.99


@dataclass(frozen=True)
class TrainConfig:
    """How long and how to train. The time budget makes the result depend on the machine; ``steps`` does not."""

    minutes: float = 12.0
    steps: int | None = None  # train exactly this many steps instead
    seed: int = 0
    size: int = 96
    early_size: int = 64  # the first part runs on smaller images, 2.2 times faster
    early_share: float = 0.6
    batch: int = 128  # particles; each gives two images
    learning_rate: float = 2e-3
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot train."""
        if self.minutes <= 0 or self.batch < 4 or (self.steps is not None and self.steps < 1):
            raise InputError(
                f"training needs minutes > 0, batch >= 4 and steps >= 1; got {self.minutes}, {self.batch}, {self.steps}"
            )


@dataclass(frozen=True)
class Outcome:
    """What a training run did."""

    steps: int
    seconds: float
    losses: list[float]  # mean per tenth of the run


def run(
    model: torch.nn.Module, step: Callable[[int], torch.Tensor], config: TrainConfig, progress: Progress
) -> tuple[torch.nn.Module, Outcome]:
    """Minimise ``step(image_size)`` until the budget is spent.

    Args:
        model: everything that is trained.
        step: computes one loss on images of the given side.
        config: budget and rates.
        progress: called with percent done and the latest loss.

    Returns:
        The averaged model and what happened.
    """
    torch.set_num_threads(config.threads)
    optimiser = torch.optim.AdamW(parameter_groups(model), lr=config.learning_rate, betas=(0.9, 0.98))
    average = get_ema_multi_avg_fn(AVERAGING)  # type: ignore[no-untyped-call]
    # Buffers are copied, not averaged: the text tower keeps a mask of -inf among them, whose average is NaN.
    averaged = AveragedModel(model, multi_avg_fn=average, use_buffers=False)
    losses: list[float] = []
    started = time.monotonic()
    model.train()
    for share in _shares(config, started):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate(share)
        optimiser.zero_grad()
        loss = step(config.early_size if share < config.early_share else config.size)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        # Early on the average would be dominated by the random start.
        averaged.update_parameters(model) if share > 0.1 else averaged.module.load_state_dict(model.state_dict())
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise EncoderError(f"training diverged at step {len(losses)}; use a smaller learning rate or larger batch")
        progress(round(100 * share), 100, f"loss {np.mean(losses[-20:]):.3f}, step {len(losses)}")
    outcome = Outcome(
        len(losses), time.monotonic() - started, [float(np.mean(p)) for p in np.array_split(losses, 10) if len(p)]
    )
    return averaged.module.eval(), outcome


def save(model: torch.nn.Module, folder: Path, config: dict[str, Any], card: str) -> None:
    """Write weights as float16 safetensors, the config, and the model card."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: _half(tensor) for name, tensor in model.state_dict().items()}
    save_file(state, str(folder / WEIGHTS))
    (folder / WEIGHTS).chmod(0o644)  # safetensors makes it private, and an installed package is shared
    (folder / CONFIG).write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield random index batches for ever, each particle once per epoch."""
    size = min(size, count)
    while True:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield np.sort(order[start : start + size])


def _half(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.is_floating_point() else tensor


def _shares(config: TrainConfig, started: float) -> Iterator[float]:
    """Yield the share of the budget that is spent, until all is."""
    if config.steps is not None:
        yield from (number / config.steps for number in range(config.steps))
        return
    while (share := (time.monotonic() - started) / (60 * config.minutes)) < 1:
        yield share


def rate(share: float) -> float:
    """Return the learning rate at a share of the run, relative to the highest: a short warm-up, then a cosine."""
    return min(share / WARMUP, 1.0) * 0.5 * (1 + math.cos(math.pi * share)) + 0.01


def parameter_groups(model: torch.nn.Module) -> list[dict[str, Any]]:
    """Split for the optimiser: weight decay for matrices and kernels only, as is usual."""
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    return [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
