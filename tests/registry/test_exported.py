from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sem_curate.registry.exported import class_names, colours, tree, with_colours
from sem_curate.registry.label_model import DEPRECATED, MERGED, SPLIT, LabelView

LABELS = {
    label.label_id: label
    for label in (
        LabelView("a", "針状", "needle", definition_ja="細長い", colour="#ff0000"),
        LabelView("b", "細針状", "fine needle", parent="a", colour="#00ff00"),
        LabelView("c", "旧", "old", status=DEPRECATED),
        LabelView("d", "棒状", "rod", status=MERGED, merged_into="a", colour="#0000ff"),
        LabelView("e", "分割", "divided", status=SPLIT),
    )
}


def nodes(node: dict) -> list[dict]:
    return [node, *(inner for value in node.get("values", ()) for inner in nodes(value))]


def test_the_tree_holds_what_can_be_chosen_parents_above_and_says_what_is_deprecated() -> None:
    root = tree(LABELS, "powder", "ja")
    assert (root["name"], root["can_select"]) == ("SEM Curate: powder", False)
    needle, old = root["values"]
    assert (needle["name"], [one["name"] for one in needle["values"]]) == ("針状", ["細針状"])
    assert needle["description"] == "針状 / needle | 細長い | a"
    assert (old["name"], old["deprecated"], "deprecated" in needle) == ("旧", True, False)
    assert class_names(LABELS, "en") == ["needle", "fine needle"]
    assert colours(LABELS, "en") == {"needle": "#ff0000", "fine needle": "#00ff00"}  # a merged id is read as its target


@given(st.lists(st.tuples(st.sampled_from("wxyz"), st.sampled_from("abcdef"), st.booleans()), min_size=1, max_size=6))
def test_any_labels_make_a_tree_of_unique_names_even_with_parents_in_a_circle(made: list) -> None:
    ids = "abcdef"[: len(made)]
    labels = {
        key: LabelView(key, name, "", parent=parent, status="active" if on else DEPRECATED)
        for key, (name, parent, on) in zip(ids, made, strict=True)
    }
    names = [node["name"] for node in nodes(tree(labels, "c", "ja"))]
    assert len(names) == len(set(names))
    assert set(names) == {"SEM Curate: c", *(name for name, _, _ in made)}


def test_colours_of_users_stay_and_ours_go_with_their_labels() -> None:
    entries = [
        {"path": "label", "fieldColor": "#111111", "valueColors": [{"value": "mine", "color": "pink"}]},
        {"path": "quality"},
    ]
    first = with_colours(entries, ("label",), {"rod": "#ff0000", "mine": "#000000"}, {})
    assert first[0]["valueColors"] == [{"value": "mine", "color": "pink"}, {"value": "rod", "color": "#ff0000"}]
    assert (first[0]["fieldColor"], first[1]) == ("#111111", {"path": "quality"})
    renamed = with_colours(first, ("label",), {"bar": "#ff0000"}, {"rod": "#ff0000"})
    assert renamed[0]["valueColors"] == [{"value": "mine", "color": "pink"}, {"value": "bar", "color": "#ff0000"}]
    first[0]["valueColors"][1]["color"] = "blue"  # a user preferred another one
    kept = with_colours(first, ("label",), {"rod": "#ff0000"}, {"rod": "#ff0000"})
    assert {"value": "rod", "color": "blue"} in kept[0]["valueColors"]
    assert with_colours([], ("label",), {}, {}) == []
