"""Pixel sizes from scale bars: what a few views of one imaging condition say, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

AGREE: Final = 0.03  # largest relative deviation; a scale bar is measured to 2 % or a pixel


@dataclass(frozen=True)
class Offer:
    """A pixel size for one imaging condition.

    Attributes:
        pixel_size_nm: None when nothing could be read, or the views contradict each other.
        length_nm: the label, of the view nearest the middle.
        bar_px: length of the scale bar in pixels, median.
        read: views whose label was read.
        agreeing: of them, those within 3 % of the median.
    """

    pixel_size_nm: float | None
    length_nm: float | None
    bar_px: float
    read: int
    agreeing: int


def offer(bars_px: Sequence[float], lengths_nm: Sequence[float | None]) -> Offer:
    """Make an offer from the scale bars of some views of one condition.

    Args:
        bars_px: lengths in pixels, > 0; at least one.
        lengths_nm: the labels in the same order, None where it could not be read.

    Returns:
        An offer with a pixel size only if every label that was read leads to the same one.
    """
    bars = np.asarray(bars_px, np.float64)
    pairs = [(length, bar) for length, bar in zip(lengths_nm, bars_px, strict=True) if length is not None]
    if not pairs:
        return Offer(None, None, float(np.median(bars)), 0, 0)
    sizes = np.array([length / bar for length, bar in pairs])
    middle = float(np.median(sizes))
    agreeing = int(np.count_nonzero(np.abs(sizes - middle) <= AGREE * middle))
    nearest = pairs[int(np.argmin(np.abs(sizes - middle)))][0]
    agreed = middle if agreeing == len(pairs) else None
    return Offer(agreed, nearest, float(np.median(bars)), len(pairs), agreeing)


def fits(bar_px: float | None, offered: Offer) -> bool:
    """Tell whether a view's own scale bar is as long as the offer's, so that the offer is valid for it, too."""
    return bar_px is not None and abs(bar_px - offered.bar_px) <= AGREE * offered.bar_px
