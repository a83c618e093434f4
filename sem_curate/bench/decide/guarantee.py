"""Is the promise kept, and what does it leave to do? Digits, 8 of 10 known, production with 10 % unknowns.

Every draw has its own labels, masters, production and random audits; nothing is stratified. "Broken" means that more
than alpha of the auto-confirmed particles that were not audited are wrong, unknowns included.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.stats import beta

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.bench.decide import worlds
from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.decide import rules, score
from sem_curate.decide.certificate import Promise
from sem_curate.decide.guarantee import Audits, certify

PROMISE: Final = Promise(0.05, 0.10)
KNOWN: Final = 8
MASTERS: Final = 10
UNKNOWN: Final = 0.10
AUDITS: Final = (60, 100, 200, 400)
TARGETS: Final = {100: 0.59, 200: 0.70}  # automation of the known particles


def figures(setting: Setting) -> list[Figure]:
    """Return violation rates and automation by number of audits, beside a threshold taken from the audits' own rate."""
    outcomes: dict[int, list[tuple[float, float, float, float]]] = {count: [] for count in AUDITS}
    for seed in range(setting.draws):
        for count, outcome in _draw(seed).items():
            outcomes[count].append(outcome)
    found: list[Figure] = []
    for count in AUDITS:
        rows = np.asarray(outcomes[count])
        broken, draws = int(rows[:, 1].sum()), len(rows)
        low = float(beta.ppf(0.025, broken, draws - broken + 1)) if broken else 0.0
        high = float(beta.ppf(0.975, broken + 1, draws - broken)) if broken < draws else 1.0
        name = f"guarantee, 10 % unknown, {count} audits"
        title = f"{name}: broken in share of {draws} draws (95 %: {low:.3f} to {high:.3f}; baseline naive threshold)"
        found.append(at_most(title, broken / draws, PROMISE.delta, float(rows[:, 3].mean())))
        title = f"{name}: known particles confirmed (baseline naive threshold, which promises nothing)"
        share, naive = float(rows[:, 0].mean()), float(rows[:, 2].mean())
        found.append(at_least(title, share, TARGETS[count], naive) if count in TARGETS else Figure(title, share, naive))
    return found


def _draw(seed: int) -> dict[int, tuple[float, float, float, float]]:
    """Return ``{audits: (automation, broken, naive automation, naive broken)}``."""
    truth, certain, correct = _production(seed)
    found = {}
    for count in AUDITS:
        audits = Audits(
            tuple(str(row) for row in range(count)), certain[:count], correct[:count], ("any",) * count
        )  # fmt: skip
        certificate = certify(audits, certain, PROMISE)
        threshold = 2.0 if certificate.threshold is None else certificate.threshold
        rest = slice(count, None)
        ours = _outcome(certain[rest] >= threshold, correct[rest], truth[rest] >= 0)
        naive = _outcome(certain[rest] >= _naive(certain[:count], correct[:count]), correct[rest], truth[rest] >= 0)
        found[count] = (*ours, *naive)
    return found


def _production(seed: int) -> tuple[Ints, Floats, Bools]:
    """Return true label (-1 unknown), decision score and whether the proposal is right, in random order."""
    images, digits = worlds.digits()
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(10)
    chosen, _ = worlds.draw(digits, MASTERS, rng, mixed[:KNOWN])
    known = np.setdiff1d(np.flatnonzero(np.isin(digits, mixed[:KNOWN])), chosen)
    strange = np.flatnonzero(np.isin(digits, mixed[KNOWN:]))
    count = round(len(known) * UNKNOWN / (1 - UNKNOWN))
    rows = rng.permutation(np.r_[known, rng.choice(strange, count, replace=False)])
    place = np.full(10, -1)
    place[mixed[:KNOWN]] = np.arange(KNOWN)
    pool = images[rows]
    rule = rules.fit(worlds.centred(images[chosen], pool), place[digits[chosen]])
    vectors = worlds.centred(pool, pool)
    similarity = rule.similarity(vectors)
    confidence = rule.confidence(vectors, similarity)
    best, usable = confidence.max(axis=1), np.ones(len(rows), np.bool_)
    certain = score.production(best, similarity.max(axis=1), usable).score(best, similarity.max(axis=1), usable)
    truth = place[digits[rows]]
    return truth, certain, confidence.argmax(axis=1) == truth


def _naive(certain: Floats, correct: Bools) -> float:
    """The loosest threshold at which the audits themselves are wrong in at most alpha."""
    order = np.argsort(-certain, kind="stable")
    rate = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(rate <= PROMISE.alpha)
    return float(certain[order][good.max()]) if len(good) else 2.0


def _outcome(confirmed: Bools, correct: Bools, known: Bools) -> tuple[float, float]:
    wrong = float((confirmed & ~correct).sum() / max(int(confirmed.sum()), 1))
    return float((confirmed & known).sum() / known.sum()), float(wrong > PROMISE.alpha)
