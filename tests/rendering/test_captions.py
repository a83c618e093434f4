from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.errors import InputError
from sem_curate.registry.names import is_japanese
from sem_curate.rendering import FAMILIES, render_particle, render_views
from sem_curate.rendering.captions import CONCEPTS, captions, concepts
from sem_curate.rendering.vocabulary import AFTER, BEFORE, DEFINITIONS, NOUNS


def _mentions(text: str, code: str, language: str) -> bool:
    return any(word.lower() in text.lower() for word in CONCEPTS[code][language])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_phrase_contains_a_synonym_of_its_concept(language):
    assert set(NOUNS) == set(FAMILIES)
    for table in (NOUNS, BEFORE):
        for code, words in table.items():
            stray = [w for w in words[language] if not _loosely(w, code, language)]
            assert not stray, (code, stray)
    assert set(AFTER) <= set(CONCEPTS)


def _loosely(phrase: str, code: str, language: str) -> bool:
    """Japanese inflects: share a stem of two characters; English: share a word stem of four letters."""
    if _mentions(phrase, code, language):
        return True
    length = 2 if language == "ja" else 4
    stems = {word[i : i + length].lower() for word in CONCEPTS[code][language] for i in range(len(word) - length + 1)}
    return any(stem in phrase.lower() for stem in stems)


@pytest.mark.parametrize("family", FAMILIES)
def test_captions_mention_the_family_in_both_languages(family):
    particle = render_views(5, ["view1"], size=32, family=family)
    assert _mentions(particle.caption_en, family, "en"), particle.caption_en
    assert _mentions(particle.caption_ja, family, "ja"), particle.caption_ja
    rng = np.random.default_rng(0)
    for language in ("en", "ja"):
        for text in captions(particle.truth, rng, language, count=40):
            assert _mentions(text, family, language), text


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_captions_are_clean_sentences(seed):
    particle = render_views(seed, ["view1", "view4"], size=32, spoiled=3)
    rng = np.random.default_rng(seed)
    for text in captions(particle.truth, rng, "en", view="view4", count=10):
        assert text == text.strip()
        assert "  " not in text
        assert ", ," not in text
        assert text.isascii()
    for text in captions(particle.truth, rng, "ja", view="view1", count=10):
        assert not text.endswith("、")
        assert any(ord(c) > 0x3000 for c in text)


def test_the_seed_chooses_the_phrasing():
    truth = render_views(1, ["view1"], size=32, family="needle").truth
    first, again = (captions(truth, np.random.default_rng(4), "en", count=20) for _ in range(2))
    assert first == again
    assert len(set(first)) > 8


def test_a_view_caption_may_tell_that_views_defect():
    particle = render_particle(8, size=64, family="sphere")
    assert "contour_missing" in concepts(particle.truth, "view4")
    assert "contour_missing" not in concepts(particle.truth, "view1")
    told = captions(particle.truth, np.random.default_rng(1), "ja", view="view4", count=60)
    assert any(any(w in text for w in AFTER["contour_missing"]["ja"]) for text in told)


def test_concepts_of_a_particle_are_known_codes():
    for seed in range(10):
        assert set(concepts(render_particle(seed, size=32, spoiled=2).truth)) <= set(CONCEPTS)


def test_bad_requests_name_the_remedy():
    truth = render_views(1, ["view1"], size=32).truth
    with pytest.raises(InputError, match="language must be one of en, ja; got 'de'"):
        captions(truth, np.random.default_rng(0), "de")
    with pytest.raises(InputError, match="view 'view2' of this particle was not rendered; pass one of view1"):
        captions(truth, np.random.default_rng(0), "en", view="view2")


def test_every_family_is_defined_in_both_languages() -> None:
    assert set(DEFINITIONS) == set(FAMILIES)
    assert all(en and ja and is_japanese(ja) and not is_japanese(en) for en, ja in DEFINITIONS.values())
