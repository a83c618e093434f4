"""Imports, audits and certificates as events of the history, on a real database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate.cli import cli
from sem_curate.errors import InputError

pytestmark = pytest.mark.fiftyone


def picture(folder: Path, particle: str, view: str = "view1", grey: int = 50) -> None:
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{particle}_{view}.png"), np.full((24, 24), grey, np.uint8))


def ingest(folder: Path, name: str, **values: Any) -> Any:
    from sem_curate.ingest.run import ingest

    return ingest(folder, name, views=None if exists(name) else ("view1", "view2"), **values)


def exists(name: str) -> bool:
    import fiftyone as fo

    return bool(fo.dataset_exists(name))


def events(name: str, *kinds: str) -> list[Any]:
    from sem_curate import dataset
    from sem_curate.registry import listing

    identity = dataset.dataset_id(dataset.load_dataset(name))
    return list(listing.events(identity, listing.Filter(kinds=kinds or ("import",)), newest_first=False))


def verified(name: str) -> bool:
    from sem_curate import dataset
    from sem_curate.registry import verifying

    return bool(verifying.verify(dataset.dataset_id(dataset.load_dataset(name)))["ok"])


def test_an_ingest_is_one_event_and_one_that_changes_nothing_is_none(tmp_path: Path, dataset_name: str) -> None:
    folder = tmp_path / "lot.$1"
    for at in range(5):
        picture(folder, f"P{at}", grey=50 + at)
    ingest(folder, dataset_name, batch=2, by="佐藤")
    (event,) = events(dataset_name)
    assert (event.by, event.source, event.particle_id) == ("佐藤", str(folder), "")
    assert event.details == {"counts": {"particles_new": 5, "views_new": 5}}
    assert event.note == "5 new particles, 5 new views"
    ingest(folder, dataset_name)
    assert len(events(dataset_name)) == 1
    picture(folder, "P0", grey=200)
    picture(folder, "P1", "view2", grey=201)
    ingest(folder, dataset_name, by="ito", request_id="r1")
    second = events(dataset_name)[1]
    assert (second.by, second.details["counts"]) == ("ito", {"views_new": 1, "views_changed": 1})
    picture(folder, "P2", grey=210)
    ingest(folder, dataset_name, by="ito", request_id="r1")  # the same intention is the same event
    assert len(events(dataset_name)) == 2
    assert verified(dataset_name)


def test_another_manifest_label_alone_is_a_change(tmp_path: Path, dataset_name: str) -> None:
    picture(tmp_path / "images", "P0")
    manifest = tmp_path / "images" / "manifest.csv"
    for label in ("needle", "plate", "plate"):
        manifest.write_text(f"filepath,particle_id,view,label\nP0_view1.png,P0,view1,{label}\n", encoding="utf-8")
        ingest(manifest, dataset_name)
    assert [dict(event.details["counts"]) for event in events(dataset_name)][1:] == [{"labels_updated": 1}]


def test_queries_exports_and_dates_know_imports_and_none_is_taken_back(tmp_path: Path, dataset_name: str) -> None:
    from sem_curate import dataset
    from sem_curate.registry import listing
    from sem_curate.registry.documents import now
    from sem_curate.review import run as review

    picture(tmp_path / "images", "P0")
    ingest(tmp_path / "images", dataset_name, by="sato")
    ds = dataset.load_dataset(dataset_name)
    review.decide(ds, "P0", "unknown", by="sato", request_id=f"d{dataset_name}")
    (event,) = events(dataset_name)
    ask = ["--dataset", dataset_name, "--json"]
    listed = json.loads(CliRunner().invoke(cli, ["history", "list", "--kind", "import", *ask]).stdout)
    assert [row["note"] for row in listed["events"]] == ["1 new particles, 1 new views"]
    assert json.loads(listed["events"][0]["details"])["counts"]["views_new"] == 1
    path = tmp_path / "history.csv"
    assert json.loads(CliRunner().invoke(cli, ["history", "export", str(path), *ask]).stdout)["rows"] == 2
    assert "1 new particles" in path.read_text(encoding="utf-8-sig")
    states = dict(listing.as_of(dataset.dataset_id(ds), now() + timedelta(seconds=1)))
    assert list(states) == ["P0"]  # an import belongs to no particle
    with pytest.raises(InputError, match=r"'import' cannot be undone this way, because .*ingest them again"):
        review.undo_event(ds, event.event_id, by="ito", request_id="u1")
    undone = review.undo(ds, by="sato", request_id="u2")  # the newest action of a reviewer is never an import
    assert undone is not None
    assert undone["particle_id"] == "P0"
    assert review.undo(ds, by="sato", request_id="u3") is None
    said = CliRunner().invoke(cli, ["status", "--dataset", dataset_name]).output
    assert "sato: import: 1 new particles, 1 new views" in said


KILLED = """
import os, signal, sys
from sem_curate.ingest import run
real, calls = run._Ingest._write, []
def counted(self, step):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, step)
run._Ingest._write = counted
run.ingest(sys.argv[1], sys.argv[2], views=("view1", "view2"), batch=2, by="sato")
"""


def test_a_killed_import_is_counted_with_the_one_that_finishes_it(tmp_path: Path, dataset_name: str) -> None:
    from sem_curate import dataset
    from sem_curate.registry import imports

    folder = tmp_path / "images"
    for at in range(6):
        picture(folder, f"P{at}", grey=50 + at)
    script = [sys.executable, "-c", KILLED, str(folder), dataset_name]
    assert subprocess.run(script, env=dict(os.environ), check=False).returncode == -signal.SIGKILL
    assert events(dataset_name) == []
    identity = dataset.dataset_id(dataset.load_dataset(dataset_name))
    (left,) = imports.unfinished(identity).values()
    assert left["counts"]["particles_new"] == 4  # the batch that the kill interrupted stands in it
    ingest(folder, dataset_name, by="ito")
    (event,) = events(dataset_name)
    assert event.details["counts"]["particles_new"] == 4 + 4  # two of the interrupted batch are counted twice
    assert imports.unfinished(identity) == {}


def test_draws_and_certificates_are_events_even_if_the_process_died_before_they_were(
    tmp_path: Path, dataset_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.registry import audit_log, audits, certificates
    from sem_curate.review import run as review

    for at in range(3):
        picture(tmp_path / "images", f"P{at}", grey=50 + at)
    ingest(tmp_path / "images", dataset_name)
    ds = dataset.load_dataset(dataset_name)
    identity = dataset.dataset_id(ds)
    asked: dict[str, Any] = {
        "seed": 7, "population": 3, "reference_id": "r", "master_set_version": 0, "by": "sato"
    }  # fmt: skip
    audits.add(identity, ["P2", "P0"], draw_id=f"a{identity}", **asked)
    audits.add(identity, ["P2", "P0"], draw_id=f"a{identity}", **asked)
    (drawn,) = events(dataset_name, "audit")
    assert (drawn.by, drawn.note) == ("sato", "draw 1: 2 of 3 particles, seed 7")
    with monkeypatch.context() as dying:
        dying.setattr(audit_log.records, "record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            audits.close(identity, f"a{identity}", [audits.Verdict("P2", "confirmed", "l", "e1")], by="ito")
    mirror.catch_up(ds)
    closed = events(dataset_name, "audit")[1]
    assert (closed.by, closed.note, closed.source) == ("ito", "draw 1 closed: 1 of 2 judged", "closed")
    made = certificates.add(
        identity,
        {"certificate_id": "c1", "status": "certified", "alpha": 0.05, "threshold": 0.5, "audited": 2, "accepted": 2,
         "errors": 0, "automation": 1.0, "reference_id": "r"},
        attempt="x", delta=0.1, look=1, draws=[f"a{identity}"], encoder_key="e", master_set_version=0,
        production={"score": [0.1]}, shown={}, watched=None, by="sato",
    )  # fmt: skip
    certificates.change_status(identity, made.certificate_id, "revoked", by="ito", reason="other powder")
    kept = events(dataset_name, "certificate")
    assert [(event.by, event.note) for event in kept] == [
        ("sato", "attempt 1: active (alpha 0.05, 2 audits)"),
        ("ito", "revoked (alpha 0.05, 2 audits) other powder"),
    ]
    assert audit_log.settle(identity) == 0
    assert verified(dataset_name)
    with pytest.raises(InputError, match="draw further ones"):
        review.undo_event(ds, drawn.event_id, by="ito", request_id="u1")
    with pytest.raises(InputError, match="sem-curate certificate revoke"):
        review.undo_event(ds, kept[0].event_id, by="ito", request_id="u2")
