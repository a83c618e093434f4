"""Eight processes deciding, undoing and renaming at random, killed now and then, and the database killed once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fiftyone

# The longer run: MANY_WRITERS_SECONDS=60 pytest tests/test_many_writers.py
SECONDS = os.environ.get("MANY_WRITERS_SECONDS", "12")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
def test_nothing_confirmed_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    script = Path(__file__).with_name("many_writers.py")
    command = [sys.executable, str(script), "--seconds", SECONDS, str(tmp_path / "run")]
    root = str(script.parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert report["ended"] == [0] * len(report["ended"]), done.stderr[-4000:]
    assert report["killed"] >= 1
    assert report["server_killed"]
    assert report["confirmed"] > 20
    assert report["chain"]["ok"], report["chain"]["problems"]
    assert report["chain"]["linked"] == report["events"]
    for name in ("lost", "lost_renames", "from_nowhere", "holes"):
        assert report[name] == [], name
    assert report["doubled_renames"] == 0
    assert report["renames"] == report["rename_events"]
    assert report["same_numbers_of_labels"]
    assert report["label_records"]
    assert report["fields_wrong_after_repair"] == 0
    assert set(report["refused"]) <= {"ConflictError"}
    assert all("start MongoDB" in told or "MongoDB を起動" in told for told in report["told"])
