"""Quality tags learned from corrections: a small calibrated model per tag, adopted only where it beats the rules.

Per tag a logistic regression with an L2 penalty on standardised measures, its margins calibrated by Platt scaling
(Platt 1999) on margins of views that the fit did not see. Everything is cross-validated by particle: views of one
particle resemble each other, and would vouch for each other.

A tag is adopted when, on views held out by particle, its balanced accuracy beats the rules' *and* chance, both with a
one-sided lower bound of a bootstrap over particles at 5 % divided by the number of tags tried (Bonferroni). Plain
accuracy would adopt "always no" for a rare tag, and corrections made at random would then teach something.

Corrections are no sample of the dataset: people correct what looks wrong to them. The share of tagged views among
corrected ones therefore says nothing about the share among all, both answers weigh the same here, and a probability
means: if half of all views had this tag. Confirming tags that are right is evidence, too; without it the model only
hears complaints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate import schema
from sem_curate.arrays import Bools
from sem_curate.errors import InputError
from sem_curate.quality.compare import hits, lower_bounds, resamples, scores
from sem_curate.quality.gate import TAGS
from sem_curate.quality.logistic import FOLDS, calibrated, out_of_fold, sigmoid

Array = NDArray[np.float64]

MIN_VIEWS: Final = 8  # with the tag, and as many without: below, a bootstrap over particles means little
MIN_PARTICLES: Final = 5  # with each answer, so that every fold can hear both
LEVEL: Final = 0.05
DISTRUST: Final = 0.25  # the other measures are scaled by this: their penalty is 16 times as high
FAR: Final = 5.0  # standard deviations; a measure beyond everything seen must not decide alone
LEARNABLE: Final = tuple(tag for tag in TAGS if tag not in ("unreadable", "no_particle"))

# Shares and ratios are compared by factors; the offset keeps 0 finite and is about what cannot be told from 0.
_LOG_OFFSETS: Final[Mapping[str, float]] = {
    "noise_sigma": 1e-3, "snr": 1e-2, "contrast": 1e-2, "saturation_low": 1e-3, "saturation_high": 1e-3,
    "drift": 0.05, "frame_cut": 1e-3, "particle_area": 1e-3, "other_particles": 1e-3, "info_bar": 1e-3,
    "scale_bar_px": 1.0, "overlay": 1e-4,
}  # fmt: skip
# What a tag is about; everything else may only refine it.
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "blur": ("sharpness", "spectral_centroid"),
    "noise": ("snr", "noise_sigma"),
    "low_contrast": ("contrast",),
    "charging": ("charging",),
    "saturation": ("saturation_low", "saturation_high"),
    "drift": ("drift",),
    "contour_missing": ("contour_completeness",),
    "frame_cut": ("frame_cut",),
    "several_particles": ("other_particles",),
    "small_particle": ("particle_area",),
    "scale_bar": ("overlay",),
    "info_bar": ("info_bar",),
}


@dataclass(frozen=True)
class TagFigures:
    """What the cross-validation found for one tag.

    Attributes:
        views: corrected views.
        positives: how many of them have the tag.
        rules: balanced accuracy of the rules on all of them, [0, 1]; None when one answer never occurs.
        rules_f1: F1 of the rules, [0, 1].
        learned: balanced accuracy on views held out by particle; None when there was too little to fit.
        learned_f1: F1 on the same views.
        gain: ``learned - rules``.
        gain_low: one-sided lower bound of ``gain``.
        learned_low: one-sided lower bound of ``learned``.
        adopted: whether the model decides this tag.
        why: in words, for people.
    """

    views: int
    positives: int
    rules: float | None = None
    rules_f1: float | None = None
    learned: float | None = None
    learned_f1: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    learned_low: float | None = None
    adopted: bool = False
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class TagModel:
    """Probabilities of the adopted tags from measures.

    Attributes:
        measures: names of the columns.
        offsets: per measure the offset of its log2, None for a measure taken as it is.
        means: (M,) of the transformed measures.
        scales: (M,) their deviations.
        weights: ``{tag: (M + 1,)}`` on standardised measures, calibration included; the last is the intercept.
    """

    measures: tuple[str, ...]
    offsets: tuple[float | None, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]

    def predict(self, measures: Mapping[str, float]) -> dict[str, float]:
        """Return ``{tag: probability}`` for one view, in (0, 1), for adopted tags only.

        Raises:
            InputError: when the names are not the ones it was fitted on.
        """
        if set(measures) != set(self.measures):
            other = sorted(set(measures) ^ set(self.measures))
            raise InputError(
                f"the quality model knows {len(other)} other measures than were given (e.g. '{other[0]}'); "
                "fit it again with: sem-curate train quality --dataset NAME"
            )
        row = self.standardise(np.array([[measures[name] for name in self.measures]], np.float64))[0]
        return {tag: float(sigmoid(row @ weights[:-1] + weights[-1])) for tag, weights in self.weights.items()}

    def standardise(self, values: Array) -> Array:
        """Return (N, M) measures transformed, standardised and cut at ``FAR``."""
        scaled = (_transform(values, self.offsets) - self.means) / self.scales
        return np.clip(scaled, -FAR, FAR)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "measures": list(self.measures),
            "offsets": list(self.offsets),
            "means": list(self.means),
            "scales": list(self.scales),
            "weights": {tag: list(weights) for tag, weights in self.weights.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TagModel:
        """Return the model that :meth:`as_json` described.

        Raises:
            InputError: when lengths do not fit or a number is not finite.
        """
        measures, offsets, means, scales = (tuple(content[name]) for name in ("measures", "offsets", "means", "scales"))
        weights = {str(tag): tuple(map(float, values)) for tag, values in content["weights"].items()}
        lengths = {len(measures), len(offsets), len(means), len(scales), *(len(row) - 1 for row in weights.values())}
        numbers = np.array([*means, *scales, *(value for row in weights.values() for value in row)], np.float64)
        if len(lengths) > 1 or not np.isfinite(numbers).all() or 0 in scales:
            raise InputError(
                "this quality model is damaged; go back to the rules with: "
                "sem-curate train quality --dataset NAME --revert"
            )
        return cls(measures, offsets, means, scales, weights)


@dataclass(frozen=True)
class Fit:
    """The adopted tags as a model (None when there is none) and the figures of every tag."""

    model: TagModel | None
    figures: Mapping[str, TagFigures]


def fit(
    measures: Array,
    tags: Bools,
    rules: Bools,
    groups: Sequence[str],
    *,
    names: Sequence[str] = schema.MEASURES,
    tag_names: Sequence[str] = LEARNABLE,
    seed: int = 0,
) -> Fit:
    """Fit every tag that has enough corrections, and adopt those that beat the rules on held-out views.

    Args:
        measures: (N, M) raw measures of the corrected views, finite, columns as in ``names``.
        tags: (N, T) what reviewers said, columns as in ``tag_names``.
        rules: (N, T) what the rules say of the same views.
        groups: (N,) the particle of each view.
        names: of the measures.
        tag_names: of the tags.
        seed: of folds and bootstrap; the same input and seed give the same result.

    Returns:
        Model and figures.

    Raises:
        InputError: when shapes do not fit together or a measure is not finite.
    """
    values, said, ruled = np.asarray(measures, np.float64), np.asarray(tags, bool), np.asarray(rules, bool)
    _check(values, said, ruled, len(groups), len(names), len(tag_names))
    particles = np.unique(np.asarray(groups, str), return_inverse=True)[1] if len(groups) else np.zeros(0, np.intp)
    offsets = tuple(_LOG_OFFSETS.get(name) for name in names)
    tried = [t for t in range(len(tag_names)) if not _lacking(said[:, t], particles)]
    level = LEVEL / max(len(tried), 1)
    figures, weights = {}, {}
    means, scales = _usual(_transform(values, offsets))
    model = TagModel(tuple(names), offsets, means, scales, {})
    rows = model.standardise(values)
    draws = resamples(particles, seed) if tried else np.zeros((0, 0))
    for t, tag in enumerate(tag_names):
        trust = np.array([1.0 if name in _OWN.get(tag, ()) else DISTRUST for name in names])
        figures[tag] = _judge(rows * trust, said[:, t], ruled[:, t], particles, level, draws, seed)
        if figures[tag].adopted:
            made = calibrated(rows * trust, said[:, t], particles, seed)
            weights[tag] = tuple([*(made[:-1] * trust).tolist(), float(made[-1])])
    return Fit(replace(model, weights=weights) if weights else None, figures)


# -- one tag -------------------------------------------------------------------------------------------------------


def _judge(rows: Array, said: Bools, ruled: Bools, particles: Any, level: float, draws: Array, seed: int) -> TagFigures:
    """Compare rules and model on views that the model did not see."""
    base = TagFigures(len(said), int(said.sum()), *scores(said, ruled))
    lacking = _lacking(said, particles)
    if lacking:
        return replace(base, why=lacking)
    held_out = out_of_fold(rows, said, particles, seed, lambda r, s, p: calibrated(r, s, p, seed)) > 0
    learned, learned_f1 = scores(said, held_out)
    counts = np.stack([hits(said, held_out), hits(said, ruled)])
    gain_low, learned_low = lower_bounds(counts, particles, draws, level, folds=FOLDS)
    gain = (learned or 0.0) - (base.rules or 0.0)
    adopted = gain_low > 0 and learned_low > 0.5
    return replace(
        base, learned=learned, learned_f1=learned_f1, gain=gain, gain_low=gain_low, learned_low=learned_low,
        adopted=adopted, why=_reason(adopted, gain, learned_low),
    )  # fmt: skip


def _reason(adopted: bool, gain: float, learned_low: float) -> str:
    if adopted:
        return "better than the rules on held-out views"
    if learned_low <= 0.5:
        return "not surely better than chance"
    return "better than the rules, but not surely" if gain > 0 else "the rules are as good"


def _lacking(said: Bools, particles: Any) -> str:
    """Say what is missing for a fit, as "needs 8 views with and 8 without; has 3 and 20"; empty when nothing is."""
    with_it, without = int(said.sum()), int((~said).sum())
    if min(with_it, without) < MIN_VIEWS:
        return f"needs {MIN_VIEWS} views with and {MIN_VIEWS} without; has {with_it} and {without}"
    each = [len(np.unique(particles[answer])) for answer in (said, ~said)]
    if min(each) < MIN_PARTICLES:
        return f"needs {MIN_PARTICLES} particles with and {MIN_PARTICLES} without; has {each[0]} and {each[1]}"
    return ""


def _usual(moved: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation per column; a constant column gets deviation 1, and so becomes 0."""
    if not len(moved):
        return (0.0,) * moved.shape[1], (1.0,) * moved.shape[1]
    deviation = moved.std(axis=0)
    return tuple(moved.mean(axis=0).tolist()), tuple(np.where(deviation > 1e-9, deviation, 1.0).tolist())


def _transform(values: Array, offsets: Sequence[float | None]) -> Array:
    moved = values.copy()
    for column, offset in enumerate(offsets):
        if offset is not None:
            moved[:, column] = np.log2(np.maximum(values[:, column], 0.0) + offset)
    return moved


def _check(values: Array, said: Bools, ruled: Bools, groups: int, names: int, tag_names: int) -> None:
    wanted, shape = (groups, names), (groups, tag_names)
    if values.shape != wanted or said.shape != shape or ruled.shape != shape:
        raise InputError(
            f"measures must be {wanted}, tags and rules {shape}; got {values.shape}, {said.shape}, {ruled.shape}"
        )
    bad = int((~np.isfinite(values)).any(axis=1).sum()) if values.size else 0
    if bad:
        raise InputError(f"{bad} of {groups} views have a measure that is not finite; measure them again")
