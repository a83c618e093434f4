"""The command, and every kind of bad input in one folder and one manifest."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result

from sem_curate.cli import cli, output
from sem_curate.cli.ingest import command, describe
from sem_curate.errors import InputError
from sem_curate.ingest.problems import NOTICE, Problem
from sem_curate.ingest.report import IngestReport

BIG = 70_000  # pixels a side


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)


def stored(name: str) -> dict[tuple[str, str], dict[str, Any]]:
    from sem_curate import dataset

    ds = dataset.load_dataset(name)
    return {(found["particle_id"], found["view"]): found for found in ds._sample_collection.find()}


def bad_folder(folder: Path, write_image: Any, images: Any) -> dict[str, tuple[str, str, str, str]]:
    """Fill ``folder/in``; return {file name: (particle, view, code, severity)} for all that must be reported."""
    place = folder / "in"
    for number, name in enumerate(["good_1.png", "good_2.png", "粒子 'A' \"B\"_1.png", "twice_1.png"]):
        write_image(f"in/{name}", seed=number)
    write_image("in/twice/view1.png", seed=50)
    grey = images.grey(7)
    (place / "garbage_1.png").write_bytes(bytes(range(7, 200)))
    (place / "text_1.png").write_text("this is a note\n")
    (place / "pdf_1.png").write_bytes(b"%PDF-1.7\n%\xe2\xe3\n")
    (place / "zero_1.png").touch()
    for kind, suffix in (("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("BMP", "bmp")):
        data = images.encoded(kind, grey)
        (place / f"cut{suffix}_1.{suffix}").write_bytes(data[: len(data) // 2])
    write_image("in/other_1.jpg", seed=8, kind="TIFF")
    write_image("in/point_1.png", pixels=np.zeros((1, 1), np.uint8))
    (place / "huge_1.png").write_bytes(images.png_header(BIG, BIG))
    (place / "none_1.png").write_bytes(images.png_header(0, 0))
    write_image("in/good_side.png")
    write_image("in/overview.png")
    write_image("in/_3.png")
    write_image("in/film_1.gif")
    tifffile.imwrite(place / "stack_1.tif", np.stack([grey, grey]))
    outside = write_image("outside/x_1.png", seed=60)
    (place / "link_1.png").symlink_to(outside)
    (place / "loop").symlink_to(place)
    (place / "dead_1.png").symlink_to(place / "nowhere.png")
    (place / "self_1.png").symlink_to("self_1.png")
    (place / "Thumbs.db").write_bytes(b"x")
    os.mkfifo(place / "pipe_1.png")
    return {
        "twice_1.png": ("twice", "view1", "duplicate_view", "refused"),
        "garbage_1.png": ("garbage", "view1", "not_image", "refused"),
        "text_1.png": ("text", "view1", "not_image", "refused"),
        "pdf_1.png": ("pdf", "view1", "not_image", "refused"),
        "zero_1.png": ("zero", "view1", "empty", "refused"),
        "cutpng_1.png": ("cutpng", "view1", "truncated", "refused"),
        "cutjpg_1.jpg": ("cutjpg", "view1", "truncated", "refused"),
        "cuttif_1.tif": ("cuttif", "view1", "truncated", "refused"),
        "cutbmp_1.bmp": ("cutbmp", "view1", "truncated", "refused"),
        "other_1.jpg": ("other", "view1", "wrong_extension", "notice"),
        "point_1.png": ("point", "view1", "too_small", "refused"),
        "huge_1.png": ("huge", "view1", "too_large", "refused"),
        "none_1.png": ("none", "view1", "too_small", "refused"),
        "good_side.png": ("good", "side", "unknown_view", "refused"),
        "overview.png": ("", "", "no_match", "refused"),
        "_3.png": ("", "3", "empty_particle_id", "refused"),
        "film_1.gif": ("", "", "unsupported", "refused"),
        "stack_1.tif": ("stack", "view1", "multi_page", "notice"),
        "link_1.png": ("", "", "outside_roots", "refused"),
        "loop": ("", "", "symlink_loop", "notice"),
        "dead_1.png": ("dead", "view1", "missing", "refused"),
        "self_1.png": ("self", "view1", "missing", "refused"),
        "pipe_1.png": ("pipe", "view1", "not_a_file", "refused"),
    }


@pytest.mark.fiftyone
def test_every_bad_input_is_reported_and_nothing_else_lost(
    tmp_path: Path, write_image, images, dataset_name: str
) -> None:
    expected = bad_folder(tmp_path, write_image, images)
    result = run(tmp_path / "in", "--dataset", dataset_name, "--json", "--report", tmp_path / "problems.csv")
    assert result.return_value == output.PARTIAL
    report = json.loads(result.output)
    found = {
        os.path.relpath(problem["path"], tmp_path / "in"): (
            problem["particle_id"],
            problem["view"],
            problem["code"],
            problem["severity"],
        )
        for problem in report["problems"]
    }
    assert found == expected
    assert len(report["problems"]) == len(expected)
    assert report["views_refused"] == sum(severity == "refused" for *_, severity in expected.values())
    assert report["files_ignored"] == 1
    assert set(stored(dataset_name)) == {
        ("good", "view1"),
        ("good", "view2"),
        ("粒子 'A' \"B\"", "view1"),
        ("twice", "view1"),
        ("other", "view1"),
        ("stack", "view1"),
    }
    rows = list(csv.DictReader((tmp_path / "problems.csv").read_text("utf-8-sig").splitlines()))
    assert [row["path"] for row in rows] == [problem["path"] for problem in report["problems"]]
    assert all(len(row["reason"]) > 15 for row in rows)

    again = run(tmp_path / "in", "--dataset", dataset_name, "--json")
    repeated = json.loads(again.output)
    assert (repeated["views_new"], repeated["views_unchanged"]) == (0, 6)
    assert repeated["views_refused"] == report["views_refused"]


@pytest.mark.fiftyone
def test_bad_manifest_rows(tmp_path: Path, write_image, dataset_name: str) -> None:
    for number in (1, 2):
        write_image(f"img/{number}.png", seed=number)
    rows = [
        "img/1.png,P-1,1",
        "img/2.png,P-1,01",
        "img/1.png,P-1,view1",
        "img/gone.png,P-2,1",
        "img/1.png, ,1",
        "img/2.png,P-3,front",
        "../../etc/passwd,P-4,1",
        "img,P-5,1",
        "y" * 300 + ".png,P-6,1",
    ]
    path = tmp_path / "m.csv"
    path.write_bytes(("filepath,particle_id,view\n" + "\n".join(rows)).encode("cp932"))
    result = run(path, "--dataset", dataset_name, "--json")
    assert result.return_value == output.PARTIAL
    report = json.loads(result.output)
    assert [(problem["particle_id"], problem["code"]) for problem in report["problems"]] == [
        ("", "empty_particle_id"),
        ("P-3", "unknown_view"),
        ("P-4", "outside_roots"),
        ("P-2", "missing"),
        ("P-6", "missing"),
        ("P-1", "duplicate_view"),
        ("P-5", "not_a_file"),
        ("P-1", "listed_twice"),
    ]
    duplicate = report["problems"][5]
    assert (Path(duplicate["path"]).name, "1.png" in duplicate["reason"]) == ("2.png", True)
    assert set(stored(dataset_name)) == {("P-1", "view1")}


@pytest.mark.fiftyone
def test_all_options(tmp_path: Path, write_image, dataset_name: str) -> None:
    outside = write_image("out/x.png", seed=4)
    write_image("in/L7/P-1-SE.png", seed=1)
    (tmp_path / "in" / "L7" / "P-1-BSE.png").symlink_to(outside)
    result = run(
        tmp_path / "in", "--dataset", dataset_name, "--pattern", "{lot}/{particle_id}-{view}.{ext}",
        "--views", "SE, BSE", "--root", tmp_path / "out", "--catalogue", dataset_name,
    )  # fmt: skip
    assert result.return_value == output.OK
    assert "1 particles in the source, 1 new" in result.output
    assert {slot: found["lot"] for slot, found in stored(dataset_name).items()} == {
        ("P-1", "SE"): "L7",
        ("P-1", "BSE"): "L7",
    }


def test_a_wrong_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder or file"):
        CliRunner().invoke(
            cli, ["ingest", str(tmp_path / "no"), "--dataset", "d"], standalone_mode=False, catch_exceptions=False
        )


@pytest.mark.fiftyone
def test_a_report_that_cannot_be_written(tmp_path: Path, write_image, dataset_name: str) -> None:
    write_image("in/P-1_1.png")
    with pytest.raises(InputError, match="the images are in"):
        CliRunner().invoke(
            command,
            [str(tmp_path / "in"), "--dataset", dataset_name, "--report", str(tmp_path / "no" / "p.csv")],
            standalone_mode=False,
            catch_exceptions=False,
        )
    assert len(stored(dataset_name)) == 1


def test_at_most_twenty_problems_are_shown() -> None:
    problems = tuple(Problem(f"/{number}.png", "P", "view1", "empty", "is empty") for number in range(25))
    text = describe(IngestReport("d", problems=problems, views_refused=25))
    assert text.count("is empty") == 20
    assert "... and 5 more; --report FILE writes all" in text
    assert "all are in p.csv" in describe(IngestReport("d", problems=problems), "p.csv")


def test_refusals_are_shown_before_notices() -> None:
    from sem_curate.ingest.report import build_report

    note = Problem("/a.tif", "", "", "multi_page", "holds 2 images", NOTICE)
    bad = Problem("/b.tif", "", "", "empty", "is empty")
    report = build_report("d", {"views_new": 1}, [note, bad], 1.23456)
    assert report.problems == (bad, note)
    assert (report.views_refused, report.complete, report.seconds) == (1, False, 1.235)
    assert report.as_dict()["problems"][0]["path"] == "/b.tif"
