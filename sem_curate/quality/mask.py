"""Find the particle on a small copy: what the reader's network sees, else a smoothed Otsu threshold.

A test of the signal comes first, because a network finds something in noise as well. Where the network sees none,
one filled component of an Otsu threshold (IEEE Trans. SMC 9:62, 1979) is taken: bright on dark is assumed, dark on
bright is recognised by the frame's border.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from scipy import ndimage

from sem_curate.arrays import Bools, Floats
from sem_curate.quality import focus, levels, reader

# Raise it whenever masks come out differently: vectors that were pooled inside a mask are then made anew.
MASK_VERSION: Final = 2

SIDE: Final = 256  # enough for an outline in 72 sectors, and a few milliseconds
MIN_SIDE: Final = 16  # fewer pixels across cannot hold a particle and its background
SIGNAL: Final = 6.0  # spread of pure noise (98th - 2nd percentile) is 4.1 sigma
SPOT: Final = 8.0
MIN_SPREAD: Final = 0.01  # 2.5 of 256 grey levels
FAINT: Final = 0.04  # ten grey levels: below it only two clear levels count as a body, the rest is substrate
BODY: Final = 0.75  # separability of a faint body; bare substrate of real images reaches 0.71
FLAT: Final = (
    0.56  # below one hump's 0.64: many tones, none of them background. Powder crops: 0.57 at the first percentile
)
BLURRED: Final = 0.7
EMPTY_RING: Final = 0.2  # of the border; texture that fills the frame leaves about half of it bright
COMPACT: Final = 15.0  # border of a body against its shadow; substrate grain above it is more tangled
MAX_COMPLEXITY: Final = 20.0  # 687 powder crops: 10 in the middle, 21 at the 99th percentile; texture 16 to 70
SURE_OTHERS: Final = 0.7  # shadows, halos and debris make the network half believe in a neighbour
SURE_CONTACT: Final = 0.85  # a shadow or a neighbour that leads the mask to the frame is doubted all along the frame
STRIP: Final = 3  # of the 128 pixels of the network: what counts as at the frame
MIN_SEEN: Final = 16  # pixels; fewer that the network takes for the particle are a stray spot
WHOLE_FRAME: Final = 0.985  # of the frame: what is left are pixels at the border, not background
SMALL: Final = 0.01  # share of the frame; on a 1280 x 960 image about 110 pixels across

FOUND = "found"
FILLS_FRAME = "fills_frame"  # structure everywhere and no outline: the legitimate high-magnification view
NONE = "none"  # nothing but noise and slow shading


@dataclass(frozen=True)
class Particle:
    """A particle mask on a small copy of the image.

    Attributes:
        state: ``"found"``, ``"fills_frame"`` (mask all True) or ``"none"`` (mask all False).
        mask: (h, w) bool, long side at most 256.
        grey: (h, w) float32 in [0, 1], the smoothed copy that the mask was drawn on.
        background: (h, w) bool, pixels on no particle; all True for ``"none"``, all False for ``"fills_frame"``.
        others: (h, w) bool, pixels on other particles, debris included; all False where the threshold was asked.
        reading: all that the network saw; None where it was not asked because there is no signal.
    """

    state: str
    mask: Bools
    grey: Floats
    background: Bools
    others: Bools
    reading: reader.Reading | None = None


def find_particle(unit: Floats) -> Particle:
    """Find the particle in an image without its info bar.

    Args:
        unit: (H, W) float32 in [0, 1].

    Returns:
        The particle; of several components, the one with most area near the centre.

    Raises:
        InputError: when the network's weights are missing or damaged.
    """
    shrunk = levels.shrink(unit, SIDE).astype(np.float32)
    small = _without_line_noise(shrunk)
    width = max(0.8, 0.008 * max(small.shape))  # 2 px at full size: removes noise, keeps a 20-px particle
    grey = cv2.GaussianBlur(small, (0, 0), width)
    everything, nothing = np.ones(small.shape, np.bool_), np.zeros(small.shape, np.bool_)
    absent = Particle(NONE, nothing, grey, everything, nothing)
    if min(small.shape) < MIN_SIDE:
        return absent
    noise = _noise_after(unit, small) / (2 * np.sqrt(np.pi) * width)  # white noise after a Gaussian filter
    unexplained = _unexplained(grey)
    if not _spreads(unexplained, noise) and _spot(unexplained, noise) is None:
        return absent
    low, high = np.percentile(grey, (2, 98))
    faint = bool(high - low < FAINT)
    if faint and _cut(grey).separability < BODY:
        spot = _spot(unexplained, noise)
        return absent if spot is None else Particle(FOUND, spot, grey, ~spot, nothing)
    reading = reader.read(shrunk)
    return _seen(reading, grey) or replace(_by_threshold(grey, faint=faint), reading=reading)


def _seen(reading: reader.Reading, grey: Floats) -> Particle | None:
    """Return the particle of the network's maps, None where it sees none."""
    size = (grey.shape[1], grey.shape[0])
    certainty = _without_doubtful_contacts(reading.particle)
    body = cv2.resize(certainty, size, interpolation=cv2.INTER_LINEAR) > 0.5
    if not body.any():
        return None
    mask = _central_component(body)
    if mask.sum() < MIN_SEEN:
        return None
    nothing = np.zeros_like(mask)
    if mask.mean() > WHOLE_FRAME:
        return Particle(FILLS_FRAME, ~nothing, grey, nothing, nothing, reading)
    others = (cv2.resize(reading.others, size, interpolation=cv2.INTER_LINEAR) > SURE_OTHERS) & ~mask
    return Particle(FOUND, mask, grey, ~mask & ~others & ~body, others, reading)


def _without_doubtful_contacts(certainty: Floats) -> Floats:
    """Take off where the mask meets the frame without being sure of it anywhere; (S, S) in and out, [0, 1]."""
    strip = certainty > 0.5
    strip[STRIP:-STRIP, STRIP:-STRIP] = False
    count, labels = cv2.connectedComponents(strip.astype(np.uint8), connectivity=4)
    surest = ndimage.maximum(certainty, labels, np.arange(1, count))
    doubtful = 1 + np.flatnonzero(np.asarray(surest) < SURE_CONTACT)
    return np.where(np.isin(labels, doubtful), np.float32(0), certainty)


def _by_threshold(grey: Floats, *, faint: bool) -> Particle:
    cut = _cut(grey)
    nothing = np.zeros(grey.shape, np.bool_)
    tangled = cut.separability < BLURRED and _complexity(cut.body) > MAX_COMPLEXITY
    alone = cut.bright_ring < EMPTY_RING and not _touches_border(cut.body)
    if not faint and not alone and (cut.separability < FLAT or tangled):
        return Particle(FILLS_FRAME, ~nothing, grey, nothing, nothing)
    return Particle(FOUND, cut.body, grey, cut.background, nothing)


def _without_line_noise(small: Floats) -> Floats:
    """Take out what single rows are brighter or darker than the rows around them (fast scans)."""
    if min(small.shape) < MIN_SIDE:
        return small
    level = np.median(small, axis=1)
    steady: Floats = small - (level - ndimage.median_filter(level, 9))[:, None]
    return steady


def _noise_after(unit: Floats, small: Floats) -> float:
    """Return the noise of the small copy; by a broken factor its noise is no longer white and looks too weak."""
    return max(focus.noise_sigma(small), float(focus.noise_sigma(unit) * small.shape[1] / unit.shape[1]))


def _unexplained(grey: Floats) -> Floats:
    """Return what differs from a plane of shading; on a full grid the three terms of the plane are orthogonal."""
    rest = grey.astype(np.float64) - grey.mean(dtype=np.float64)
    for axis, length in enumerate(grey.shape):
        along = np.linspace(-1, 1, length)
        slope = float(along @ rest.mean(axis=1 - axis)) / float(along @ along)
        rest -= np.expand_dims(slope * along, 1 - axis)
    return np.asarray(rest, np.float32)


def _spreads(unexplained: Floats, noise: float) -> bool:
    """Tell whether anything but noise is there."""
    low, high = np.percentile(unexplained, (2, 98))
    return bool(high - low > max(SIGNAL * noise, MIN_SPREAD))


def _spot(unexplained: Floats, noise: float) -> Bools | None:
    """Return the largest thing that stands out by 8 sigma on at least 9 pixels: too small for the percentiles."""
    distance = np.abs(unexplained - np.median(unexplained))
    far = (distance > max(SPOT * noise, 5 * MIN_SPREAD)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(far, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not areas.size or areas.max() < 9:
        return None
    return np.asarray(labels == 1 + int(areas.argmax()), np.bool_)


def _otsu(grey: Floats) -> float:
    low, high = float(grey.min()), float(grey.max())
    scaled = np.rint((grey - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    level, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return low + (float(level) + 0.5) / 255 * (high - low)


def _separability(grey: Floats, bright: Bools) -> float:
    """Otsu's between-class share of the variance: 2/pi = 0.64 for one Gaussian hump, 1 for two levels."""
    share: float = float(bright.mean())
    if not 0 < share < 1:
        return 0.0
    gap = float(grey[bright].mean() - grey[~bright].mean())
    separability: float = share * (1 - share) * gap**2 / max(float(grey.var()), 1e-12)
    return separability


def _complexity(body: Bools) -> float:
    """Length of the border over the root of the area: 7 for a disc (the border is counted two pixels wide)."""
    border = cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return float(border.sum() / np.sqrt(max(float(body.sum()), 1.0)))


@dataclass(frozen=True)
class _Cut:
    """One way to part the image."""

    body: Bools
    background: Bools
    separability: float
    bright_ring: float  # share of the frame's border in the bright class


def _cut(grey: Floats) -> _Cut:
    """Part the image into the particle and the rest.

    When the bright class holds most of the frame's border, the background is in it: then either the particle is
    brighter still and the dark class is its shadow, or the particle is dark.
    """
    bright = grey > _otsu(grey)
    separability = _separability(grey, bright)
    body = _central_component(bright)
    ring = _ring_share(bright)
    if ring <= 0.5:
        return _dimmer_centre(grey, bright, body, ring) or _Cut(body, ~bright & ~body, separability, ring)
    upper = grey > _otsu(grey[bright])
    lit = _central_component(upper)
    central = lit[grey.shape[0] // 2, grey.shape[1] // 2] or not _touches_border(lit)  # else a bright neighbour
    if central and _ring_share(upper) <= 0.35 and lit.mean() >= 2 * SMALL and _complexity(lit) <= COMPACT:
        return _Cut(lit, bright & ~upper & ~lit, max(separability, BLURRED), ring)
    dark = _central_component(~bright)
    if not _touches_border(dark) and dark.mean() >= 2 * SMALL:
        return _Cut(dark, bright & ~dark, separability, ring)
    return _Cut(body, ~bright & ~body, separability, ring)


def _dimmer_centre(grey: Floats, bright: Bools, body: Bools, ring: float) -> _Cut | None:
    """Look for a body in the dark class when the bright one is only a neighbour that leaves the frame's centre dark."""
    middle = grey.shape[0] // 2, grey.shape[1] // 2
    if body[middle] or not _touches_border(body):
        return None
    below = grey[~bright]
    level = _otsu(below)
    dim = grey > level
    separability = _separability(below, below > level)
    neighbours = cv2.dilate(_at_border(bright).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    inner = _central_component(dim & ~neighbours)
    if separability < BLURRED or not inner[middle] or inner.mean() < 2 * SMALL or _complexity(inner) > MAX_COMPLEXITY:
        return None
    return _Cut(inner, ~dim & ~inner, separability, ring)


def _at_border(mask: Bools) -> Bools:
    """Keep the components that reach the frame."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    reached = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    kept: Bools = np.isin(labels, reached[reached > 0])
    return kept


def _ring_share(mask: Bools) -> float:
    return float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())


def _central_component(mask: Bools) -> Bools:
    """Return the component with the largest centre-weighted area, holes filled."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    rows = np.linspace(-1, 1, mask.shape[0])[:, None]
    columns = np.linspace(-1, 1, mask.shape[1])[None]
    weight = np.exp(-(rows**2 + columns**2))
    sums = np.bincount(labels.ravel(), weight.ravel(), minlength=count)
    body = (labels == 1 + int(np.argmax(sums[1:]))).astype(np.uint8)
    outlines, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(body, outlines, -1, 1, cv2.FILLED)
    return np.asarray(body, np.bool_)


def _touches_border(mask: Bools) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
