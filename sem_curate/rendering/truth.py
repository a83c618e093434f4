"""What is known about a rendered particle: nothing here is measured by the quality room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools

DEFECTS = (
    "blur", "noise", "low_contrast", "charging", "drift", "contour_missing", "saturation", "info_bar",
    "neighbour", "scale_bar_over",
)  # fmt: skip
SPOILERS = ("blur", "noise", "low_contrast", "charging", "drift", "contour_missing", "saturation")
"""The defects that ``spoiled`` views draw from."""
SPECK = 0.002
"""Share of the frame below which something beside the particle is debris, not another particle."""


@dataclass(frozen=True)
class ViewTruth:
    """Truth of one view; every share is in [0, 1].

    Attributes:
        condition: slot name, ``view1``..``view6``.
        sharpness: (0, 1], 1 / (1 + blur in 128ths of the image side); higher = sharper.
        blur_sigma_px: effective Gaussian blur of this image in pixels (geometric mean of both axes).
        astigmatism: ratio of the longer to the shorter blur axis, >= 1.
        noise_sigma: deviation of the added noise in grey levels / 255.
        contrast: P99.5 - P0.5 of the noise-free image in grey levels / 255; a thin needle still counts.
        saturation_low: share of pixels at 0.
        saturation_high: share of pixels at 255.
        contour_share: share of the 72 polar sectors (about the centroid of the visible particle; only sectors
            holding particle count) whose outer edge lies inside the frame; 0 when the particle fills the frame.
        frame_cut: share of the visible particle's perimeter that is the frame.
        charging: strength, 0 = none.
        drift_px: largest sideways displacement of a scan line in pixels.
        drift_visible_px: what of it one image can show, ``defects.visible_drift`` in pixels.
        info_bar_px: height of the info bar, 0 = none.
        scale_bar_px: length of the scale bar, 0 = none.
        area_share: share of the frame that shows the particle.
        pixel_size_nm: nanometres per pixel.
        tilt_deg: stage tilt.
        neighbours: whether another particle shows.
        others_share: share of the frame that other particles show, specks of debris (below ``SPECK``) not counted.
        defects: a subset of ``DEFECTS``.
    """

    condition: str
    sharpness: float
    blur_sigma_px: float
    astigmatism: float
    noise_sigma: float
    contrast: float
    saturation_low: float
    saturation_high: float
    contour_share: float
    frame_cut: float
    charging: float
    drift_px: float
    drift_visible_px: float
    info_bar_px: int
    scale_bar_px: int
    area_share: float
    pixel_size_nm: float
    tilt_deg: float
    neighbours: bool
    others_share: float
    defects: tuple[str, ...]


@dataclass(frozen=True)
class RenderedView:
    """One simulated image: (H, W) uint8, its truth, and when asked for (H, W) bool masks of the particle and others."""

    view: str
    image: NDArray[np.uint8]
    truth: ViewTruth
    mask: Bools | None = None
    others: Bools | None = None


@dataclass(frozen=True)
class ParticleTruth:
    """Truth of one particle.

    Attributes:
        family: one of ``FAMILIES``.
        surface: ``smooth``, ``grained``, ``striped`` or ``rough``.
        attributes: numeric nuisance parameters, lengths as shares of the longest half-extent.
        views: truth per slot; None where the view is missing.
    """

    family: str
    surface: str
    attributes: Mapping[str, float]
    views: Mapping[str, ViewTruth | None]


@dataclass(frozen=True)
class RenderedParticle:
    """One simulated particle: ``views`` maps every slot, in order, to its image or to None when missing."""

    particle_id: str
    seed: int
    truth: ParticleTruth
    caption_en: str
    caption_ja: str
    views: Mapping[str, RenderedView | None]

    @property
    def family(self) -> str:
        """Shape family."""
        return self.truth.family

    @property
    def attributes(self) -> Mapping[str, float]:
        """Numeric nuisance parameters."""
        return self.truth.attributes

    def record(self) -> dict[str, Any]:
        """Return the truth as plain JSON-able values, without images."""
        views = {name: None if truth is None else asdict(truth) for name, truth in self.truth.views.items()}
        return {
            "particle_id": self.particle_id,
            "seed": self.seed,
            "family": self.family,
            "surface": self.truth.surface,
            "attributes": {key: round(float(value), 6) for key, value in self.truth.attributes.items()},
            "caption_en": self.caption_en,
            "caption_ja": self.caption_ja,
            "views": views,
            "simulated": True,
        }
