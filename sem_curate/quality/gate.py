"""Measures to quality: one number in [0, 1], tags that name what is wrong, and whether the view is usable at all.

Every fault has one score from one measure: 1 is fine, 0.5 is where a person starts to complain, and that is where its
tag begins. Three things can move a score, the strongest last:

1. the imaging condition: sharpness, SNR and contrast do not travel between instruments and magnifications, so with 30
   or more views of the same condition their thresholds follow what is usual there, and their ranks count;
2. tags learned from corrections, where they were adopted (``quality.learned``);
3. a reviewer's own word on this view.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sem_curate.quality.mask import SMALL
from sem_curate.quality.measures import ViewMeasures

TAGS: Final = (
    "no_particle", "blur", "noise", "low_contrast", "charging", "saturation", "drift", "contour_missing", "frame_cut",
    "several_particles", "small_particle", "scale_bar", "info_bar", "unreadable",
)  # fmt: skip
NO_PARTICLE: Final = "no_particle"
BY_FILE: Final = "unreadable"  # says that the file could not be read; nobody can correct that by looking

RANKED: Final = ("sharpness", "noise_sigma", "snr", "contrast")
LOWER_IS_BETTER: Final = ("noise_sigma",)
MIN_GROUP: Final = 30  # a rank among fewer is off by more than 0.1 (binomial, 1 standard error at the median)

PRIOR: Final = "prior"  # absolute scores only
RANK: Final = "rank"  # the same imaging condition had a say

CUT: Final = 0.045  # share of the perimeter on the frame from which a particle is called cut
WORST: Final = 0.02  # a score from one misread mask must not silence a view altogether
MAX_SHIFT: Final = 3.0  # widths; a condition whose every image is blurred must not become the measure of all things
TYPICAL_SCORE: Final = 1.5  # widths above the threshold: what is usual in a condition scores at least 0.82
SAID_PRESENT: Final = 0.2  # score of a fault that a reviewer sees
SAID_ABSENT: Final = 0.9  # score of a fault that a reviewer does not see


@dataclass(frozen=True)
class Logistic:
    """Score 0.5 at ``centre``; one ``width`` further 0.73, two 0.88. A negative width turns the direction round."""

    centre: float
    width: float

    def __call__(self, value: float, typical: float | None = None) -> float:
        """Score a value; ``typical`` of its condition makes the threshold milder when it is worse than usual."""
        centre = self.centre
        if typical is not None:
            usual = (centre - typical) / self.width + TYPICAL_SCORE
            centre -= min(max(usual, 0.0), MAX_SHIFT) * self.width
        return float(1 / (1 + np.exp(-np.clip((value - centre) / self.width, -30, 30))))


@dataclass(frozen=True)
class Fault:
    """One thing that can be wrong with a view.

    Attributes:
        measure: what is looked at, for people who want to know.
        score: measures -> the number that ``logistic`` scores.
        logistic: where people start to complain.
        cost: how far the fault alone can lower quality, [0, 1]; 0 makes it a remark.
        instead: the fault whose score quality uses in place of this one's, where what people call it and what it does
            to the picture differ.
    """

    measure: str
    score: Callable[[ViewMeasures], float]
    logistic: Logistic
    cost: float = 1.0
    instead: Fault | None = None


def _log2(value: float) -> float:
    return float(np.log2(max(value, 1e-4)))


FAULTS: Final[Mapping[str, Fault]] = {
    # Octaves. A Gaussian blur of 3 px leaves 0.65 on real powder and grain images, a focused one has 1.5 to 3. This and
    # the levels below tell simulated views with the fault from all others best.
    "blur": Fault("sharpness", lambda m: m.sharpness, Logistic(0.85, 0.15)),
    # A tenth of the range, 25 of 256 grey levels, is grainy to the eye. What it hides depends on the signal: noise as
    # strong as the signal (SNR 1) hides surface texture, from 2 on shapes and texture are seen.
    "noise": Fault(
        "noise_sigma",
        lambda m: m.noise_sigma,
        Logistic(0.1, -0.015),
        instead=Fault("snr", lambda m: _log2(m.snr), Logistic(float(np.log2(1.2)), 0.3)),
    ),
    # 30 % of the range are 77 of 256 grey levels between the darkest and the brightest parts.
    "low_contrast": Fault("contrast", lambda m: _log2(m.contrast), Logistic(float(np.log2(0.31)), 0.2)),
    "charging": Fault("charging", lambda m: m.charging, Logistic(0.45, -0.1)),
    # Share of the particle. Clipped edge highlights are 1 to 2 %; at 12 % areas are blank.
    "saturation": Fault("saturation_high", lambda m: m.saturation_low + m.saturation_high, Logistic(0.12, -0.04)),
    # Pixels of 256: lines that are off by 0.8 make an outline of a usual particle look frayed.
    "drift": Fault("drift", lambda m: m.drift, Logistic(0.8, -0.15), 0.0),
    # A quarter of the outline hidden: shape can no longer be judged, but texture can. Views at high magnification have
    # no outline and tell as much as the others, so this counts against a recommendation and not against quality.
    "contour_missing": Fault("contour_completeness", lambda m: m.contour_completeness, Logistic(0.75, 0.08), 0.0),
    "frame_cut": Fault("frame_cut", lambda m: m.frame_cut, Logistic(CUT, -0.01), 0.0),
    "several_particles": Fault("other_particles", lambda m: m.other_particles, Logistic(0.012, -0.003), 0.0),
    "small_particle": Fault(
        "particle_area", lambda m: _log2(m.particle_area), Logistic(float(np.log2(SMALL)), 0.3), 0.0
    ),
    "scale_bar": Fault("overlay", lambda m: m.overlay, Logistic(0.0002, -0.0001), 0.0),
    "info_bar": Fault("info_bar", lambda m: m.info_bar, Logistic(0.01, -0.002), 0.0),
}
_LOG: Final = ("snr", "contrast", "particle_area")


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one view.

    Attributes:
        quality: [0, 1], higher is better; uncalibrated.
        tags: what is wrong, in the order of ``TAGS``: a reviewer's word where there is one, else ``measured``.
        usable: False only when there is nothing to see: no particle, or no signal.
        basis: ``"prior"``, or ``"rank"`` when the imaging condition had a say.
        measured: what the measures alone say, in the order of ``TAGS``.
    """

    quality: float
    tags: tuple[str, ...]
    usable: bool
    basis: str = PRIOR
    measured: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a value stands in its imaging condition: ``rank`` in (0, 1), and what is usual there (upper quartile)."""

    rank: float
    typical: float


UNREADABLE: Final = Verdict(0.0, (BY_FILE,), False, measured=(BY_FILE,))


def judge(
    measures: ViewMeasures,
    places: Mapping[str, Place] | None = None,
    *,
    learned: Mapping[str, float] | None = None,
    corrected: Collection[str] | None = None,
) -> Verdict:
    """Judge one view.

    Quality is sqrt(geometric mean of the scores that cost something * lowest of them): the mean alone would let five
    good scores hide a fatal one.

    Args:
        measures: of the view.
        places: ``{measure: Place}`` for ``RANKED`` among the same imaging condition, or None. A score becomes the
            geometric mean of itself and twice the rank (at most 1): the worst of a good condition are marked down.
        learned: ``{tag: probability}`` from an adopted model of corrections; replaces the rule of that tag.
        corrected: the tags that a reviewer says are right for this view, or None.
    """
    scores = {tag: _score(fault, measures, places) for tag, fault in FAULTS.items()}
    worth = {tag: _worth(fault, measures, places) for tag, fault in FAULTS.items()}
    for tag, chance in (learned or {}).items():
        if tag in FAULTS:
            scores[tag] = worth[tag] = 1 - chance
    measured = _tags(scores, found=measures.particle_area > 0)
    tags = measured if corrected is None else tuple(tag for tag in TAGS if tag in corrected)
    basis = RANK if places else PRIOR
    if NO_PARTICLE in tags:
        return Verdict(0.0, tags, False, basis, measured)
    if corrected is not None:
        worth = {tag: _said(value, tag in tags) for tag, value in worth.items()}
    return Verdict(_quality(worth), tags, True, basis, measured)


def _score(fault: Fault, measures: ViewMeasures, places: Mapping[str, Place] | None) -> float:
    """Score the fault, with the threshold of its imaging condition."""
    place = (places or {}).get(fault.measure)
    typical = None if place is None else _log2(place.typical) if fault.measure in _LOG else place.typical
    return fault.logistic(fault.score(measures), typical)


def _worth(fault: Fault, measures: ViewMeasures, places: Mapping[str, Place] | None) -> float:
    """Score the fault for quality, where the rank in its imaging condition counts too."""
    used = fault.instead or fault
    score = _score(used, measures, places)
    place = (places or {}).get(used.measure)
    return score if place is None else float(np.sqrt(score * min(1.0, 2 * place.rank)))


def _said(score: float, present: bool) -> float:
    return min(score, SAID_PRESENT) if present else max(score, SAID_ABSENT)


def _quality(scores: Mapping[str, float]) -> float:
    costly = [1 - FAULTS[tag].cost * (1 - score) for tag, score in scores.items() if FAULTS[tag].cost > 0]
    values = np.maximum(costly, WORST)
    mean = float(np.exp(np.log(values).mean()))
    return float(np.clip(np.sqrt(mean * values.min()), 0.0, 1.0))


def _tags(scores: Mapping[str, float], *, found: bool) -> tuple[str, ...]:
    if found:
        return tuple(tag for tag in TAGS if scores.get(tag, 1.0) < 0.5)
    # Without a particle the scores of focus, noise and outline say nothing.
    return tuple(tag for tag in TAGS if tag == NO_PARTICLE or (tag == "info_bar" and scores[tag] < 0.5))
