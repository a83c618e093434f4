"""Text search on unseen simulated particles, beside chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sem_curate.bench.figures import Figure, at_least
from sem_curate.embed.encoders import DEFAULTS, Encoder, get_encoder
from sem_curate.rendering import FAMILIES, render_particles
from sem_curate.rendering.captions import CONCEPTS
from sem_curate.search import text
from sem_curate.search.rank import Block, rank
from sem_curate.search.vocabulary import Entry, Vocabulary

TOP = 10
SEED = 991  # no training set was rendered from it
TARGETS = {"en": 0.85, "ja": 0.80}
LANGUAGES = {"en": "English", "ja": "Japanese"}


def run(*, particles: int = 320, encoders: tuple[str, ...] = ()) -> list[Figure]:
    """Search for every shape family by its first two names in each language.

    The names are words of the training captions; the particles are not of the training set.

    Args:
        particles: rendered, families in turn; at least 10 of each make 1.0 possible.
        encoders: a text encoder; default: the bundled one.

    Returns:
        Mean share of the right family among the first ten hits, per language; higher is better.
    """
    encoder = get_encoder(encoders[0] if encoders else DEFAULTS[-1])
    block, family = _collection(encoder, particles)
    chance = float(np.mean([list(family.values()).count(name) / len(family) for name in FAMILIES]))
    return [
        at_least(
            f"share of right particles among the first {TOP}, {LANGUAGES[language]}",
            float(np.mean([_precision(encoder, block, family, name, language) for name in FAMILIES])),
            TARGETS[language],
            chance,
        )
        for language in LANGUAGES
    ] + _labels(encoder, block, family)


def _labels(encoder: Encoder, block: Block, family: Mapping[str, str]) -> list[Figure]:
    """Return how labels are found whose words stand in the registry, beside the one word that is typed."""
    known = {name: tuple(word for language in LANGUAGES for word in _words(name, language)) for name in FAMILIES}
    plain = {name: Vocabulary((Entry(name, words),)) for name, words in known.items()}
    coded = {name: Vocabulary((Entry(name, (_code(name),), known[name]),)) for name in FAMILIES}
    nothing = Vocabulary()
    words = float(np.mean([
        _right(encoder, block, family, name, word, plain[name]) for name in FAMILIES for word in known[name]
    ]))  # fmt: skip
    alone = float(np.mean([
        _right(encoder, block, family, name, word, nothing) for name in FAMILIES for word in known[name]
    ]))  # fmt: skip
    codes = float(np.mean([_right(encoder, block, family, name, _code(name), coded[name]) for name in FAMILIES]))
    code_alone = float(np.mean([_right(encoder, block, family, name, _code(name), nothing) for name in FAMILIES]))
    return [
        Figure("... one word typed, all words of its label asked together", words, baseline=alone),
        Figure("... a label called by a code, its words as synonyms", codes, baseline=code_alone),
    ]


def _code(name: str) -> str:
    """Return a name that says nothing about a shape, as labels in a plant may have."""
    return f"Type {1000 + 7 * FAMILIES.index(name)}-B"


def _collection(encoder: Encoder, particles: int) -> tuple[Block, dict[str, str]]:
    ids: list[str] = []
    family: dict[str, str] = {}
    vectors, present = [], []
    for particle in render_particles(particles, seed=SEED):
        images = [view.image if view else None for view in particle.views.values()]
        seen = encoder.embed_images(np.stack([encoder.preprocess(image) for image in images if image is not None]))
        slots = np.zeros((len(images), encoder.dim), np.float32)
        slots[[image is not None for image in images]] = seen
        ids.append(particle.particle_id)
        family[particle.particle_id] = particle.family
        vectors.append(slots)
        present.append([image is not None for image in images])
    return Block(ids, np.stack(vectors), np.array(present)), family


def _precision(encoder: Encoder, block: Block, family: Mapping[str, str], name: str, language: str) -> float:
    words = _words(name, language)
    return float(np.mean([_right(encoder, block, family, name, word, Vocabulary()) for word in words]))


def _words(name: str, language: str) -> Sequence[str]:
    return tuple(CONCEPTS[name][language][:2])


def _right(
    encoder: Encoder, block: Block, family: Mapping[str, str], name: str, typed: str, known: Vocabulary
) -> float:  # fmt: skip
    """Return the share of a family among the first hits for what is typed."""
    query, _ = text.understand(typed, known)
    hits = rank([block], text.encode(query, encoder, known), k=TOP)
    return float(np.mean([family[hit.particle_id] == name for hit in hits]))
