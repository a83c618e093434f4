"""From what a person types to vectors: spelling, negatives, prompt ensembles.

CLIP-like models do not understand "not" (NegBench, arXiv:2501.09425): left inside the sentence it ranks particles
with the unwanted property first. So negated parts are cut out here and subtracted as scores later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sem_curate.arrays import TINY, Floats, unit_rows
from sem_curate.embed.tokenizer import normalise
from sem_curate.errors import InputError
from sem_curate.search.vocabulary import Match, Phrase, Vocabulary, distinct

# Averaged in embedding space: on a toy set an average of eight phrasings scored .77 mAP against .67 for one.
TEMPLATES: Final = {
    "en": ("{}", "{} particle", "a {} particle", "SEM image of a {} particle", "an electron micrograph showing {}"),
    "ja": ("{}", "{}の粒子", "{}粒子", "{}の粒子のSEM画像", "電子顕微鏡で見た{}"),
}
# What every query shares; subtracting it leaves what this query is about.
NEUTRAL: Final = {
    "en": ("particle", "a particle", "SEM image of a particle", "an electron micrograph of a particle"),
    "ja": ("粒子", "粒子のSEM画像", "電子顕微鏡で見た粒子", "走査電子顕微鏡写真"),
}
MAX_LENGTH: Final = 300  # characters; no model reads further

_ENGLISH_NOT: Final = re.compile(
    r"(?:,?\s*\b(?:but|and)\s+)?\b(?:without(?:\s+any)?|not|no|excluding|except(?:\s+for)?|other\s+than|free\s+of)\s+"
    r"(?P<what>[^,;.、。]+?)(?=\s+(?:but|with|and\s+(?:no|not|without))\b|[,;.、。]|$)"
)
_WORD: Final = r"(?P<what>[^\s、。,.;・がをにはので]+)"
_JAPANESE_NOT: Final = (
    # 丸くない: the adjective's own form is what must be embedded, so its ending is put back.
    (re.compile(r"(?P<what>[^\s、。,.;・がをにはので]+?)くない(?:もの)?"), "い"),
    (re.compile(_WORD + r"(?:では|じゃ|でも|で|の|が|は|も)(?:無い|ない|ありません)(?:もの)?"), ""),
    (re.compile(_WORD + r"(?:以外の?もの|以外|を除いた|を除く|なしの|なし|無しの|無し)"), ""),
    (re.compile(r"(?P<what>[^\s、。,.;・がをにはので]+?)(?:って|いて|んで|て)いない(?:もの)?"), ""),
)
_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
_LEFTOVER: Final = re.compile(
    r"^(?:[\s、。,.;・]|[ので](?=[^\s]))+|[\s、。,.;・]+$|(?<=\S)で$|(?:,?\s*\b(?:and|but|that is|which is))\s*$"
)


NO_LABELS: Final = Vocabulary()


class TextEncoder(Protocol):
    """The part of an encoder that search needs."""

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """T sentences -> (T, D) unit rows."""


@dataclass(frozen=True)
class Query:
    """A search as understood."""

    text: str  # as typed
    positive: str  # normalised; empty when only negatives were given
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueryVectors:
    """A search in the space of the images."""

    positive: Floats | None  # (D,)
    negatives: Floats  # (Q, D)


def parse(text: str) -> Query:
    """Read a query; full-width, half-width and upper-case spellings become one.

    Raises:
        InputError: when nothing is left to search for, or the text is too long.

    >>> parse("sphere without cracks")
    Query(text='sphere without cracks', positive='sphere', negatives=('cracks',))
    >>> parse("多孔質でない球状").negatives
    ('多孔質',)
    """
    line = normalise(text)
    if len(line) > MAX_LENGTH:
        raise InputError(f"the query has {len(line)} characters; {MAX_LENGTH} are the most, a few words are best")
    negatives: list[str] = []
    rest = _cut(line, _ENGLISH_NOT, "", negatives)
    for pattern, ending in _JAPANESE_NOT:
        rest = _cut(rest, pattern, ending, negatives)
    positive = _tidy(rest)
    if not re.search(r"\w", positive + "".join(negatives)):
        raise InputError("the query is empty; type what to look for, for example 'needle-like' or '針状'")
    return Query(text, positive if re.search(r"\w", positive) else "", tuple(negatives))


def understand(text: str, vocabulary: Vocabulary) -> tuple[Query, list[Match]]:
    """Read a query of somebody who knows the labels, and tell which labels it names.

    A query that is the name of a label is that label, whatever else it could mean: "not sintered" may be a label.

    Raises:
        InputError: see :func:`parse`.
    """
    named = vocabulary.match(text)
    if named and named[0].whole:
        return Query(text, normalise(text)), list(distinct(named))
    query = parse(text)
    return query, list(distinct(vocabulary.match(query.positive)))


def encode(query: Query, encoder: TextEncoder, vocabulary: Vocabulary = NO_LABELS) -> QueryVectors:
    """Embed a query; a concept that names a label is embedded as all its words together.

    Returns:
        Unit vectors; ``positive`` is None for a query of negatives only.
    """
    negatives = [phrases_vector(vocabulary.phrases(item), encoder) for item in query.negatives]
    positive = phrases_vector(vocabulary.phrases(query.positive), encoder) if query.positive else None
    width = (positive if positive is not None else negatives[0]).shape[0]
    rows = unit_rows(negatives) if negatives else unit_rows([[0.0] * width])[:0]  # type: ignore[arg-type]
    return QueryVectors(positive, rows)


def phrases_vector(phrases: Sequence[Phrase], encoder: TextEncoder) -> Floats:
    """Embed several ways to say one concept: the mean of their unit vectors, (D,) float32 of length 1."""
    found = [concept_vector(phrase.words, encoder, phrase.templates) for phrase in phrases]
    mean = np.stack(found).mean(axis=0)
    return unit_rows(mean) if float((mean**2).sum()) > TINY else found[0]


def concept_vector(concept: str, encoder: TextEncoder, templates: Sequence[str] = ()) -> Floats:
    """Embed one concept as an average of phrasings minus what all phrasings share.

    Args:
        concept: normalised words, Japanese or English.
        encoder: reads text.
        templates: further sentences with {} where the concept goes.

    Returns:
        (D,) float32 unit vector.
    """
    language = "ja" if _JAPANESE.search(concept) else "en"
    # Not str.format: a template of a user may hold other braces.
    sentences = [template.replace("{}", concept) for template in (*TEMPLATES[language], *templates)]
    vectors = encoder.embed_texts([*sentences, *NEUTRAL[language]])
    about = unit_rows(vectors[: len(sentences)].mean(axis=0))
    neutral = unit_rows(vectors[len(sentences) :].mean(axis=0))
    specific = about - neutral
    # The query may be the neutral sentence itself ("particle"): then its own direction is all there is.
    return unit_rows(specific) if float((specific**2).sum()) > TINY else about


def _cut(line: str, pattern: re.Pattern[str], ending: str, found: list[str]) -> str:
    def collect(match: re.Match[str]) -> str:
        found.append(_tidy(match["what"]) + ending)
        return " "

    return pattern.sub(collect, line)


def _tidy(line: str) -> str:
    tidy = " ".join(line.split())
    while (shorter := _LEFTOVER.sub("", tidy).strip()) != tidy:
        tidy = shorter
    return tidy
