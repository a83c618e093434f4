from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.errors import InputError
from sem_curate.search.text import NEUTRAL, concept_vector, encode, parse


@pytest.mark.parametrize(
    ("query", "positive", "negatives"),
    [
        ("sphere", "sphere", ()),
        ("needle-like particle", "needle-like particle", ()),
        ("sphere without cracks", "sphere", ("cracks",)),
        ("porous but not hollow", "porous", ("hollow",)),
        ("flake, no charging", "flake", ("charging",)),
        ("rod without any satellites and not porous", "rod", ("satellites", "porous")),
        ("particles other than spheres", "particles", ("spheres",)),
        ("not blurred", "", ("blurred",)),
        ("Ｒｏｕｇｈ　Ｓｐｈｅｒｅ", "rough sphere", ()),
        ("noble notched node", "noble notched node", ()),
        ("球状", "球状", ()),
        ("多孔質でない球状", "球状", ("多孔質",)),
        ("亀裂のない球", "球", ("亀裂",)),
        ("球状で亀裂なし", "球状", ("亀裂",)),
        ("丸くない粒子", "粒子", ("丸い",)),
        ("針状以外", "", ("針状",)),
        ("樹枝状ではない板状", "板状", ("樹枝状",)),
        ("サテライトがない球形", "球形", ("サテライト",)),
        ("帯電していない針状", "針状", ("帯電し",)),
        ("粒子が少ない", "粒子が少ない", ()),
    ],
)
def test_negatives_are_cut_out(query: str, positive: str, negatives: tuple[str, ...]) -> None:
    parsed = parse(query)
    assert (parsed.positive, parsed.negatives) == (positive, negatives)


@pytest.mark.parametrize("query", ["", "   ", "、。", "　", "?!"])
def test_an_empty_query_is_refused(query: str) -> None:
    with pytest.raises(InputError, match="the query is empty; type what to look for"):
        parse(query)


def test_an_endless_query_is_refused() -> None:
    with pytest.raises(InputError, match="the query has 301 characters"):
        parse("x" * 301)


@given(query=st.text(max_size=80))
def test_any_text_is_read_or_refused(query: str) -> None:
    try:
        parsed = parse(query)
    except InputError:
        return
    assert parsed.positive or parsed.negatives


class Words:
    """Embeds a sentence as the sum of its known words: enough to see what reaches the encoder."""

    axes = ("needle", "sphere", "particle", "針状", "粒子")

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.seen.extend(texts)
        rows = [[1e-3, *(text.count(axis) for axis in self.axes)] for text in texts]
        return unit_rows(np.array(rows, np.float32))


def test_what_all_phrasings_share_is_subtracted() -> None:
    vector = concept_vector("needle", Words())
    needle, particle = vector[1], vector[3]
    assert needle > 0.8
    assert particle < 0  # "particle" says nothing about a particle


def test_japanese_gets_japanese_phrasings() -> None:
    words = Words()
    concept_vector("針状", words)
    assert set(NEUTRAL["ja"]) <= set(words.seen)
    assert "針状の粒子" in words.seen


def test_the_neutral_query_itself_still_has_a_direction() -> None:
    assert np.linalg.norm(concept_vector("particle", Words())) == pytest.approx(1, abs=1e-5)


def test_negatives_never_reach_the_encoder_as_negations() -> None:
    words = Words()
    vectors = encode(parse("needle without sphere"), words)
    assert not any("without" in text or "not" in text for text in words.seen)
    assert vectors.positive is not None
    assert vectors.negatives.shape == (1, 6)


def test_only_negatives() -> None:
    vectors = encode(parse("not sphere"), Words())
    assert vectors.positive is None
    assert vectors.negatives.shape == (1, 6)
