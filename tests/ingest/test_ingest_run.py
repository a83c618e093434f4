"""Ingest against a real MongoDB: idempotence, changes, late views, and being killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sem_curate import schema
from sem_curate.errors import ConflictError, InputError

pytestmark = pytest.mark.fiftyone


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def ingest() -> Any:
    from sem_curate.ingest.run import ingest

    return ingest


def load(name: str) -> Any:
    from sem_curate import dataset

    return dataset.load_dataset(name)


def documents(name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything stored, without what differs from one insertion to the next."""
    volatile = ("_id", "_rand", "created_at", "last_modified_at", "_dataset_id")
    found = list(load(name)._sample_collection.find())
    slots = [(document["particle_id"], document["view"]) for document in found]
    assert len(set(slots)) == len(slots)
    return {
        slot: {key: value for key, value in document.items() if key not in volatile}
        for slot, document in zip(slots, found, strict=True)
    }


def counts(report: Any) -> tuple[int, int, int, int, int]:
    return (
        report.views_new,
        report.views_changed,
        report.views_moved,
        report.views_unchanged,
        report.views_refused,
    )


def test_first_and_second_ingest(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    for number, name in enumerate(["P-1_1.png", "P-1_2.png", "粒子 2_1.png", 'q"3_1.png']):
        write_image(f"in/{name}", seed=number)
    write_image("in/P-1_3.tif", kind="TIFF", pixels=np.arange(900, dtype=np.uint16).reshape(30, 30))
    seen: list[tuple[int, int | None]] = []
    report = ingest(
        tmp_path / "in", dataset_name, batch=2, progress=lambda done, total, text="": seen.append((done, total))
    )
    assert counts(report) == (5, 0, 0, 0, 0)
    assert (report.particles, report.particles_new, report.placeholders) == (3, 3, 0)
    assert seen == [(4, 5), (5, 5)]
    stored = documents(dataset_name)
    first, third = stored["P-1", "view1"], stored["P-1", "view3"]
    assert first["filepath"] == first["source_path"] == str(tmp_path / "in" / "P-1_1.png")
    assert first["pending"] == list(schema.STAGES)
    assert third["pending"] == ["quality", "embed"]
    assert (first["n_views"], third["n_views"], first["decision"]) == (3, 3, "undecided")
    assert third["filepath"] != third["source_path"]
    assert (third["bit_depth"], third["metadata"]["width"]) == (16, 30)
    assert len(load(dataset_name)) == 3

    again = ingest(tmp_path / "in", dataset_name)
    assert counts(again) == (0, 0, 0, 5, 0)
    assert again.particles_new == 0
    assert documents(dataset_name) == stored


def test_unchanged_files_are_not_read(tmp_path: Path, write_image, ingest, dataset_name: str, monkeypatch) -> None:
    from sem_curate.ingest import readers

    write_image("in/P-1_1.png")
    ingest(tmp_path / "in", dataset_name)

    def explode(path: object) -> bytes:
        raise AssertionError(f"read {path}")

    monkeypatch.setattr(readers, "read_bytes", explode)
    assert ingest(tmp_path / "in", dataset_name).views_unchanged == 1


def test_a_second_ingest_looks_up_only_its_own_particles(
    tmp_path: Path, write_image, ingest, dataset_name: str
) -> None:
    for number in range(30):
        write_image(f"in/P-{number}_1.png", seed=number)
    ingest(tmp_path / "in", dataset_name)
    for number in range(3):
        write_image(f"more/Q-{number}_1.png", seed=100 + number)
    ds = load(dataset_name)
    database, collection = ds._sample_collection.database, ds._sample_collection.name
    database.command("profile", 2)
    try:
        assert ingest(tmp_path / "more", dataset_name).views_new == 3
        operations = list(database["system.profile"].find({"ns": f"{database.name}.{collection}"}))
    finally:
        database.command("profile", 0)
        database["system.profile"].drop()
    assert operations
    assert max(operation.get("docsExamined", 0) for operation in operations) <= 3


def test_a_changed_file(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    from sem_curate import dataset

    path = write_image("in/P-1_2.png", seed=1)
    write_image("in/P-1_1.png", seed=2)
    ingest(tmp_path / "in", dataset_name)
    ds = load(dataset_name)
    ids = {view: found["_id"] for view, found in dataset.read_views(ds, ["P-1"], [])["P-1"].items()}
    done = {"quality": 0.9, "sharpness": 3.0, "quality_tags": ["blur"], "usable": True, "view_weight": 0.5}
    dataset.write_views(ds, dict.fromkeys(ids.values(), done), clear_pending=schema.STAGES)

    write_image("in/P-1_2.png", seed=3)
    os.utime(path, ns=(1, 1))
    report = ingest(tmp_path / "in", dataset_name)
    assert counts(report) == (0, 1, 0, 1, 0)
    stored = documents(dataset_name)
    changed, anchor = stored["P-1", "view2"], stored["P-1", "view1"]
    assert [changed[name] for name in done] == [None] * 5
    assert changed["pending"] == ["quality", "embed"]
    assert changed["content_hash"] != anchor["content_hash"]
    assert (anchor["quality"], anchor["pending"]) == (0.9, ["propose"])


def test_touched_and_moved_files_keep_their_results(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    from sem_curate import dataset

    path = write_image("in/P-1_1.png")
    ingest(tmp_path / "in", dataset_name)
    ds = load(dataset_name)
    (found,) = dataset.read_views(ds, ["P-1"], [])["P-1"].values()
    dataset.write_views(ds, {found["_id"]: {"quality": 0.9}}, clear_pending=schema.STAGES)

    os.utime(path, ns=(1, 1))
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 1, 0, 0)
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 0, 1, 0)
    shutil.move(tmp_path / "in", tmp_path / "new")
    report = ingest(tmp_path / "new", dataset_name)
    assert counts(report) == (0, 0, 1, 0, 0)
    assert report.problems == ()
    (document,) = documents(dataset_name).values()
    assert document["filepath"] == str(tmp_path / "new" / "P-1_1.png")
    assert (document["quality"], document["pending"]) == (0.9, [])


def test_deleted_display_copies_come_back(tmp_path: Path, write_image, ingest, dataset_name: str, home: Path) -> None:
    write_image("in/P-1_2.tif", kind="TIFF")
    ingest(tmp_path / "in", dataset_name)
    stored = documents(dataset_name)
    shutil.rmtree(home)
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 1, 0, 0)
    assert documents(dataset_name) == stored
    assert all(Path(document["filepath"]).exists() for document in stored.values())


def test_another_file_for_a_known_view_is_mentioned(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("in/P-1_1.png", seed=1)
    ingest(tmp_path / "in", dataset_name)
    write_image("other/P-1_1.png", seed=2)
    (notice,) = ingest(tmp_path / "other", dataset_name).problems
    assert (notice.code, notice.severity) == ("replaced", "notice")
    assert str(tmp_path / "in") in notice.reason


def test_a_changed_file_that_became_unreadable_keeps_what_is_known(
    tmp_path: Path, write_image, ingest, dataset_name: str
) -> None:
    path = write_image("in/P-1_1.png")
    ingest(tmp_path / "in", dataset_name)
    stored = documents(dataset_name)
    path.write_bytes(path.read_bytes()[:100])
    report = ingest(tmp_path / "in", dataset_name)
    assert [problem.code for problem in report.problems] == ["truncated"]
    assert documents(dataset_name) == stored


def test_late_views_take_over_what_is_decided(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    from sem_curate import dataset

    write_image("in/P-1_1.png", seed=1)
    ingest(tmp_path / "in", dataset_name)
    ds = load(dataset_name)
    label = dataset.classification("球状", "L-1")
    values = {"label": label, "decision": schema.CONFIRMED, "decided_by": "佐藤", "review_reasons": ["audit"]}
    dataset.write_particles(ds, {"P-1": values}, clear_pending=schema.STAGES)

    write_image("in/P-1_2.png", seed=2)
    write_image("in/P-1_6.png", seed=3)
    assert counts(ingest(tmp_path / "in", dataset_name)) == (2, 0, 0, 1, 0)
    stored = documents(dataset_name)
    for document in stored.values():
        assert {name: document[name] for name in values} == values
        assert document["n_views"] == 3
        assert document["group"]["_id"] == stored["P-1", "view1"]["group"]["_id"]
    assert stored["P-1", "view1"]["pending"] == ["propose"]
    assert stored["P-1", "view6"]["pending"] == ["quality", "embed"]
    sample = next(iter(dataset.flat(ds).match({"view": "view6"})))
    assert (sample.label.label, sample.label.label_id) == ("球状", "L-1")


def test_a_placeholder_until_the_first_view_arrives(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("in/P-1_2.png", seed=2)
    report = ingest(tmp_path / "in", dataset_name)
    assert (report.views_new, report.placeholders, len(load(dataset_name))) == (1, 1, 1)
    stand_in = documents(dataset_name)["P-1", "view1"]
    assert (stand_in["present"], stand_in["n_views"], stand_in["pending"]) == (False, 1, ["propose"])
    assert Path(stand_in["filepath"]).exists()
    sample_id = load(dataset_name).first().id
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 0, 1, 0)

    path = write_image("in/P-1_1.png", seed=1)
    report = ingest(tmp_path / "in", dataset_name)
    assert (report.views_new, report.views_unchanged, report.placeholders) == (1, 1, 0)
    stored = documents(dataset_name)
    anchor = stored["P-1", "view1"]
    assert (anchor["present"], anchor["filepath"], anchor["pending"]) == (True, str(path), list(schema.STAGES))
    assert [document["n_views"] for document in stored.values()] == [2, 2]
    assert load(dataset_name).first().id == sample_id


def manifest(folder: Path, text: str) -> Path:
    path = folder / "m.csv"
    path.write_text("filepath,particle_id,view," + text, encoding="utf-8")
    return path


def test_manifest_columns_become_fields(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    for number in (1, 2):
        write_image(f"{number}.png", seed=number)
    rows = "label,lot,magnification,quality\n1.png,P-1,1,sphere,007,1000,good\n2.png,P-1,2,,008,,bad\n"
    report = ingest(manifest(tmp_path, rows), dataset_name)
    assert [problem.code for problem in report.problems] == ["column_renamed"]
    assert report.complete
    stored = documents(dataset_name)
    assert [document["manifest_label"] for document in stored.values()] == ["sphere", "sphere"]
    assert [document["lot"] for document in stored.values()] == ["007", "008"]
    assert stored["P-1", "view1"]["magnification"] == 1000.0
    assert stored["P-1", "view2"].get("magnification") is None
    assert stored["P-1", "view1"]["meta_quality"] == "good"
    assert stored["P-1", "view1"].get("quality") is None


def test_corrected_manifest_values_need_no_reading(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("1.png")
    ingest(manifest(tmp_path, "label,lot\n1.png,P-1,1,sphere,A\n"), dataset_name)
    report = ingest(manifest(tmp_path, "label,lot,size\n1.png,P-1,1,rod,B,2.5\n"), dataset_name)
    assert (report.views_unchanged, report.metadata_updated) == (1, 1)
    (document,) = documents(dataset_name).values()
    assert (document["manifest_label"], document["lot"], document["size"]) == ("rod", "B", 2.5)
    erased = ingest(manifest(tmp_path, "label,lot\n1.png,P-1,1,,\n"), dataset_name)
    assert erased.metadata_updated == 0
    assert documents(dataset_name)["P-1", "view1"]["lot"] == "B"


def test_a_column_that_changes_its_kind(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("1.png")
    ingest(manifest(tmp_path, "dose,lot\n1.png,P-1,1,2.5,x\n"), dataset_name)
    report = ingest(manifest(tmp_path, "dose,lot\n1.png,P-1,1,high,7\n"), dataset_name)
    assert [(problem.code, problem.severity) for problem in report.problems] == [("column_type", "notice")]
    (document,) = documents(dataset_name).values()
    assert (document["dose"], document["dose_text"], document["lot"]) == (2.5, "high", "7")


def test_labels_that_differ_within_a_particle(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    for number in (1, 2):
        write_image(f"{number}.png", seed=number)
    report = ingest(manifest(tmp_path, "label\n1.png,P-1,1,rod\n2.png,P-1,2,cube\n"), dataset_name)
    assert [problem.code for problem in report.problems] == ["labels_differ"]
    assert {document["manifest_label"] for document in documents(dataset_name).values()} == {"rod"}


def test_vanished_files_stay_and_are_counted(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("in/P-1_1.png", seed=1)
    path = write_image("in/P-1_2.png", seed=2)
    ingest(tmp_path / "in", dataset_name)
    path.unlink()
    report = ingest(tmp_path / "in", dataset_name)
    assert report.views_vanished == 1
    assert [problem.code for problem in report.problems] == ["vanished"]
    assert len(documents(dataset_name)) == 2


def test_own_view_names(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("in/P-1_SE.png", seed=1)
    write_image("in/P-1_bse.png", seed=2)
    ingest(tmp_path / "in", dataset_name, views=["SE", " BSE"])
    assert {view for _, view in documents(dataset_name)} == {"SE", "BSE"}
    ingest(tmp_path / "in", dataset_name, views=["SE", "BSE"])
    with pytest.raises(InputError, match="has the views SE, BSE"):
        ingest(tmp_path / "in", dataset_name, views=["BSE", "SE"])


def test_a_wrong_source_creates_no_dataset(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    import fiftyone as fo

    with pytest.raises(InputError, match="holds no image"):
        ingest(tmp_path, dataset_name)
    with pytest.raises(InputError, match="lacks"):
        ingest(_write(tmp_path / "bad.csv", "a,b\n"), dataset_name)
    with pytest.raises(InputError, match="view names cannot be used"):
        ingest(tmp_path, dataset_name, views=["a.b"])
    write_image("in/overview.png")
    assert ingest(tmp_path / "in", dataset_name).views_refused == 1
    assert not fo.dataset_exists(dataset_name)


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_another_catalogue_is_refused(tmp_path: Path, write_image, ingest, dataset_name: str) -> None:
    write_image("in/P-1_1.png")
    ingest(tmp_path / "in", dataset_name)
    ingest(tmp_path / "in", dataset_name, catalogue=dataset_name)
    with pytest.raises(InputError, match="label catalogue"):
        ingest(tmp_path / "in", dataset_name, catalogue="elsewhere")


def test_two_ingests_that_race(tmp_path: Path, write_image, ingest, dataset_name: str, monkeypatch) -> None:
    from sem_curate.ingest import run

    write_image("in/P-1_1.png")
    real = run.dataset.mark_pending

    def meanwhile(*arguments: Any) -> int:
        monkeypatch.setattr(run.dataset, "mark_pending", real)
        ingest(tmp_path / "in", dataset_name)  # the other one is faster
        return real(*arguments)

    monkeypatch.setattr(run.dataset, "mark_pending", meanwhile)
    with pytest.raises(ConflictError, match="another ingest"):
        ingest(tmp_path / "in", dataset_name)
    assert len(documents(dataset_name)) == 1
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 0, 1, 0)


# -- kill -9 ---------------------------------------------------------------------------------------------------

# Dies at the nth call of one function: before it, after it, or (samples only) when half of them are written.
SUICIDE = """
import os, signal, sys
import fiftyone as fo
from sem_curate import dataset
from sem_curate.ingest import display, run
source, name, owner, function, when, nth = sys.argv[1:]
target = {"dataset": dataset, "Dataset": fo.Dataset, "display": display}[owner]
real, calls = getattr(target, function), []

def dying(*arguments, **options):
    calls.append(1)
    last = len(calls) == int(nth)
    if last and when == "half":
        real(arguments[0], arguments[1][: len(arguments[1]) // 2], **options)
    if last and when != "after":
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(*arguments, **options)
    if last:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(target, function, dying)
run.ingest(source, name, batch=2)
print("survived")
"""

POINTS = [
    ("Dataset", "add_group_slice", "after", 3),
    ("dataset", "mark_pending", "after", 1),
    ("dataset", "write_views", "after", 1),
    ("dataset", "write_views", "after", 2),
    ("Dataset", "add_samples", "half", 1),
    ("Dataset", "add_samples", "half", 2),
    ("dataset", "write_particles", "before", 1),
    ("display", "write_png", "after", 1),
]


FIRST = ("P-1_1.png", "P-1_2.png", "P-2_2.png", "P-3_1.png", "P-3_2.png", "P-3_3.png")
# P-1 changes and grows, P-3 only changes, P-2 gets its first view, P-4 is new, P-5 is new without a first view.
SECOND = ("P-1_2.png", "P-1_3.png", "P-2_1.png", "P-3_2.png", "P-4_1.png", "P-4_2.png", "P-5_2.png", "P-5_3.tif")


def put(write_image: Any, names: tuple[str, ...], second: int) -> None:
    """Write files whose content and time stamps are the same whenever the test writes them again."""
    for number, name in enumerate(names, start=second):
        path = write_image(f"in/{name}", seed=number, kind="TIFF" if name.endswith("tif") else "PNG")
        os.utime(path, ns=(number * 10**9, number * 10**9))


def before_the_kill(tmp_path: Path, write_image: Any, ingest: Any, name: str, *, fresh: bool) -> None:
    """Bring files and dataset to where the killed ingest starts: in use, with new files waiting."""
    from sem_curate import dataset

    for folder in ("in", "home"):
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
    put(write_image, FIRST, 100)
    if not fresh:
        ingest(tmp_path / "in", name)
        ds = load(name)
        dataset.write_particles(ds, {"P-1": {"decision": schema.CONFIRMED, "decided_by": "kim"}})
        ids = [str(found["_id"]) for found in ds._sample_collection.find()]
        dataset.write_views(ds, {key: {"quality": 0.7} for key in ids}, clear_pending=schema.STAGES)
    put(write_image, SECOND, 200)


@pytest.mark.parametrize(("owner", "function", "when", "nth"), POINTS)
def test_killed_and_run_again_equals_uninterrupted(
    tmp_path: Path, write_image, ingest, dataset_name: str, owner: str, function: str, when: str, nth: int
) -> None:
    import fiftyone as fo

    fresh = function == "add_group_slice"
    before_the_kill(tmp_path, write_image, ingest, dataset_name, fresh=fresh)
    ingest(tmp_path / "in", dataset_name)
    expected = documents(dataset_name)
    assert len(expected) == 13  # twelve files and one placeholder
    fo.delete_dataset(dataset_name)

    before_the_kill(tmp_path, write_image, ingest, dataset_name, fresh=fresh)
    arguments = [str(tmp_path / "in"), dataset_name, owner, function, when, str(nth)]
    killed = subprocess.run(
        [sys.executable, "-c", SUICIDE, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if not fresh:
        assert documents(dataset_name) != expected  # otherwise the kill came too late to matter

    ingest(tmp_path / "in", dataset_name)
    assert documents(dataset_name) == expected
    assert counts(ingest(tmp_path / "in", dataset_name)) == (0, 0, 0, 12, 0)
