"""From vectors to reviewed labels on a real database, with made-up vectors: fast, and every answer is known."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import cv2
import numpy as np
import pytest

from sem_curate import schema
from sem_curate.config import DecideConfig
from sem_curate.errors import ConflictError, InputError, StateError

pytestmark = pytest.mark.fiftyone

LABELS = ("球状", "needle", "板状")
PER_LABEL = 8


def make(name: str, folder: Path, *, extra_unlike: int = 2):
    """24 particles of three labels plus some unlike all of them; view 6 is missing everywhere, view 2 of P-00."""
    import fiftyone as fo

    from sem_curate import dataset
    from sem_curate.embed import store

    picture = folder / "picture.png"
    cv2.imwrite(str(picture), np.full((16, 16), 99, np.uint8))
    ds = dataset.create_dataset(name)
    identity = dataset.dataset_id(ds)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 32))
    truth = {f"P-{i:02d}": i % 3 for i in range(3 * PER_LABEL)} | {f"X-{i}": 3 for i in range(extra_unlike)}
    samples, hashes, vectors = [], [], []
    for particle_id, label in truth.items():
        for view in dataset.view_names(ds)[:5]:
            if (particle_id, view) == ("P-00", "view2"):
                continue
            centre = centres[label] if label < 3 else rng.normal(size=32)
            hashes.append(f"{name}-{particle_id}-{view}")
            vectors.append(centre + rng.normal(size=32) * 0.3)
            samples.append(
                fo.Sample(
                    str(picture),
                    group=fo.Group(id=dataset.group_id(identity, particle_id)).element(view),
                    particle_id=particle_id,
                    view=view,
                    present=True,
                    usable=True,
                    quality=0.8,
                    content_hash=hashes[-1],
                    decision=schema.UNDECIDED,
                    n_views=5,
                    pending=["propose"] if view == "view1" else [],
                )
            )
    ds.add_samples(samples, progress=False)
    key = f"made-{uuid.uuid4().hex[:8]}"
    store.open_store(key, dim=32).append(hashes, np.array(vectors, np.float32))
    dataset.set_encoder_keys(ds, {"dino": key})
    return ds


@pytest.fixture
def ds(dataset_name: str, tmp_path: Path):
    return make(dataset_name, tmp_path)


def enroll(ds, n: int = 3):
    from sem_curate.decide.run import register_masters

    chosen = {label: [f"P-{i:02d}" for i in range(at, 3 * n, 3)] for at, label in enumerate(LABELS)}
    return register_masters(ds, chosen, by="sato")


def opt_in(ds) -> None:
    """Do knowingly without a certificate, so that the thresholds alone make a proposal automatic."""
    from sem_curate import dataset
    from sem_curate.registry import choices

    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by="sato")


def shown(ds, particle_id: str, *fields: str) -> list[tuple]:
    from sem_curate import dataset

    views = dataset.read_views(ds, [particle_id], fields)[particle_id].values()
    return [
        tuple(view[field]["label"] if isinstance(view.get(field), dict) else view.get(field) for field in fields)
        for view in views
    ]


def test_without_masters_nothing_is_proposed_and_it_says_why(ds) -> None:
    from sem_curate.decide.run import propose

    summary = propose(ds)
    assert (summary["in"], summary["out"]) == (26, 0)
    assert "no masters yet" in summary["notice"]


def test_without_embeddings_the_remedy_is_named(dataset_name: str) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    with pytest.raises(StateError, match="--stage embed"):
        propose(dataset.create_dataset(dataset_name))


def test_masters_are_versioned_confirmed_and_marked_on_every_slice(ds) -> None:
    from sem_curate.decide.run import register_masters, remove_masters

    assert enroll(ds) == {"version": 1, "added": 9, "labels": 3, "masters": 9}
    assert enroll(ds)["version"] == 1
    wanted = [("球状", schema.CONFIRMED, "球状", "sato")] * 4
    assert shown(ds, "P-00", schema.MASTER_OF, schema.DECISION, schema.LABEL, schema.DECIDED_BY) == wanted
    assert remove_masters(ds, ["P-00"], by="ito")["version"] == 2
    assert shown(ds, "P-00", schema.MASTER_OF, schema.DECISION) == [(None, schema.CONFIRMED)] * 4
    with pytest.raises(InputError, match="1 of 1 particles are not masters"):
        remove_masters(ds, ["P-00"], by="ito")
    with pytest.raises(InputError, match="1 of 2 particles are not in dataset"):
        register_masters(ds, {"球状": ["P-01", "nobody"]}, by="ito")
    with pytest.raises(InputError, match="stand for one label"):
        register_masters(ds, {"球状": ["P-01"], "needle": ["P-01"]}, by="ito")


def test_proposals_are_right_unknowns_are_caught_and_runs_are_recorded(ds) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    enroll(ds)
    summary = propose(ds)
    assert summary["in"] == summary["out"] == 26
    rows = dataset.find_particles(ds, {}, (schema.PROPOSAL, schema.PROPOSAL_STATE, schema.DECISION))
    proposed = {row["particle_id"]: row for row in rows}
    assert all(proposed[f"P-{i:02d}"]["proposal"]["label"] == LABELS[i % 3] for i in range(24))
    assert {proposed[f"X-{i}"][schema.PROPOSAL_STATE] for i in range(2)} == {schema.UNKNOWN}
    assert proposed["P-20"][schema.DECISION] == schema.UNDECIDED  # nobody opted in to auto-confirm
    assert ds.load_brain_results("sem_propose").summary["out"] == 26
    weights = [weight for (weight,) in shown(ds, "P-00", schema.VIEW_WEIGHT)]
    assert sum(weights) == pytest.approx(1.0, abs=1e-4)  # rounded to five digits
    assert propose(ds)["in"] == 0


def test_auto_confirm_is_recorded_and_never_overrides_people(ds) -> None:
    from sem_curate.decide.run import propose
    from sem_curate.review import run as review

    enroll(ds)
    opt_in(ds)
    first = propose(ds)
    card = review.next_card(ds, queue="auto")
    assert card is not None
    person = card["particle_id"]
    review.decide(ds, person, "unknown", by="sato", request_id=uuid.uuid4().hex)
    from sem_curate import dataset

    dataset.mark_pending(ds, [schema.STAGE_PROPOSE])
    opted = propose(ds, decide=DecideConfig(auto_confirm=True))
    assert opted["in"] == first["in"]
    assert shown(ds, person, schema.DECISION)[0] == (schema.UNKNOWN,)
    rows = dataset.find_particles(ds, {schema.PROPOSAL_STATE: schema.AUTO}, (schema.DECISION,))
    decisions = {row["particle_id"]: row[schema.DECISION] for row in rows}
    assert opted["auto_confirmed"] == sum(decision == schema.AUTO for decision in decisions.values()) > 0
    assert schema.UNDECIDED not in decisions.values()
    again = propose(ds, decide=DecideConfig(auto_confirm=True))
    assert (again["in"], again["auto_confirmed"]) == (0, 0)


def test_review_accept_next_undo(ds) -> None:
    from sem_curate.decide.run import propose
    from sem_curate.registry import history
    from sem_curate.review import run as review

    enroll(ds)
    propose(ds)
    before = review.counts(ds)
    card = review.next_card(ds, queue="unknown")
    assert card is not None
    assert [view["present"] for view in card["views"]] == [True] * 5 + [False]
    request = uuid.uuid4().hex
    result = review.decide(ds, card["particle_id"], "accept", by="sato", request_id=request, seen_seq=card["seq"])
    assert result["decision"] == schema.CONFIRMED
    assert len(set(shown(ds, card["particle_id"], schema.DECISION, schema.LABEL))) == 1
    assert review.counts(ds)["unknown"] == before["unknown"] - 1
    following = review.next_card(ds, queue="unknown", after=card["particle_id"])
    assert following is not None
    assert following["particle_id"] != card["particle_id"]
    # A double click: same request, nothing doubled, although the card it saw is now old.
    review.decide(ds, card["particle_id"], "accept", by="sato", request_id=request, seen_seq=card["seq"])
    from sem_curate import dataset

    identity = dataset.dataset_id(ds)
    assert len(history.of_particles(identity, [card["particle_id"]])[card["particle_id"]]) == 1
    with pytest.raises(ConflictError, match="sato was first"):
        review.decide(ds, card["particle_id"], "skip", by="ito", request_id=uuid.uuid4().hex, seen_seq=card["seq"])
    undone = review.undo(ds, by="sato", request_id=uuid.uuid4().hex)
    assert undone is not None
    assert undone["particle_id"] == card["particle_id"]
    assert set(shown(ds, card["particle_id"], schema.DECISION, schema.LABEL)) == {(schema.UNDECIDED, None)}
    assert review.counts(ds) == before


def test_the_queue_visits_everything_once_and_then_is_empty(ds) -> None:
    from sem_curate.decide.run import propose
    from sem_curate.review import run as review

    enroll(ds)
    propose(ds)
    total = review.counts(ds)["left"] + review.counts(ds)["auto"]
    seen: list[str] = []
    for queue in ("review", "unknown", "auto"):
        last = None
        while (card := review.next_card(ds, queue=queue, after=last)) is not None:
            last = card["particle_id"]
            seen.append(last)
            review.decide(ds, last, "skip", by="sato", request_id=uuid.uuid4().hex)
    assert len(seen) == len(set(seen)) == total
    assert review.counts(ds)["skipped"] == total


def test_renaming_a_label_shows_everywhere_without_new_proposals(ds) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.decide.run import propose
    from sem_curate.registry import labels

    enroll(ds)
    propose(ds)
    label = labels.find(dataset.record(ds).catalogue, "needle")
    labels.rename(label.label_id, name_en="acicular", by="ito")
    mirror.follow_labels(ds)
    assert set(shown(ds, "P-01", schema.LABEL, schema.PROPOSAL)) == {("acicular", "acicular")}
    assert propose(ds)["in"] == 0


def test_decisions_come_back_after_the_dataset_was_deleted(ds, tmp_path: Path) -> None:
    import fiftyone as fo

    from sem_curate import mirror

    enroll(ds)
    name = ds.name
    fo.delete_dataset(name)
    again = make(name, tmp_path)
    assert shown(again, "P-00", schema.DECISION)[0] == (schema.UNDECIDED,)
    assert mirror.catch_up(again) == 9
    mirror.mark_masters(again)
    assert shown(again, "P-00", schema.DECISION, schema.MASTER_OF)[0] == (schema.CONFIRMED, "球状")


def test_repair_corrects_fields_that_disagree_with_the_history(ds) -> None:
    from sem_curate import dataset, mirror

    enroll(ds)
    dataset.write_particles(ds, {"P-00": {schema.DECISION: schema.SKIPPED}, "P-20": {schema.DECISION: schema.AUTO}})
    assert mirror.rebuild(ds)["corrected"] == 2
    assert shown(ds, "P-00", schema.DECISION)[0] == (schema.CONFIRMED,)
    assert shown(ds, "P-20", schema.DECISION)[0] == (schema.UNDECIDED,)


KILLED = """
    import os, signal, sys
    from sem_curate import dataset, mirror
    from sem_curate.registry import history
    from sem_curate.review import run as review

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    ds = dataset.load_dataset(sys.argv[1])
    if sys.argv[2] == "before history":
        history.append = die
    elif sys.argv[2] == "before fields":
        mirror.refresh = die
    elif sys.argv[2] == "before the mark":
        history.mark_mirrored = die
    review.decide(ds, "P-20", "accept", by="sato", request_id=sys.argv[3])
"""


@pytest.mark.parametrize("moment", ["before history", "before fields", "before the mark"])
def test_kill_9_in_a_decision_loses_and_doubles_nothing(ds, moment: str) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.decide.run import propose
    from sem_curate.registry import history
    from sem_curate.review import run as review

    enroll(ds)
    propose(ds)
    request = uuid.uuid4().hex
    script = textwrap.dedent(KILLED)
    done = subprocess.run([sys.executable, "-c", script, ds.name, moment, request], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    acknowledged = moment != "before history"
    mirror.catch_up(ds)
    expected = schema.CONFIRMED if acknowledged else schema.UNDECIDED
    assert set(shown(ds, "P-20", schema.DECISION)) == {(expected,)}
    review.decide(ds, "P-20", "accept", by="sato", request_id=request)  # the reviewer presses the key again
    events = history.of_particles(dataset.dataset_id(ds), ["P-20"])["P-20"]
    assert [event.event_id for event in events] == [request]
    assert mirror.rebuild(ds)["corrected"] == 0


def test_a_master_that_is_embedded_late_takes_part_then(ds) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    enroll(ds)
    rows = dataset.read_views(ds, ["P-00"], (schema.CONTENT_HASH,))["P-00"]
    hidden = {row["_id"]: {schema.PRESENT: False} for row in rows.values()}
    dataset.write_views(ds, hidden)
    assert propose(ds)["masters_without_view"] == ["P-00"]
    assert propose(ds)["in"] == 0
    dataset.write_views(ds, {key: {schema.PRESENT: True} for key in hidden})
    again = propose(ds)
    assert again["masters_without_view"] == []
    assert again["in"] == 26  # a different set of masters: everything is compared again


def test_masters_without_any_view_are_named(ds) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose, register_masters

    register_masters(ds, {"球状": ["P-00"]}, by="sato")
    rows = dataset.read_views(ds, ["P-00"], ())["P-00"]
    dataset.write_views(ds, {row["_id"]: {schema.PRESENT: False} for row in rows.values()})
    summary = propose(ds)
    assert (summary["out"], summary["masters_without_view"]) == (0, ["P-00"])
    assert "none of the 1 masters has an embedded view" in summary["notice"]
