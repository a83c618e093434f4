"""Run a self-distillation: budget, checkpoints, held-out figure, early stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sem_curate.embed.training import checkpoint, loop, material
from sem_curate.embed.training.augment import GLOBAL_CROP, augment
from sem_curate.embed.training.distil import DistilConfig, Distiller
from sem_curate.errors import EncoderError
from sem_curate.progress import Progress

CLIP = 2.0  # largest norm of a gradient


# Called with the step and what was measured; an experiment tracker can listen.
Tracker = Callable[[int, dict[str, float]], None]


def ignore(step: int, measured: dict[str, float]) -> None:
    """Take no note."""


@dataclass
class Standing:
    """Where a run stands; all of it is in the checkpoint."""

    steps: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    best: float = -1.0
    since_best: int = 0
    held_out: list[float] = field(default_factory=list)


def run(
    distiller: Distiller,
    sources: Sequence[material.Source],
    config: DistilConfig,
    folder: Path,
    facts: dict[str, Any],
    progress: Progress,
    track: Tracker,
) -> Standing:
    """Train until the budget is spent or the held-out figure stops rising.

    Args:
        distiller: is trained.
        sources: batches are drawn from them.
        config: budget; the learning rate follows a cosine after a short warm-up.
        folder: receives the checkpoint, and may hold one to go on from.
        facts: identify the run; a checkpoint of another run is refused.
        progress: called with percent done.
        track: called at every check.

    Raises:
        EncoderError: on a checkpoint of other settings, or when training diverges.
    """
    torch.set_num_threads(config.threads)
    optimiser = torch.optim.AdamW(loop.parameter_groups(distiller.student), lr=config.learning_rate, betas=(0.9, 0.98))
    modules = {"student": distiller.student, "teacher": distiller.teacher, "loss": distiller.loss}
    standing = _resume(folder, modules, optimiser, facts)
    exam = material.held_out(sources)
    distiller.student.train()
    distiller.teacher.train()
    begun, saved = time.monotonic() - standing.seconds, time.monotonic()
    while (share := _share(config, standing)) < 1 and not _stalled(config, standing):
        _step(distiller, sources, optimiser, standing, share)
        standing.seconds = time.monotonic() - begun
        progress(round(100 * share), 100, f"loss {np.mean(standing.losses[-20:]):.3f}, step {standing.steps}")
        if standing.steps % config.check_every == 0:
            _check(distiller, exam, standing, config.side(share))
            track(standing.steps, {"loss": float(np.mean(standing.losses[-50:])), "held_out": standing.held_out[-1]})
        if time.monotonic() - saved >= 60 * config.checkpoint_minutes:
            checkpoint.save(folder, modules, optimiser, {"run": facts, "standing": asdict(standing)})
            saved = time.monotonic()
    return standing


def retrieval(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return the share of rows of ``first`` whose nearest row of ``second`` is their own other view.

    Args:
        first: (P, D).
        second: (P, D), row i another view of what row i of ``first`` shows.
    """
    similar = torch.nn.functional.normalize(first, dim=1) @ torch.nn.functional.normalize(second, dim=1).T
    return float((similar.argmax(1) == torch.arange(len(first))).float().mean())


def summary(standing: Standing) -> dict[str, Any]:
    """Return what the model card says about how a run went."""
    return {
        "steps": standing.steps,
        "seconds": round(standing.seconds),
        "loss_by_tenth": [round(float(np.mean(p)), 3) for p in np.array_split(standing.losses, 10) if len(p)],
        "held_out_retrieval": [round(value, 3) for value in standing.held_out[-1:]],
    }


def _resume(folder: Path, modules: dict[str, Any], optimiser: torch.optim.Optimizer, facts: dict[str, Any]) -> Standing:
    found = checkpoint.facts(folder)
    if found is None:
        return Standing()
    if found["run"] != facts:
        changed = sorted(key for key in {*found["run"], *facts} if found["run"].get(key) != facts.get(key))
        raise EncoderError(
            f"'{folder}' holds a run that was cut off and had other settings ({', '.join(changed)}); "
            f"give the same ones to go on, or another --out, or delete '{checkpoint.NAME}' there"
        )
    checkpoint.load(folder, modules, optimiser)
    return Standing(**found["standing"])


def _step(
    distiller: Distiller,
    sources: Sequence[material.Source],
    optimiser: torch.optim.Optimizer,
    standing: Standing,
    share: float,
) -> None:
    config = distiller.config
    for group in optimiser.param_groups:
        group["lr"] = config.learning_rate * loop.rate(share)
    optimiser.zero_grad()
    batch = material.pick(sources, config.batch, np.random.default_rng([config.seed, standing.steps]))
    loss = distiller(batch, config.side(share), standing.steps, share)
    torch.autograd.backward(loss)
    distiller.after_backward(share)
    torch.nn.utils.clip_grad_norm_(distiller.student.parameters(), CLIP)
    optimiser.step()
    distiller.after_step(share)
    standing.steps += 1
    standing.losses.append(float(loss.detach()))
    if not math.isfinite(standing.losses[-1]):
        raise EncoderError(f"training diverged at step {standing.steps}; use a smaller learning rate or larger batch")


def _check(distiller: Distiller, exam: material.Batch, standing: Standing, size: int) -> None:
    # Always the same changes: single images have no other view, and checks must be comparable.
    chance = torch.Generator().manual_seed(distiller.config.seed)
    views = [augment(torch.from_numpy(view), size, GLOBAL_CROP, chance) for view in (exam.first, exam.second)]
    figure = retrieval(*(distiller.embed(view) for view in views))
    standing.held_out.append(figure)
    better = figure > standing.best
    standing.best, standing.since_best = max(figure, standing.best), 0 if better else standing.since_best + 1


def _stalled(config: DistilConfig, standing: Standing) -> bool:
    return 0 < config.patience <= standing.since_best


def _share(config: DistilConfig, standing: Standing) -> float:
    return standing.steps / config.steps if config.steps else standing.seconds / (60 * config.minutes)
