"""Measures to quality: one number in [0, 1], tags that name what is wrong, and whether the view is usable at all.

First version, uncalibrated: absolute priors. Each measure gets a logistic score, 0.5 where a person would start to
complain. Where 30 or more views of one imaging condition are known, sharpness and SNR are also ranked among them,
because absolute values of these two do not travel between instruments and magnifications.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sem_curate.quality.mask import SMALL
from sem_curate.quality.measures import ViewMeasures

TAGS: Final = (
    "no_particle", "blur", "noise", "low_contrast", "charging", "saturation", "drift", "contour_missing", "frame_cut",
    "small_particle", "info_bar", "unreadable",
)  # fmt: skip

RANKED: Final = ("sharpness", "snr")
MIN_GROUP: Final = 30  # a rank among fewer is off by more than 0.1 (binomial, 1 standard error at the median)

PRIOR: Final = "prior"  # absolute scores only
RANK: Final = "rank"  # ranks among the same imaging condition had a say

WORST: Final = 0.02  # a score from one misread mask must not silence a view altogether

MIN_COMPLETENESS: Final = 0.75  # a quarter of the outline hidden: shape can no longer be judged
MAX_CUT: Final = 0.03  # separates cut from whole particles with accuracy 0.99 on simulated images
MAX_DRIFT: Final = 0.5  # pixels; 172 powder crops without visible jitter measure 0.08 in the middle, 0.31 at most
CONTOUR_LOSS: Final = 0.4  # at most; a high-magnification view has no outline and is good for texture all the same


@dataclass(frozen=True)
class _Logistic:
    """Score 0.5 at ``centre``; one ``width`` further 0.73, two 0.88. A negative width turns the direction round."""

    centre: float
    width: float

    def __call__(self, value: float) -> float:
        return float(1 / (1 + np.exp(-np.clip((value - self.centre) / self.width, -30, 30))))


# Octaves. A Gaussian blur of 3 px leaves 0.65 on real powder and grain images, a focused one has 1.5 to 3.
_SHARPNESS: Final = _Logistic(0.7, 0.15)
# log2. Noise as strong as the signal (SNR 1) hides surface texture; from 2 on shapes and texture are seen.
_SNR: Final = _Logistic(float(np.log2(1.2)), 0.3)
# log2 of the range. 15 % are 38 of 256 grey levels; operators leave 30 % and more.
_CONTRAST: Final = _Logistic(float(np.log2(0.15)), 0.35)
# Share of the particle. Clipped edge highlights are 1 to 2 %; at 12 % areas are blank.
_SATURATION: Final = _Logistic(0.12, -0.04)
# Clean simulated views stay under 0.13 in three of four cases, half of those spoiled by charging exceed 0.3.
_CHARGING: Final = _Logistic(0.45, -0.1)


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one view.

    Attributes:
        quality: [0, 1], higher is better; uncalibrated.
        tags: what is wrong, in the order of ``TAGS``; always from absolute values, never from ranks.
        usable: False only when there is nothing to see: no particle, or no signal.
        basis: ``"prior"``, or ``"rank"`` when ranks had a say.
    """

    quality: float
    tags: tuple[str, ...]
    usable: bool
    basis: str = PRIOR


UNREADABLE: Final = Verdict(0.0, ("unreadable",), False)


def judge(measures: ViewMeasures, ranks: Mapping[str, float] | None = None) -> Verdict:
    """Judge one view.

    Quality is sqrt(geometric mean of the six scores * lowest score): the mean alone would let five good scores hide a
    fatal one.

    Args:
        measures: of the view.
        ranks: ``{"sharpness": r, "snr": r}`` among the same imaging condition, in (0, 1), or None. The score becomes
            the geometric mean of the prior and twice the rank (at most 1): an instrument whose good images all have low
            absolute values is forgiven, the worst of a good condition are marked down.
    """
    if measures.particle_area <= 0:
        return Verdict(0.0, _tags(measures, {}), False)
    scores = prior_scores(measures)
    tags = _tags(measures, scores)
    if ranks:
        for name in RANKED:
            scores[name] = float(np.sqrt(scores[name] * min(1.0, 2 * ranks[name])))
    values = np.maximum(list(scores.values()), WORST)
    mean = float(np.exp(np.log(values).mean()))
    quality = float(np.clip(np.sqrt(mean * values.min()), 0.0, 1.0))
    return Verdict(quality, tags, True, RANK if ranks else PRIOR)


def prior_scores(measures: ViewMeasures) -> dict[str, float]:
    """Return the six scores in [0, 1], higher is better, each from absolute values alone."""
    return {
        "sharpness": _SHARPNESS(measures.sharpness),
        "snr": _SNR(float(np.log2(max(measures.snr, 1e-3)))),
        "contrast": _CONTRAST(float(np.log2(max(measures.contrast, 1e-4)))),
        "saturation": _SATURATION(measures.saturation_low + measures.saturation_high),
        "charging": _CHARGING(measures.charging),
        "contour": 1 - CONTOUR_LOSS * (1 - measures.contour_completeness),
    }


def _tags(measures: ViewMeasures, scores: Mapping[str, float]) -> tuple[str, ...]:
    found = measures.particle_area > 0
    present = {
        "no_particle": not found,
        "blur": scores.get("sharpness", 1.0) < 0.5,
        "noise": scores.get("snr", 1.0) < 0.5,
        "low_contrast": scores.get("contrast", 1.0) < 0.5,
        "charging": scores.get("charging", 1.0) < 0.5,
        "saturation": scores.get("saturation", 1.0) < 0.5,
        "drift": measures.drift > MAX_DRIFT,
        "contour_missing": found and measures.contour_completeness < MIN_COMPLETENESS,
        "frame_cut": measures.frame_cut > MAX_CUT,
        "small_particle": found and measures.particle_area < SMALL,
        "info_bar": measures.info_bar > 0,
    }
    return tuple(tag for tag in TAGS if present.get(tag, False))
