"""Pooling the patch tokens of a vision transformer inside the particle: background and neighbours stay out.

Chosen by the end of an encoder's name, ``timm:vit_small_patch14_dinov2@file.safetensors#pool=mask``; without it a
network pools as it was built to. The mask travels as one more channel of the prepared image, so that it goes through
batches and threads with the pixels that it belongs to.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from sem_curate.embed.encoders import MARK
from sem_curate.errors import UnknownEncoderError, did_you_mean

MASK: Final = "mask"  # patch tokens, each weighted by the share of it that shows the particle
AVERAGE: Final = "avg"  # all patch tokens alike
POOLINGS: Final = (MASK, AVERAGE)


def split(name: str) -> tuple[str, str]:
    """Split an encoder name into what it was without the option, and the pooling ("" for the network's own).

    Raises:
        UnknownEncoderError: on a pooling that does not exist.

    >>> split("timm:vit_small_patch14_dinov2@/a/b.pth#pool=mask")
    ('timm:vit_small_patch14_dinov2@/a/b.pth', 'mask')
    """
    bare, mark, pooling = name.rpartition(MARK)
    if not mark:
        return name, ""
    if pooling not in POOLINGS:
        raise UnknownEncoderError(
            f"no pooling is called '{pooling}' (in '{name}'); there are {', '.join(POOLINGS)}."
            f"{did_you_mean(pooling, POOLINGS)}"
        )
    return bare, pooling


def token_grid(model: torch.nn.Module) -> tuple[int, int] | None:
    """Return rows and columns of a transformer's patch tokens; None when it has none, or pools by attention."""
    grid = getattr(getattr(model, "patch_embed", None), "grid_size", None)
    plain = hasattr(model, "blocks") and hasattr(model, "num_prefix_tokens") and hasattr(model, "fc_norm")
    if grid is None or not plain or getattr(model, "attn_pool", None) is not None:
        return None
    return int(grid[0]), int(grid[1])


class TokenPool:
    """(B, C, H, W) images, with one more channel for ``mask`` -> (B, D): mean of patch tokens after the last norm."""

    def __init__(self, model: Any, grid: tuple[int, int], pooling: str) -> None:
        """Hold the network and the shape of its tokens."""
        self._model, self._grid, self._pooling = model, grid, pooling

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Embed a batch."""
        if self._pooling == AVERAGE:
            return self._pooled(batch, torch.ones(batch.shape[0], 1, *self._grid, device=batch.device))
        shares = torch.nn.functional.adaptive_avg_pool2d(batch[:, -1:], self._grid)
        return self._pooled(batch[:, :-1], shares)

    def _pooled(self, images: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        tokens = self._model.forward_features(images)[:, self._model.num_prefix_tokens :]
        pooled: torch.Tensor = self._model.fc_norm(weighted_mean(tokens, shares.flatten(1)))
        return pooled


def weighted_mean(tokens: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return the mean of tokens weighted by the particle's share of each.

    An empty mask counts as a full one: the mean over all patches is in the same space, the class token is not.

    Args:
        tokens: (B, P, D).
        shares: (B, P) in [0, 1].

    Returns:
        (B, D).
    """
    empty = shares.sum(dim=1, keepdim=True) <= 0
    weights = torch.where(empty, torch.ones_like(shares), shares)
    return (tokens * weights[..., None]).sum(dim=1) / weights.sum(dim=1, keepdim=True)
