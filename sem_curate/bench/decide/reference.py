"""The reference worlds: proposal rules, integration of sets, known-ness; targets are the best simple methods there."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.metrics import roc_auc_score

from sem_curate.arrays import Bools, Floats
from sem_curate.bench.decide import worlds
from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.config import IntegrateConfig
from sem_curate.decide import rules
from sem_curate.integrate.contract import QualityMean

# masters per label -> accuracy of the best inductive method on digits
DIGITS: Final = {1: 0.65, 2: 0.77, 5: 0.87, 10: 0.91, 20: 0.95}
DIGIT_DRAWS: Final = 50
# masters per label -> accuracy of weights q^0.5 with consistency trim in the synthetic sets
SETS: Final = {1: 0.694, 3: 0.874, 5: 0.895, 20: 0.938}
SET_WORLDS: Final = 8
KNOWN_DRAWS: Final = 30
PLAIN: Final = IntegrateConfig(quality_power=0.0, trim_factor=1.0, quality_floor=0.0)


def figures(setting: Setting) -> list[Figure]:
    """Return all reference figures; the worlds have seeds of their own."""
    return [*_digits(), *_sets(), *_known()]


def _digits() -> list[Figure]:
    images, truth = worlds.digits()
    vectors = worlds.centred(images, images)
    found = []
    for masters, target in DIGITS.items():
        right: dict[str, list[float]] = {name: [] for name in (rules.AUTO, *rules.RULES)}
        for seed in range(DIGIT_DRAWS):
            chosen, asked = worlds.draw(truth, masters, np.random.default_rng(seed), range(10))
            for name, shares in right.items():
                said = rules.fit(vectors[chosen], truth[chosen], name=name).confidence(vectors[asked]).argmax(axis=1)
                shares.append(float((said == truth[asked]).mean()))
        best = max(rules.RULES[:3], key=lambda name: float(np.mean(right[name])))
        title = f"digits, {masters} masters per label: accuracy"
        ours, simple = float(np.mean(right[rules.AUTO])), float(np.mean(right[best]))
        found.append(
            at_least(f"{title} (baseline nearest prototype)", ours, target, float(np.mean(right["prototype"])))
        )
        gain = np.asarray(right[rules.AUTO]) - np.asarray(right[best])
        title = f"{title} less that of the best single rule ({best}), paired"
        found.append(at_least(title, ours - simple, -0.005, 0.0))
        found.append(Figure(f"{title}: 95 % +-", float(1.96 * gain.std(ddof=1) / np.sqrt(len(gain)))))
    return found


def _sets() -> list[Figure]:
    right: dict[str, dict[int, list[float]]] = {name: {k: [] for k in SETS} for name in ("ours", "plain")}
    for seed in range(SET_WORLDS):
        of, rng = worlds.world(seed), np.random.default_rng(100 + seed)
        asked, truth = worlds.sample(of, 150, rng)
        pool, _ = worlds.sample(of, 100, rng)
        ways = {"ours": QualityMean.of(pool), "plain": QualityMean(config=PLAIN)}
        for masters in SETS:
            shown, labels = worlds.sample(of, masters, rng)
            for name, integrator in ways.items():
                said = rules.fit(integrator(shown).vectors, labels).confidence(integrator(asked).vectors)
                right[name][masters].append(float((said.argmax(axis=1) == truth).mean()))
    found = []
    for masters, target in SETS.items():
        ours, plain = (float(np.mean(right[name][masters])) for name in ("ours", "plain"))
        name = f"synthetic sets, {masters} particles per label: accuracy"
        found.append(at_least(f"{name} (baseline plain mean)", ours, target, plain))
    return found


def _known() -> list[Figure]:
    images, truth = worlds.digits()
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "margin": []}
    for seed in range(KNOWN_DRAWS):
        rng = np.random.default_rng(seed)
        mixed = rng.permutation(10)
        chosen, asked = worlds.draw(truth, 10, rng, mixed[:6])
        known = np.isin(truth[asked], mixed[:6])
        vectors = worlds.centred(images, images)
        labels = np.searchsorted(np.sort(mixed[:6]), truth[chosen])
        rule = rules.fit(vectors[chosen], labels)
        confidence = np.sort(rule.confidence(vectors[asked]), axis=1)
        found["ours"].append(_separation(rule.similarity(vectors[asked]).max(axis=1), known))
        found["margin"].append(_separation(confidence[:, -1] - confidence[:, -2], known))
    ours, margin = np.mean(found["ours"], axis=0), np.mean(found["margin"], axis=0)
    name = "digits, 6 known and 4 unknown labels, 10 masters: known-ness"
    return [
        at_least(f"{name}, AUROC (baseline margin)", float(ours[0]), 0.931, float(margin[0])),
        at_most(f"{name}, FPR95 (baseline margin)", float(ours[1]), 0.398, float(margin[1])),
    ]


def _separation(score: Floats, known: Bools) -> tuple[float, float]:
    """Return AUROC and the share of unknowns accepted where 95 % of the known are."""
    accepted = score[~known] >= np.quantile(score[known], 0.05)
    return float(roc_auc_score(known, score)), float(accepted.mean())
