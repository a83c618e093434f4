from __future__ import annotations

import pytest

from sem_curate.errors import ConflictError, InputError, NameClashError, UnknownLabelError
from sem_curate.registry import datasets, history, labels, masters, quality_models
from sem_curate.registry.fold import EventView

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def identity(dataset_name: str) -> datasets.DatasetIdentity:
    return datasets.open_record(dataset_name, views=["view1", "view2"])


def event(event_id: str, seq: int, particle: str = "P-1", **values: object) -> EventView:
    return EventView(event_id, particle, seq, "decide", "sato", **({"decision": "confirmed", "label_id": "l"} | values))


def test_a_dataset_keeps_its_id_across_deletion(identity: datasets.DatasetIdentity) -> None:
    again = datasets.open_record(identity.name, views=["view1", "view2"])
    assert again.dataset_id == identity.dataset_id


def test_labels_are_found_by_any_spelling_of_either_name(identity: datasets.DatasetIdentity) -> None:
    made = labels.create(identity.catalogue, name_ja="針状", name_en="Needle-like", by="sato")
    for spelling in ("needle like", "ＮＥＥＤＬＥ－like", " 針状 ", made.label_id):
        assert labels.find(identity.catalogue, spelling).label_id == made.label_id
    with pytest.raises(UnknownLabelError, match="Did you mean 'Needle-like'"):
        labels.find(identity.catalogue, "Needle-lik")


def test_a_taken_name_is_refused_and_named(identity: datasets.DatasetIdentity) -> None:
    first = labels.create(identity.catalogue, "球状", by="sato")
    with pytest.raises(NameClashError, match=first.label_id):
        labels.create(identity.catalogue, " 球状", by="ito")
    other = labels.create(identity.catalogue, "plate", by="ito")
    with pytest.raises(NameClashError, match="球状"):
        labels.rename(other.label_id, name_ja="球状", by="ito")
    labels.create(f"{identity.catalogue}-2", "球状", by="ito")  # another catalogue may use it


def test_rename_makes_a_version_and_keeps_the_id(identity: datasets.DatasetIdentity) -> None:
    made = labels.create(identity.catalogue, "rod", by="sato")
    renamed = labels.rename(made.label_id, name_ja="棒状", by="ito", reason="Japanese reviewers")
    assert (renamed.label_id, renamed.version, renamed.name("ja"), renamed.name("en")) == (
        made.label_id,
        2,
        "棒状",
        "rod",
    )
    assert labels.find(identity.catalogue, "棒状").label_id == made.label_id


@pytest.mark.parametrize("name", ["🔬 粒子", "<b>x</b>", "a\"b'c", "$set", "a.b.c", "x" * 300])
def test_hostile_names_are_just_names(identity: datasets.DatasetIdentity, name: str) -> None:
    made = labels.create(identity.catalogue, name, by="sato")
    assert labels.find(identity.catalogue, name).label_id == made.label_id
    assert made.name("ja") == name


def test_a_label_needs_a_name(identity: datasets.DatasetIdentity) -> None:
    with pytest.raises(InputError, match="needs a name"):
        labels.create(identity.catalogue, "  ", by="sato")


def test_master_sets_are_numbered_snapshots(identity: datasets.DatasetIdentity) -> None:
    one = masters.change(identity.dataset_id, add={"P-1": "a", "P-2": "b"}, by="sato")
    two = masters.change(identity.dataset_id, add={"P-3": "a"}, remove=["P-2"], by="ito")
    same = masters.change(identity.dataset_id, add={"P-3": "a"}, by="ito")
    assert (one.version, two.version, same.version) == (1, 2, 2)
    assert masters.at_version(identity.dataset_id, 1).masters == {"P-1": "a", "P-2": "b"}
    assert masters.current(identity.dataset_id).masters == {"P-1": "a", "P-3": "a"}


def test_the_same_request_twice_is_one_event(identity: datasets.DatasetIdentity) -> None:
    first = history.append(event("r1", 1), identity.dataset_id)
    again = history.append(event("r1", 2), identity.dataset_id)  # a retry that already sees its own event
    assert again.seq == first.seq == 1
    assert len(history.of_particles(identity.dataset_id, ["P-1"])["P-1"]) == 1


def test_of_two_racing_decisions_the_second_is_told(identity: datasets.DatasetIdentity) -> None:
    history.append(event("r1", 1), identity.dataset_id)
    with pytest.raises(ConflictError, match="P-1"):
        history.append(event("r2", 1), identity.dataset_id)
    stored = history.append_many([event("r3", 1), event("r4", 1, "P-2")], identity.dataset_id)
    assert [stored_event.event_id for stored_event in stored] == ["r4"]


def test_tag_corrections_come_back_as_they_were_written(identity: datasets.DatasetIdentity) -> None:
    key = identity.dataset_id
    tag = EventView("t1", "P-1", 1, "tag", "sato", view="view2", tags=(), image="abc", source="cli")
    history.append(tag, key)
    history.append(event("d1", 1, "P-2"), key)
    assert history.append(EventView("t1", "P-1", 2, "tag", "sato", view="view2", tags=("blur",)), key).tags == ()
    found = history.view_tags(key)
    assert set(found) == {"P-1"}
    assert (found["P-1"]["view2"].tags, found["P-1"]["view2"].by, found["P-1"]["view2"].image) == ((), "sato", "abc")
    assert history.view_tags(key, ["P-2"]) == {}
    assert history.unmirrored_tags(key, ["P-1", "P-2"]) == {"P-1"}
    history.append(EventView("u1", "P-1", 2, "undo", "sato", undoes="t1", view="view2"), key)
    assert history.view_tags(key) == {}


def test_quality_models_are_numbered_and_every_activation_is_kept(identity: datasets.DatasetIdentity) -> None:
    key = identity.dataset_id
    assert quality_models.active(key) is None
    one = quality_models.add(key, {"a": [1.5]}, figures={"blur": {"rules": None}}, adopted=["blur"], by="sato")
    same = quality_models.add(key, {"a": [1.5]}, figures={}, adopted=["blur"], by="ito")
    two = quality_models.add(key, {"a": [2.5]}, figures={}, adopted=["noise"], by="ito", reason="more corrections")
    assert (one.version, same.version, two.version) == (1, 1, 2)
    assert [found.adopted for found in quality_models.versions(key)] == [("blur",), ("noise",)]
    assert quality_models.active(key) is None  # stored is not in force
    quality_models.activate(key, 2, by="ito", reason="better")
    quality_models.activate(key, 1, by="sato")
    assert quality_models.active(key) == {"a": [1.5]}
    quality_models.activate(key, None, by="sato", reason="back to the rules")
    assert quality_models.active(key) is None
    kept = [(entry["version"], entry["by"], entry["reason"]) for entry in quality_models.activations(key)]
    assert kept == [(2, "ito", "better"), (1, "sato", ""), (None, "sato", "back to the rules")]
    with pytest.raises(InputError, match="known versions: 1, 2"):
        quality_models.activate(key, 7, by="sato")
