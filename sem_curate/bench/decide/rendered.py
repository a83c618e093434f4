"""Rendered particles (simulated) with the bundled encoder: two of six views spoiled or missing, four families unknown.

Every particle loses two random views: each is replaced by a spoiled one or is missing. Masters lose theirs as well. All
ways to integrate see the same particles, masters and proposal rule; the learned ones are trained on the masters of the
draw, which is all that a user has. "Confirmable" is the largest share of production (10 % of it from the unknown
families) that a threshold on the decision score could confirm with at most 5 % wrong, known only in hindsight: it
compares orderings and is no promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import roc_auc_score

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure, at_least
from sem_curate.config import IntegrateConfig
from sem_curate.decide import rules, score
from sem_curate.embed.encoders import DEFAULT_IMAGE, get_encoder
from sem_curate.integrate.contract import DEFAULT, Integrator, QualityMean, Views
from sem_curate.integrate.learned import train
from sem_curate.integrate.networks import NETWORKS
from sem_curate.quality import gate, scales
from sem_curate.quality.measures import ViewMeasures, measure
from sem_curate.rendering import FAMILIES, render_views

SIDE: Final = 128  # pixels; what the encoder sees is smaller still
VIEWS: Final = 6
LOST: Final = 2
MASTERS: Final = (3, 5, 10)
DRAWS: Final = 10
KNOWN: Final = len(FAMILIES) - 4
UNKNOWN: Final = 0.10
ALPHA: Final = 0.05
PLAIN: Final = IntegrateConfig(quality_power=0.0, trim_factor=1.0, quality_floor=0.0)
MEAN: Final = "plain_mean"
SINGLE: Final = "single_best_view"


@dataclass(frozen=True)
class Rendered:
    """N particles, each as six sound views followed by the same six spoiled: (N, 12, D), (N, 12), (N,)."""

    vectors: Floats
    quality: Floats
    families: Ints


def figures(setting: Setting) -> list[Figure]:
    """Render, and compare all ways to integrate."""
    return compare(render(setting.seed, setting.particles), setting.seed)


def render(seed: int, count: int) -> Rendered:
    """Render, embed and measure ``count`` particles, families in turn."""
    encoder = get_encoder(DEFAULT_IMAGE)
    vectors, measured = [], []
    for index in range(count):
        family = FAMILIES[index % len(FAMILIES)]
        shots = (render_views(seed + index, size=SIDE, family=family, spoiled=spoiled) for spoiled in (0, VIEWS))
        images = [view.image for shot in shots for view in shot.views.values() if view is not None]
        vectors.append(encoder.embed_images(np.stack([encoder.preprocess(image) for image in images])))
        measured.append([measure(image) for image in images])
    quality = np.hstack([_quality([row[:VIEWS] for row in measured]), _quality([row[VIEWS:] for row in measured])])
    return Rendered(np.stack(vectors), quality, np.arange(count, dtype=np.int64) % len(FAMILIES))


def compare(rendered: Rendered, seed: int) -> list[Figure]:
    """Return accuracy and what could be confirmed by way of integration, and how well unknowns are told."""
    names = (DEFAULT, SINGLE, MEAN, *NETWORKS)
    found: list[Figure] = []
    for masters in MASTERS:
        rows = [_draw(rendered, masters, np.random.default_rng([seed, masters, draw])) for draw in range(DRAWS)]
        right = {name: np.array([row[name][0] for row in rows]) for name in names}
        title = f"rendered, {LOST} of {VIEWS} views lost, {masters} masters"
        mean = {name: np.mean([row[name] for row in rows], axis=0) for name in names}
        for other in (SINGLE, MEAN):
            text = f"{title}: accuracy on {KNOWN} known families (baseline {other})"
            found.append(at_least(text, mean[DEFAULT][0], mean[other][0], mean[other][0]))
            text = f"{title}: confirmable at {ALPHA:.0%} wrong (baseline {other})"
            found.append(Figure(text, mean[DEFAULT][1], mean[other][1]))
        for name in NETWORKS:
            gain = right[name] - right[DEFAULT]
            reach = float(1.96 * gain.std(ddof=1) / np.sqrt(len(gain)))
            text = f"{title}: accuracy of {name} (baseline {DEFAULT}; difference {gain.mean():+.3f} +-{reach:.3f})"
            found.append(Figure(text, mean[name][0], mean[DEFAULT][0]))
            found.append(Figure(f"{title}: confirmable, {name} (baseline {DEFAULT})", mean[name][1], mean[DEFAULT][1]))
        text = f"{title}: unknown families, AUROC of known-ness (baseline confidence)"
        found.append(at_least(text, mean[DEFAULT][2], mean[DEFAULT][4], mean[DEFAULT][4]))
        text = f"{title}: unknown families, FPR95 of known-ness (baseline confidence)"
        found.append(Figure(text, mean[DEFAULT][3], mean[DEFAULT][5]))
    return found


def _draw(rendered: Rendered, masters: int, rng: np.random.Generator) -> dict[str, tuple[float, ...]]:
    views = _losing(rendered, rng)
    families = rng.permutation(len(FAMILIES))
    place = np.full(len(FAMILIES), -1)
    place[families[:KNOWN]] = np.arange(KNOWN)
    truth = place[rendered.families]
    chosen = np.concatenate([rng.permutation(np.flatnonzero(truth == label))[:masters] for label in range(KNOWN)])
    rest = np.setdiff1d(np.arange(len(truth)), chosen)
    default = QualityMean.of(views.take(rest))
    ways: dict[str, Integrator] = {DEFAULT: default, MEAN: QualityMean(default.means, None, PLAIN)}
    for rung in NETWORKS:
        ways[rung] = train(rung, views.take(chosen), truth[chosen], start=default)
    found = {name: _outcome(way, views, truth, chosen, rest) for name, way in ways.items()}
    found[SINGLE] = _outcome(default, _best_only(views), truth, chosen, rest)
    return found


def _outcome(way: Integrator, views: Views, truth: Ints, chosen: Ints, rest: Ints) -> tuple[float, ...]:
    """Return accuracy on known, confirmable share, AUROC and FPR95 of known-ness, the same of confidence."""
    rule = rules.fit(way(views.take(chosen)).vectors, truth[chosen])
    made = way(views.take(rest)).vectors
    similarity = rule.similarity(made)
    confidence = rule.confidence(made, similarity)
    nearest, best = similarity.max(axis=1), confidence.max(axis=1)
    correct, known = confidence.argmax(axis=1) == truth[rest], truth[rest] >= 0
    strangers = np.flatnonzero(~known)
    count = min(round(int(known.sum()) * UNKNOWN / (1 - UNKNOWN)), len(strangers))
    asked = np.r_[np.flatnonzero(known), strangers[np.random.default_rng(0).permutation(len(strangers))[:count]]]
    usable = np.ones(len(asked), np.bool_)
    certain = score.production(best[asked], nearest[asked], usable).score(best[asked], nearest[asked], usable)
    share = _confirmable(certain, correct[asked])
    return (float(correct[known].mean()), share, *_separation(nearest, known), *_separation(best, known))


def _confirmable(certain: Floats, correct: Bools) -> float:
    order = np.argsort(-certain, kind="stable")
    wrong = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(wrong <= ALPHA)
    return float((good.max() + 1) / len(order)) if len(good) else 0.0


def _separation(values: Floats, known: Bools) -> tuple[float, float]:
    accepted = values[~known] >= np.quantile(values[known], 0.05)
    return float(roc_auc_score(known, values)), float(accepted.mean())


def _losing(rendered: Rendered, rng: np.random.Generator) -> Views:
    n = len(rendered.families)
    lost = np.argsort(rng.random((n, VIEWS)), axis=1) < LOST
    missing = lost & (rng.random((n, VIEWS)) < 0.5)
    pick = np.arange(VIEWS) + VIEWS * (lost & ~missing)
    return Views(
        np.take_along_axis(rendered.vectors, pick[..., None], axis=1),
        ~missing,
        np.take_along_axis(rendered.quality, pick, axis=1),
    )


def _best_only(views: Views) -> Views:
    ranked = np.where(views.present, np.nan_to_num(views.quality, nan=1.0), -1.0)
    best = np.zeros_like(views.present)
    best[np.arange(len(best)), ranked.argmax(axis=1)] = True
    return Views(views.vectors, best & views.present, views.quality)


def _quality(measured: list[list[ViewMeasures]]) -> Floats:
    """Judge views among those of their own condition, as the quality stage does."""
    groups = [(slot,) for _ in measured for slot in range(VIEWS)]
    values = {name: [getattr(view, name) for line in measured for view in line] for name in gate.RANKED}
    usual = scales.build(values, groups, 0)
    judged = [
        [gate.judge(view, usual.places((slot,), view.as_dict())).quality for slot, view in enumerate(line)]
        for line in measured
    ]
    return np.array(judged, dtype=np.float32)
