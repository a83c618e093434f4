"""Train ``sem-dino``: one vector per image, the same for all views of a particle.

Positives are two views of one particle under different imaging conditions, so the network learns to ignore
detector, tilt and magnification (SimCLR, arXiv:2002.05709; the name only says which lane it serves). A small
cross-entropy on the simulated shape family helps in the few hundred steps a CPU allows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sem_curate.embed.network import load_weights, read_state_dict
from sem_curate.embed.trained import WEIGHTS, build_backbone, read_config
from sem_curate.embed.training import loop
from sem_curate.embed.training.augment import Strength, augment
from sem_curate.embed.training.data import TrainingSet
from sem_curate.progress import Progress, silent
from sem_curate.rendering.families import FAMILIES

# A narrow ResNet: in the same minute on one core it learnt more than twice as much as MobileNetV4 or EdgeNeXt of
# equal speed, whose depthwise layers need many more steps than a CPU affords.
ARCHITECTURE: Final = "resnet10t"
CHANNELS: Final = (32, 64, 128, 256)
STEM: Final = 16
DIM: Final = 256
TEMPERATURE: Final = 0.2
FAMILY_WEIGHT: Final = 1.0
MEAN, STD = 0.4, 0.25


class _Student(nn.Module):
    """The network and the two heads that exist only while training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.projector = nn.Sequential(nn.Linear(DIM, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 128))
        self.family = nn.Sequential(nn.BatchNorm1d(DIM), nn.Linear(DIM, len(FAMILIES)))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, S, S) -> (B, 128) unit projections and (B, families) logits."""
        features = self.network((images - MEAN) / STD)
        return functional.normalize(self.projector(features), dim=1), self.family(features)


def train(
    data: TrainingSet,
    folder: Path,
    config: loop.TrainConfig,
    *,
    start: Path | None = None,
    progress: Progress = silent,
) -> loop.Outcome:
    """Train on rendered particles and write the encoder to ``folder``.

    Args:
        data: at least two views per particle.
        folder: receives ``model.safetensors``, ``config.json`` and the model card.
        config: budget and rates.
        start: a trained ``sem-dino`` to go on from.
        progress: called with percent done.

    Raises:
        EncoderError: when ``start`` holds another network.
    """
    torch.manual_seed(config.seed)
    rng, chance = np.random.default_rng(config.seed), torch.Generator().manual_seed(config.seed)
    model = {"architecture": ARCHITECTURE, "channels": list(CHANNELS), "stem": STEM, "dim": DIM}
    student = _Student(build_backbone(model))
    if start is not None:
        load_weights(student.network, read_state_dict(start / WEIGHTS), str(start))
    picks = loop.batches(len(data), config.batch, rng)

    def step(size: int) -> torch.Tensor:
        rows = next(picks)
        images = torch.from_numpy(_two_views(data, rows, rng))
        projections, logits = student(augment(images, size, Strength(), chance))
        family = torch.from_numpy(np.tile(data.family[rows], 2))
        helper = functional.cross_entropy(logits, family, label_smoothing=0.1)
        return nt_xent(projections, TEMPERATURE) + FAMILY_WEIGHT * helper

    best, outcome = loop.run(student, step, config, progress)
    saved: dict[str, Any] = {
        "kind": "image",
        "model": model,
        "preprocessing": {"size": config.size, "mean": [MEAN], "std": [STD]},
        "training": facts(data, config, outcome, start),
    }
    loop.save(best.get_submodule("network"), folder, saved, _card(saved["training"]))
    return outcome


def nt_xent(vectors: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the normalised temperature-scaled cross-entropy of SimCLR.

    Args:
        vectors: (2B, D) unit rows; row i and row i + B show the same particle.
        temperature: > 0.
    """
    count = len(vectors) // 2
    logits = vectors @ vectors.T / temperature
    logits = logits.masked_fill(torch.eye(len(vectors), dtype=torch.bool), -1e4)
    partner = torch.arange(len(vectors)).roll(count)
    return functional.cross_entropy(logits, partner)


def _two_views(data: TrainingSet, rows: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return (2B, S, S): one random view of each particle, then another one of each."""
    views = data.images.shape[1]
    first = rng.integers(views, size=len(rows))
    second = (first + rng.integers(1, views, size=len(rows))) % views
    block = data.images[rows]
    at = np.arange(len(rows))
    return np.concatenate([block[at, first], block[at, second]])


def facts(data: TrainingSet, config: loop.TrainConfig, outcome: loop.Outcome, start: Path | None) -> dict[str, Any]:
    """Return what the model card and ``config.json`` say about a run, and about the run it went on from."""
    before = read_config(start).get("training") if start else None
    return {
        "particles": len(data),
        "views_per_particle": int(data.images.shape[1]),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds),
        "batch": config.batch,
        "seed": config.seed,
        "loss_by_tenth": [round(loss, 3) for loss in outcome.losses],
        "started_from": before,
    }


def runs(facts: dict[str, Any] | None) -> str:
    """Describe a training run in words, and before it the runs it went on from."""
    if not facts:
        return ""
    earlier = runs(facts.get("started_from"))
    own = (
        f"{facts['particles']} particles rendered by `sem_curate.rendering` with {facts['views_per_particle']} "
        f"views each, {facts['steps']} steps of {facts['batch']} particles, seed {facts['seed']}, "
        f"{facts['seconds']} s on a CPU"
    )
    return f"{earlier}; then {own}" if earlier else own


def _card(facts: dict[str, Any]) -> str:
    return f"""# sem-dino

A small image encoder ({ARCHITECTURE} of widths {CHANNELS}, one grey channel, {DIM} dimensions)
for SEM particles. It works offline and on a CPU; for production use DINOv2 through `timm:`.

- **Trained on simulated images only**: {runs(facts)}. No real image and no other network's weights went into it.
- **Objective**: SimCLR between two views of a particle under different imaging conditions, plus a cross-entropy on
  the simulated shape family (weight {FAMILY_WEIGHT}) as a helper. It is not self-distillation; the name says which
  lane it serves.
- **Input**: (H, W) grey, percentile contrast stretch, letterboxed to the training size.
- **Limits**: knows the shapes and surfaces the renderer makes; does not measure size; info bars and neighbours
  can distract it.
- **Licence**: as the package.
"""
