"""What a text-image training minimises, given which texts are true of which images."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch.nn import functional

FIRST_SCALE: Final = 10.0


class Temperature(torch.nn.Module):
    """Turns cosines into log-odds; not part of the encoder."""

    def __init__(self) -> None:
        """Start mild."""
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """(B, D) and (T, D) unit rows -> (B, T)."""
        logits: torch.Tensor = images @ texts.T * self.scale.clamp(max=4.0).exp() + self.bias
        return logits


def truth_loss(logits: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return how badly texts tell the images of which they are true from the others.

    Two halves. The pairwise sigmoid loss of SigLIP (arXiv:2303.15343), with the table of truth for the diagonal, and
    true and untrue images of a text weighing the same: log-odds that add up when two concepts are asked together. And
    for each text a softmax in which each true image stands against all untrue ones (supervised contrast,
    arXiv:2004.11362): it works on the top of the ranking.

    Args:
        logits: (B, T).
        truth: (B, T) bool.
        known: (B, T) bool; False pairs count nowhere. Texts true of no image do not count. A text that is true of every
            image must not rank them: the variance of its log-odds is added.
    """
    right, wrong = (truth & known).float(), (~truth & known).float()
    rights, wrongs = right.sum(0), wrong.sum(0)
    told, all_true = (rights > 0) & (wrongs > 0), (rights > 1) & (wrongs == 0)
    level = logits[:, all_true].var(dim=0).mean() if bool(all_true.any()) else logits.sum() * 0
    if not bool(told.any()):
        return level
    logits, right, wrong, rights, wrongs = (part[..., told] for part in (logits, right, wrong, rights, wrongs))
    odds = functional.softplus(-logits) * right / rights + functional.softplus(logits) * wrong / wrongs
    rivals = torch.logsumexp(logits.masked_fill(wrong == 0, -torch.inf), dim=0)
    ranking = (torch.logaddexp(logits, rivals) - logits) * right / rights
    return odds.sum(0).mean() / 2 + ranking.sum(0).mean() / 2 + level
