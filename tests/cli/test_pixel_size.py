"""``sem-curate pixel-size`` on a real dataset, with the label stated by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from sem_curate import schema
from sem_curate.cli import cli
from sem_curate.errors import InputError

pytestmark = pytest.mark.fiftyone


def picture(seed: int) -> np.ndarray:
    image = np.random.default_rng(seed).normal(90, 8, (256, 256)).clip(0, 255).astype(np.uint8)
    image[240:243, 150:210] = 255
    cv2.putText(image, "10 um", (150, 236), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    return image


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    for particle in range(3):
        cv2.imwrite(str(tmp_path / f"P{particle}_view1.png"), picture(particle))
    ingest(tmp_path, dataset_name, views=("view1",))
    return dataset.load_dataset(dataset_name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["pixel-size", *arguments])


def sizes(ds: Any) -> list[float | None]:
    from sem_curate import dataset

    return list(dataset.flat(ds).values(schema.PIXEL_SIZE_NM))


def measured(ds: Any) -> None:
    from sem_curate import dataset

    ids = dataset.flat(ds).values("id")
    dataset.write_views(ds, {key: {"scale_bar_px": 60.0} for key in ids})


def test_offered_applied_and_cleared(ds: Any) -> None:
    from sem_curate import dataset

    measured(ds)
    known = dataset.flat(ds).values("id")[0]
    dataset.write_views(ds, {known: {schema.PIXEL_SIZE_NM: 7.0}})
    offered = run("--dataset", ds.name, "--length", "10 um", "--json")
    assert offered.exit_code == 0, offered.output
    assert json.loads(offered.output)["offered"] == 2
    assert sizes(ds) == [7.0, None, None]
    written = run("--dataset", ds.name, "--length", "10 µm", "--apply")
    assert "60 px = 10 um -> 166.7 nm/px (2 of 2 agree)" in written.output
    assert sizes(ds) == [7.0, pytest.approx(10_000 / 60), pytest.approx(10_000 / 60)]
    assert "2 pixel sizes emptied again" in run("--dataset", ds.name, "--clear").output
    assert sizes(ds) == [7.0, None, None]


def test_a_view_with_another_scale_bar_gets_no_pixel_size(ds: Any) -> None:
    from sem_curate import dataset

    measured(ds)
    other = dataset.flat(ds).values("id")[0]
    dataset.write_views(ds, {other: {"scale_bar_px": 90.0}})
    run("--dataset", ds.name, "--length", "10 um", "--apply")
    assert sizes(ds) == [None, None, None]  # they contradict each other: whose is 10 um?


def test_a_stated_length_can_be_kept_to_some_views(tmp_path: Path, dataset_name: str) -> None:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    for view in ("view1", "view2"):
        cv2.imwrite(str(tmp_path / f"P_{view}.png"), picture(ord(view[-1])))
    ingest(tmp_path, dataset_name, views=("view1", "view2"))
    ds = dataset.load_dataset(dataset_name)
    measured(ds)
    said = run("--dataset", ds.name, "--length", "10 um", "--view", "view2", "--apply")
    assert "1 views written" in said.output
    sizes_of = dict(zip(*dataset.flat(ds).values([schema.VIEW, schema.PIXEL_SIZE_NM]), strict=True))
    assert sizes_of == {"view1": None, "view2": pytest.approx(10_000 / 60)}
    wrong = run("--dataset", ds.name, "--length", "10 um", "--view", "veiw1")
    assert "Did you mean 'view1'" in str(wrong.exception)


def test_the_last_view_is_read_too_and_a_contradiction_says_how_to_go_on(
    tmp_path: Path, dataset_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.quality import offers

    for particle in range(6):
        cv2.imwrite(str(tmp_path / f"P{particle}_view1.png"), picture(particle))
    ingest(tmp_path, dataset_name, views=("view1",))
    measured(dataset.load_dataset(dataset_name))
    monkeypatch.setattr(offers, "load_reader", lambda: "stands in for the OCR package")
    monkeypatch.setattr(offers, "_read", lambda _, row: 5_000.0 if "P5_" in row["filepath"] else 10_000.0)
    said = run("--dataset", dataset_name).output
    assert "contradict each other (4 of 5 agree)" in said
    assert "nothing to write" in said


def test_errors_name_the_remedy(ds: Any) -> None:
    unmeasured = run("--dataset", ds.name, "--length", "10 um")
    assert isinstance(unmeasured.exception, InputError)
    assert "sem-curate run" in str(unmeasured.exception)
    odd = run("--dataset", ds.name, "--length", "ten")
    assert "10 um" in str(odd.exception)
    both = run("--dataset", ds.name, "--clear", "--apply")
    assert "--clear goes alone" in str(both.exception)
