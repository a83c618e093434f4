"""What ``sem-curate status`` says about the newest actions."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate import schema
from sem_curate.cli import cli

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def ds(tmp_path: Any, dataset_name: str) -> Any:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    for name in ("P1", "P2"):
        cv2.imwrite(str(tmp_path / f"{name}_view1.png"), np.full((24, 24), 50 + ord(name[1]), np.uint8))
    ingest(tmp_path, dataset_name, views=("view1",))
    return dataset.load_dataset(dataset_name)


def test_newest_actions_say_what_and_where_and_a_bulk_is_one_line(ds: Any) -> None:
    from sem_curate.registry import history
    from sem_curate.review import run as review
    from sem_curate.review import tags

    tags.correct_tags(ds, "P1", "view1", ["noise", "blur"], by="sato", request_id="1")
    review.decide(ds, "P1", "unknown", by="ito", request_id="2")
    tags.correct_many(ds, [("P1", "view1"), ("P2", "view1")], by="sato", request_id="3", add=["drift"])
    review.undo(ds, by="sato", request_id="4")
    review.undo(ds, by="sato", request_id="5")
    tags.correct_tags(ds, "P2", "view1", [], by="sato", request_id="6")
    said = CliRunner().invoke(cli, ["status", "--dataset", ds.name]).output.splitlines()[-5:]
    assert [line.split(" ", 2)[2] for line in said] == [
        "sato: P2 view1: tags none",
        "sato: P1 view1: tag correction taken back",
        "sato: P1 view1 and 1 more: tag correction taken back",
        "sato: P1 view1 and 1 more: tags corrected",
        "ito: P1: unknown",
    ]
    assert len(history.newest(ds.info[schema.INFO_KEY]["id"], limit=50)) == 6 + 1  # and the import


def test_a_fresh_process_can_say_it_too(ds: Any) -> None:
    asked = [sys.executable, "-m", "sem_curate", "status", "--dataset", ds.name]
    said = subprocess.run(asked, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "import: 2 new particles, 2 new views" in said.stdout
