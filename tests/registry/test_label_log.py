from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sem_curate.errors import ConflictError, InputError, NameClashError, RegistryError, UnknownLabelError
from sem_curate.registry import datasets, history, label_log, label_model, labels, records
from sem_curate.registry.fold import EventView

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def identity(dataset_name: str) -> datasets.DatasetIdentity:
    return datasets.open_record(dataset_name, views=["view1", "view2"])


@pytest.fixture
def three(identity: datasets.DatasetIdentity) -> dict[str, str]:
    return {name: labels.create(identity.catalogue, name, by="sato").label_id for name in ("needle", "rod", "球状")}


def change(identity: Any, kind: str, label_id: str, **wanted: Any) -> dict[str, Any]:
    return labels.change(identity.catalogue, kind, label_id, wanted, by="ito", reason="because")


def test_a_change_is_one_line_of_the_history(identity, three) -> None:
    before = len(records.of_dataset(identity.dataset_id))
    made = change(identity, "merge", three["rod"], into=three["needle"])
    (event,) = records.of_dataset(identity.dataset_id)[before:]
    assert (event.kind, event.by, event.label_id, event.source) == ("label", "ito", three["needle"], made["change_id"])
    assert event.note == "merge: ['rod'] -> needle"
    assert history.newest_of(identity.dataset_id, "ito") == []  # "undo" is about decisions
    assert history.unmirrored(identity.dataset_id) == []


def test_a_merged_id_gives_the_other_label_and_a_rollback_gives_it_back(identity, three) -> None:
    before = label_log.catalogue(identity.catalogue)
    made = change(identity, "merge", three["rod"], into=three["needle"])
    assert labels.by_ids([three["rod"]])[three["rod"]].label_id == three["needle"]
    assert labels.find(identity.catalogue, "rod").label_id == three["needle"]
    assert labels.choosable(three["rod"]).label_id == three["needle"]
    assert [label.label_id for label in labels.in_catalogue(identity.catalogue)] == [three["needle"], three["球状"]]
    back = label_log.roll_back(made["change_id"], by="sato")
    assert label_log.catalogue(identity.catalogue) == before
    label_log.roll_back(back["change_id"], by="sato")
    assert labels.choosable(three["rod"]).label_id == three["needle"]
    said = label_log.changes(identity.catalogue)
    assert [one["kind"] for one in said[3:]] == ["merge", "rollback", "rollback"]
    assert [one["undone_by"] for one in said[3:]] == [None, said[5]["change_id"], None]


def test_a_rolled_back_split_leaves_ids_that_are_read_as_the_whole(identity, three) -> None:
    parts = [{"name_en": "needle"}, {"name_en": "long needle", "masters": ["P-1"]}]
    made = change(identity, "split", three["needle"], parts=parts)
    first, second = labels.get(three["needle"]).split_into
    with pytest.raises(InputError, match="split"):
        labels.choosable(three["needle"])
    assert labels.find(identity.catalogue, "needle").label_id == first
    label_log.roll_back(made["change_id"], by="sato")
    assert labels.by_ids([second])[second].label_id == three["needle"]
    assert labels.find(identity.catalogue, "needle").label_id == three["needle"]


def test_what_was_changed_again_is_rolled_back_in_order(identity, three) -> None:
    made = change(identity, "rename", three["rod"], name_en="bar")
    change(identity, "redefine", three["rod"], definition_ja="太い針")
    with pytest.raises(ConflictError, match="redefine by ito"):
        label_log.roll_back(made["change_id"], by="sato")
    with pytest.raises(UnknownLabelError, match="labels history"):
        label_log.roll_back("chg_x", by="sato")


def test_a_rollback_does_not_steal_a_name(identity, three) -> None:
    made = change(identity, "rename", three["rod"], name_en="bar")
    labels.create(identity.catalogue, "ROD", by="sato")
    with pytest.raises(NameClashError, match="ROD"):
        label_log.roll_back(made["change_id"], by="sato")


def test_a_killed_change_is_finished_by_the_next_reader(identity, three, monkeypatch) -> None:
    monkeypatch.setattr(label_log, "settle", lambda: None)
    made = change(identity, "merge", three["rod"], into=three["needle"])
    assert labels.get(three["rod"]).active  # recorded, not applied
    monkeypatch.undo()
    assert labels.choosable(three["rod"]).label_id == three["needle"]
    assert records.of_dataset(identity.dataset_id)[-1].source == made["change_id"]


def test_half_an_application_is_completed_once(identity, three, monkeypatch) -> None:
    apply, calls = label_log._apply, []

    def dies(change: Any, touched: Any) -> None:
        calls.append(touched["label_id"])
        if len(calls) == 2:
            raise KeyboardInterrupt
        apply(change, touched)

    monkeypatch.setattr(label_log, "_apply", dies)
    with pytest.raises(KeyboardInterrupt):
        change(identity, "merge", three["rod"], into=three["needle"])
    monkeypatch.undo()
    assert labels.choosable(three["rod"]).label_id == three["needle"]
    assert [len(label_log.versions(three[name])) for name in ("needle", "rod")] == [2, 2]


def test_the_same_request_is_one_change(identity, three) -> None:
    wanted = {"name_en": "bar"}
    one, two = (
        labels.change(identity.catalogue, "rename", three["rod"], wanted, by="ito", request_id="r1") for _ in range(2)
    )
    assert one["seq"] == two["seq"]
    assert labels.get(three["rod"]).version == 2


def test_of_racing_changes_none_is_lost(identity, three) -> None:
    def rename(number: int) -> str:
        try:
            labels.rename(three["rod"], name_en=f"bar {number}", by=f"r{number}")
        except RegistryError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rename, range(16))) == [""] * 16
    assert labels.get(three["rod"]).version == 17
    assert [view.version for view in label_log.versions(three["rod"])] == list(range(1, 18))


def test_of_two_racing_creations_of_a_name_one_is_refused(identity) -> None:
    def make(_: int) -> int:
        try:
            labels.create(identity.catalogue, "plate", by="x")
        except NameClashError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1


def test_decisions_note_the_versions_they_saw(identity, three) -> None:
    change(identity, "redefine", three["rod"], definition_en="thick")
    event = EventView("e1", "P-1", 1, "decide", "sato", decision="confirmed", label_id=three["rod"])
    stored = history.append(event, identity.dataset_id)
    assert (stored.label_version, stored.master_set_version) == (2, 0)
    assert history.get(identity.dataset_id, "e1") == history.of_particles(identity.dataset_id, ["P-1"])["P-1"][0]
    older = EventView("e2", "P-2", 1, "decide", "sato", decision="confirmed", label_id=three["rod"], label_version=1)
    assert history.append(older, identity.dataset_id).label_version == 1


def test_labels_of_older_releases_are_read_and_change_like_others(identity) -> None:
    from sem_curate.registry.documents import Label, now

    said = {"by": "sato", "at": now(), "reason": ""}
    old = [{"version": number, "name_ja": "", "name_en": name, **said} for number, name in ((1, "bar"), (2, "rod"))]
    stored = {"_id": "lbl_old", "catalogue": identity.catalogue, "active": True, "name_keys": ["rod"], "rev": 2}
    Label._get_collection().insert_one({**stored, "versions": old})
    assert labels.find(identity.catalogue, "ROD").version == 2
    before = label_log.catalogue(identity.catalogue)
    made = change(identity, "rename", "lbl_old", name_en="pole")
    assert labels.get("lbl_old").version == 3
    label_log.roll_back(made["change_id"], by="sato")
    assert label_log.catalogue(identity.catalogue) == before


@pytest.mark.parametrize("seed", range(50))
def test_random_changes_and_rollbacks_restore_every_earlier_state_exactly(seed: int, dataset_name: str) -> None:
    identity = datasets.open_record(dataset_name, views=["view1"])
    pick = random.Random(seed)
    for name in ("needle", "rod", "球状", "板"):
        labels.create(identity.catalogue, name, by="sato")
    before: dict[str, Any] = {}
    for step in range(12):
        state = _state(identity.catalogue)
        made = _random_change(identity, pick, step)
        if made is not None:
            before[made["change_id"]] = state
    for change_id in reversed(before):  # newest first: nothing stands in the way
        label_log.roll_back(change_id, by="sato")
        assert _state(identity.catalogue) == before[change_id]


def _state(catalogue: str) -> dict[str, Any]:
    every = label_log.catalogue(catalogue)
    return {key: label for key, label in every.items() if label.status != label_model.WITHDRAWN}


def _random_change(identity: Any, pick: random.Random, step: int) -> dict[str, Any] | None:
    every = list(label_log.catalogue(identity.catalogue).values())
    one, other = pick.choice(every), pick.choice(every)
    kind = pick.choice(["rename", "redefine", "merge", "split", "deprecate", "restore"])
    wanted = {
        "rename": {"name_en": f"name {step}"}, "redefine": {"definition_ja": f"定義 {step}"},
        "merge": {"into": other.label_id}, "split": {"parts": [{"name_en": f"a{step}"}, {"name_ja": f"い{step}"}]},
    }  # fmt: skip
    try:
        return change(identity, kind, one.label_id, **wanted.get(kind, {}))
    except (RegistryError, InputError):
        return None
