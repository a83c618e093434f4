"""Quality weights against the plain mean of the same six vectors, on simulated particles with and without bad views.

Both sides see the same centred vectors, masters and matching rule; only the weights differ. Every rendered particle is
a seed of its own: it is rendered whole and with every view spoiled, so that any choice of spoiled views can be put
together. Its right answers are averaged over draws of masters and choices of views, and differences are paired within
the particle; the interval is that of their mean over particles.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.bench.figures import Figure, at_least
from sem_curate.bench.quality.setting import Setting
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide.match import match
from sem_curate.embed.encoders import DEFAULTS, get_encoder
from sem_curate.integrate.pool import pool, slot_agreement, slot_means
from sem_curate.quality import gate, scales
from sem_curate.quality.measures import ViewMeasures, measure
from sem_curate.rendering import FAMILIES, render_views

ENCODERS: Final = DEFAULTS  # both bundled ones: weights belong to images, not to one network
SIDE: Final = 128  # pixels; what the encoder sees is smaller still
VIEWS: Final = 6
MASTERS: Final = 5  # per family
DRAWS: Final = 20  # of masters
CHOICES: Final = 6  # of spoiled views
SPOILED: Final = (0, 1, 2, 3)
NOT_WORSE: Final = -0.005  # half a point; 480 particles tell differences of 0.3 points apart
PLAIN: Final = IntegrateConfig(quality_power=0.0, trim_factor=1.0, quality_floor=0.0)


@dataclass(frozen=True)
class Rendered:
    """N particles, each as six sound views followed by the same six spoiled.

    Attributes:
        vectors: ``{encoder: (N, 12, D)}``.
        measures: N lists of 12.
        families: (N,).
    """

    vectors: dict[str, Floats]
    measures: list[list[ViewMeasures]]
    families: Ints


def figures(setting: Setting) -> list[Figure]:
    """Return accuracy beside the unweighted mean, and what is certain of the difference, by number of spoiled views."""
    rendered = render(setting.seed, setting.particles * 20)  # half as many leave +-0.25 points about gains of 0.2
    found: list[Figure] = []
    for count in SPOILED:
        right = compare(rendered, count, setting.seed)
        name = f"weights, simulated, {count} of {VIEWS} views spoiled: "
        for encoder in ENCODERS:
            ours, mean, uncentred = (float(share.mean()) for share in right[encoder])
            found.append(Figure(f"{name}accuracy, {encoder} (baseline unweighted mean)", ours, mean))
            found.append(Figure(f"{name}accuracy, {encoder} (baseline mean of uncentred vectors)", ours, uncentred))
            found.append(_gain(f"{name}gain, {encoder}, ", right[encoder], None))
        together = np.mean([right[encoder] for encoder in ENCODERS], axis=0)
        found.append(_gain(f"{name}gain, both encoders, ", together, count))
    return found


def _gain(name: str, right: Floats, count: int | None) -> Figure:
    """Compare (3, N) shares of right answers; only none and two spoiled views have a target."""
    gain = right[0] - right[1]
    mean, error = float(gain.mean()), float(1.96 * gain.std(ddof=1) / np.sqrt(len(gain)))
    if count == 0:
        return at_least(f"{name}mean (95 %: +-{error:.4f})", mean, NOT_WORSE, 0.0)
    low = f"{name}lower end of 95 % (mean {mean:+.4f})"
    return at_least(low, mean - error, 0.0, 0.0) if count == 2 else Figure(low, mean - error, 0.0)


def render(seed: int, count: int) -> Rendered:
    """Render, embed and measure ``count`` particles, families in turn."""
    encoders = {name: get_encoder(name) for name in ENCODERS}
    vectors: dict[str, list[Floats]] = {name: [] for name in ENCODERS}
    measured = []
    for index in range(count):
        shots = (
            render_views(seed + index, size=SIDE, family=FAMILIES[index % len(FAMILIES)], spoiled=spoiled)
            for spoiled in (0, VIEWS)
        )
        images = [view.image for shot in shots for view in shot.views.values() if view is not None]
        for name, encoder in encoders.items():
            vectors[name].append(encoder.embed_images(np.stack([encoder.preprocess(image) for image in images])))
        measured.append([measure(image) for image in images])
    families = np.arange(count, dtype=np.int64) % len(FAMILIES)
    return Rendered({name: np.stack(rows) for name, rows in vectors.items()}, measured, families)


def compare(rendered: Rendered, count: int, seed: int) -> dict[str, Floats]:
    """Return how often each particle was right, by encoder: weighted, unweighted, unweighted and uncentred; (3, N).

    Args:
        rendered: the particles.
        count: spoiled views of every particle, masters included.
        seed: of the choices and draws.
    """
    rng = np.random.default_rng(seed)
    chosen = list(combinations(range(VIEWS), count))
    chosen = [chosen[index] for index in rng.permutation(len(chosen))[:CHOICES]]
    masters = [_draw(rendered.families, rng) for _ in range(DRAWS)]
    rows = [_one_choice(rendered, slots, masters) for slots in chosen]
    return {name: np.mean([row[name] for row in rows], axis=0) for name in ENCODERS}


def _one_choice(rendered: Rendered, slots: tuple[int, ...], masters: list[Ints]) -> dict[str, Floats]:
    # Each particle has the choice turned by one more slot, so that no imaging condition is spoiled in all of them.
    spoiled = np.zeros((len(rendered.families), VIEWS), np.bool_)
    for row in range(len(spoiled)):
        spoiled[row, (np.array(slots, dtype=np.int64) + row) % VIEWS] = True
    pick = np.arange(VIEWS) + VIEWS * spoiled
    quality = _quality([[line[view] for view in views] for line, views in zip(rendered.measures, pick, strict=True)])
    right = {}
    for name, vectors in rendered.vectors.items():
        pooled = _pooled(np.take_along_axis(vectors, pick[..., None], axis=1), quality)
        right[name] = np.stack([_right(one, rendered.families, masters) for one in pooled])
    return right


def _pooled(vectors: Floats, quality: Floats) -> list[Floats]:
    present = np.ones(quality.shape, np.bool_)
    means = slot_means(vectors, present)
    usual = slot_agreement(vectors, present, means)
    return [
        pool(vectors, present, quality, means=means, usual=usual).vectors,
        pool(vectors, present, quality, means=means, config=PLAIN).vectors,
        pool(vectors, present, quality, config=PLAIN).vectors,
    ]


def _quality(measured: list[list[ViewMeasures]]) -> Floats:
    """Judge views among those of their own condition, as the quality stage does."""
    groups = [(slot,) for _ in measured for slot in range(VIEWS)]
    values = {name: [getattr(view, name) for line in measured for view in line] for name in gate.RANKED}
    usual = scales.build(values, groups, 0)
    return np.array(
        [[gate.judge(view, usual.places((slot,), view.as_dict())).quality for slot, view in enumerate(line)]
         for line in measured],
        dtype=np.float32,
    )  # fmt: skip


def _draw(families: Ints, rng: np.random.Generator) -> Ints:
    drawn = [rng.permutation(np.flatnonzero(families == family))[:MASTERS] for family in range(len(FAMILIES))]
    return np.concatenate(drawn)


def _right(vectors: Floats, families: Ints, draws: list[Ints]) -> Floats:
    """Return the share of draws in which each particle that was no master got its own family, (N,)."""
    right, asked = np.zeros(len(families)), np.zeros(len(families))
    for masters in draws:
        others: Bools = np.ones(len(families), np.bool_)
        others[masters] = False
        found = match(vectors[others], vectors[masters], families[masters], DecideConfig())
        right[others] += found.confidence.argmax(axis=1) == families[others]
        asked += others
    return np.divide(right, asked, out=np.zeros_like(right), where=asked > 0).astype(np.float32)
