from __future__ import annotations

import pytest

from sem_curate.errors import ConflictError, InputError, NameClashError, UnknownLabelError
from sem_curate.registry import datasets, history, labels, masters
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
