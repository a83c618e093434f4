from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from quality_images import disc

from sem_curate import schema
from sem_curate.errors import InputError

pytestmark = pytest.mark.fiftyone

LOTS = {"P1": "A", "P2": "A", "P3": "B", "P4": ""}
MISSING = {("P2", "view1"), ("P3", "view2")}


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    """Four particles of two views, two views missing, one lot unknown, one column with too many values to group by."""
    import cv2

    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    rows = []
    for number, (particle, lot) in enumerate(LOTS.items()):
        for view in ("view1", "view2"):
            if (particle, view) not in MISSING:
                path = tmp_path / f"{particle}_{view}.png"
                cv2.imwrite(str(path), disc(seed=2 * number + int(view[-1])))
                rows.append({"filepath": str(path), "particle_id": particle, "view": view, "lot": lot})
    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    ingest(tmp_path / "manifest.csv", dataset_name, views=("view1", "view2"))
    return dataset.load_dataset(dataset_name)


def measure(ds: Any, **tags_of: list[str]) -> None:
    """Write quality 0.5 to every present view; ``P1_view1=["blur"]`` gives tags, "unusable" among them."""
    from sem_curate import dataset

    updates = {}
    for particle, views in dataset.read_views(ds, list(LOTS), (schema.PRESENT,)).items():
        for name, view in views.items():
            if view[schema.PRESENT]:
                tags = tags_of.get(f"{particle}_{name}", [])
                updates[view["_id"]] = {
                    schema.QUALITY: 0.5, schema.USABLE: "no_particle" not in tags, schema.QUALITY_TAGS: tags,
                }  # fmt: skip
    dataset.write_views(ds, updates)


def report(ds: Any, by: str | None = None) -> dict[tuple[str, Any], dict[str, Any]]:
    from sem_curate.quality.conditions import condition_report

    return {(row["view"], row["group"]): row for row in condition_report(ds, by)["groups"]}


def test_each_condition_is_counted(ds: Any) -> None:
    measure(ds, P1_view1=["blur"], P3_view1=["blur", "noise"], P4_view2=["no_particle"])
    rows = report(ds)
    assert list(rows) == [("view1", None), ("view2", None)]
    first, second = rows.values()
    assert (first["views"], first["measured"], first["missing"], first["unusable"]) == (3, 3, 1, 0)
    assert (second["views"], second["missing"], second["unusable"]) == (3, 1, 1)
    assert first["mean_quality"] == 0.5
    assert first["tags"]["blur"] == pytest.approx(2 / 3, abs=1e-4)
    assert second["tags"]["blur"] == 0.0
    assert second["tags"]["no_particle"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_missing_view_counts_for_the_lot_of_its_particle(ds: Any) -> None:
    measure(ds, P1_view1=["blur"])
    rows = report(ds, "lot")
    counted = {key: (row["views"], row["missing"]) for key, row in rows.items()}
    assert counted == {
        ("view1", "A"): (1, 1), ("view1", "B"): (1, 0), ("view1", None): (1, 0),
        ("view2", "A"): (2, 0), ("view2", "B"): (0, 1), ("view2", None): (1, 0),
    }  # fmt: skip
    assert rows["view1", "A"]["tags"]["blur"] == 1.0
    assert rows["view2", "B"]["mean_quality"] is None


def test_only_fields_worth_grouping_by_are_offered(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate import dataset
    from sem_curate.quality import conditions

    assert conditions.grouping_fields(ds) == ["lot"]
    samples = [view["_id"] for view in dataset.read_views(ds, ["P1"], ())["P1"].values()]
    dataset.write_views(ds, {samples[0]: {schema.MAGNIFICATION: 500.0}, samples[1]: {schema.MAGNIFICATION: 2000.0}})
    assert conditions.grouping_fields(ds) == [schema.MAGNIFICATION, "lot"]
    monkeypatch.setattr(conditions, "MAX_GROUPS", 1)
    assert conditions.grouping_fields(ds) == []
    with pytest.raises(InputError, match="cannot group by 'lot'"):
        report(ds, "lot")


def test_an_unknown_field_names_the_remedy(ds: Any) -> None:
    with pytest.raises(InputError, match=r"cannot group by 'lott'\. Did you mean 'lot'\?.*: lot$"):
        report(ds, "lott")


def test_nothing_measured_is_said(ds: Any, dataset_name: str) -> None:
    from sem_curate.quality.conditions import condition_report

    found = condition_report(ds)
    assert "sem-curate run --stage quality" in found["notice"]["en"]
    assert [row["missing"] for row in found["groups"]] == [1, 1]
    measure(ds)
    assert condition_report(ds)["notice"] is None


def test_an_empty_dataset_has_an_empty_report(dataset_name: str) -> None:
    from sem_curate import dataset
    from sem_curate.quality.conditions import condition_report

    found = condition_report(dataset.create_dataset(dataset_name, views=("view1",)))
    assert (found["groups"], found["fields"]) == ([], [])
    assert found["notice"]


def test_the_command_prints_a_table_json_and_a_plot(ds: Any, dataset_name: str, tmp_path: Path) -> None:
    from sem_curate.cli.report import command

    measure(ds, P1_view1=["blur"])
    plot = tmp_path / "report.png"
    options = ["conditions", "--dataset", dataset_name, "--by", "lot"]
    shown = CliRunner().invoke(command, [*options, "--out", str(plot), "--language", "ja"], catch_exceptions=False)
    assert "（不明）" in shown.output
    assert "100 %" in shown.output
    assert plot.read_bytes().startswith(b"\x89PNG")
    as_json = CliRunner().invoke(command, [*options, "--json"], catch_exceptions=False)
    assert json.loads(as_json.output)["by"] == "lot"


def test_the_retake_list_says_which_view_and_why(ds: Any, dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.cli.report import command
    from sem_curate.registry import history, labels

    catalogue = dataset.record(ds).catalogue
    chosen = [labels.create(catalogue, name_ja=ja, name_en=en, by="test").label_id
              for ja, en in (("球状", "spherical"), ("針状", "needle-like"))]  # fmt: skip
    advice = {"view": "view1", "missing": True, "labels": chosen, "separation": 0.9, "best_present": 0.6}
    stored = [
        {"receipt_id": f"rc_{key}", "particle_id": key, "content": {"retake": advice}} for key in ("P2", "P3")
    ]  # fmt: skip
    history.save_receipts(stored, dataset.dataset_id(ds))
    common = {schema.RETAKE_VIEW: "view1"}
    dataset.write_particles(ds, {
        "P2": {**common, schema.RECEIPT_ID: "rc_P2"},
        "P3": {**common, schema.RECEIPT_ID: "rc_P3", schema.DECISION: schema.CONFIRMED},  # no longer needed
    })  # fmt: skip
    table = tmp_path / "retake.csv"
    options = ["retake", "--dataset", dataset_name, "--language", "ja", "--out", str(table)]
    assert "view1 を撮影すると「球状」と「針状」" in CliRunner().invoke(command, options, catch_exceptions=False).output
    rows = list(csv.DictReader(table.open(encoding="utf-8-sig")))
    assert [(row["particle_id"], row["view"]) for row in rows] == [("P2", "view1")]
