"""`sem-curate labels` and `sem-curate masters`, as they are typed."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def ds(dataset_name: str, small: Any, tmp_path: Path) -> Any:
    return small.build(dataset_name, tmp_path / "images")


def run(ds: Any, *words: str, answer: str | None = None) -> Result:
    from sem_curate.cli import cli

    args = [*words[:2], "--dataset", ds.name, *words[2:]]
    return CliRunner().invoke(cli, args, input=answer, catch_exceptions=True)


def said(ds: Any, *words: str) -> Any:
    result = run(ds, *words, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_labels_from_the_first_question_to_the_way_back(ds: Any) -> None:
    from sem_curate import dataset, schema

    before = said(ds, "labels", "list")["labels"]
    assert [label["name_en"] for label in before] == ["needle-like", "spherical", "porous"]
    tried = run(ds, "labels", "merge", "porous", "--into", "球状", "--dry-run")
    assert "masters 2" in tried.output
    assert "no longer valid: certificates" in tried.output
    assert said(ds, "labels", "list")["labels"] == before
    refused = run(ds, "labels", "merge", "porous", "--into", "球状", answer="n\n")
    assert "Change it?" in refused.output
    assert "Take it back" not in refused.output
    assert said(ds, "labels", "list")["labels"] == before
    accepted = run(ds, "labels", "merge", "porous", "--into", "球状", answer="y\n")
    assert "Take it back with" in accepted.output
    assert len(said(ds, "labels", "list")["labels"]) == 2
    assert len(said(ds, "labels", "list", "--all")["labels"]) == 3
    assert said(ds, "labels", "list", "--search", "ＰＯＲＯＵＳ")["labels"][0]["name_en"] == "spherical"
    assert dataset.count_particles(ds, {f"{schema.LABEL}.label": "porous"}) == 0
    change = said(ds, "labels", "history")["changes"][-1]["change_id"]
    said(ds, "labels", "rollback", change, "--yes")
    assert said(ds, "labels", "list")["labels"] == before
    assert "rolled back" in run(ds, "labels", "history").output


def test_every_change_has_its_command(ds: Any) -> None:
    said(ds, "labels", "rename", "porous", "--en", "$holey.<b>", "--yes")
    said(ds, "labels", "redefine", "$holey.<b>", "--definition-ja", "穴がある", "--synonym-en", "spongy", "--colour",
         "#112233", "--hotkey", "h", "--parent", "球状", "--template-en", "a {} grain", "--yes")  # fmt: skip
    said(ds, "labels", "pick", "$holey.<b>", "P-sphere-0", "--role", "counter", "--note", "穴なし", "--yes")
    assert said(ds, "labels", "list", "--search", "SPONGY")["labels"][0]["name_en"] == "$holey.<b>"
    card = said(ds, "labels", "show", "$holey.<b>")
    assert (card["definition_ja"], card["hotkey"], card["picked"][0]["note"]) == ("穴がある", "h", "穴なし")
    assert "counter: P-sphere-0 穴なし" in run(ds, "labels", "show", "$holey.<b>").output
    said(ds, "labels", "deprecate", "$holey.<b>", "--yes")
    said(ds, "labels", "restore", "$holey.<b>", "--yes")
    said(ds, "labels", "split", "球状", "--part", "ja=真球;masters=P-sphere-0", "--part", "oval", "--yes")
    bundles = said(ds, "labels", "bundles", "球状")["bundles"]
    assert sorted(one for bundle in bundles for one in bundle["particles"]) == ["P-sphere-0", "P-sphere-1"]
    assert "P-sphere" in run(ds, "labels", "bundles", "球状").output
    clash = run(ds, "labels", "rename", "oval", "--en", "NEEDLE_LIKE", "--yes")
    assert "already used by '針状 / needle-like'" in str(clash.exception)


def test_master_sets_are_compared_pinned_and_carried_as_a_folder(ds: Any, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.registry import records

    table = tmp_path / "only.csv"
    table.write_text("particle_id,label\nP-needle-0,needle-like\nP-sphere-2,spherical\n", encoding="utf-8")
    made = said(ds, "masters", "replace", "--csv", str(table))
    assert (made["version"], made["masters"], made["removed"]) == (2, 2, 5)
    found = said(ds, "masters", "compare", "1", "2")
    assert [len(found[key]) for key in ("added", "removed", "relabelled")] == [1, 5, 0]
    assert found["proposals"]["count"] >= 2  # nothing is porous any more
    assert "nearest label would change" in run(ds, "masters", "compare", "1", "2").output
    assert said(ds, "masters", "pin", "1")["in_force"] == 1
    assert len(said(ds, "masters", "list")["masters"]) == 6
    assert [one["pinned"] for one in said(ds, "masters", "list", "--sets")["sets"]] == [False, True]
    out, again = tmp_path / "a", tmp_path / "b"
    said(ds, "masters", "export", str(out))
    said(ds, "masters", "export", str(again))
    files = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    assert all((out / file).read_bytes() == (again / file).read_bytes() for file in files)
    rows = list(csv.DictReader((out / "images.csv").open(encoding="utf-8")))
    assert all((out / row["path"]).is_file() for row in rows)
    assert len(rows) > 20
    said(ds, "masters", "pin", "--newest")
    back = said(ds, "masters", "import", str(out), "--replace")
    assert (back["version"], back["masters"]) == (3, 6)
    first, _, third = reversed(said(ds, "masters", "list", "--sets")["sets"])
    assert first["content_hash"] == third["content_hash"]
    notes = [event.note for event in records.of_dataset(dataset.dataset_id(ds)) if event.kind == "master"]
    assert notes[0] == "master set 1: 6 added, 0 removed, 0 under another label"
    assert [note.split()[0] for note in notes[1:]] == ["master", "pinned", "unpinned", "master"]
    exports = said(ds, "labels", "rename", "porous", "--en", "x", "--dry-run")["exports"]
    assert len(exports) == 2
    damaged = tmp_path / "damaged"
    shutil.copytree(out, damaged)
    (damaged / "masters.json").write_text((out / "masters.json").read_text().replace("P-needle-0", "P-needle-9"))
    assert "content hash" in str(run(ds, "masters", "import", str(damaged)).exception)
