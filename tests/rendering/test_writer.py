from __future__ import annotations

import csv
import json

import cv2
import pytest

from sem_curate.errors import InputError
from sem_curate.rendering import render_particle, render_particles, write_particles


def _particles():
    return render_particles(3, seed=2, size=40, missing=(1, 1))


def test_the_folder_holds_images_a_manifest_without_labels_and_the_truth(tmp_path):
    manifest = write_particles(_particles(), tmp_path / "set")
    rows = list(csv.DictReader(manifest.open(encoding="utf-8")))
    assert list(rows[0]) == ["filepath", "particle_id", "view", "lot", "equipment", "recipe"]
    assert len(rows) == 15
    originals = {p.particle_id: p for p in _particles()}
    for row in rows:
        image = cv2.imread(str(manifest.parent / row["filepath"]), cv2.IMREAD_UNCHANGED)
        assert row["filepath"] == f"{row['particle_id']}_{row['view']}.png"
        assert (image == originals[row["particle_id"]].views[row["view"]].image).all()
    facts = [json.loads(line) for line in (manifest.parent / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [f["family"] for f in facts] == [p.family for p in originals.values()]
    assert all(f["simulated"] and f["caption_en"] and f["caption_ja"] for f in facts)
    assert sum(view is None for view in facts[0]["views"].values()) == 1


def test_writing_again_changes_nothing(tmp_path):
    write_particles(_particles(), tmp_path)
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in tmp_path.iterdir()}
    write_particles(_particles(), tmp_path)
    after = {p.name: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in tmp_path.iterdir()}
    assert after == before


def test_a_repeated_particle_id_is_refused(tmp_path):
    twice = [render_particle(1, size=32, particle_id="P1")] * 2
    with pytest.raises(InputError, match="particle id 'P1' occurs twice"):
        write_particles(twice, tmp_path)
    assert not (tmp_path / "manifest.csv").exists()
