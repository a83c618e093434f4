"""How much of a particle's outline the frame shows, and how much of the frame other particles take."""

from __future__ import annotations

import cv2
import numpy as np

from sem_curate.arrays import Bools

SECTORS = 72


def frame_contact(mask: Bools) -> tuple[float, float]:
    """Measure how a particle meets the frame.

    Args:
        mask: (H, W) bool, True on the particle.

    Returns:
        ``contour_share``: of the 72 polar sectors about the mask's centroid that hold particle, the share whose
        outermost pixel is not on the frame, [0, 1]; 0 for an empty mask.
        ``frame_cut``: the share of the mask's boundary pixels that lie on the frame, [0, 1].
    """
    if not mask.any():
        return 0.0, 0.0
    frame = np.ones_like(mask)
    frame[1:-1, 1:-1] = False
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    rows, columns = np.nonzero(mask & ~inner)
    on_frame = frame[rows, columns]
    weights = mask.sum(axis=1), mask.sum(axis=0)
    centre = [float((w * np.arange(w.size)).sum() / w.sum()) for w in weights]
    dy, dx = rows - centre[0], columns - centre[1]
    sector = np.floor((np.arctan2(dy, dx) / (2 * np.pi) % 1.0) * SECTORS).astype(int) % SECTORS
    distance = np.hypot(dx, dy)
    order = np.lexsort((distance, sector))
    last = np.flatnonzero(np.diff(sector[order], append=-1))  # the farthest boundary pixel of each sector
    outer = on_frame[order][last]
    return float(1 - outer.mean()), float(on_frame.mean())


def share_without_specks(mask: Bools, speck: float) -> float:
    """Return the share of the frame in connected parts of at least ``speck`` of the frame each, [0, 1]."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return float(areas[areas >= speck * mask.size].sum() / mask.size)
