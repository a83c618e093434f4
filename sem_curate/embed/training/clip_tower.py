"""The first two parts of training ``sem-clip`` on rendered particles: the image tower, then the words.

Where a table says what is true of every image, the image network learns several times faster from the table itself than
through words: a linear head on its features answers all concepts at once (multi-label cross-entropy; the head is not
shipped). Then the tower is locked (LiT, arXiv:2111.07991), its features are computed once, and the words are fitted to
them in cheap steps.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional

from sem_curate.arrays import Ints
from sem_curate.embed.training.clip_loop import CHANGED_SHARE, Everything, Learner, Step, looked_at, plain
from sem_curate.embed.training.clip_loss import truth_loss
from sem_curate.embed.training.lessons import CODES, LASTING, Rendered

LOOKS: Final = 24_000  # images whose features are stored as they are
CHANGED_LOOKS: Final = 8_000  # and so many strongly changed
BLOCK: Final = 128
LANES: Final = 256  # images per step on stored features


def features(visual: Any, images: torch.Tensor) -> torch.Tensor:
    """(B, C, S, S) -> (B, F) before the closing layer."""
    found: torch.Tensor = visual.forward_head(visual.forward_features(images), pre_logits=True)
    return found


def tower_step(learner: Learner, material: Rendered, everything: Everything) -> Step:
    """Return the step that trains the image network on the table."""
    lasting = torch.tensor([code in LASTING for code in CODES])

    def step(rng: np.random.Generator, size: int) -> torch.Tensor:
        changed = bool(rng.random() < CHANGED_SHARE / 2)
        rows = material.draw(learner.config.batch, rng)
        grey = looked_at(np.array(material.images[rows]), size, rng, changed=changed)
        with torch.autocast("cpu", torch.bfloat16, enabled=learner.config.mixed):
            found = features(learner.model.visual, learner.inputs(grey))
        truth = torch.from_numpy(material.facts[rows]).float()
        losses = functional.binary_cross_entropy_with_logits(everything.head(found.float()), truth, reduction="none")
        return (losses[:, lasting] if changed else losses).sum(dim=1).mean()

    return step


def tower_exam(learner: Learner, material: Rendered, everything: Everything) -> float:
    """Return mean average precision of the head over the held-out images."""
    everything.eval()
    size, found = learner.config.sizes[-1][1], []
    with torch.inference_mode():
        for start in range(0, material.held, BLOCK):
            grey = plain(np.array(material.images[start : min(start + BLOCK, material.held)]), size)
            found.append(everything.head(features(everything.model.visual, learner.inputs(grey))))
    answers, truth = torch.cat(found).numpy(), material.facts[: material.held]
    everything.train()
    asked = [at for at in range(truth.shape[1]) if 0 < truth[:, at].sum() < len(truth)]
    return float(np.mean([average_precision_score(truth[:, at], answers[:, at]) for at in asked])) if asked else 0.0


class Stored:
    """Features of a locked tower, computed once."""

    def __init__(self, learner: Learner, material: Rendered) -> None:
        """Look at a sample of the images that are not held out."""
        rng = np.random.default_rng([learner.config.seed, LOOKS])
        free, size, visual = len(material.images) - material.held, learner.config.sizes[-1][1], learner.model.visual
        visual.eval()
        self._material, self._parts = material, list[tuple[Ints, torch.Tensor]]()
        for count, changed in ((LOOKS, False), (CHANGED_LOOKS, True)):
            rows = material.held + rng.choice(free, min(count, free), replace=False)
            found = []
            with torch.inference_mode():
                for start in range(0, len(rows), BLOCK):
                    block = np.array(material.images[rows[start : start + BLOCK]])
                    grey = looked_at(block, size, rng, changed=changed)
                    with torch.autocast("cpu", torch.bfloat16, enabled=learner.config.mixed):
                        found.append(features(visual, learner.inputs(grey)).float())
            # A clone outside inference mode may take part in training.
            self._parts.append((rows, torch.cat(found).clone()))

    def draw(self, rng: np.random.Generator, *, changed: bool) -> tuple[Ints, torch.Tensor]:
        """Return images, and their (B, F) features; half of them with preference for rare words."""
        rows, features = self._parts[int(changed)]
        half = min(LANES // 2, len(rows) // 2)
        rare = self._material.rarity[rows - self._material.held]
        chosen = np.concatenate([
            rng.choice(len(rows), half, replace=False), rng.choice(len(rows), half, p=rare / rare.sum())
        ])  # fmt: skip
        return rows[chosen], features[chosen]


def close(everything: Everything, stored: Stored) -> None:
    """Start the closing layer with the head: concepts are directions of the common space from the beginning."""
    found, closing = stored.draw(np.random.default_rng(0), changed=False)[1], everything.model.visual.fc
    with torch.no_grad():
        answers = everything.head(found)
        spread, count = answers.std(dim=0).clamp_min(1e-3), min(len(CODES), closing.out_features)
        weight = everything.head.weight / spread[:, None]
        bias = (everything.head.bias - answers.mean(dim=0)) / spread
        closing.weight.mul_(0.1)[:count] = weight[:count]
        closing.bias.mul_(0.1)[:count] = bias[:count]


def words_step(learner: Learner, everything: Everything, stored: Stored, material: Rendered) -> Step:
    """Return the step that fits words, and the closing layer, to stored features."""

    def step(rng: np.random.Generator, size: int) -> torch.Tensor:
        changed = bool(rng.random() < CHANGED_SHARE / 2)
        rows, found = stored.draw(rng, changed=changed)
        lesson = material.lesson(rows, rng, changed=changed)
        images = functional.normalize(learner.model.visual.fc(found), dim=1)
        logits = everything.temperature(images, learner.read(lesson.texts, rng))
        return truth_loss(logits, torch.from_numpy(lesson.truth), torch.from_numpy(lesson.known))

    return step
