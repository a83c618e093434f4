from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from quality_images import disc

from sem_curate.errors import InputError
from sem_curate.quality import reader
from sem_curate.rendering import render_views


def unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


def test_weights_are_the_ones_on_the_card() -> None:
    card = reader.card()
    assert hashlib.sha256(reader.WEIGHTS.read_bytes()).hexdigest() == card["sha256"]
    assert card["licence"] == "Apache-2.0"
    assert reader.WEIGHTS.stat().st_size < 3_000_000


def test_maps_are_probabilities_and_repeatable() -> None:
    image = unit(disc())
    first, second = reader.read(image), reader.read(image)
    for maps in (first.particle, first.others):
        assert maps.shape == (reader.SIDE, reader.SIDE)
        assert maps.dtype == np.float32
        assert maps.min() >= 0
        assert maps.max() <= 1
    np.testing.assert_array_equal(first.particle, second.particle)
    assert first.charging == second.charging >= 0


def test_a_disc_is_read_where_it_is() -> None:
    seen = reader.read(unit(disc(centre=(0.4, 0.55), radius=0.25))).particle > 0.5
    rows, columns = (np.mgrid[:128, :128] + 0.5) / 128
    truth = np.hypot(columns - 0.4, rows - 0.55) < 0.25
    assert (seen & truth).sum() / (seen | truth).sum() > 0.9


def test_contrast_does_not_matter() -> None:
    image = unit(disc())
    plain, faint = reader.read(image), reader.read(0.4 + 0.1 * image)
    assert np.abs(plain.particle - faint.particle).max() < 0.01


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (8, 8), (40, 900)])
def test_any_size_is_read(shape: tuple[int, int]) -> None:
    seen = reader.read(np.random.default_rng(0).random(shape, np.float32))
    assert np.isfinite(seen.particle).all()
    assert np.isfinite(seen.charging)


def test_many_threads_read_the_same() -> None:
    images = [unit(disc(centre=(0.3 + 0.05 * i, 0.5), seed=i)) for i in range(8)]
    alone = [reader.read(image).particle for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: reader.read(image).particle, images * 4))
    for index, seen in enumerate(together):
        np.testing.assert_array_equal(seen, alone[index % 8])


def test_charging_tells_simulated_charging_apart() -> None:
    charged, clean = [], []
    for seed in range(12):
        for view in render_views(seed, size=128, spoiled=6).views.values():
            assert view is not None
            seen = reader.read(unit(view.image[: view.image.shape[0] - view.truth.info_bar_px]))
            (charged if "charging" in view.truth.defects else clean).append(seen.charging)
    assert np.median(charged) > 0.3
    assert np.percentile(clean, 90) < 0.15


def test_missing_and_damaged_weights_are_named(tmp_path: Path) -> None:
    copy = tmp_path / "reader.onnx"
    with pytest.raises(InputError, match="is missing"):
        reader.load_bytes(copy)
    copy.write_bytes(reader.WEIGHTS.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"reader.json' is missing or damaged"):
        reader.load_bytes(copy)
    (tmp_path / reader.CARD).write_bytes(reader.WEIGHTS.with_name(reader.CARD).read_bytes())
    with pytest.raises(InputError, match="not the file its card describes"):
        reader.load_bytes(copy)
