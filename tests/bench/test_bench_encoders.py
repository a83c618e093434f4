from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sem_curate.bench import encoders
from sem_curate.bench.encoders import clip, material, onnx, resume
from sem_curate.bench.encoders.setting import Setting
from sem_curate.errors import InputError


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(InputError, match=r"no part 'onxx'. Did you mean 'onnx'"):
        encoders.run(parts=("onxx",))


def test_a_killed_run_and_a_second_run_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FILES": 80, "KILLED_AFTER": 32, "FEW": 16, "MANY": 40}.items():
        monkeypatch.setattr(resume, name, value)
    found = {figure.name: figure for figure in resume.figures(Setting())}
    assert found["resume: images of 80 embedded by a second run"].holds
    assert found["resume: killed and run again, same bits as never killed"].holds
    assert 0 < float(found["resume: images of 80 embedded after a kill at 32"].value) < 80


def test_exports_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnx, "IMAGES", 12)
    monkeypatch.setattr(onnx, "ROUNDS", 1)
    found = onnx.figures(Setting())
    assert [figure.holds for figure in found if "cosine to torch, worst of" in figure.name] == [True, True]
    lossy = [float(figure.value) for figure in found if "8 bits: cosine" in figure.name]
    assert len(lossy) == 4
    assert 0.9 < min(lossy) < 1


def test_search_is_measured_on_unseen_particles_and_real_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clip, "PARTICLES", 80)
    rows = ["filepath,label"]
    for number in range(8):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.random.default_rng(number).integers(0, 255, (40, 40), np.uint8))
        rows.append(f"{number}.png,{'powder_spherical' if number % 2 else 'powder_satellited'}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    found = clip.figures(Setting(data=tmp_path))
    shapes = next(figure for figure in found if figure.name.startswith("clip: English, mAP over 16 shapes"))
    assert float(shapes.value) > 5 * float(shapes.baseline or 1)
    assert sum("real crops" in figure.name for figure in found) == 6
    assert all(-0.5 < float(figure.value) <= 1 for figure in found)
    assert any("kept from the training" in figure.name for figure in found)


def test_images_differ_and_have_the_size_asked_for(tmp_path: Path) -> None:
    paths = material.write_images(tmp_path / "deep", 26, 0, size=(64, 48))
    assert len({Path(path).read_bytes() for path in paths}) == 26
    assert cv2.imread(paths[25], cv2.IMREAD_UNCHANGED).shape == (48, 64)
