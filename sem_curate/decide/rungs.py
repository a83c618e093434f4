"""Is a learned integrator worth it here? All rungs on labelled particles, in grouped folds, compared in pairs.

A learned rung is adopted only when it gains at least one point of macro recall over the default and the lower end of
the interval of that gain lies above zero. On the figures in the literature simple pooling wins at small numbers
(SiMLP, arXiv 2502.20823), so "keep the default" is the usual and a good answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import t as student
from sklearn.model_selection import GroupKFold

from sem_curate.arrays import Floats, Ints
from sem_curate.config import DecideConfig
from sem_curate.decide import rules
from sem_curate.integrate.contract import DEFAULT, Integrator, QualityMean, Views
from sem_curate.integrate.learned import LearnedIntegrator, TrainConfig, train, with_notes
from sem_curate.integrate.networks import NETWORKS

LEAST_GAIN: Final = 0.01
LEVEL: Final = 0.05  # two-sided
FOLDS: Final = 5
FEWEST_GROUPS: Final = 3


@dataclass(frozen=True)
class Row:
    """One rung: macro recall on held-out groups in [0, 1], its gain over the default with a 95 % interval, adopted."""

    rung: str
    recall: float
    gain: float
    low: float
    high: float
    adopted: bool


@dataclass(frozen=True)
class Comparison:
    """All rungs on the same folds.

    Attributes:
        rows: the default first.
        winner: the rung to use.
        model: trained on everything when a learned rung was adopted, else None.
        particles: how many were compared.
        folds: number of train/test splits.
        note: in words why nothing could be compared, empty otherwise.
    """

    rows: tuple[Row, ...]
    winner: str
    model: LearnedIntegrator | None
    particles: int
    folds: int
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values: the table, the winner, the model's version."""
        version = self.model.version if self.model else None
        rows = [asdict(row) for row in self.rows]
        return {"rows": rows, "winner": self.winner, "version": version, "particles": self.particles,
                "folds": self.folds, "note": self.note}  # fmt: skip


def compare(
    views: Views,
    labels: Ints,
    groups: Ints,
    *,
    pool: Views | None = None,
    rungs: Sequence[str] = tuple(NETWORKS),
    config: TrainConfig | None = None,
    decide: DecideConfig | None = None,
    repeats: int = 2,
) -> Comparison:
    """Train all rungs in grouped folds and compare what is proposed on the groups left out.

    Args:
        views: N labelled particles.
        labels: (N,) label index.
        groups: (N,) what must not be split: frame, lot, or the particle itself.
        pool: unlabelled production for slot means; None: the labelled particles.
        rungs: which learned ones.
        config: training settings; the seed also deals the folds.
        decide: settings of the proposal rule, the same for all.
        repeats: how often the folds are dealt anew.

    Returns:
        The table; with fewer than three groups or two labels the default, and a note.
    """
    config = config or TrainConfig()
    default = QualityMean.of(pool or views)
    counted = len(np.unique(groups))
    if counted < FEWEST_GROUPS or len(np.unique(labels)) < 2:
        note = (
            f"comparing needs at least {FEWEST_GROUPS} groups and 2 labels; got {counted} and {len(np.unique(labels))}"
        )
        return Comparison((), DEFAULT, None, len(labels), 0, note)
    recalls: dict[str, list[float]] = {rung: [] for rung in (DEFAULT, *rungs)}
    shares = []
    for repeat in range(repeats):
        for inside, outside in _folds(groups, config.seed + repeat):
            shares.append(len(outside) / len(inside))
            seeded = replace(config, seed=config.seed + len(shares))
            for rung, recall in _one_fold(views, labels, groups, default, rungs, seeded, decide, inside, outside):
                recalls[rung].append(recall)
    rows = tuple(_row(rung, recalls, float(np.mean(shares))) for rung in recalls)
    adopted = [row for row in rows if row.adopted]
    winner = max(adopted, key=lambda row: row.gain).rung if adopted else DEFAULT
    rows = tuple(replace(row, adopted=row.rung == winner) for row in rows)
    model = None
    if winner != DEFAULT:
        trained = train(winner, views, labels, start=default, groups=groups, config=config)
        model = with_notes(trained, gain=next(row.gain for row in rows if row.rung == winner))
    return Comparison(rows, winner, model, len(labels), len(shares))


def plot(table: Comparison, path: Path) -> None:
    """Draw the gains with their intervals to ``path`` (PNG, SVG or PDF by its ending)."""
    from matplotlib.figure import Figure as Canvas

    learned = [row for row in table.rows if row.rung != DEFAULT]
    canvas = Canvas(figsize=(6, 1.2 + 0.5 * max(len(learned), 1)), layout="constrained")
    axes = canvas.subplots()
    for place, row in enumerate(learned):
        colour = "tab:green" if row.adopted else "tab:gray"
        axes.plot([100 * row.low, 100 * row.high], [place, place], color=colour, linewidth=2)
        axes.plot([100 * row.gain], [place], "o", color=colour)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(100 * LEAST_GAIN, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(learned)), [row.rung for row in learned])
    axes.set_xlabel("points of macro recall over the quality mean (95 %)")
    axes.set_title(f"{table.particles} particles, {table.folds} folds: use {table.winner}", fontsize=10)
    canvas.savefig(path)


def _folds(groups: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    count = min(FOLDS, len(np.unique(groups)))
    return list(GroupKFold(count, shuffle=True, random_state=seed).split(groups, groups=groups))


def _one_fold(
    views: Views, labels: Ints, groups: Ints, default: QualityMean, rungs: Sequence[str], config: TrainConfig,
    decide: DecideConfig | None, inside: Ints, outside: Ints,
) -> list[tuple[str, float]]:  # fmt: skip
    found = [(DEFAULT, _recall(default, views, labels, inside, outside, decide))]
    if len(np.unique(labels[inside])) < 2:
        return [*found, *((rung, found[0][1]) for rung in rungs)]
    for rung in rungs:
        model = train(
            rung, views.take(inside), labels[inside], start=default, groups=groups[inside], config=config
        )  # fmt: skip
        found.append((rung, _recall(model, views, labels, inside, outside, decide)))
    return found


def _recall(
    integrator: Integrator, views: Views, labels: Ints, inside: Ints, outside: Ints, decide: DecideConfig | None
) -> float:
    masters, asked = integrator(views.take(inside)), integrator(views.take(outside))
    usable = masters.weights.sum(axis=1) > 0
    rule = rules.fit(masters.vectors[usable], labels[inside][usable], n_labels=int(labels.max()) + 1, config=decide)
    said, truth = rule.confidence(asked.vectors).argmax(axis=1), labels[outside]
    return float(np.mean([(said[truth == label] == label).mean() for label in np.unique(truth)]))


def _row(rung: str, recalls: dict[str, list[float]], ratio: float) -> Row:
    """Compare with the default: corrected resampled t interval (Nadeau and Bengio 2003), folds share particles."""
    differences: Floats = np.asarray(recalls[rung]) - np.asarray(recalls[DEFAULT])
    count = len(differences)
    spread = float(differences.std(ddof=1)) if count > 1 else 0.0
    reach = float(student.ppf(1 - LEVEL / 2, count - 1)) * spread * np.sqrt(1 / count + ratio) if count > 1 else np.inf
    gain, low = float(differences.mean()), float(differences.mean() - reach)
    better = rung != DEFAULT and gain >= LEAST_GAIN and low > 0
    return Row(rung, float(np.mean(recalls[rung])), gain, low, float(differences.mean() + reach), better)
