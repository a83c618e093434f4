"""Run a text-image training: steps, budget, checkpoints, held-out figure, early stop."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sem_curate.embed.tokenizer import Tokenizer
from sem_curate.embed.training import checkpoint, loop
from sem_curate.embed.training.augment import Strength, augment
from sem_curate.embed.training.clip_loss import Temperature, truth_loss
from sem_curate.embed.training.lessons import Material
from sem_curate.errors import EncoderError, InputError
from sem_curate.progress import Progress

CLIP: Final = 2.0  # largest norm of a gradient
AVERAGING: Final = 0.99
SPLIT: Final = 0.2  # share of words read in smaller pieces while training, so that unseen words are not empty
# Hard enough that real instruments are not foreign; only lasting concepts are asked of such images.
CHANGED: Final = Strength(smallest_area=0.55, gamma=0.5, noise=0.15, invert=0.06, shading=0.25, scan_lines=0.04)
CHANGED_SHARE: Final = 0.4  # of the steps
ZOOM: Final = 0.06  # of the side that may be lost in other steps: framing stays true
# The first half runs on smaller images, 1.6 times faster.
SIZES: Final[tuple[tuple[float, int], ...]] = ((0.5, 96), (1.0, 128))

Tokens = Callable[..., torch.Tensor]
Step = Callable[[np.random.Generator, int], torch.Tensor]
Tracker = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class ClipConfig:
    """How long and how to train.

    Attributes:
        minutes: of training.
        steps: exactly so many instead.
        seed: of everything.
        batch: images per step.
        learning_rate: highest; image side and text side alike.
        sizes: (share of the budget up to which, side in pixels).
        patience: checks without a better held-out figure before stopping, 0 for never.
        check_every: steps.
        checkpoint_minutes: between checkpoints.
        mixed: bfloat16 in the image network.
        threads: of the CPU.
    """

    minutes: float = 45.0
    steps: int | None = None
    seed: int = 0
    batch: int = 96
    learning_rate: float = 1.5e-3
    sizes: tuple[tuple[float, int], ...] = SIZES
    patience: int = 0
    check_every: int = 200
    checkpoint_minutes: float = 3.0
    mixed: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot train."""
        if self.minutes <= 0 or self.batch < 4 or (self.steps is not None and self.steps < 1):
            raise InputError(
                f"training needs minutes > 0, batch >= 4 and steps >= 1; got {self.minutes}, {self.batch}, {self.steps}"
            )

    def side(self, share: float) -> int:
        """Return the image side at a share of the run."""
        return next((side for until, side in self.sizes if share < until), self.sizes[-1][1])


@dataclass(frozen=True)
class Inputs:
    """How grey images become what the network takes."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, grey: torch.Tensor) -> torch.Tensor:
        """(B, 1, S, S) in [0, 1] -> (B, C, S, S)."""
        return (grey - torch.tensor(self.mean).view(1, -1, 1, 1)) / torch.tensor(self.std).view(1, -1, 1, 1)


@dataclass
class Standing:
    """Where a run stands; all of it is in the checkpoint."""

    steps: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    best: float = -1.0
    since_best: int = 0
    held_out: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Learner:
    """What is trained, and how.

    Attributes:
        model: has ``encode_image`` and ``encode_text``.
        tokens: texts -> (T, L) tokens; our own tokenizer takes ``split`` and ``rng`` too.
        inputs: of the network.
        config: budget and rates.
    """

    model: Any
    tokens: Tokens
    inputs: Inputs
    config: ClipConfig

    def read(self, texts: Sequence[str], rng: np.random.Generator | None = None) -> torch.Tensor:
        """Return (T, D) unit rows; with ``rng`` some words are read in smaller pieces."""
        if rng is not None and isinstance(self.tokens, Tokenizer):
            tokens = self.tokens(texts, split=SPLIT, rng=random.Random(int(rng.integers(2**31))))
        else:
            tokens = self.tokens(list(texts))
        return functional.normalize(self.model.encode_text(tokens).float(), dim=1)

    def see(self, grey: torch.Tensor, *, mixed: bool = False) -> torch.Tensor:
        """(B, 1, S, S) in [0, 1] -> (B, D) unit rows."""
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            vectors = self.model.encode_image(self.inputs(grey))
        return functional.normalize(vectors.float(), dim=1)


class Everything(torch.nn.Module):
    """All that is trained; the model alone is shipped."""

    def __init__(self, model: Any, concepts: int) -> None:
        """Put a temperature and a linear head for concepts beside the model.

        Args:
            model: of images and texts.
            concepts: K, answers of the head; 0 for no head.
        """
        super().__init__()
        self.model = model
        self.temperature = Temperature()
        self.head = torch.nn.Linear(model.visual.num_features, concepts) if concepts else torch.nn.Identity()


@dataclass(frozen=True)
class Part:
    """A part of a training.

    Attributes:
        name: for the progress bar.
        share: of the budget.
        trains: names of parameters, by their beginning.
        rate: of the learning rate.
        prepare: called before it begins, with everything, and False when it is only resumed; returns the step:
            (source of chance, image side) -> loss.
        exam: called with everything, averaged; the held-out figure, higher is better.
        locked: beginnings of the names of modules whose running statistics stay as they are.
    """

    name: str
    share: float
    trains: tuple[str, ...]
    rate: float
    prepare: Callable[[Everything, bool], Step]
    exam: Callable[[Everything], float]
    locked: tuple[str, ...] = ()


def run(
    everything: Everything, parts: Sequence[Part], config: ClipConfig, folder: Path, facts: dict[str, Any],
    progress: Progress, track: Tracker,
) -> list[Standing]:  # fmt: skip
    """Train part by part, each until its budget is spent or its held-out figure stops rising.

    Args:
        everything: is trained, and at the end holds the averaged weights.
        parts: one after the other.
        config: budget; in each part the learning rate follows a cosine after a short warm-up.
        folder: receives the checkpoint, and may hold one to go on from.
        facts: identify the run; a checkpoint of another run is refused.
        progress: called with percent done.
        track: called at every check.

    Returns:
        Where each part stands.

    Raises:
        EncoderError: on a checkpoint of other settings, or when training diverges.
    """
    torch.set_num_threads(config.threads)
    found = _found(folder, facts)
    standings = [Standing(**told) for told in found["standings"]] if found else [Standing()]
    for number, part in enumerate(parts):
        if number < len(standings) - 1:
            continue
        for name, parameter in everything.named_parameters():
            parameter.requires_grad_(name.startswith(part.trains))
        optimiser = torch.optim.AdamW(
            loop.parameter_groups(everything), lr=config.learning_rate * part.rate, betas=(0.9, 0.98)
        )
        # Buffers are copied, not averaged: the text tower keeps a mask of -inf among them, whose average is NaN.
        average = get_ema_multi_avg_fn(AVERAGING)  # type: ignore[no-untyped-call]
        averaged = AveragedModel(everything, multi_avg_fn=average, use_buffers=False)
        modules = {"everything": everything, "averaged": averaged}
        if found:
            checkpoint.load(folder, modules, optimiser)
            found = None

        def save(modules: dict[str, Any] = modules, optimiser: torch.optim.Optimizer = optimiser) -> None:
            told = [asdict(standing) for standing in standings]
            checkpoint.save(folder, modules, optimiser, {"run": facts, "standings": told})

        _part(everything, averaged, part, config, standings[-1], optimiser, save, progress, track)
        everything.load_state_dict(averaged.module.state_dict())
        if number + 1 < len(parts):
            standings.append(Standing())
            fresh = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
            save({"everything": everything, "averaged": averaged}, fresh)
    return standings


def _part(
    everything: Everything, averaged: AveragedModel, part: Part, config: ClipConfig, standing: Standing,
    optimiser: torch.optim.Optimizer, save: Callable[[], None], progress: Progress, track: Tracker,
) -> None:  # fmt: skip
    step = part.prepare(everything, standing.steps == 0)
    if standing.steps == 0:
        averaged.module.load_state_dict(everything.state_dict())
    begun, saved = time.monotonic() - standing.seconds, time.monotonic()
    _train_mode(everything, part)
    while (share := _share(config, part, standing)) < 1 and not 0 < config.patience <= standing.since_best:
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * part.rate * loop.rate(share)
        # Its own chance, so that a resumed run goes on alike.
        rng = np.random.default_rng([config.seed, standing.steps, *part.name.encode()])
        _learn(step(rng, config.side(share)), optimiser, standing)
        # Early on the average would be dominated by the start.
        if share > 0.1:
            averaged.update_parameters(everything)
        else:
            averaged.module.load_state_dict(everything.state_dict())
        standing.seconds = time.monotonic() - begun
        progress(round(100 * share), 100, f"{part.name}: loss {standing.losses[-1]:.3f}, step {standing.steps}")
        if standing.steps % config.check_every == 0:
            _check(part.exam(cast(Everything, averaged.module)), standing)
            track(standing.steps, {"loss": float(np.mean(standing.losses[-50:])), "held_out": standing.held_out[-1]})
        if time.monotonic() - saved >= 60 * config.checkpoint_minutes:
            save()
            saved = time.monotonic()


def _learn(loss: torch.Tensor, optimiser: torch.optim.Optimizer, standing: Standing) -> None:
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], CLIP)
    optimiser.step()
    standing.steps += 1
    standing.losses.append(float(loss.detach()))
    if not math.isfinite(standing.losses[-1]):
        raise EncoderError(f"training diverged at step {standing.steps}; use a smaller learning rate or larger batch")


def held_out(learner: Learner, materials: Sequence[Material]) -> float:
    """Return mean average precision of the exams' texts over the held-out images, in [0, 1]."""
    learner.model.eval()
    return float(np.mean([_held_out(learner, material) for material in materials]))


def _held_out(learner: Learner, material: Material) -> float:
    exam, size = material.exam(), learner.config.sizes[-1][1]
    with torch.inference_mode():
        parts = [
            learner.see(plain(np.array(material.images[start : min(start + 64, material.held)]), size))
            for start in range(0, material.held, 64)
        ]
        scores = (torch.cat(parts) @ learner.read(exam.texts).T).numpy()
    asked = [at for at in range(len(exam.texts)) if 0 < exam.truth[:, at].sum() < len(exam.truth)]
    return float(np.mean([average_precision_score(exam.truth[:, at], scores[:, at]) for at in asked])) if asked else 0.0


def plain(images: np.ndarray[Any, Any], size: int, zoom: float = 0.0, turn: int = 0) -> torch.Tensor:
    """(B, S, S) uint8 -> (B, 1, size, size) in [0, 1]: resized as at inference, maybe mirrored and cut."""
    grey = torch.from_numpy(images).float().div_(255).unsqueeze(1)
    lost = int(zoom * grey.shape[-1] / 2)
    if lost:
        grey = grey[..., lost:-lost, lost:-lost]
    if grey.shape[-1] != size:
        grey = functional.interpolate(grey, (size, size), mode="bilinear", antialias=True, align_corners=False)
    flips = [axis for bit, axis in ((1, 2), (2, 3)) if turn & bit]
    return (grey.flip(flips) if flips else grey).clamp(0, 1)


def looked_at(images: np.ndarray[Any, Any], size: int, rng: np.random.Generator, *, changed: bool) -> torch.Tensor:
    """Return images as one step sees them: (B, S, S) uint8 -> (B, 1, size, size) in [0, 1].

    Args:
        images: contrast already stretched.
        size: side of the result.
        rng: decides.
        changed: strongly; only ``LASTING`` concepts stay true.
    """
    if changed:
        chance = torch.Generator().manual_seed(int(rng.integers(2**31)))
        return augment(torch.from_numpy(images), size, CHANGED, chance)
    return plain(images, size, float(rng.uniform(0, ZOOM)), int(rng.integers(4)))


def joint_step(learner: Learner, temperature: Temperature, materials: Sequence[Material]) -> Step:
    """Return the step that trains images and words together; one of the materials, drawn by lot, gives each step."""
    config = learner.config

    def step(rng: np.random.Generator, size: int) -> torch.Tensor:
        changed = bool(rng.random() < CHANGED_SHARE)
        material = materials[int(rng.integers(len(materials)))]
        rows = material.draw(config.batch, rng)
        grey = looked_at(np.array(material.images[rows]), size, rng, changed=changed)
        lesson = material.lesson(rows, rng, changed=changed)
        logits = temperature(learner.see(grey, mixed=config.mixed), learner.read(lesson.texts, rng))
        return truth_loss(logits, torch.from_numpy(lesson.truth), torch.from_numpy(lesson.known))

    return step


def _train_mode(everything: Everything, part: Part) -> None:
    """Train, but leave the running statistics of a locked image tower alone."""
    everything.train()
    for name, module in everything.named_modules():
        if name.startswith(part.locked or ("-",)):
            module.eval()


def _check(figure: float, standing: Standing) -> None:
    standing.held_out.append(figure)
    better = figure > standing.best
    standing.best, standing.since_best = max(figure, standing.best), 0 if better else standing.since_best + 1


def _found(folder: Path, facts: dict[str, Any]) -> Any:
    found = checkpoint.facts(folder)
    if found is not None and found["run"] != facts:
        changed = sorted(key for key in {*found["run"], *facts} if found["run"].get(key) != facts.get(key))
        raise EncoderError(
            f"'{folder}' holds a run that was cut off and had other settings ({', '.join(changed)}); "
            f"give the same ones to go on, or another --out, or delete '{checkpoint.NAME}' there"
        )
    return found


def _share(config: ClipConfig, part: Part, standing: Standing) -> float:
    if config.steps:
        return standing.steps / max(1, round(config.steps * part.share))
    return standing.seconds / (60 * config.minutes * part.share)
