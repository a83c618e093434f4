"""What the particle mask says about the outline: how much of it is inside the frame, how much the frame cuts off."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools
from sem_curate.quality.mask import FOUND, Particle

SECTORS: Final = 72  # 5 degrees each
SPECK: Final = 0.002  # of the frame; smaller things beside the particle are debris
MARGIN: Final = 2  # pixels of the small copy; smoothing pulls an outline this far off the frame


def particle_area(particle: Particle) -> float:
    """Return the share of the frame that shows the particle, [0, 1]; 0 for none, 1 when it fills the frame."""
    return float(particle.mask.mean())


def other_particles(particle: Particle) -> float:
    """Return the share of the frame that other particles take, [0, 1]; specks of debris do not count."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(particle.others.astype(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return float(areas[areas >= SPECK * particle.others.size].sum() / particle.others.size)


def contour_completeness(particle: Particle) -> float:
    """Return the share of the occupied polar sectors whose outer edge lies inside the frame.

    72 sectors about the centroid of the visible particle; sectors without any of it do not count. Range [0, 1], higher
    is better; 0 without an outline (no particle, or it fills the frame).
    """
    if particle.state != FOUND:
        return 0.0
    rows, columns = np.nonzero(particle.mask)
    if rows.size == 0:
        return 0.0
    down, right = rows - rows.mean(), columns - columns.mean()
    sector = ((np.arctan2(down, right) + np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    radius = np.hypot(down, right)
    outer = np.zeros(SECTORS)
    np.maximum.at(outer, sector, radius)
    height, width = particle.mask.shape
    at_frame = (rows < MARGIN) | (columns < MARGIN) | (rows >= height - MARGIN) | (columns >= width - MARGIN)
    # A sector is cut when the frame meets it at (almost) its outermost point.
    cut = np.zeros(SECTORS, np.bool_)
    reaching = at_frame & (radius >= outer[sector] - 2 * MARGIN)
    cut[sector[reaching]] = True
    occupied = np.bincount(sector, minlength=SECTORS) > 0
    return float((occupied & ~cut).sum() / occupied.sum())


def frame_cut(particle: Particle) -> float:
    """Return the share of the mask's perimeter that is the frame, [0, 1], lower is better; above 0.03 it is cut.

    0 without a particle, 1 when it fills the frame.
    """
    if particle.state != FOUND:
        return particle_area(particle)
    mask = particle.mask
    if not mask.any():
        return 0.0
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    edge: Bools = mask & (inner == 0)
    frame = _frame_pixels(mask)
    return float(frame / max(int(edge.sum()), frame, 1))


def _frame_pixels(mask: Bools) -> int:
    """Mask pixels that lie on the frame, or one pixel inside it where smoothing kept the mask off."""
    ring = np.zeros_like(mask)
    ring[0], ring[-1], ring[:, 0], ring[:, -1] = (
        mask[min(1, len(mask) - 1)],
        mask[-min(2, len(mask))],
        mask[:, min(1, mask.shape[1] - 1)],
        mask[:, -min(2, mask.shape[1])],
    )
    return int(ring.sum())
