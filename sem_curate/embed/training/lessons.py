"""What an image and text encoder learns from: images, texts, and for every pair of them whether the text is true.

In a batch of simulated particles many captions are true of many images. A loss that takes all but one's own caption for
wrong teaches that "bright" is wrong for other bright particles. So here truth comes as a table (as for multi-label
targets), not as a pairing. Letters: B images, T texts, K concepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.embed.training.lexicon import MORE, OPPOSITES, words
from sem_curate.rendering.captions import CONCEPTS, sentence
from sem_curate.rendering.families import FAMILIES
from sem_curate.rendering.vocabulary import AFTER, BEFORE, NOUNS

Rng = np.random.Generator
LANGUAGES: Final = ("ja", "en")
CODES: Final = (*CONCEPTS, *OPPOSITES)
# What crops, turns and detector changes leave true.
LASTING: Final = frozenset(
    {*FAMILIES, "angular", "rounded", "elongated", "flat", "foam", "smooth_surface", "rough_surface",
     "striped_surface", "grained_surface"}
)  # fmt: skip
PAIRS: Final = 20  # texts about two concepts, per language and batch
SENTENCES: Final = 8
HELD_OUT: Final = 0.04
MOST_HELD_OUT: Final = 160

# True of every image. Search subtracts such sentences from what is asked; that must change no order.
NEUTRAL: Final = {
    "en": ("particle", "a particle", "SEM image of a particle", "an electron micrograph of a particle", "SEM image"),
    "ja": ("粒子", "粒子のSEM画像", "電子顕微鏡で見た粒子", "走査電子顕微鏡写真", "SEM画像"),
}
_FRAMES: Final = {
    "en": ("{}", "{}", "{} particle", "a {} particle", "SEM image of a {} particle", "{} particles",
           "an electron micrograph showing {}", "particle: {}", "SEM image, {}", "photo of something {}"),
    "ja": ("{}", "{}", "{}の粒子", "{}粒子", "{}の粒子のSEM画像", "電子顕微鏡で見た{}", "{}のもの",
           "{}、SEM画像", "{}な粒子"),
}  # fmt: skip
_JOINS: Final = {
    "en": ("{} {}", "{}, {}", "{} and {}", "{} with {}", "{} {} particle", "{} particle, {}", "{} but also {}"),
    "ja": ("{}で{}", "{}、{}", "{} {}", "{}の{}", "{}と{}", "{}な{}", "{}かつ{}", "{}で{}の粒子"),
}


@dataclass(frozen=True)
class Lesson:
    """Texts, and of which images of a batch they are true.

    Attributes:
        texts: T.
        truth: (B, T).
        known: (B, T), False where nobody knows.
    """

    texts: Sequence[str]
    truth: Bools
    known: Bools


class Material(Protocol):
    """Images of which some texts are true."""

    @property
    def images(self) -> NDArray[np.uint8]:
        """(N, S, S) contrast already stretched; may lie on disk."""

    @property
    def held(self) -> int:
        """How many of the first images are held out."""

    def draw(self, count: int, rng: Rng) -> Ints:
        """Return (B,) images that are not held out."""

    def lesson(self, rows: Ints, rng: Rng, *, changed: bool) -> Lesson:
        """Return texts about some images; ``changed``: only what strong augmentation leaves true."""

    def exam(self) -> Lesson:
        """Return texts about the held-out images, always the same."""

    def texts(self) -> list[str]:
        """Return the texts that a vocabulary is made from."""


class Rendered:
    """Views of rendered particles, with a table of what is true of each."""

    def __init__(self, images: NDArray[np.uint8], facts: Bools) -> None:
        """Keep the table.

        Args:
            images: (P, V, S, S) uint8.
            facts: (P, V, K) for the codes of ``CONCEPTS``, in their order.
        """
        particles, views = facts.shape[:2]
        self.images = images.reshape(particles * views, *images.shape[2:])
        at = {code: column for column, code in enumerate(CONCEPTS)}
        flat = facts.reshape(-1, facts.shape[2])
        opposite = ~flat[:, [at[code.removeprefix("no_")] for code in OPPOSITES]]
        self.facts: Bools = np.concatenate([flat, opposite], axis=1)
        self.held = views * max(1, min(round(HELD_OUT * particles), MOST_HELD_OUT))
        common = self.facts.mean(axis=0)
        # A code that is never or always true teaches nothing.
        self._asked = [column for column in range(len(CODES)) if 0 < common[column] < 1]
        rare = np.divide(1.0, common, out=np.zeros(len(CODES)), where=common > 0)
        weight = (self.facts * np.minimum(rare, 60)).max(axis=1)[self.held :]
        self.rarity: Floats = weight / weight.sum()

    def draw(self, count: int, rng: Rng) -> Ints:
        """Return half a batch as it comes, and half with preference for images of which rare words are true."""
        free = len(self.images) - self.held
        half = min(count // 2, free // 2)
        some = rng.choice(free, half, replace=False)
        rare = rng.choice(free, min(count, free) - half, p=self.rarity)
        return np.asarray(self.held + np.sort(np.concatenate([some, rare])), dtype=np.int64)

    def lesson(self, rows: Ints, rng: Rng, *, changed: bool) -> Lesson:
        """Return one word for each concept that is true of an image here, pairs and whole sentences."""
        facts = self.facts[rows]
        usable = [c for c in self._asked if (CODES[c] in LASTING or not changed) and facts[:, c].any()]
        told: list[tuple[str, Bools]] = []
        for language in LANGUAGES:
            told += [(single(CODES[column], language, rng), facts[:, column]) for column in usable]
            told += [made for _ in range(PAIRS) if (made := self._pair(facts, usable, language, rng))]
            told += [made for _ in range(SENTENCES) if (made := self._sentence(facts, usable, language, rng))]
            told.append((_pick(NEUTRAL[language], rng), np.ones(len(rows), dtype=np.bool_)))
        truth = np.stack([column for _, column in told], axis=1)
        return Lesson([text for text, _ in told], truth, np.ones_like(truth))

    def _pair(self, facts: Bools, usable: list[int], language: str, rng: Rng) -> tuple[str, Bools] | None:
        mine = _of_one(facts, usable, rng)
        if len(mine) < 2:
            return None
        first, second = rng.choice(mine, 2, replace=False).tolist()
        return pair(CODES[first], CODES[second], language, rng), facts[:, first] & facts[:, second]

    def _sentence(self, facts: Bools, usable: list[int], language: str, rng: Rng) -> tuple[str, Bools] | None:
        codes = [CODES[column] for column in _of_one(facts, usable, rng) if CODES[column] in CONCEPTS]
        family = [code for code in codes if code in FAMILIES]
        if not family:
            return None
        text, told = sentence(family[0], [code for code in codes if code not in FAMILIES], rng, language)
        return text, np.asarray(np.logical_and.reduce([facts[:, CODES.index(code)] for code in told]), dtype=np.bool_)

    def exam(self) -> Lesson:
        """Return the first word of each concept in each language."""
        facts = self.facts[: self.held]
        asked = [column for column in self._asked if 0 < facts[:, column].sum() < len(facts)]
        truth = np.concatenate([facts[:, asked]] * len(LANGUAGES), axis=1)
        texts = [words(CODES[column], language)[0] for language in LANGUAGES for column in asked]
        return Lesson(texts, truth, np.ones_like(truth))

    def texts(self) -> list[str]:
        """Return every word and phrase there is, and some of each frame."""
        return every_phrase()


def _of_one(facts: Bools, usable: list[int], rng: Rng) -> list[int]:
    """Return what is true of an image drawn by lot."""
    row = int(rng.integers(len(facts)))
    return [column for column in usable if facts[row, column]]


def single(code: str, language: str, rng: Rng) -> str:
    """Return one concept in words: bare, in a frame, before a noun, or as a phrase of its own."""
    way = rng.random()
    if way < 0.15 and code in NOUNS:
        return _pick(NOUNS[code][language], rng)
    if way < 0.15 and code in BEFORE:
        return _pick(BEFORE[code][language], rng) + (" particle" if language == "en" else "粒子")
    if way < 0.25 and code in AFTER:
        return _pick(AFTER[code][language], rng)
    return _pick(_FRAMES[language], rng).format(_pick(words(code, language), rng))


def pair(first: str, second: str, language: str, rng: Rng) -> str:
    """Return two concepts in words."""
    return _pick(_JOINS[language], rng).format(_pick(words(first, language), rng), _pick(words(second, language), rng))


def every_phrase() -> list[str]:
    """Return all phrases that any text is composed of."""
    found = [text for table in (CONCEPTS, MORE, OPPOSITES, NOUNS, BEFORE, AFTER) for entry in table.values()
             for language in LANGUAGES for text in entry[language]]  # fmt: skip
    frames = [text.format(*[""] * text.count("{}")) for table in (_FRAMES, _JOINS) for texts in table.values()
              for text in texts]  # fmt: skip
    return [*found, *frames, *(text for texts in NEUTRAL.values() for text in texts)]


def _pick(choices: Sequence[str], rng: Rng) -> str:
    return choices[int(rng.integers(len(choices)))]
