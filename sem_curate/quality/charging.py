"""Signs of a charged sample: streaks along the scan rows, and a halo round the particle.

A score from image signs, not a potential. The signs are those named for charging in Postek and Vladar, "Does your SEM
really tell the truth?" (Scanning 35:355, 2013): streaking along the fast-scan direction and abnormal brightness. Areas
that are blown out are ``saturation_high``, whatever the reason.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats

MIN_SIDE: Final = 32
AVERAGE: Final = 12  # a streak goes on for a twelfth of the width, grain does not
SLOW: Final = 0.03  # of the side: what changes more slowly from row to row is shading
EDGE: Final = 16  # a sixteenth of the side about the outline is left out: an outline along the rows is no streak
SPREAD: Final = 0.07  # of the side: how far a halo reaches
MIN_BACKGROUND: Final = 0.08  # of the frame, to tell a halo from shading
NOISE: Final = 0.004  # of the range: streaks below one grey level are not seen
MAX_HALO: Final = 0.3

# Logistic score of both signs: a fit on simulated views with and without charging, level 0.5 where simulated charging
# is told from all other faults best.
_BIAS: Final = 0.0
_STREAKS: Final = 0.0  # per doubling
_HALO: Final = 0.0  # per share of the range


def charging(small: Floats, mask: Bools, others: Bools) -> float:
    """Score charging.

    Args:
        small: (h, w) float32 in [0, 1], a small copy of the image, long side at most 256.
        mask: (h, w) bool, the particle; all True when it fills the frame.
        others: (h, w) bool, other particles.

    Returns:
        [0, 1], lower is better; above 0.45 a person would see it.
    """
    if min(small.shape) < MIN_SIDE:
        return 0.0
    doublings = float(np.log2(streaks(small, mask, others) + NOISE))
    level = _BIAS + _STREAKS * doublings + _HALO * float(np.clip(halo(small, mask, others), -0.05, MAX_HALO))
    return float(1 / (1 + np.exp(-np.clip(level, -30, 30))))


def streaks(small: Floats, mask: Bools, others: Bools) -> float:
    """Return how strong streaks along the rows are beyond such along the columns, share of the range, [0, 1].

    Particles away from their outlines and background count alike: both are streaked.
    """
    outline = cv2.morphologyEx(_bytes(mask | others), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    reach = max(1, max(small.shape) // EDGE)
    clear = cv2.dilate(outline, np.ones((reach, reach), np.uint8)) == 0
    if clear.mean() < MIN_BACKGROUND:
        return 0.0
    along = float(_row_runs(small)[clear].var())
    across = float(_row_runs(np.ascontiguousarray(small.T)).T[clear].var())
    return float(np.sqrt(max(along - across, 0.0)))


def halo(small: Floats, mask: Bools, others: Bools) -> float:
    """Return how much brighter (or darker, < 0) the background is next to the particles, share of the range.

    Least squares of the background on a blurred mask, with a plane of shading; 0 where hardly any background shows.
    """
    side = max(small.shape)
    body = _bytes(mask | others)
    reach = 2 * max(2, side // 64) + 1
    background = cv2.dilate(body, np.ones((reach, reach), np.uint8)) == 0
    if background.mean() < MIN_BACKGROUND or not body.any():
        return 0.0
    glow = cv2.GaussianBlur(body.astype(np.float32), (0, 0), SPREAD * side)
    rows, columns = np.nonzero(background[::2, ::2])
    rows, columns = 2 * rows, 2 * columns
    known = np.stack([glow[rows, columns], np.ones(rows.size), rows / side, columns / side], axis=1)
    found = np.linalg.lstsq(known.T @ known, known.T @ small[rows, columns], rcond=None)[0]
    return float(np.clip(found[0], -1.0, 1.0))


def _row_runs(small: Floats) -> Floats:
    """Average along the rows, less the slow changes from row to row."""
    smooth = cv2.blur(small, (max(3, max(small.shape) // AVERAGE), 1))
    sigma = SLOW * max(small.shape)
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F).ravel()
    slow = cv2.sepFilter2D(smooth, cv2.CV_32F, np.ones(1, np.float32), kernel)
    runs: Floats = cv2.subtract(smooth, slow)
    return runs


def _bytes(mask: Bools) -> np.ndarray:
    return np.asarray(mask, np.uint8)
