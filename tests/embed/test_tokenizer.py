from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.embed.tokenizer import PAD, START, Tokenizer, normalise

PIECES = ["needle", "like", "針状粒子", "針状", "粒子", "粒", "子", *"abcdefghijklmnopqrstuvwxyz"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(PIECES, buckets=8, length=10)


def names(tokenizer: Tokenizer, text: str) -> list[str]:
    offset = START + 1 + tokenizer.buckets
    return [tokenizer.vocabulary[i - offset] if i >= offset else "?" for i in tokenizer.pieces(text)]


def test_longest_piece_wins(tokenizer: Tokenizer) -> None:
    assert names(tokenizer, "Needle-like、針状粒子 針状") == ["needle", "like", "針状粒子", "針状"]


def test_unknown_words_fall_to_characters_then_buckets(tokenizer: Tokenizer) -> None:
    assert names(tokenizer, "rod 鱗") == ["r", "o", "d", "?"]


@pytest.mark.parametrize("spelling", ["NEEDLE", "ｎｅｅｄｌｅ", " needle "])
def test_spellings_become_one(tokenizer: Tokenizer, spelling: str) -> None:
    assert tokenizer([spelling]).equal(tokenizer(["needle"]))


@given(text=st.text(max_size=60))
def test_any_text_gives_one_row_that_ends(text: str) -> None:
    tokenizer = Tokenizer(PIECES, buckets=8, length=10)
    (row,) = tokenizer([text]).tolist()
    assert len(row) == 10
    assert row[0] == START
    end = row.index(tokenizer.end)
    assert max(row) == tokenizer.end
    assert set(row[end + 1 :]) <= {PAD}


def test_splitting_reads_smaller_known_pieces(tokenizer: Tokenizer) -> None:
    always = tokenizer.pieces("針状粒子", split=1.0, rng=random.Random(0))
    offset = START + 1 + tokenizer.buckets
    assert [tokenizer.vocabulary[i - offset] for i in always] == ["針状", "粒", "子"]


def test_normalise_folds_half_width_katakana() -> None:
    assert normalise("ﾌﾚｰｸ　状") == "フレーク 状"
