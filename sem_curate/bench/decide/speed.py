"""What deciding costs beside the one thing that cannot be left out: the products of vectors with masters.

10,000 particles of 6 views and 384 numbers against 25 labels of 20 masters. The baseline multiplies the same particle
and view vectors with the same masters and does nothing else; views are part of it because whether they agree is part of
a proposal. Both use all cores: the products by their library's threads, the lane by blocks of particles, as when it
proposes. Both sides run alternately in the same process, and the best of several runs counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from sem_curate.arrays import unit_rows
from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure, at_most
from sem_curate.decide import contributions, rules
from sem_curate.decide.blocks import BLOCK
from sem_curate.integrate.contract import QualityMean, Views
from sem_curate.parallel import on_cores

PARTICLES: Final = 10_000
MANY: Final = 100_000
VIEWS: Final = 6
DIM: Final = 384
LABELS: Final = 25
MASTERS: Final = 20
RUNS: Final = 8
BATCH: Final = 2_000  # as the proposal stage reads them
PAUSE: Final = 0.1  # seconds; threads of the matrix library keep a core busy for a while after a product
MIB: Final = 1024.0


def figures(setting: Setting) -> list[Figure]:
    """Return ratios to the bare product, the cost of contributions, and the memory of 100,000 particles."""
    views = _views(PARTICLES, setting.seed)
    default = QualityMean.of(views.take(slice(0, 2_000)))
    rule = _rule(setting.seed)
    label = rule.confidence(default(views).vectors).argmax(axis=1)

    def bare() -> None:
        flat = views.vectors.reshape(-1, DIM)
        for first in range(0, PARTICLES, BATCH):
            flat[first * VIEWS : (first + BATCH) * VIEWS] @ rule.masters.T
            flat[first : first + BATCH] @ rule.masters.T

    def only_particles() -> None:
        views.vectors[:, 0] @ rule.masters.T

    def propose() -> None:
        on_cores(lambda first: _propose(views.take(slice(first, first + BLOCK)), default, rule),
                 range(0, PARTICLES, BLOCK))  # fmt: skip

    def share() -> None:
        contributions.contributions(views, default, rule, label)

    seconds = _best({"bare": bare, "only": only_particles, "propose": propose, "share": share})
    ratio = seconds["propose"] / seconds["bare"]
    shape = f"{PARTICLES} particles x {VIEWS} x {DIM}, {LABELS * MASTERS} masters"
    return [
        at_most(f"{shape}: integrate, propose, known-ness, view agreement, in bare products", ratio, 3.0, 1.0),
        Figure(f"{shape}: the same in products of particle vectors alone", seconds["propose"] / seconds["only"], 1.0),
        Figure(f"{shape}: seconds (baseline bare product)", seconds["propose"], seconds["bare"]),
        Figure(f"{shape}: exact Shapley values, seconds (baseline bare product)", seconds["share"], seconds["bare"]),
        at_most(f"{MANY} particles: peak memory, MiB (limit 2 GiB)", _peak(), 2048.0),
    ]  # fmt: skip


def _propose(views: Views, default: QualityMean, rule: rules.Rule) -> None:
    done, seen = default.detailed(views)
    similarity = rule.similarity(done.vectors)
    confidence = rule.confidence(done.vectors, similarity)
    similarity.max(axis=1)
    contributions.agreement(seen, done.weights, rule, confidence.argmax(axis=1))


def many(count: int = MANY) -> float:
    """Propose for ``count`` particles in batches, contributions included; returns the peak memory in MiB."""
    rule, known = _rule(0), []
    default = QualityMean.of(_views(BATCH, 0))
    for first in range(0, count, BATCH):
        views = _views(BATCH, first)
        done = default(views)
        similarity = rule.similarity(done.vectors)
        confidence = rule.confidence(done.vectors, similarity)
        contributions.contributions(views, default, rule, confidence.argmax(axis=1))
        known.append(similarity.max(axis=1))
    assert sum(len(part) for part in known) >= count
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)


def _peak() -> float:
    code = "from sem_curate.bench.decide.speed import many; print(many())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _best(tasks: dict[str, Callable[[], None]]) -> dict[str, float]:
    found = dict.fromkeys(tasks, np.inf)
    for _ in range(RUNS):
        for name, task in tasks.items():
            time.sleep(PAUSE)
            started = time.perf_counter()
            task()
            found[name] = min(found[name], time.perf_counter() - started)
    return found


def _views(count: int, seed: int) -> Views:
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.standard_normal((count, VIEWS, DIM), dtype=np.float32))
    present = rng.random((count, VIEWS)) < 0.9
    return Views(vectors, present, rng.random((count, VIEWS), dtype=np.float32))


def _rule(seed: int) -> rules.Rule:
    rng = np.random.default_rng(seed + 1)
    masters = unit_rows(rng.standard_normal((LABELS * MASTERS, DIM), dtype=np.float32))
    return rules.fit(masters, np.repeat(np.arange(LABELS), MASTERS))
