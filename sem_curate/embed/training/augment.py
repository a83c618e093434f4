"""Random changes that keep a particle what it is: geometry, detector gain, focus, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

Images = torch.Tensor


@dataclass(frozen=True)
class Strength:
    """How far augmentation goes."""

    smallest_area: float = 0.4  # smaller crops lose the identity of a particle
    tilt: float = 0.15  # stretch of one axis, as stage tilt gives
    gamma: float = 0.35
    blur: float = 1.6  # pixels
    noise: float = 0.12  # of the grey range
    invert: float = 0.05  # bright-field and dark-field swap contrast, but rarely
    largest_area: float = 1.0
    shading: float = 0.0  # grey levels of a slope across the image, as charging and shadowing leave
    scan_lines: float = 0.0  # of the grey range: rows that the beam current or a charge lifted


# For self-distillation on anything: instruments differ more than the renderer's conditions do.
GLOBAL_CROP = Strength(
    smallest_area=0.4, tilt=0.2, gamma=0.5, blur=1.8, noise=0.15, invert=0.12, shading=0.35, scan_lines=0.05
)
# Still large enough to know the particle or the surface by.
LOCAL_CROP = replace(GLOBAL_CROP, smallest_area=0.12, largest_area=0.4, blur=1.0)


def augment(images: Images, size: int, strength: Strength, generator: torch.Generator) -> Images:
    """Change each image in its own way.

    Args:
        images: (B, S, S) uint8.
        size: side of the result in pixels.
        strength: how far.
        generator: source of chance.

    Returns:
        (B, 1, size, size) float32 in [0, 1], contrast stretched as at inference.
    """
    changed = _geometry(images.float().div_(255).unsqueeze(1), size, strength, generator)
    changed = changed.clamp_(0, 1).pow(torch.exp(strength.gamma * _normal(len(images), generator)))
    changed = _blur(changed, strength.blur, generator)
    level = strength.noise * _uniform(len(images), generator) * (_uniform(len(images), generator) < 0.7)
    changed = changed + level * torch.randn(changed.shape, generator=generator)
    if strength.shading or strength.scan_lines:
        changed = _uneven(changed, strength, generator)
    flipped = _uniform(len(images), generator) < strength.invert
    return stretch_batch(torch.where(flipped, -changed, changed))


def stretch_batch(images: Images, clip_percent: float = 0.5) -> Images:
    """Do to a batch what `preprocess.stretch` does to one image, on a sample of its pixels.

    Args:
        images: (B, 1, S, S) floats.
        clip_percent: clipped at each end.

    Returns:
        (B, 1, S, S) float32 in [0, 1].
    """
    pixels = images.flatten(1)[:, ::5]  # five shares no factor with even sides, so columns vary
    share = torch.tensor([clip_percent / 100, 1 - clip_percent / 100])
    low, high = torch.quantile(pixels, share, dim=1)
    low, span = low.view(-1, 1, 1, 1), (high - low).clamp_min(1e-3).view(-1, 1, 1, 1)
    stretched: Images = ((images - low) / span).clamp_(0, 1)
    return stretched


def _uniform(count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.rand((count, 1, 1, 1), generator=generator)


def _normal(count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn((count, 1, 1, 1), generator=generator)


def _geometry(images: Images, size: int, strength: Strength, generator: torch.Generator) -> Images:
    """Crop, turn, mirror and tilt in one resampling."""
    count = len(images)
    draw = torch.rand((6, count), generator=generator)
    zoom = torch.sqrt(strength.smallest_area + (strength.largest_area - strength.smallest_area) * draw[0])
    angle = 2 * math.pi * draw[1]
    mirror = torch.where(draw[2] < 0.5, -1.0, 1.0)
    squeeze = torch.exp(strength.tilt * (2 * draw[3] - 1))
    shift = (2 * draw[4:6] - 1) * (1 - zoom)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    rows = [torch.stack([cos * mirror, -sin * squeeze, shift[0]]), torch.stack([sin * mirror, cos * squeeze, shift[1]])]
    matrix = torch.stack(rows).permute(2, 0, 1)
    grid = functional.affine_grid(matrix, [count, 1, size, size], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _blur(images: Images, most: float, generator: torch.Generator) -> Images:
    """Defocus a random half of the batch by one random amount; each batch draws another amount."""
    sigma = most * float(torch.rand((), generator=generator))
    if sigma < 0.2:
        return images
    at = torch.arange(-4, 5, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel = kernel / kernel.sum()
    soft = functional.conv2d(images, kernel.view(1, 1, 1, -1), padding=(0, 4))
    soft = functional.conv2d(soft, kernel.view(1, 1, -1, 1), padding=(4, 0))
    return torch.where(_uniform(len(images), generator) < 0.4, soft, images)


def _uneven(images: Images, strength: Strength, generator: torch.Generator) -> Images:
    """Add a slope of brightness to half of the images, and lifted rows to a third."""
    count, size = len(images), images.shape[-1]
    at = torch.linspace(-0.5, 0.5, size)
    slope = strength.shading * (_uniform(count, generator) < 0.5) * _normal(count, generator)
    angle = 2 * math.pi * _uniform(count, generator)
    ramp = torch.cos(angle) * at.view(1, 1, 1, -1) + torch.sin(angle) * at.view(1, 1, -1, 1)
    level = strength.scan_lines * (_uniform(count, generator) < 0.3)
    lines = level * torch.randn((count, 1, size, 1), generator=generator)
    return images + slope * ramp + lines
