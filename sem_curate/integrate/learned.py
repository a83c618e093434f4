"""Training and using a learned rung. torch lives here and in ``networks``; the rest of the room is numpy.

What is learned is a particle vector in which particles of one label lie close by cosine, so that masters, known-ness
and contributions mean the same as with the default. Labels serve only as targets; which labels exist when proposing is
decided by the masters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from sem_curate.arrays import Bools, Floats, Ints, unit_rows
from sem_curate.config import as_dict
from sem_curate.integrate.contract import Integrated, QualityMean, Views, content_hash, shared_weights, sound
from sem_curate.integrate.networks import NETWORKS
from sem_curate.integrate.pool import pool

TEMPERATURE = 0.1  # of the cosine softmax; DINO's 0.07 for votes fits tighter than few labels deserve


@dataclass(frozen=True)
class TrainConfig:
    """How a rung is trained.

    The view dropout is the least METHODS of set learning agree on for 6 views (0.3 to 0.5); epochs are few because a
    rung starts as the default and a third of the particles stop it when they no longer gain.
    """

    view_dropout: float = 0.3
    epochs: int = 120
    patience: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    batch: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        if not 0 <= self.view_dropout < 1:
            raise ValueError(f"view_dropout must be in [0, 1); got {self.view_dropout}")
        if self.epochs < 1 or self.batch < 2:
            raise ValueError(f"epochs must be >= 1 and batch >= 2; got {self.epochs} and {self.batch}")


@dataclass(frozen=True)
class LearnedIntegrator:
    """A trained rung; call it like the default.

    Attributes:
        rung: one of ``networks.NETWORKS``.
        start: the default that it builds on (slot means, usual agreement, weights).
        network: in evaluation mode.
        notes: how it was trained: settings, number of particles and labels, epochs; JSON values.
    """

    rung: str
    start: QualityMean
    network: nn.Module
    notes: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Hash of the weights and of the default below them."""
        arrays = [value.numpy() for _, value in sorted(self.network.state_dict().items())]
        return content_hash([self.rung, self.start.version], *arrays)

    def __call__(self, views: Views) -> Integrated:
        """Integrate; see ``contract.Integrator``."""
        clean = sound(views)
        inputs = prepare(clean.views, self.start)
        self.network.eval()
        with torch.inference_mode():
            vectors, looked = self.network(*inputs.tensors())
        usable = inputs.prior.sum(axis=1) > 0
        weights = looked.numpy() * usable[:, None]
        total = weights.sum(axis=1, keepdims=True)
        weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        return Integrated(unit_rows(vectors.numpy() * usable[:, None]), shared_weights(weights, clean.owners))


@dataclass(frozen=True)
class Inputs:
    """What a network sees of N particles; see ``networks``."""

    x: Floats
    extra: Floats
    prior: Floats
    present: Bools

    def tensors(self, rows: Ints | None = None, present: Bools | None = None) -> tuple[torch.Tensor, ...]:
        """Return the network's arguments, for some rows and with fewer views present."""
        chosen = slice(None) if rows is None else rows
        there = self.present[chosen] if present is None else present
        prior = self.prior[chosen] * there
        total = prior.sum(axis=1, keepdims=True)
        prior = np.divide(prior, total, out=np.zeros_like(prior), where=total > 0)
        return tuple(torch.from_numpy(part) for part in (self.x[chosen], self.extra[chosen], prior, there))


def prepare(views: Views, start: QualityMean) -> Inputs:
    """Centre views and take the default's weights as the prior."""
    pooled = pool(
        views.vectors, views.present, views.quality, means=start.means, usual=start.usual, config=start.config
    )  # fmt: skip
    measured = ~np.isnan(views.quality)
    quality = np.where(views.present & measured, np.nan_to_num(views.quality), 0.0)
    extra = np.stack([quality, measured & views.present], axis=2).astype(np.float32)
    return Inputs(pooled.views, extra, pooled.weights, views.present)


def train(
    rung: str,
    views: Views,
    labels: Ints,
    *,
    start: QualityMean,
    groups: Ints | None = None,
    config: TrainConfig | None = None,
) -> LearnedIntegrator:
    """Train one rung on labelled particles.

    A fifth of the groups is set aside; training stops when they no longer gain and keeps the best state, the untrained
    one included. On few particles that is often the default itself, which is then the right answer.

    Args:
        rung: name in ``networks.NETWORKS``.
        views: N labelled particles.
        labels: (N,) label index.
        start: the default to build on.
        groups: (N,) what must not be split (frame, lot); None: every particle for itself.
        config: settings and seed; the same inputs and seed give the same model on the same machine.

    Raises:
        ValueError: fewer than two labels, or nothing usable.
    """
    config = config or TrainConfig()
    inputs = prepare(sound(views).views, start)
    usable = np.flatnonzero(inputs.prior.sum(axis=1) > 0)
    names, target = np.unique(labels[usable], return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"a learned integrator needs usable particles of at least 2 labels; got {len(names)}")
    owner = usable if groups is None else groups[usable]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = NETWORKS[rung](inputs.x.shape[2])
        epochs = _fit(network, inputs, usable, target.astype(np.int64), owner, config)
    notes = {"particles": len(usable), "labels": len(names), "epochs": epochs, "settings": as_dict(config)}
    return LearnedIntegrator(rung, start, network.eval().requires_grad_(False), notes)


def _fit(network: nn.Module, inputs: Inputs, rows: Ints, target: Ints, owner: Ints, config: TrainConfig) -> int:
    rng = np.random.default_rng(config.seed)
    fit, held = _held_out(owner, target, rng)
    classes = nn.Parameter(_prototypes(inputs, rows[fit], target[fit]))
    parameters: list[dict[str, Any]] = [
        {"params": list(network.parameters())},
        {"params": [classes], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    best, best_epoch, kept = _loss(network, inputs, rows[held], target[held], classes), 0, _state(network)
    for epoch in range(1, config.epochs + 1):
        network.train()
        order = rng.permutation(fit)
        for part in np.array_split(order, max(1, round(len(order) / config.batch))):
            there = _dropped(inputs.present[rows[part]], config.view_dropout, rng)
            loss = _cross_entropy(network, inputs.tensors(rows[part], there), target[part], classes)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        now = _loss(network, inputs, rows[held], target[held], classes)
        if now < best - 1e-4:
            best, best_epoch, kept = now, epoch, _state(network)
        elif epoch - best_epoch >= config.patience:
            break
    network.load_state_dict(kept)
    return best_epoch


def _held_out(owner: Ints, target: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Split positions into those to fit and those that stop training; no group in both, every label in the former."""
    groups = rng.permutation(np.unique(owner))
    held = np.isin(owner, groups[: max(1, len(groups) // 5)])
    missing = np.setdiff1d(target[held], target[~held])
    held &= ~np.isin(target, missing)
    if not held.any() or held.all():  # one group, or one particle per label: stop on what is fitted
        everything = np.arange(len(owner), dtype=np.int64)
        return everything, everything
    return np.flatnonzero(~held), np.flatnonzero(held)


def _prototypes(inputs: Inputs, rows: Ints, target: Ints) -> torch.Tensor:
    mean = unit_rows(np.einsum("nv,nvd->nd", inputs.prior[rows], inputs.x[rows]))
    sums = np.zeros((int(target.max()) + 1, mean.shape[1]), np.float32)
    np.add.at(sums, target, mean)
    return torch.from_numpy(unit_rows(sums))


def _dropped(present: Bools, share: float, rng: np.random.Generator) -> Bools:
    kept: Bools = present & (rng.random(present.shape) >= share)
    alone = ~kept.any(axis=1)
    kept[alone] = present[alone]
    return kept


def _cross_entropy(
    network: nn.Module, inputs: tuple[torch.Tensor, ...], target: Ints, classes: torch.Tensor
) -> torch.Tensor:
    vectors, _ = network(*inputs)
    cosines = nn.functional.normalize(vectors, dim=1) @ nn.functional.normalize(classes, dim=1).T
    return nn.functional.cross_entropy(cosines / TEMPERATURE, torch.from_numpy(target))


def _loss(network: nn.Module, inputs: Inputs, rows: Ints, target: Ints, classes: torch.Tensor) -> float:
    network.eval()
    with torch.no_grad():
        return float(_cross_entropy(network, inputs.tensors(rows), target, classes))


def _state(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def with_notes(model: LearnedIntegrator, **more: Any) -> LearnedIntegrator:
    """Return the model with more notes, for example the figures that adopted it."""
    return replace(model, notes={**model.notes, **more})
