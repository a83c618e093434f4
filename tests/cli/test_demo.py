"""The demo and the terminal's verbs on it: what a user types first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sem_curate.cli import cli

pytestmark = pytest.mark.fiftyone


def call(*arguments: str) -> dict:
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_demo_runs_repeats_and_answers_every_verb(dataset_name: str, tmp_path: Path) -> None:
    demo = ("demo", "--particles", "112", "--size", "64", "--no-app", "--dataset", dataset_name)
    first = call(*demo)
    stages = first["stages"]
    assert stages["ingest"]["in"] == stages["ingest"]["out"] == stages["propose"]["out"] == 112
    assert stages["quality"]["in"] == stages["quality"]["out"] == stages["embed"]["out"]
    accuracy = first["accuracy_on_known_families"]
    assert set(accuracy) == {"quality-weighted, slot-centred", "single best view", "unweighted mean"}
    assert accuracy["quality-weighted, slot-centred"] > 2 / 14  # well above guessing among 14 families
    assert sum(first["shares"].values()) == pytest.approx(1.0)

    status = call("status", "--dataset", dataset_name)
    assert status["pending"] == {"quality": 0, "embed": 0, "propose": 0}
    queue = call("review", "queue", "--dataset", dataset_name, "--queue", "all")
    particle = queue["next"]["particle_id"]
    decided = call("review", "decide", particle, "unknown", "--dataset", dataset_name, "--by", "ito")
    assert decided["card"]["decision"] == "unknown"

    second = call(*demo)  # the reviewer's word survives a second run, and nothing is computed again
    assert {stage: second["stages"][stage]["in"] for stage in ("quality", "embed", "propose")} == {
        "quality": 0, "embed": 0, "propose": 0,
    }  # fmt: skip
    assert call("review", "undo", "--dataset", dataset_name, "--by", "ito")["particle_id"] == particle
    assert call("review", "undo", "--dataset", dataset_name, "--by", "ito") == {"undone": None}

    receipt = call("receipt", "show", particle, "--dataset", dataset_name)
    assert sum(weight or 0.0 for weight in receipt["weights"].values()) == pytest.approx(1.0, abs=1e-4)
    assert receipt["auto_without_certificate"]  # the demo says so
    assert "without a certificate" in first["without_certificate"]
    replayed = call("receipt", "replay", "--all", "--dataset", dataset_name)
    assert (replayed["receipts"], replayed["same"]) == (112, 112)
    shown = CliRunner().invoke(cli, ["receipt", "show", particle, "--dataset", dataset_name]).output
    assert "no certificate, knowingly done without" in shown
    assert call("receipt", "replay", particle, "--dataset", dataset_name)["same"]
    told = call("receipt", "diff", receipt["receipt_id"], receipt["receipt_id"], "--dataset", dataset_name)
    assert told["changes"] == []
    labels = call("labels", "list", "--dataset", dataset_name)["labels"]
    assert len(labels) == 14
    renamed = call(
        "labels", "rename", "needle-like", "--en", "acicular", "--dataset", dataset_name, "--by", "ito", "--yes"
    )
    assert renamed["change"]["touched"][0]["after"] == 2
    assert renamed["samples"] > 0
    table = tmp_path / "masters.csv"
    table.write_text(f"particle_id,label\n{particle},acicular\n", encoding="utf-8")
    assert call("masters", "register", "--csv", str(table), "--dataset", dataset_name, "--by", "ito")["version"] == 2
    assert call("masters", "list", "--dataset", dataset_name)["masters"][particle] == renamed["change"]["label_id"]
    assert call("status", "--dataset", dataset_name)["stale"] == 112
    run = ("run", "--stage", "propose", "--dataset", dataset_name, "--by", "ito")
    assert call(*run, "--rule", "prototype", "--with-certificate")["stages"]["propose"]["out"] == 112
    assert call("status", "--dataset", dataset_name)["stale"] == 0
    now = call("receipt", "show", particle, "--dataset", dataset_name)
    assert (now["method"], now["auto_without_certificate"], now["state"] == "auto") == ("prototype", False, False)
    told = call("receipt", "diff", receipt["receipt_id"], now["receipt_id"], "--dataset", dataset_name)["changes"]
    assert {"another master set: 1, now 2", "nobody does without a certificate now"} <= set(told)
    assert any(line.startswith("settings changed: rule was auto and is prototype") for line in told)
    assert call("train", "integrator", "--revert", "--dataset", dataset_name) == {"in_force": None}
    hits = call("search", "針状", "--dataset", dataset_name)["hits"]
    assert hits


def test_receipts_are_replayed_one_or_all_of_them(dataset_name: str) -> None:
    for extra in ((), ("P-1", "--all")):
        refused = CliRunner().invoke(cli, ["receipt", "replay", *extra, "--dataset", dataset_name])
        assert refused.exit_code == 2
        assert "give a particle or --all" in refused.output


def test_too_few_particles_are_refused_with_the_number_needed() -> None:
    result = CliRunner().invoke(cli, ["demo", "--particles", "10", "--no-app"])
    assert "ask for at least 96" in str(result.exception)
