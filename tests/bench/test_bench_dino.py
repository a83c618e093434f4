from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from sem_curate.arrays import unit_rows
from sem_curate.bench.encoders import dino
from sem_curate.bench.encoders.setting import Setting


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.integers(1, 29))
def test_auc_is_that_of_scikit_learn(values: list[int], cut: int) -> None:
    first, second = np.array(values[:cut], float), np.array(values[cut:], float)
    if len(second):
        truth = np.arange(len(values)) < cut
        assert dino.auc(first, second) == pytest.approx(roc_auc_score(truth, values))


def test_macro_recall_by_hand() -> None:
    vectors = unit_rows(np.array([[1, 0.0], [0, 1.0], [1, 0.1], [1, 0.2], [0.1, 1.0], [1, 0.3]]))
    labels = np.array(["a", "b", "a", "a", "b", "b"])
    assert dino.macro_recall(vectors, labels, np.array([0, 1]), np.arange(2, 6)) == pytest.approx((1 + 0.5) / 2)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Bright discs and dark squares in three frame groups."""
    rng = np.random.default_rng(0)
    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "particle_id", "view", "label", "frame"])
        for number in range(36):
            image = rng.integers(60, 90, (48, 48)).astype(np.uint8)
            label, at = ("disc", "square")[number % 2], tuple(int(c) for c in rng.integers(18, 30, 2))
            if label == "disc":
                cv2.circle(image, at, 12, 220, -1)
            else:
                cv2.rectangle(image, (at[0] - 10, at[1] - 10), (at[0] + 10, at[1] + 10), 10, -1)
            cv2.imwrite(str(tmp_path / f"{number}.png"), image)
            writer.writerow([f"{number}.png", f"P{number}", "1", label, f"F{number % 3}"])
        writer.writerow(["unlabelled.png", "Q", "1", "", "G"])
    return tmp_path


def test_figures_of_easy_crops(crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dino, "SIMULATED", 32)
    monkeypatch.setattr(dino, "SIMULATED_MASTERS", (1,))
    monkeypatch.setattr(dino, "DRAWS", 3)
    found = {figure.name: figure for figure in dino.figures(Setting(0, crops, None))}
    for k in dino.MASTERS:
        recall = found[f"real crops, macro recall, {k} masters"]
        assert float(recall.value) > 0.9
        assert 0 <= float(recall.baseline or 0) <= 1
    assert float(found["real crops, same/different AUC"].value) > 0.9
    assert any("families" in name for name in found)
    assert not any("pretrained" in name for name in found)
    again = {figure.name: figure for figure in dino.figures(Setting(0, crops, None))}
    assert found == again
