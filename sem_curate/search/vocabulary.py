"""What the labels of a dataset are called, so that a query that names one is read as the label and not as a bare word.

A text model knows "needle" and not "lot-7 type B": names in both languages, synonyms, former names and the label's own
prompt templates are therefore asked together. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sem_curate.registry.names import is_japanese, name_key

MOST: Final = 12  # phrasings of one concept; beyond that a query only gets slower
SHORTEST: Final = 2  # characters that a word must have to be found inside a longer query


@dataclass(frozen=True)
class Entry:
    """The words for one label: ``names`` now, ``synonyms``, and what it was called before with the same meaning."""

    label_id: str
    names: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    templates_ja: tuple[str, ...] = ()
    templates_en: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Return every word for it once, names first."""
        found: dict[str, str] = {}
        for word in (*self.names, *self.synonyms, *self.former):
            if name_key(word):
                found.setdefault(name_key(word), word)
        return tuple(found.values())


@dataclass(frozen=True)
class Phrase:
    """One way to say a concept, and the templates it is put into besides the usual ones."""

    words: str
    templates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A label that a query names: ``written`` is the word for it, ``former`` tells that it is an old name."""

    entry: Entry
    written: str
    whole: bool
    former: bool


@dataclass(frozen=True)
class Vocabulary:
    """The words for all labels."""

    entries: tuple[Entry, ...] = ()

    def match(self, text: str) -> list[Match]:
        """Return the labels that a text is the name of, else those with the longest word in it.

        A name in force comes before a synonym, and that before a former name.
        """
        asked = name_key(text)
        if not asked:
            return []
        whole = [(rank, entry, word) for entry, rank, word in self._words() if name_key(word) == asked]
        if whole:
            best = min(rank for rank, _, _ in whole)
            return [Match(entry, word, True, rank == 2) for rank, entry, word in whole if rank == best]
        inside = [(entry, rank, word) for entry, rank, word in self._words() if _stands_in(name_key(word), asked)]
        if not inside:
            return []
        best_word = min((-len(name_key(word)), rank) for _, rank, word in inside)
        return [
            Match(entry, word, False, rank == 2)
            for entry, rank, word in inside if (-len(name_key(word)), rank) == best_word
        ]  # fmt: skip

    def phrases(self, concept: str) -> list[Phrase]:
        """Return every way to say a concept, as it was written first; at most ``MOST``.

        >>> rod = Entry("l", ("棒状", "rod"), synonyms=("bar",))
        >>> [one.words for one in Vocabulary((rod,)).phrases("Rod")]
        ['Rod', '棒状', 'bar']
        >>> [one.words for one in Vocabulary((rod,)).phrases("broken rod")]
        ['broken rod', 'broken bar']
        """
        found = {name_key(concept): Phrase(concept)}
        for match in self.match(concept):
            ja, en = match.entry.templates_ja, match.entry.templates_en
            if match.whole:
                found[name_key(concept)] = Phrase(concept, ja if is_japanese(concept) else en)
            for word in match.entry.words:
                if match.whole:
                    found.setdefault(name_key(word), Phrase(word, ja if is_japanese(word) else en))
                elif is_japanese(word) == is_japanese(match.written):  # or the sentence would mix languages
                    said = name_key(concept).replace(name_key(match.written), name_key(word))
                    found.setdefault(said, Phrase(said))
        return list(found.values())[:MOST]

    def _words(self) -> Iterator[tuple[Entry, int, str]]:
        for entry in self.entries:
            for rank, words in enumerate((entry.names, entry.synonyms, entry.former)):
                for word in words:
                    yield entry, rank, word


def _stands_in(word: str, text: str) -> bool:
    """Tell whether a word stands in a text: as whole words, or anywhere where words are not set apart."""
    if len(word) < SHORTEST or word not in text:
        return False
    return is_japanese(word) or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def distinct(matches: Iterable[Match]) -> Sequence[Match]:
    """Return one match per label."""
    return list({match.entry.label_id: match for match in matches}.values())
