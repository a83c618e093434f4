from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.arrays import unit_rows
from sem_curate.errors import InputError
from sem_curate.search.text import encode, parse, understand
from sem_curate.search.vocabulary import MOST, Entry, Vocabulary

ROD = Entry("rod", ("棒状", "rod"), ("ロッド状", "bar"), ("柱状", "column"), ("{}を横から見た像",), ("side of a {}",))
NEEDLE = Entry("needle", ("針状", "needle-like"), ("acicular",))
WORDS = Vocabulary((ROD, NEEDLE))


class Counting:
    """An encoder that knows each sentence by its own direction, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        rows = [np.random.default_rng(abs(hash(text)) % 2**32).normal(size=8) for text in texts]
        return unit_rows(np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("query", "labels", "former"),
    [
        ("Ｒｏｄ", ["rod"], False), ("棒状", ["rod"], False), ("needle_LIKE", ["needle"], False),
        ("bar", ["rod"], False), ("柱状", ["rod"], True), ("broken rod", ["rod"], False),
        ("細い針状の粒子", ["needle"], False), ("rodent", [], False), ("barrel", [], False), ("sphere", [], False),
    ],
)  # fmt: skip
def test_a_label_is_found_by_every_name_and_by_no_part_of_a_word(query: str, labels: list[str], former: bool) -> None:
    found = WORDS.match(query)
    assert [match.entry.label_id for match in found] == labels
    assert all(match.former is former for match in found)


def test_a_name_in_force_comes_before_the_former_name_of_another_label() -> None:
    new = Entry("new", ("column",))
    assert [match.entry.label_id for match in Vocabulary((ROD, new)).match("column")] == ["new"]


def test_the_longest_word_in_a_query_counts() -> None:
    porous = Entry("p", ("porous",))
    sphere = Entry("s", ("porous sphere",))
    assert [match.entry.label_id for match in Vocabulary((porous, sphere)).match("a porous sphere")] == ["s"]


def test_a_label_is_asked_in_all_its_words_and_templates() -> None:
    encoder = Counting()
    encode(parse("bar"), encoder, WORDS)
    assert {"bar particle", "rod particle", "棒状の粒子", "柱状の粒子", "side of a rod", "棒状を横から見た像"} <= set(
        encoder.asked
    )
    assert "bar" in encoder.asked
    encoder = Counting()
    encode(parse("broken rod without acicular"), encoder, WORDS)
    assert {"broken bar particle", "needle-like particle"} <= set(encoder.asked)
    assert not [sentence for sentence in encoder.asked if "broken" in sentence and "棒" in sentence]


def test_new_and_former_name_are_one_question() -> None:
    found = [encode(parse(word), Counting(), WORDS).positive for word in ("rod", "column")]
    assert found[0] is not None
    assert found[1] is not None
    plain = [encode(parse(word), Counting()).positive for word in ("rod", "column")]
    assert float(found[0] @ found[1]) > 0.99 > float(plain[0] @ plain[1])


@pytest.mark.parametrize("name", ["🔬", "not sintered", "多孔質でない", "<b>x</b>", "$set.a", "a {} b {x}", "x" * 400])
def test_a_label_of_any_name_is_read_as_itself(name: str) -> None:
    words = Vocabulary((Entry("l", (name,), templates_en=("{} in {x}",)),))
    query, named = understand(name, words)
    assert [match.entry.label_id for match in named] == ["l"]
    assert query.negatives == ()
    assert encode(query, Counting(), words).positive is not None
    with pytest.raises(InputError):
        understand("   ", words)


@given(query=st.text(max_size=40), names=st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_any_query_has_itself_as_first_phrase_and_not_too_many(query: str, names: list[str]) -> None:
    words = Vocabulary(tuple(Entry(str(at), (name,), (name + "x",)) for at, name in enumerate(names)))
    found = words.phrases(query)
    assert found[0].words == query
    assert len(found) <= MOST
    assert Vocabulary().phrases(query) == [type(found[0])(query)]
