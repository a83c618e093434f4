"""The decision benchmark measures what it says; its figures themselves are not asserted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sem_curate.bench import decide
from sem_curate.bench.decide import guarantee, real, rendered, speed, worlds
from sem_curate.bench.decide.setting import Setting
from sem_curate.errors import InputError


def test_unknown_parts_and_missing_data_are_named() -> None:
    with pytest.raises(InputError, match=r"no part 'garantee'\. Did you mean 'guarantee'"):
        decide.run(parts=("garantee",))
    with pytest.raises(InputError, match="needs --data FOLDER"):
        decide.run(parts=("real",))


def test_production_of_the_guarantee_holds_unknowns_and_scores_order_it() -> None:
    truth, certain, correct = guarantee._production(3)
    assert abs((truth < 0).mean() - guarantee.UNKNOWN) < 0.01
    assert not correct[truth < 0].any()
    top = certain >= np.quantile(certain, 0.7)
    assert correct[top].mean() > correct[~top].mean() + 0.05


def test_the_guarantee_prints_a_rate_with_its_interval_and_a_baseline() -> None:
    found = guarantee.figures(Setting(draws=4))
    assert len(found) == 2 * len(guarantee.AUDITS)
    assert all("95 %" in figure.name for figure in found[::2])
    assert all(figure.baseline is not None for figure in found)


def test_a_naive_threshold_is_the_loosest_that_looks_right() -> None:
    certain = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    assert guarantee._naive(certain, np.array([True, True, True, False])) == pytest.approx(0.7)
    assert guarantee._naive(certain, np.zeros(4, bool)) == 2.0


def test_synthetic_sets_always_keep_a_view() -> None:
    views, truth = worlds.sample(worlds.world(0), 20, np.random.default_rng(0))
    assert views.present.any(axis=1).all()
    assert 0.2 < 1 - views.present.mean() < 0.35
    assert np.bincount(truth).tolist() == [20] * worlds.LABELS


def test_rendered_particles_are_compared_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendered, "MASTERS", (3,))
    monkeypatch.setattr(rendered, "DRAWS", 2)
    rng = np.random.default_rng(0)
    families = np.arange(160) % len(rendered.FAMILIES)
    centres = rng.normal(size=(len(rendered.FAMILIES), 16))
    sound = centres[families][:, None] + 0.4 * rng.normal(size=(160, 6, 16))
    vectors = np.concatenate([sound, rng.normal(size=(160, 6, 16))], axis=1).astype(np.float32)
    quality = np.concatenate([np.full((160, 6), 0.9), np.full((160, 6), 0.1)], axis=1).astype(np.float32)
    found = rendered.compare(rendered.Rendered(vectors, quality, families), 0)
    assert all(0 <= float(figure.value) <= 1 for figure in found)
    accuracy = next(figure for figure in found if "accuracy on 12 known" in figure.name)
    assert float(accuracy.value) > 0.8


def test_losing_views_spoils_or_removes_two() -> None:
    vectors = np.arange(12, dtype=np.float32)[None, :, None].repeat(50, axis=0)
    quality = np.repeat(np.r_[np.ones(6), np.zeros(6)][None], 50, axis=0).astype(np.float32)
    views = rendered._losing(rendered.Rendered(vectors, quality, np.zeros(50, np.int64)), np.random.default_rng(0))
    lost = ~views.present | (views.quality == 0)
    assert (lost.sum(axis=1) == rendered.LOST).all()


def test_speed_proposes_for_all_and_stays_small() -> None:
    views = speed._views(40, 0)
    speed._propose(views, speed.QualityMean.of(views), speed._rule(0))
    assert speed.many(40) > 0


def test_real_needs_two_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no manifest"):
        real._read(tmp_path)
    (tmp_path / "manifest.csv").write_text("filepath,label,frame\na.png,x,f\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 labels in 1 frames"):
        real._read(tmp_path)
    vectors = np.eye(6, dtype=np.float32)
    labels, frames = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    rows = real._across(vectors[labels], vectors, labels, frames, 1)
    assert len(rows) == 2 * real.DRAWS
    assert all(row[0] == 1.0 for row in rows)
