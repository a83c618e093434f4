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
    from sem_curate.registry import history

    config = DecideConfig(unknown_quantile=0.0, auto_quantile=0.0, min_margin=0.0, min_agreement=0.0)
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
