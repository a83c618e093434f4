from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sem_curate.bench import quality
from sem_curate.bench.quality import PARTS, tags
from sem_curate.bench.quality.setting import Setting
from sem_curate.errors import InputError
from sem_curate.rendering import render_views


def test_f1_by_hand() -> None:
    truth = np.array([True, True, False, False])
    assert tags.f1(truth, truth) == 1
    assert tags.f1(truth, ~truth) == 0
    assert tags.f1(truth, np.array([True, False, True, False])) == pytest.approx(0.5)
    assert tags.f1(np.zeros(3, bool), np.zeros(3, bool)) == 0  # nothing to find is no success


def test_between_the_levels_there_is_no_truth() -> None:
    assert tags._truth(2.0, present=2.0, absent=1.0) is True
    assert tags._truth(1.5, present=2.0, absent=1.0) is None
    assert tags._truth(1.0, present=2.0, absent=1.0) is False


def test_every_level_knows_both_answers() -> None:
    views = [
        view
        for seed in range(40)
        for view in render_views(seed, size=96, spoiled=3, mask=True).views.values()
        if view is not None
    ]
    for tag, (level, present, absent) in tags.LEVELS.items():
        answers = {tags._truth(level(view), present, absent) for view in views}
        assert {True, False} <= answers, tag


def test_figures_name_simulated_and_real_and_stand_beside_a_baseline(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = np.full((400, 600), 30, np.uint8)
    for column in (150, 420):
        cv2.circle(frame, (column, 200), 60, 170, -1, cv2.LINE_AA)
    frame = np.clip(frame + rng.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), frame)
    found = tags.figures(Setting(size=96, particles=3, frames=tmp_path))
    names = [figure.name for figure in found]
    assert sum("rendered" in name for name in names) == len(tags.LEVELS)
    assert [name for name in names if "real frames" in name]
    assert all(0 <= float(figure.value) <= 1 and figure.baseline is not None for figure in found)


def test_every_part_of_the_benchmark_is_there() -> None:
    assert {"sharpness", "outline", "bars", "tags", "speed", "weights", "learned"} == set(PARTS)


def test_frames_may_lie_one_folder_deeper_and_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no frames"):
        quality.run(data=tmp_path, parts=())
    (tmp_path / "frames").mkdir()
    cv2.imwrite(str(tmp_path / "frames" / "a.png"), np.zeros((8, 8), np.uint8))
    assert quality.run(data=tmp_path, parts=()) == quality.run(data=tmp_path / "frames", parts=()) == []
