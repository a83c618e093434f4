"""Do corrections teach the reviewer's taste, and do corrections made at random teach nothing?

The reviewers are simulated: each sees the measures as the rules do, but starts to complain elsewhere (blur and charging
earlier, noise later than the rules), and slips in 5 % of her answers. What she means, without slips, on particles whose
views she never corrected is the truth. Nothing here was used to choose a setting of ``quality.learned``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate import schema
from sem_curate.arrays import Bools
from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.bench.quality.setting import Setting
from sem_curate.quality import gate
from sem_curate.quality.compare import scores
from sem_curate.quality.learned import LEARNABLE, Fit, fit
from sem_curate.quality.measures import ViewMeasures, measure
from sem_curate.rendering import render_views

CORRECTIONS: Final = 200
REVIEWERS: Final = 20
SLIPS: Final = 0.05
SPOILED: Final = 2  # of six views of each particle; otherwise most tags would hardly occur
MIN_ANSWERS: Final = 5  # of each answer among held-out views, for a tag to be counted
# Where she starts to complain, in widths of the rule's score: above 0 earlier than the rules, below 0 later.
TASTE: Final[Mapping[str, float]] = {
    "blur": 3.0, "noise": -3.0, "low_contrast": 2.0, "charging": 2.5, "contour_missing": 1.5, "small_particle": -1.0,
}  # fmt: skip

Tagger = Callable[["Views", np.random.Generator], Bools]


@dataclass(frozen=True)
class Views:
    """Measured views: (N, M) measures, (N, T) tags of the rules, (N, T) distances to the thresholds, (N,) particles."""

    measures: NDArray[np.float64]
    ruled: Bools
    distance: NDArray[np.float64]
    particles: NDArray[np.intp]

    def take(self, where: Any) -> Views:
        """Return some of the views."""
        return Views(self.measures[where], self.ruled[where], self.distance[where], self.particles[where])


def figures(setting: Setting) -> list[Figure]:
    """Return what 200 corrections gain on held-out particles, and how often random ones are adopted."""
    views = _measured(setting)
    return [*_taught(views, setting.seed), *_random(views, setting.seed)]


def _measured(setting: Setting) -> Views:
    rows: list[ViewMeasures] = []
    particles = []
    for index in range(2 * setting.particles):
        made = render_views(setting.seed + index, size=setting.size, spoiled=SPOILED).views.values()
        found = [measure(view.image) for view in made if view is not None]
        rows += [measures for measures in found if measures.particle_area > 0]
        particles += [index] * sum(measures.particle_area > 0 for measures in found)
    names = schema.MEASURES
    return Views(
        np.array([[row.as_dict()[name] for name in names] for row in rows]),
        np.array([[tag in gate.judge(row).measured for tag in LEARNABLE] for row in rows]),
        np.array([[_distance(row, tag) for tag in LEARNABLE] for row in rows]),
        np.array(particles),
    )


def _distance(measures: ViewMeasures, tag: str) -> float:
    """Return how far a view is on the good side of the rule's threshold, in widths of its score."""
    fault = gate.FAULTS[tag]
    return (fault.score(measures) - fault.logistic.centre) / fault.logistic.width


# -- a reviewer with a taste ---------------------------------------------------------------------------------------


def _taught(views: Views, seed: int) -> list[Figure]:
    rules, learned, rules_f1, learned_f1, adopted = [], [], [], [], []
    for reviewer in range(REVIEWERS):
        rng = np.random.default_rng((seed, reviewer))
        mine, others = _split(views, rng)
        shift = np.array([TASTE.get(tag, 0.0) for tag in LEARNABLE]) * rng.uniform(0.5, 1.5, len(LEARNABLE))
        said = mine.distance < shift
        found = _fit(mine, said ^ (rng.random(said.shape) < SLIPS))
        truth, guess = others.distance < shift, _tags(others, found)
        kept = [t for t in range(len(LEARNABLE)) if min(truth[:, t].sum(), (~truth[:, t]).sum()) >= MIN_ANSWERS]
        by_rules, by_model = ([scores(truth[:, t], tags[:, t]) for t in kept] for tags in (others.ruled, guess))
        rules.append(_mean([balanced for balanced, _ in by_rules]))
        learned.append(_mean([balanced for balanced, _ in by_model]))
        rules_f1.append(_mean([f1 for _, f1 in by_rules]))
        learned_f1.append(_mean([f1 for _, f1 in by_model]))
        adopted.append(len(found.model.weights) if found.model else 0)
    name = f"{CORRECTIONS} corrections, held-out particles, {REVIEWERS} simulated reviewers"
    return [
        Figure(f"{name}: macro balanced accuracy, learned (baseline rules)", _mean(learned), _mean(rules)),
        at_least(f"{name}: gain in balanced accuracy, lower bound", _low(learned, rules), 1e-3, 0.0),
        Figure(f"{name}: macro F1, learned (baseline rules)", _mean(learned_f1), _mean(rules_f1)),
        at_least(f"{name}: gain in F1, lower bound", _low(learned_f1, rules_f1), 1e-3, 0.0),
        Figure(f"{name}: tags adopted, of {len(TASTE)} that she sees otherwise", float(np.mean(adopted))),
    ]


def _split(views: Views, rng: np.random.Generator) -> tuple[Views, Views]:
    """Return 200 views that are corrected and all views of the particles that were not touched."""
    order = rng.permutation(int(views.particles.max()) + 1)
    place = np.argsort(order)[views.particles]
    corrected = np.argsort(place, kind="stable")[:CORRECTIONS]
    untouched = ~np.isin(views.particles, views.particles[corrected])
    return views.take(corrected), views.take(untouched)


def _fit(views: Views, said: Bools) -> Fit:
    return fit(views.measures, said, views.ruled, [f"{particle:05d}" for particle in views.particles])


def _tags(views: Views, found: Fit) -> Bools:
    """Return the tags as they are used: learned where adopted, else the rules'."""
    tags = views.ruled.copy()
    if found.model is not None:
        for row, numbers in enumerate(views.measures.tolist()):
            for tag, chance in found.model.predict(dict(zip(schema.MEASURES, numbers, strict=True))).items():
                tags[row, LEARNABLE.index(tag)] = chance > 0.5
    return tags


def _low(ours: list[float], theirs: list[float]) -> float:
    """Return the lower end of the paired 95 % interval of the mean gain."""
    gain = np.array(ours) - np.array(theirs)
    return float(gain.mean() - 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)))


def _mean(values: list[Any]) -> float:
    return float(np.mean([0.0 if value is None else value for value in values]))


# -- answers that mean nothing -------------------------------------------------------------------------------------


def _random(views: Views, seed: int) -> list[Figure]:
    adopted, careless = [], []
    for number, tagger in enumerate(SCHEMES.values()):
        for run in range(REVIEWERS):
            rng = np.random.default_rng((seed, 100 + number, run))
            mine, _ = _split(views, rng)
            found = _fit(mine, tagger(mine, rng))
            adopted.append(found.model is not None)
            careless.append(any((figure.gain or 0.0) > 0 for figure in found.figures.values()))
    name = f"random corrections, {len(SCHEMES)} ways: share of {len(adopted)} runs adopting anything"
    return [at_most(f"{name} (baseline any gain)", float(np.mean(adopted)), 0.05, float(np.mean(careless)))]


def _coin(rate: float) -> Tagger:
    return lambda views, rng: np.asarray(rng.random(views.ruled.shape) < rate)


def _flip(rate: float) -> Tagger:
    return lambda views, rng: views.ruled ^ (rng.random(views.ruled.shape) < rate)


SCHEMES: Final[Mapping[str, Tagger]] = {
    "each tag with probability 0.1": _coin(0.1),
    "each tag with probability 0.5": _coin(0.5),
    "tags of another view": lambda views, rng: views.ruled[rng.permutation(len(views.ruled))],
    "a tenth of the measured tags turned round": _flip(0.1),
    "a third of the measured tags turned round": _flip(1 / 3),
}
