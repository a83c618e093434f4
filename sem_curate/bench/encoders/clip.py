"""The bundled text-image encoder on simulated particles it has not seen, and on real powder.

Words come from the vocabulary it was trained on, but for one figure; particles and images do not. Each figure stands
beside chance, or beside what one word alone finds. Some concepts hardly show: what a material weighs is brightness in a
view whose brightness the operator chose.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from sem_curate.arrays import Bools
from sem_curate.bench.encoders.phrasing import HELD_OUT
from sem_curate.bench.encoders.setting import Setting
from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.embed.encoders import DEFAULT_TEXT, Encoder, get_encoder
from sem_curate.ingest.readers import read_grey
from sem_curate.rendering import FAMILIES, render_particles
from sem_curate.rendering.captions import CONCEPTS, concepts
from sem_curate.search import text
from sem_curate.search.rank import Block, rank

PARTICLES: Final = 320
SEED: Final = 4242  # plus the seed of the setting; below one million, so of no training set
TOP: Final = 20
FEW, MOST = 5, 0.6  # a concept is asked for when at least so many particles, and at most this share, have it
PAIRS: Final = 40
RESAMPLES: Final = 400
LANGUAGES: Final = {"en": "English", "ja": "Japanese"}
MAP, BEHIND, OVERLAP, TOGETHER = 0.85, 0.05, 0.7, 0.6  # what it should reach
JOIN: Final = {"en": "{} {}", "ja": "{}で{}"}
REAL: Final = {"en": ("spherical", "satellited"), "ja": ("球状", "サテライト付き")}


@dataclass(frozen=True)
class _World:
    """Simulated particles: their view vectors, and which concepts hold for each."""

    encoder: Encoder
    block: Block
    codes: Mapping[str, frozenset[str]]  # concept -> particle ids

    def order(self, words: str) -> list[str]:
        """Return all particle ids, best first."""
        query = text.encode(text.parse(words), self.encoder)
        return [hit.particle_id for hit in rank([self.block], query, k=len(self.block.ids))]

    def precision(self, words: str, right: frozenset[str]) -> float:
        """Return average precision of a query in [0, 1]; higher is better."""
        order = self.order(words)
        return float(average_precision_score([name in right for name in order], -np.arange(len(order))))

    def chance(self, right: frozenset[str]) -> float:
        """Return the average precision of a random order, to a good approximation."""
        return len(right) / len(self.block.ids)


def figures(setting: Setting) -> list[Figure]:
    """Return search quality per concept, stability over synonyms, combinations; on real powder where given."""
    world = _render(get_encoder(DEFAULT_TEXT), setting.seed)
    asked = [code for code, right in world.codes.items() if FEW <= len(right) <= MOST * PARTICLES]
    each = {language: _language(world, asked, language) for language in LANGUAGES}
    english, japanese = (float(each[language][0].value) for language in ("en", "ja"))
    behind = at_most("clip: mAP in English less mAP in Japanese", english - japanese, BEHIND)
    real = _real(world.encoder, setting.data) if setting.data is not None else []
    return [*(figure for found in each.values() for figure in found), _across(world, asked), behind, *real]


def _render(encoder: Encoder, seed: int) -> _World:
    ids, vectors, present, codes = list[str](), list[np.ndarray](), list[list[bool]](), dict[str, set[str]]()
    for particle in render_particles(PARTICLES, seed=SEED + seed):
        shown = [view is not None for view in particle.views.values()]
        images = [encoder.preprocess(view.image) for view in particle.views.values() if view is not None]
        slots = np.zeros((len(shown), encoder.dim), np.float32)
        slots[shown] = encoder.embed_images(np.stack(images))
        ids.append(particle.particle_id)
        vectors.append(slots)
        present.append(shown)
        for code in concepts(particle.truth):
            codes.setdefault(code, set()).add(particle.particle_id)
    known = {code: frozenset(names) for code, names in codes.items() if code in CONCEPTS}
    return _World(encoder, Block(ids, np.stack(vectors), np.array(present)), known)


def _language(world: _World, asked: Sequence[str], language: str) -> list[Figure]:
    begin = f"clip: {LANGUAGES[language]}"
    each = {code: _concept(world, code, language) for code in asked}
    chance = {code: world.chance(world.codes[code]) for code in asked}
    families = [code for code in asked if code in FAMILIES]
    others = [code for code in asked if code not in FAMILIES]
    worst = min(families, key=each.__getitem__)
    overlap = [_overlap(world, pair) for code in asked for pair in combinations(CONCEPTS[code][language], 2)]
    pairs, single = _pairs(world, asked, language)
    return [
        at_least(f"{begin}, mAP over {len(asked)} concepts", _mean(each, asked), MAP, _mean(chance, asked)),
        Figure(f"{begin}, mAP over {len(families)} shapes", _mean(each, families), _mean(chance, families)),
        Figure(f"{begin}, mAP over {len(others)} other concepts", _mean(each, others), _mean(chance, others)),
        Figure(f"{begin}, worst shape: {worst}, average precision", each[worst], chance[worst]),
        at_least(f"{begin}, same first {TOP} by two synonyms", float(np.mean(overlap)), OVERLAP, TOP / PARTICLES),
        at_least(f"{begin}, mAP of two concepts together; baseline: the better word alone", pairs, TOGETHER, single),
        _free(world, asked, language),
    ]


def _free(world: _World, asked: Sequence[str], language: str) -> Figure:
    """Ask in phrases that are in no training text."""
    codes = [code for code in asked if code in HELD_OUT]
    found = [np.mean([world.precision(phrase, world.codes[code]) for phrase in HELD_OUT[code][language]])
             for code in codes]  # fmt: skip
    chance = {code: world.chance(world.codes[code]) for code in codes}
    name = f"clip: {LANGUAGES[language]}, mAP of {len(codes)} concepts in phrases kept from the training"
    return Figure(name, float(np.mean(found)), _mean(chance, codes))


def _concept(world: _World, code: str, language: str) -> float:
    return float(np.mean([world.precision(word, world.codes[code]) for word in CONCEPTS[code][language]]))


def _overlap(world: _World, words: Sequence[str]) -> float:
    first, second = (set(world.order(word)[:TOP]) for word in words)
    return len(first & second) / TOP


def _pairs(world: _World, asked: Sequence[str], language: str) -> tuple[float, float]:
    """Return mAP of queries that name two concepts, and of the better of the two words alone."""
    both = {pair: world.codes[pair[0]] & world.codes[pair[1]] for pair in combinations(sorted(asked), 2)}
    # Where one implies the other, a combination is no harder than a word.
    real = [
        pair
        for pair, right in both.items()
        if len(right) >= FEW and all(len(right) <= 0.8 * len(world.codes[code]) for code in pair)
    ]
    chosen = [real[at] for at in np.random.default_rng(0).permutation(len(real))[:PAIRS]]
    together, alone = [], []
    for pair in chosen:
        words = [CONCEPTS[code][language][0] for code in pair]
        together.append(world.precision(JOIN[language].format(*words), both[pair]))
        alone.append(max(world.precision(word, both[pair]) for word in words))
    return float(np.mean(together)), float(np.mean(alone))


def _across(world: _World, asked: Sequence[str]) -> Figure:
    overlap = [_overlap(world, (CONCEPTS[code]["en"][0], CONCEPTS[code]["ja"][0])) for code in asked]
    return Figure(f"clip: same first {TOP} in English and Japanese", float(np.mean(overlap)), TOP / PARTICLES)


def _real(encoder: Encoder, data: Path) -> list[Figure]:
    """Tell satellited from spherical powder by words alone: real images, no label was seen."""
    with (data / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in ("powder_spherical", "powder_satellited")]
    truth = np.array([row["label"] == "powder_satellited" for row in rows])
    inputs = (encoder.preprocess(read_grey(data / row["filepath"])) for row in rows)
    vectors = np.concatenate([encoder.embed_images(one[None]) for one in inputs])
    found = []
    for language, words in REAL.items():
        plain, satellited = (text.concept_vector(word, encoder) for word in words)
        score = vectors @ satellited - vectors @ plain
        begin = f"clip: {LANGUAGES[language]}, satellited from spherical on {len(rows)} real crops by words alone"
        found += [
            Figure(f"{begin}, area under ROC", float(roc_auc_score(truth, score)), 0.5),
            at_least(f"{begin}, area under ROC, 95 % bound", _lower_bound(truth, score), 0.5, 0.5),
            Figure(f"{begin}, balanced accuracy", float(balanced_accuracy_score(truth, score > 0)), 0.5),
        ]
    return found


def _lower_bound(truth: Bools, score: NDArray[np.float64]) -> float:
    """Return the lower end of the 95 % bootstrap interval of the area under ROC; crops are drawn again."""
    rng = np.random.default_rng(0)
    areas: list[float] = []
    while len(areas) < RESAMPLES:
        rows = rng.integers(len(truth), size=len(truth))
        if 0 < truth[rows].sum() < len(rows):
            areas.append(float(roc_auc_score(truth[rows], score[rows])))
    return float(np.quantile(areas, 0.025))


def _mean(values: Mapping[str, float], codes: Sequence[str]) -> float:
    return float(np.mean([values[code] for code in codes]))
