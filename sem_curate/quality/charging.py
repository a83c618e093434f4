"""Signs of a charged sample: streaks along the scan rows, and a halo round the particle.

A score from image signs, not a potential. The signs are those named for charging in Postek and Vladar, "Does your SEM
really tell the truth?" (Scanning 35:355, 2013): streaking along the fast-scan direction and abnormal brightness. Areas
that are blown out are ``saturation_high``, whatever the reason.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats

MIN_SIDE: Final = 32
AVERAGE: Final = 12  # a streak goes on for a twelfth of the width, grain does not
SLOW: Final = 0.03  # of the side: what changes more slowly from row to row is shading
EDGE: Final = 16  # a sixteenth of the side about the outline is left out: an outline along the rows is no streak
SPREAD: Final = 0.07  # of the side: how far a halo reaches
MIN_BACKGROUND: Final = 0.08  # of the frame, to tell a halo from shading
NOISE: Final = 0.004  # of the range: streaks below one grey level are not seen
MAX_HALO: Final = 0.3

# Evidence of both signs: a logistic fit on simulated views, 0 where charging is told from everything else best when one
# view in ten is charged. Without a halo that is at streaks of 4.5 % of the range.
_BIAS: Final = 24.9
_STREAKS: Final = 5.7  # per doubling
_HALO: Final = 21.6  # per share of the range: a halo of 10 % counts like streaks of 1.3 times the strength
_MOST: Final = 6.0  # either sign may be misled; the network's word is heard all the same
_SEEN: Final = 0.4  # the network's strength that speaks neither for nor against
_UNSEEN: Final = 0.02  # its error on clean views
_LEVEL: Final = 0.2  # puts evidence 0 at a score of 0.45


def charging(small: Floats, mask: Bools, others: Bools, learned: float | None = None) -> float:
    """Score charging.

    Both signs were fitted on simulated views, and so was the network that may be heard as well. On simulated views that
    neither had seen, signs alone reach F1 0.93 to 0.96, the network alone 0.94 to 0.97, both 0.98; of 687 real
    particles, none of them charged to the eye, the signs alone suspect five and both together none.

    Args:
        small: (h, w) float32 in [0, 1], a small copy of the image, long side at most 256.
        mask: (h, w) bool, the particle; all True when it fills the frame.
        others: (h, w) bool, other particles.
        learned: strength that the reader's network sees (``Reading.charging``), >= 0, when it was asked.

    Returns:
        [0, 1], lower is better; above 0.45 a person would see it.
    """
    if min(small.shape) < MIN_SIDE:
        return 0.0
    doublings = float(np.log2(streaks(small, mask, others) + NOISE))
    level = _BIAS + _STREAKS * doublings + _HALO * float(np.clip(halo(small, mask, others), -0.05, MAX_HALO))
    level = float(np.clip(level, -_MOST, _MOST))
    if learned is not None:
        level = level / 3 + 2 * float(np.log((learned + _UNSEEN) / _SEEN))
    return float(1 / (1 + np.exp(_LEVEL - level)))


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


def _bytes(mask: Bools) -> NDArray[np.uint8]:
    return np.asarray(mask, np.uint8)
