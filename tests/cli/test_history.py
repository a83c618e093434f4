"""The history from the terminal: listing, showing, exporting, the state as of a date, taking back, verifying."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate import schema
from sem_curate.cli import cli
from sem_curate.errors import ConflictError, InputError

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    return ingested(tmp_path, dataset_name)


def ingested(tmp_path: Path, name: str) -> Any:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    (tmp_path / "images").mkdir(exist_ok=True)
    for at in range(4):
        cv2.imwrite(str(tmp_path / "images" / f"P{at}_view1.png"), np.full((24, 24), 50 + at, np.uint8))
    ingest(tmp_path / "images", name, views=("view1",))
    return dataset.load_dataset(name)


def call(ds: Any, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--dataset", ds.name, "--json"], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert (result.return_value or 0) == code
    return dict(json.loads(result.stdout))


def decide(ds: Any, particle: str, label: str, by: str = "sato", **values: Any) -> str:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import run as review

    label_id = labels.find_or_create(dataset.record(ds).catalogue, label, by=by).label_id
    request_id = f"{particle}-{label}-{by}-{ds.name}"
    review.decide(ds, particle, "label", label_id=label_id, by=by, request_id=request_id, **values)
    return request_id


def shown(ds: Any, particle: str) -> str | None:
    from sem_curate import dataset

    view = dataset.read_views(ds, [particle], (schema.LABEL,))[particle]["view1"]
    return view[schema.LABEL]["label"] if view.get(schema.LABEL) else None


def test_events_are_listed_newest_first_and_filtered(ds: Any) -> None:
    first = decide(ds, "P0", "needle", seconds=2.5)
    decide(ds, "P1", "needle", by="ito")
    decide(ds, "P0", "plate", by="ito")
    found = call(ds, "history", "list", "--kind", "decide")
    assert [(row["particle_id"], row["label"], row["by"]) for row in found["events"]] == [
        ("P0", "plate", "ito"), ("P1", "needle", "ito"), ("P0", "needle", "sato"),
    ]  # fmt: skip
    newest, oldest = found["events"][0], found["events"][-1]
    assert json.loads(newest["previous"])["label_id"] == oldest["label_id"]
    assert json.loads(oldest["previous"]) == {"decision": "undecided", "label_id": None}
    assert (oldest["seconds"], oldest["label_version"], oldest["master_set_version"]) == (2.5, 1, 0)
    assert [row["particle_id"] for row in call(ds, "history", "list", "--by", "ito", "--particle", "P0")["events"]] == [
        "P0"
    ]
    assert call(ds, "history", "list", "--label", "needle")["of"] == 3 - 1 + 1  # two decisions and the label's creation
    assert call(ds, "history", "list", "--until", "2020-01-01")["of"] == 0
    assert call(ds, "history", "list", "--kind", "decide", "--limit", "1")["shown"] == 1
    one = call(ds, "history", "show", first)
    assert (one["stands"], one["undone_by"], one["together"]) == (True, None, 1)
    with pytest.raises(InputError, match="no kind 'decision'"):
        call(ds, "history", "list", "--kind", "decision")
    with pytest.raises(InputError, match="no time"):
        call(ds, "history", "list", "--since", "yesterday")
    with pytest.raises(InputError, match="history list"):
        call(ds, "history", "show", "nothing")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_an_export_holds_every_event_and_hostile_text_is_only_text(ds: Any, tmp_path: Path, suffix: str) -> None:
    decide(ds, "P0", "=HYPERLINK(1)", by='佐藤, "<b>"\n')
    decide(ds, "P1", "針状")
    path = tmp_path / f"history.{suffix}"
    assert call(ds, "history", "export", str(path), "--kind", "decide")["rows"] == 2
    if suffix == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        import pyarrow.parquet as pq

        rows = pq.read_table(path).to_pylist()
    assert [row["label"] for row in rows] == ["'=HYPERLINK(1)" if suffix == "csv" else "=HYPERLINK(1)", "針状"]
    assert rows[0]["by"] == '佐藤, "<b>"\n'
    assert len(rows[1]["hash"]) == 64
    assert list(tmp_path.glob(".*")) == []
    with pytest.raises(InputError, match=r"\.parquet"):
        call(ds, "history", "export", str(tmp_path / "history.xlsx"))


def test_the_state_as_of_a_date_knows_neither_later_events_nor_later_names(ds: Any, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.registry.documents import now

    decide(ds, "P0", "needle")
    decide(ds, "P1", "plate")
    then = (now() + timedelta(milliseconds=1)).isoformat()
    while now().isoformat() < then:
        pass
    decide(ds, "P0", "plate", by="ito")
    decide(ds, "P2", "plate")
    label = labels.find(dataset.record(ds).catalogue, "needle")
    labels.rename(label.label_id, name_en="rod", by="ito")
    found = call(ds, "history", "as-of", then)
    assert {row["particle_id"]: row["name_en"] for row in found["particles"]} == {"P0": "needle", "P1": "plate"}
    today = call(ds, "history", "as-of", datetime.now(timezone.utc).date().isoformat() + "T23:59:59+00:00")
    assert {row["particle_id"]: row["name_en"] for row in today["particles"]} == dict.fromkeys(
        ("P0", "P1", "P2"), "plate"
    )
    path = tmp_path / "then.jsonl"
    assert call(ds, "history", "export", str(path), "--as-of", then)["rows"] == 2
    assert call(ds, "history", "as-of", "2020-01-01")["of"] == 0


def test_any_event_can_be_taken_back_and_an_undo_too(ds: Any) -> None:
    first = decide(ds, "P0", "needle")
    undone = call(ds, "history", "undo", first, "--by", "ito")
    assert shown(ds, "P0") is None
    assert call(ds, "history", "show", first)["undone_by"] == undone["event_id"]
    with pytest.raises(ConflictError, match="taken back already"):
        call(ds, "history", "undo", first, "--by", "ito")
    call(ds, "history", "undo", undone["event_id"], "--by", "sato")
    assert shown(ds, "P0") == "needle"
    together = [decide(ds, key, "plate", batch=f"b-{ds.name}") for key in ("P1", "P2", "P3")]
    taken = call(ds, "history", "undo", together[1], "--by", "sato")
    assert (taken["count"], shown(ds, "P3")) == (3, None)
    assert call(ds, "history", "undo", taken["event_id"], "--by", "sato")["count"] == 3
    assert [shown(ds, key) for key in ("P1", "P2", "P3")] == ["plate"] * 3
    with pytest.raises(InputError, match="history list"):
        call(ds, "history", "undo", "nothing")
    assert call(ds, "doctor", "--verify-history")["ok"]


def test_changes_of_labels_and_masters_are_taken_back_like_any_event(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels, masters, records

    identity = dataset.dataset_id(ds)
    decide(ds, "P0", "needle")
    label = labels.find(dataset.record(ds).catalogue, "needle")
    labels.rename(label.label_id, name_en="rod", by="ito")
    (renamed, *_) = call(ds, "history", "list", "--kind", "label")["events"]
    call(ds, "history", "undo", renamed["event_id"], "--by", "sato")
    assert labels.get(label.label_id).name() == "needle"
    assert shown(ds, "P0") == "needle"

    masters.change(identity, add={"P0": label.label_id}, by="sato")
    two = masters.change(identity, add={"P1": label.label_id}, remove=["P0"], by="ito")
    event = records.record(identity, f"m:{two.version}:{ds.name}", "master", by="ito", source=str(two.version))
    call(ds, "history", "undo", event.event_id, "--by", "sato")
    assert set(masters.current(identity).masters) == {"P0"}
    reversal = call(ds, "history", "list", "--kind", "master")["events"][0]
    call(ds, "history", "undo", reversal["event_id"], "--by", "sato")
    assert set(masters.current(identity).masters) == {"P1"}
    masters.change(identity, add={"P1": "another"}, by="ito")
    with pytest.raises(ConflictError, match="changed again after master set 2"):
        call(ds, "history", "undo", event.event_id, "--by", "abe")


def test_decisions_come_back_after_the_dataset_was_deleted_and_ingested_again(ds: Any, tmp_path: Path) -> None:
    import fiftyone as fo

    decide(ds, "P0", "needle")
    decide(ds, "P1", "plate")
    call(ds, "review", "undo", "--by", "sato")
    head = call(ds, "doctor", "--verify-history")["head"]
    name = ds.name
    fo.delete_dataset(name)
    again = ingested(tmp_path, name)
    call(again, "doctor", "--repair")
    assert [shown(again, key) for key in ("P0", "P1")] == ["needle", None]
    assert call(again, "doctor", "--repair")["corrected"] == 0
    assert call(again, "doctor", "--verify-history", "--expect", head)["ok"]


def test_a_changed_event_fails_the_verification_with_exit_code_1(ds: Any) -> None:
    from sem_curate.registry.documents import Event

    event_id = decide(ds, "P0", "needle")
    decide(ds, "P1", "needle")
    Event._get_collection().update_one({"_id": event_id}, {"$set": {"by": "ito"}})
    found = call(ds, "doctor", "--verify-history", code=1)
    assert (found["ok"], found["wrong"]) == (False, 1)
