"""Retake advice and disputed quality from stored vectors to fields, receipts and cards, on a real dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sem_curate import schema
from sem_curate.config import DecideConfig

pytestmark = pytest.mark.fiftyone

VIEWS = ("view1", "view2", "view3")
TELLING = "view3"  # the only one that tells the two labels apart
MASTERS, OTHERS, DIM = 16, 20, 12
# Wide margins, so that many particles are close cases; hardly anything is unknown.
CONFIG = DecideConfig(unknown_quantile=0.0, auto_quantile=0.0, min_margin=0.9)


def name(number: int) -> str:
    return f"P-{number:02d}"


@pytest.fixture
def ds(dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Masters have all views; the others lack the telling one."""
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate import dataset
    from sem_curate.decide.run import register_masters
    from sem_curate.embed import store
    from sem_curate.ingest.run import ingest

    rng = np.random.default_rng(0)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(MASTERS + OTHERS):
        for view in VIEWS:
            if number < MASTERS or view != TELLING:
                cv2.imwrite(str(images / f"{name(number)}_{view}.png"), rng.integers(0, 255, (24, 24), np.uint8))
    ingest(images, dataset_name, views=VIEWS)
    ds = dataset.load_dataset(dataset_name)
    vectors = store.open_store(f"test-{dataset_name}", dim=DIM, meta={"made": "in a test"})
    centres, done = rng.normal(size=(2, DIM)), {}
    rows = dataset.read_views(ds, [name(i) for i in range(MASTERS + OTHERS)], (schema.CONTENT_HASH, schema.PRESENT))
    for number in range(MASTERS + OTHERS):
        for view, row in rows[name(number)].items():
            if row[schema.PRESENT]:
                strength = 1.0 if view == TELLING else 0.1
                vector = centres.mean(axis=0) + strength * (centres[number % 2] - centres.mean(axis=0))
                vectors.append([row[schema.CONTENT_HASH]], (vector + rng.normal(0, 0.25, DIM))[None])
                done[row["_id"]] = {schema.QUALITY: 0.9, schema.USABLE: True, schema.QUALITY_TAGS: []}
    dataset.write_views(ds, done, clear_pending=(schema.STAGE_EMBED, schema.STAGE_QUALITY))
    dataset.set_encoder_keys(ds, {"dino": f"test-{dataset_name}"})
    chosen = {"even": [name(i) for i in range(0, MASTERS, 2)], "odd": [name(i) for i in range(1, MASTERS, 2)]}
    register_masters(ds, chosen, by="test")
    return ds


FIELDS = (schema.RETAKE_VIEW, schema.PROPOSAL_STATE, schema.REVIEW_REASONS, schema.RECEIPT_ID)


def read(ds: Any) -> dict[str, dict[str, Any]]:
    from sem_curate import dataset

    others = [name(i) for i in range(MASTERS, MASTERS + OTHERS)]
    return dataset.read_views(ds, others, FIELDS)


def test_the_telling_view_stands_in_field_receipt_card_and_list(ds: Any) -> None:
    from sem_curate.decide.run import propose
    from sem_curate.registry import history
    from sem_curate.review import run as review
    from sem_curate.review.retakes import retake_list

    propose(ds, decide=CONFIG)
    found = {key: {view.get(schema.RETAKE_VIEW) for view in views.values()} for key, views in read(ds).items()}
    assert all(len(values) == 1 for values in found.values())  # the same on every slice
    advised = {key for key, values in found.items() if values == {TELLING}}
    assert advised
    assert {next(iter(values)) for values in found.values()} <= {TELLING, None}
    listed = retake_list(ds)
    assert {row["particle_id"] for row in listed} == advised
    one = listed[0]
    card = review.card(ds, one["particle_id"])
    assert card["retake"]["view"] == TELLING
    assert {"even", "odd"} <= set(card["retake"]["en"].replace("“", " ").replace("”", " ").split())
    receipt = history.get_receipt(card["receipt_id"])
    assert receipt is not None
    assert receipt["retake"]["separation"] == one["separation"] > one["best_present"]


def test_a_dispute_sends_auto_proposals_to_people_until_somebody_corrects_the_tags(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose
    from sem_curate.registry import choices, history

    config = DecideConfig(unknown_quantile=0.0, auto_quantile=0.0, min_margin=0.0, min_agreement=0.0)
    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by="test")
    propose(ds, decide=config)
    views = {key: next(iter(views.values())) for key, views in read(ds).items()}
    auto = next(key for key, view in views.items() if view[schema.PROPOSAL_STATE] == schema.AUTO)
    label = history.get_receipt(views[auto][schema.RECEIPT_ID])["label_id"]  # type: ignore[index]

    def again(**fields: Any) -> dict[str, Any]:
        dataset.write_views(ds, {views[auto]["_id"]: fields})
        dataset.mark_pending(ds, (schema.STAGE_PROPOSE,), [auto])
        propose(ds, decide=config)
        return next(iter(read(ds)[auto].values()))

    disputed = again(**{schema.DISPUTED_TAGS: ["charging"]})
    assert (disputed[schema.PROPOSAL_STATE], disputed[schema.REVIEW_REASONS]) == (schema.REVIEW, ["vlm_quality"])
    receipt = history.get_receipt(disputed[schema.RECEIPT_ID])
    assert receipt is not None
    assert receipt["label_id"] == label  # never the label
    assert list(receipt["vlm_disputes"].values()) == [["charging"]]
    corrected = again(**{schema.TAGS_BY: "sato"})
    assert (corrected[schema.PROPOSAL_STATE], corrected[schema.REVIEW_REASONS]) == (schema.AUTO, [])


def test_a_stored_proposal_is_replayed_bit_for_bit_and_a_changed_view_is_noticed(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.decide import explain
    from sem_curate.decide.run import propose, replay
    from sem_curate.registry import history

    propose(ds, decide=CONFIG)
    ids = [name(i) for i in range(MASTERS - 4, MASTERS + OTHERS)]
    fields = (schema.PARTICLE_ID, schema.RECEIPT_ID)
    stored = {
        key: dataset.find_particles(ds, {schema.PARTICLE_ID: key}, fields, limit=1)[0][schema.RECEIPT_ID] for key in ids
    }
    for key in ids:
        assert replay(ds, key, stored[key])["content"] == history.get_receipt(stored[key])
        assert replay(ds, key, stored[key])["same"]
    sample = dataset.read_views(ds, [ids[-1]], (schema.QUALITY,))[ids[-1]]["view1"]["_id"]
    dataset.write_views(ds, {sample: {schema.QUALITY: 0.05}})
    again = replay(ds, ids[-1], stored[ids[-1]])
    assert not again["same"]
    words = explain.changes(history.get_receipt(stored[ids[-1]]) or {}, again["content"])
    assert any(sentence.startswith("view1 counts less") for sentence in words)


def test_what_cannot_be_replayed_says_why(ds: Any) -> None:
    from sem_curate import dataset, paths
    from sem_curate.decide.run import propose, replay
    from sem_curate.errors import StateError

    propose(ds, decide=CONFIG)
    with pytest.raises(StateError, match="not in the history"):
        replay(ds, name(20), "rc_nothing")
    row = dataset.find_particles(ds, {schema.PARTICLE_ID: name(20)}, (schema.RECEIPT_ID,), limit=1)[0]
    for file in (paths.home() / "references").rglob("*.npz"):
        file.unlink()
    with pytest.raises(StateError, match=r"frozen reference ref_\w+ is gone"):
        replay(ds, name(20), row[schema.RECEIPT_ID])


def test_integrators_are_compared_on_what_people_labelled(ds: Any, tmp_path: Path) -> None:
    from sem_curate.decide import teach_integrator
    from sem_curate.integrate.learned import TrainConfig

    quick = TrainConfig(epochs=2)
    found = teach_integrator.train(ds, config=quick, plot=tmp_path / "gain.png")
    assert found["particles"] == MASTERS
    assert found["rows"][0]["rung"] == "quality_mean"
    assert len(found["rows"]) == 4
    assert (found["folder"] is None) == (found["winner"] == "quality_mean")
    assert (tmp_path / "gain.png").exists()
    grouped = teach_integrator.train(ds, group_field=schema.PROPOSAL_STATE, config=quick)
    assert "at least 3 groups" in grouped["note"]


def test_without_embeddings_there_is_nothing_to_train_on(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.decide import teach_integrator
    from sem_curate.errors import StateError

    dataset.set_encoder_keys(ds, {})
    with pytest.raises(StateError, match="has no embeddings"):
        teach_integrator.train(ds)
