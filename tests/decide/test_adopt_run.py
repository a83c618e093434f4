"""Judging another encoder on the masters of a real dataset; the dataset itself does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate import schema
from sem_curate.decide import adopt
from sem_curate.errors import StateError

pytestmark = pytest.mark.fiftyone
MASTERS, DIM = 32, 16


def name(number: int) -> str:
    return f"P-{number:02d}"


@pytest.fixture
def ds(dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Half of the masters show a disc, half a square."""
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate import dataset
    from sem_curate.decide.run import register_masters
    from sem_curate.ingest.run import ingest

    rng = np.random.default_rng(0)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(MASTERS):
        image = rng.integers(0, 60, (64, 64), np.uint8)
        if number % 2:
            cv2.circle(image, (32, 32), int(rng.integers(12, 24)), 200, -1)
        else:
            side = int(rng.integers(10, 20))
            cv2.rectangle(image, (32 - side, 32 - side), (32 + side, 32 + side), 200, -1)
        cv2.imwrite(str(images / f"{name(number)}_view1.png"), image)
    ingest(images, dataset_name, views=("view1",))
    ds = dataset.load_dataset(dataset_name)
    register_masters(
        ds, {"square": [name(i) for i in range(0, MASTERS, 2)], "disc": [name(i) for i in range(1, MASTERS, 2)]},
        by="test",
    )  # fmt: skip
    return ds


def vectors(ds: Any, key: str, spread: float) -> str:
    """Store vectors of all masters that lie round one point per label."""
    from sem_curate import dataset
    from sem_curate.embed import store

    rng = np.random.default_rng(1)
    centres = rng.normal(size=(2, DIM))
    found = store.open_store(key, dim=DIM, meta={"made": "in a test"})
    rows = dataset.read_views(ds, [name(i) for i in range(MASTERS)], (schema.CONTENT_HASH, schema.PRESENT))
    for number in range(MASTERS):
        vector = centres[number % 2] + spread * rng.normal(size=DIM)
        found.append([dataset.content_hash(rows[name(number)]["view1"])], vector[None].astype(np.float32))
    return key


def test_the_better_vectors_win_and_not_the_other_way_round(ds: Any) -> None:
    from sem_curate.decide.adopt_run import compare_encoders

    good, bad = vectors(ds, f"good-{ds.name}", 0.2), vectors(ds, f"bad-{ds.name}", 3.0)
    assert compare_encoders(ds, bad, good).why == adopt.BETTER
    assert compare_encoders(ds, good, bad).why == adopt.NO_GAIN


def test_an_encoder_is_tried_without_a_trace_in_the_dataset(ds: Any, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.cli import cli
    from sem_curate.decide.adopt_run import judge_encoder
    from sem_curate.embed.trial import TINY, random_checkpoint

    other = random_checkpoint(tmp_path, TINY)
    with pytest.raises(StateError, match="no vectors to compare with"):
        judge_encoder(ds, other)
    in_use = vectors(ds, f"bad-{ds.name}", 5.0)
    dataset.set_encoder_keys(ds, {"dino": in_use})
    pending = dataset.count_pending(ds)
    verdict = judge_encoder(ds, other)
    assert verdict.masters == MASTERS
    assert dataset.encoder_keys(ds) == {"dino": in_use}
    assert dataset.count_pending(ds) == pending
    said = CliRunner().invoke(cli, ["train", "adopt", "--dataset", ds.name, "--encoder", other], catch_exceptions=False)
    assert f"{MASTERS} masters asked for" in said.output
    assert verdict.why in said.output
