"""The three learned rungs as small torch modules. Each begins as the default's weighted mean and learns to leave it.

All take centred unit view vectors ``x`` (N, V, D), ``extra`` (N, V, 2) = quality and "was measured", the default's
weights ``prior`` (N, V; rows sum to 1, 0 = not to be used) and ``present`` (N, V), and return the particle vector
(N, D) before normalisation and where the module looked (N, V). Their last layers start at zero: an untrained module is
exactly the default, so few labels can do little harm. Sets are masked, never zero-filled.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

EXTRA: Final = 2
HIDDEN: Final = 64  # 6 views and at most a few thousand labelled particles: 128 was no better and twice as slow
HEADS: Final = 4


class DeepSets(nn.Module):
    """``rho(mean_v phi([x_v, q_v]))`` beside the weighted mean (Zaheer et al. 2017, arXiv 1703.06114)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(dim + EXTRA, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN), nn.GELU())
        self.rho = _from_zero(nn.Linear(HIDDEN, dim))

    def forward(
        self, x: torch.Tensor, extra: torch.Tensor, prior: torch.Tensor, present: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the module."""
        there = present.unsqueeze(-1).to(x.dtype)
        parts = self.phi(torch.cat([x, extra], dim=-1)) * there
        mean = parts.sum(dim=1) / there.sum(dim=1).clamp(min=1.0)
        return _unit(_weighted(x, prior)) + self.rho(mean), prior


class GatedAttention(nn.Module):
    """Gated attention MIL (Ilse et al. 2018, arXiv 1802.04712), its logits added to the logarithm of the prior."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.tanh = nn.Linear(dim + EXTRA, HIDDEN)
        self.gate = nn.Linear(dim + EXTRA, HIDDEN)
        self.score = _from_zero(nn.Linear(HIDDEN, 1))

    def forward(
        self, x: torch.Tensor, extra: torch.Tensor, prior: torch.Tensor, present: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the module."""
        seen = torch.cat([x, extra], dim=-1)
        logits = self.score(torch.tanh(self.tanh(seen)) * torch.sigmoid(self.gate(seen))).squeeze(-1)
        logits = logits + torch.log(prior.clamp(min=1e-6))
        share = _softmax(logits, present)
        return _weighted(x, share), share


class SetTransformer(nn.Module):
    """Two SAB blocks and a PMA (Lee et al. 2019, arXiv 1810.00825) beside the weighted mean.

    Six elements need no inducing points, so SAB rather than ISAB.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim + EXTRA, HIDDEN)
        self.blocks = nn.ModuleList(_Block() for _ in range(2))
        self.seed = nn.Parameter(torch.randn(1, 1, HIDDEN) * 0.1)
        self.attend = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
        self.out = _from_zero(nn.Linear(HIDDEN, dim))

    def forward(
        self, x: torch.Tensor, extra: torch.Tensor, prior: torch.Tensor, present: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the module."""
        nobody = ~present.any(dim=1, keepdim=True)
        hidden = ~(present | nobody)  # attention over nothing is NaN; rows without views are emptied by the caller
        parts = self.project(torch.cat([x, extra], dim=-1))
        for block in self.blocks:
            parts = block(parts, hidden)
        seed = self.seed.expand(len(x), -1, -1)
        taken, looked = self.attend(seed, parts, parts, key_padding_mask=hidden)
        return _unit(_weighted(x, prior)) + self.out(taken[:, 0]), looked[:, 0] * present


class _Block(nn.Module):
    """A set attention block: every view attends to every present one, then a feed-forward layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
        self.first, self.second = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
        self.forward_layer = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, HIDDEN))

    def forward(self, parts: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        taken, _ = self.attend(parts, parts, parts, key_padding_mask=hidden, need_weights=False)
        parts = self.first(parts + taken)
        done: torch.Tensor = self.second(parts + self.forward_layer(parts))
        return done


NETWORKS: Final[dict[str, type[nn.Module]]] = {
    "deep_sets": DeepSets,
    "gated_attention": GatedAttention,
    "set_transformer": SetTransformer,
}


def _from_zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _weighted(x: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    return torch.einsum("nv,nvd->nd", share, x)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(vectors, dim=-1, eps=1e-12)


def _softmax(logits: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    share = torch.where(present, logits, torch.full_like(logits, -1e9)).softmax(dim=1)
    return share * present
