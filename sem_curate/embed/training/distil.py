"""Self-distillation with no labels (DINO, arXiv:2104.14294): student, teacher, one step, and how to resume.

Loss, head and schedules come from ``lightly`` (MIT). Two terms are added because a CPU affords a few thousand steps
only, in which DINO alone learns little: the same two views contrasted within the batch (SimCLR, arXiv:2002.05709),
and, where the shape family is known from rendering, a small cross-entropy on it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from lightly.loss import DINOLoss
from lightly.models.modules.heads import DINOProjectionHead
from lightly.models.utils import update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import nn
from torch.nn import functional

from sem_curate.embed.training import loop
from sem_curate.embed.training.augment import GLOBAL_CROP, LOCAL_CROP, augment
from sem_curate.embed.training.material import Batch

TEMPERATURE: Final = 0.2  # of the contrast
# Of the teacher: sharper at first would fix it on its early mistakes.
TEACHER_TEMPERATURE: Final = (0.04, 0.06)
MOMENTUM: Final = (0.99, 1.0)
CENTRE_MOMENTUM: Final = 0.9
LAST_LAYER_FROZEN: Final = 0.03  # share of the run
SCHEDULE: Final = 10_000  # resolution of the schedules, which run over the share that is spent


@dataclass(frozen=True)
class DistilConfig(loop.TrainConfig):
    """How to distil, besides how long.

    ``sizes`` holds (until which share of the run, side of the global crops in pixels); small images first, because
    they are several times faster.
    """

    sizes: tuple[tuple[float, int], ...] = ((0.5, 64), (0.85, 96), (1.0, 128))
    small_crops: bool = True  # local crops at half the side; False for networks that take one size only
    local_crops: int = 2
    prototypes: int = 1024
    distil: float = 1.0  # weight of DINO
    contrast: float = 1.0  # weight of SimCLR
    family: float = 1.0  # weight of the family's cross-entropy
    checkpoint_minutes: float = 5.0
    patience: int = 0  # checks without a better held-out figure before stopping; 0 never stops
    check_every: int = 200  # steps
    mixed: bool = True  # bfloat16 where the machine has it: twice as fast, but not the same to the last bit

    def side(self, share: float) -> int:
        """Return the side of the global crops at a share of the run."""
        return next((side for until, side in self.sizes if share < until), self.sizes[-1][1])


class Learner(nn.Module):
    """A network with the heads that exist only while training."""

    def __init__(self, network: nn.Module, dim: int, config: DistilConfig, families: int) -> None:
        super().__init__()
        self.network = network
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # lightly's weight_norm, which torch will replace
            self.head = DINOProjectionHead(
                dim, 512, 128, config.prototypes, batch_norm=True, freeze_last_layer=1, norm_last_layer=True
            )
        self.projector = nn.Sequential(nn.Linear(dim, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 128))
        self.family = nn.Sequential(nn.BatchNorm1d(dim), nn.Linear(dim, families))


class Distiller:
    """Student, teacher and centre; turns a batch into one loss."""

    def __init__(
        self, student: Learner, teacher: Learner, config: DistilConfig, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """Start the teacher as a copy of the student.

        Args:
            student: is trained.
            teacher: built like it; follows it.
            config: weights, crops, seed.
            mean: per channel, of grey levels in [0, 1]; three channels get the same grey image.
            std: likewise.
        """
        self.student, self.teacher, self.config = student, teacher, config
        teacher.load_state_dict(student.state_dict())
        teacher.requires_grad_(False)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.mixed = config.mixed and _has_bfloat16(self.device)
        for module in (student, teacher):
            module.to(self.device)
        self.loss = DINOLoss(config.prototypes, student_temp=0.1, center_momentum=CENTRE_MOMENTUM).to(self.device)
        self._mean, self._std = (
            torch.tensor(list(level), device=self.device).view(1, -1, 1, 1) for level in (mean, std)
        )

    def __call__(self, batch: Batch, size: int, number: int, share: float) -> torch.Tensor:
        """Return the loss of one step.

        Args:
            batch: two views of each thing.
            size: side of the global crops in pixels; local ones have half of it.
            number: of the step; with the seed it fixes all chance, so an interrupted run goes on as it would have.
            share: of the run that is spent, in [0, 1].
        """
        own = int(np.random.SeedSequence([self.config.seed, number]).generate_state(1)[0])
        torch.manual_seed(own)  # networks with dropout or drop path
        chance = torch.Generator().manual_seed(own)
        views = [torch.from_numpy(np.ascontiguousarray(view)) for view in (batch.first, batch.second)]
        wide = torch.cat([augment(view, size, GLOBAL_CROP, chance) for view in views])
        seen = [self._features(self.student, wide)]
        if self.config.local_crops and self.config.distil:
            local = size // 2 if self.config.small_crops else size
            narrow = [augment(views[i % 2], local, LOCAL_CROP, chance) for i in range(self.config.local_crops)]
            seen.append(self._features(self.student, torch.cat(narrow)))
        total = self.config.distil * self._distil(wide, torch.cat(seen), len(views[0]), share)
        if self.config.contrast:
            vectors = functional.normalize(self.student.projector(seen[0]), dim=1)
            total = total + self.config.contrast * nt_xent(vectors, TEMPERATURE)
        family = torch.from_numpy(np.tile(batch.family, 2)).to(self.device)
        known = family >= 0
        if self.config.family and bool(known.any()):
            logits = self.student.family(seen[0][known])
            helper = functional.cross_entropy(logits, family[known], label_smoothing=0.1)
            total = total + self.config.family * helper
        return total

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Return the teacher's features of (B, 1, S, S) images in [0, 1]: (B, D) float32 on the CPU."""
        self.teacher.eval()
        with torch.inference_mode():
            parts = [self._features(self.teacher, part).cpu() for part in torch.split(images, 128)]
        self.teacher.train()
        return torch.cat(parts)

    def _distil(self, wide: torch.Tensor, seen: torch.Tensor, count: int, share: float) -> torch.Tensor:
        with torch.no_grad():
            target = self.teacher.head(self._features(self.teacher, wide))
        guess = self.student.head(seen)
        low, high = TEACHER_TEMPERATURE
        temperature = low + (high - low) * min(1.0, share / 0.3)
        loss: torch.Tensor = self.loss(list(target.split(count)), list(guess.split(count)), teacher_temp=temperature)
        return loss

    def _features(self, model: Learner, images: torch.Tensor) -> torch.Tensor:
        prepared = ((images.to(self.device) - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        with self._fast():
            features: torch.Tensor = model.network(prepared)
        return features.float()

    def _fast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.mixed)

    def after_backward(self, share: float) -> None:
        """Keep the prototypes where they are while the rest is still random."""
        self.student.head.cancel_last_layer_gradients(0 if share < LAST_LAYER_FROZEN else 1)

    def after_step(self, share: float) -> None:
        """Let the teacher follow."""
        momentum = cosine_schedule(round(share * SCHEDULE), SCHEDULE, *MOMENTUM)
        update_momentum(self.student, self.teacher, momentum)


def nt_xent(vectors: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the normalised temperature-scaled cross-entropy of SimCLR.

    Args:
        vectors: (2B, D) unit rows; row i and row i + B show the same particle.
        temperature: > 0.
    """
    count = len(vectors) // 2
    logits = vectors @ vectors.T / temperature
    logits = logits.masked_fill(torch.eye(len(vectors), dtype=torch.bool, device=vectors.device), -1e4)
    partner = torch.arange(len(vectors), device=vectors.device).roll(count)
    return functional.cross_entropy(logits, partner)


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster here; on a CPU without it, it is many times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))
