from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sem_curate.decide.impact import SHOWN, compare_masters, flips, flips_json

MASTERS = st.dictionaries(st.text(max_size=5), st.sampled_from("abc"), max_size=8)


def test_a_changed_label_is_told_from_a_changed_state_and_from_another_name() -> None:
    before = {"p": ("a", "auto"), "q": ("b", "auto"), "r": ("a", "review"), "s": (None, "unknown")}
    after = {"p": ("m", "auto"), "q": ("b", "review"), "r": ("b", "review"), "s": (None, "unknown")}
    found = flips(before, after, {"a": "m"})
    assert [(one.particle_id, one.label_changes) for one in found] == [("r", True), ("q", False)]
    told = flips_json(found, {"m": "merged", "b": "bee"})
    assert (told["count"], told["other_state"]) == (1, 1)
    assert told["moves"] == [{"from": "merged", "to": "bee", "particles": 1}]


def test_all_are_counted_though_not_all_are_named() -> None:
    before = {str(number): ("a", "auto") for number in range(SHOWN + 50)}
    told = flips_json(flips(before, dict.fromkeys(before, ("b", "auto")), {}), {})
    assert (told["count"], len(told["changed"])) == (SHOWN + 50, SHOWN)


@given(MASTERS, MASTERS)
def test_what_was_added_removed_and_relabelled_leads_from_one_set_to_the_other(before, after) -> None:
    found = compare_masters(before, after)
    gone = {row["particle_id"] for row in found["removed"]}
    rebuilt = {key: label for key, label in before.items() if key not in gone}
    rebuilt |= {row["particle_id"]: row["label_id"] for row in found["added"]}
    rebuilt |= {row["particle_id"]: row["to"] for row in found["relabelled"]}
    assert rebuilt == after
