from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate.errors import InputError, NameClashError, UnknownLabelError
from sem_curate.registry import label_plans as plans
from sem_curate.registry.label_model import (
    LabelView,
    Picked,
    aliases,
    as_json,
    content,
    from_content,
    master_label,
    matching,
    resolve,
    same_meaning,
)
from sem_curate.registry.names import name_key

NEEDLE = LabelView("n", "針状", "Needle-like", "細長い", "long and thin", ("針",), ("acicular",))
ROD = LabelView("r", "棒状", "rod")
SPHERE = LabelView("s", "球状", "sphere", hotkey="3")
LABELS = {label.label_id: label for label in (NEEDLE, ROD, SPHERE)}


def after(labels, plan):
    return {**labels, **plan.after}


@pytest.mark.parametrize(
    "name", ["needle like", "ＮＥＥＤＬＥ－like", " Needle_LIKE ", "nee\u200bdle-like", "Needle　like"]
)
def test_a_name_that_looks_the_same_is_refused_and_the_label_shown(name: str) -> None:
    with pytest.raises(NameClashError, match=r"針状 / Needle-like' \(n\)"):
        plans.rename(LABELS, "r", name_en=name)


def test_half_width_kana_and_case_are_one_name() -> None:
    taken = {"a": LabelView("a", "ニードル", "")}
    with pytest.raises(NameClashError):
        plans.create(taken, LabelView("b", "ﾆｰﾄﾞﾙ", ""))
    with pytest.raises(NameClashError):
        plans.create({"a": LabelView("a", "", "Straße")}, LabelView("b", "", "STRASSE"))


def test_a_name_may_be_only_itself_in_both_languages() -> None:
    plan = plans.rename(LABELS, "r", name_ja="ROD")
    assert plan.after["r"].both_names == "ROD / rod"


def test_merge_keeps_both_ids_and_their_words() -> None:
    labels = after(LABELS, plans.merge(LABELS, ["r"], "n"))
    assert resolve(labels, "r") == "n"
    assert aliases(labels, "n") == ["n", "r"]
    assert labels["n"].synonyms_ja == ("針", "棒状")
    assert labels["n"].synonyms_en == ("acicular", "rod")
    assert matching(labels.values(), "ROD")[0].label_id == "r"
    again = after(labels, plans.merge(labels, ["n"], "s"))
    assert resolve(again, "r") == "s"  # through two merges
    with pytest.raises(InputError, match="merged"):
        plans.merge(labels, ["r"], "s")
    with pytest.raises(InputError, match="into itself"):
        plans.merge(LABELS, ["n"], "n")
    # The name is free again.
    assert plans.create(labels, LabelView("x", "", "rod")).after["x"].active


def test_split_gives_masters_to_parts_and_nothing_to_the_whole() -> None:
    parts = [LabelView("n1", "", "short needle"), LabelView("n2", "", "Needle-like")]  # may take the old name
    labels = after(LABELS, plans.split(LABELS, "n", parts, {"P-1": "n1"}))
    assert labels["n"].status == "split"
    assert master_label(labels, "P-1", "n") == "n1"
    assert master_label(labels, "P-2", "n") is None
    with pytest.raises(InputError, match="two parts"):
        plans.split(LABELS, "n", parts[:1], {})
    with pytest.raises(InputError, match="no part"):
        plans.split(LABELS, "n", parts, {"P-1": "s"})
    with pytest.raises(NameClashError):
        plans.split(LABELS, "n", [parts[0], LabelView("n3", "", "Sphere")], {})


def test_a_deprecated_label_proposes_nothing_and_comes_back() -> None:
    labels = after(LABELS, plans.deprecate(LABELS, "r"))
    assert master_label(labels, "P-1", "r") is None
    assert not labels["r"].active
    assert after(labels, plans.restore(labels, "r")) == LABELS
    with pytest.raises(InputError, match="not deprecated"):
        plans.restore(LABELS, "r")
    taken = after(labels, plans.create(labels, LabelView("x", "", "Rod")))
    with pytest.raises(NameClashError):
        plans.restore(taken, "r")


def test_redefine_refuses_what_makes_no_sense() -> None:
    for changes, message in (
        ({"colour": "red"}, "RRGGBB"), ({"hotkey": "12"}, "one character"), ({"name_en": "x"}, "no 'name_en'"),
        ({"templates_en": ["a particle"]}, "once"), ({"parent": "r"}, "own ancestor"), ({}, "nothing would change"),
        ({"picked": [{"particle_id": "P", "role": "nice"}]}, "no role"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            plans.redefine(LABELS, "r", changes)
    with pytest.raises(NameClashError, match="hotkey"):
        plans.redefine(LABELS, "r", {"hotkey": "3"})
    with pytest.raises(UnknownLabelError):
        plans.redefine(LABELS, "gone", {"hotkey": "4"})


def test_only_a_new_definition_is_a_new_meaning() -> None:
    colour = plans.redefine(LABELS, "n", {"colour": "#1f77b4", "picked": [Picked("P-1", "counter", "rounded")]})
    assert not colour.details["new_meaning"]
    assert same_meaning(NEEDLE, colour.after["n"])
    meaning = plans.redefine(LABELS, "n", {"definition_en": "aspect ratio above 5"})
    assert meaning.details["new_meaning"]


TEXTS = st.text(max_size=300) | st.sampled_from(["🔬粒子", "<script>x</script>", "$set", "a.b", "\"'", "針" * 300])


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3), TEXTS)
def test_contents_survive_storing_whatever_they_say(ja, en, synonyms, particle) -> None:
    label = LabelView("l", ja, en, ja, en, tuple(synonyms), picked=(Picked(particle, "counter", en),),
                      split_masters=((particle, "x"),))  # fmt: skip
    stored = json.loads(json.dumps(content(label)))
    assert from_content("l", 1, stored) == label
    assert as_json(label)["name_ja"] == ja


@given(st.text(max_size=40))
def test_a_name_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)
