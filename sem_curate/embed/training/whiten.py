"""The last layer of a trained image encoder, in closed form: mute what differs between views of one thing.

Pooled features are all positive and vary along detector, noise and focus as well as along what a particle is. With W
the mean covariance *within* things, x -> (W + s tr(W)/D I)^(-1/2) (x - mean) scales the first kind down (within-class
covariance normalisation, Hatch et al. 2006, doi:10.21437/Interspeech.2006-183). Nothing is learnt by gradient, so
unlike a trained projection it forgets nothing that other materials need. Pure.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sem_curate.arrays import Floats

SHRINK: Final = 1.0  # towards leaving the axes as they are; 0 would blow up those that never vary


def within(features: Floats, *, shrink: float = SHRINK) -> tuple[Floats, Floats]:
    """Return the layer that mutes differences between views.

    Args:
        features: (P, V, D), V >= 2 views of each of P things.
        shrink: s >= 0, in mean variances.

    Returns:
        (D, D) weight and (D,) bias; ``x @ weight.T + bias``. The mean length of what it answers is 1 per root D.
    """
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    apart = (features - features.mean(1, keepdims=True)).reshape(flat.shape).astype(np.float64)
    covariance = apart.T @ apart / max(1, len(features) * (features.shape[1] - 1))
    levels, axes = np.linalg.eigh(covariance)
    levels = np.maximum(levels, 0)
    floor = shrink * levels.mean() + 1e-9
    weight = (axes / np.sqrt(levels + floor)) @ axes.T
    mean = flat.mean(0)
    scale = 1 / (np.sqrt((((flat - mean) @ weight.T) ** 2).mean()) + 1e-12)
    return (scale * weight).astype(np.float32), (-scale * (weight @ mean)).astype(np.float32)
