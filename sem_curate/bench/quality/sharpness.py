"""Sharpness against the blur that was applied, over mixed noise, beside two usual scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from scipy.stats import rankdata, spearmanr

from sem_curate.bench.figures import Figure, at_least
from sem_curate.bench.quality.images import GREY, draw, spoil
from sem_curate.bench.quality.setting import REAL_ALLOWANCE, Setting
from sem_curate.quality.measures import measure
from sem_curate.rendering import RenderedView, render_views

TARGET: Final = 0.85
BLURS: Final = (0.0, 0.7, 1.2, 2.0, 3.0, 5.0)  # pixels, added to what the image already has
NOISES: Final = (0.0, 0.03, 0.08, 0.15)  # of the range
TILE: Final = 384  # pixels of a real frame
TILES: Final = 12
SUFFIXES: Final = (".png", ".tif", ".tiff", ".jpg", ".bmp")
REFERENCE: Final = 128  # the renderer states blur for this side


def figures(setting: Setting) -> list[Figure]:
    """Return Spearman with sharpness for rendered, drawn and real images, each beside both baselines."""
    seeds = range(setting.seed, setting.seed + max(4, setting.particles // 6))
    views = [(_body(view), view.truth.blur_sigma_px) for seed in seeds for view in _views(seed, setting.size, 0)]
    drawn = [(draw(np.random.default_rng(setting.seed + i), None)[0], 0.0) for i in range(8)]
    found = [*_compare("rendered", views, setting.seed), *_compare("drawn", drawn, setting.seed)]
    if setting.frames is not None:
        found += _compare(
            "real frames", [(tile, 0.0) for tile in _tiles(setting.frames)], setting.seed, TARGET - REAL_ALLOWANCE
        )
    return [*found, *_as_they_come(setting)]


def _compare(kind: str, images: Sequence[tuple[GREY, float]], seed: int, target: float = TARGET) -> list[Figure]:
    """Blur and noise are added to images whose own blur is known (0 for drawn ones, unknown and left out for real)."""
    from skimage.measure import blur_effect

    rng = np.random.default_rng(seed)
    truth, ours, centroid, laplacian, effect = [], [], [], [], []
    for image, own in images:
        for blur in BLURS:
            for noise in NOISES:
                spoiled = spoil(rng, image, blur, noise)
                measured = measure(spoiled)
                truth.append(-float(np.hypot(own, blur)))
                ours.append(measured.sharpness)
                centroid.append(measured.spectral_centroid)
                laplacian.append(float(cv2.Laplacian(spoiled, cv2.CV_64F).var()))
                effect.append(1 - float(blur_effect(spoiled)))
    value = _spearman(truth, ours)
    name = f"sharpness, {kind}, mixed noise: Spearman with blur"
    mean = list(rankdata(ours) + rankdata(centroid))
    return [
        at_least(f"{name} (baseline variance of Laplacian)", value, target, _spearman(truth, laplacian)),
        at_least(f"{name} (baseline skimage blur_effect)", value, target, _spearman(truth, effect)),
        Figure(f"spectral centroid, {kind}, mixed noise: Spearman with blur (baseline sharpness)",
               _spearman(truth, centroid), value),
        Figure(f"rank mean of sharpness and centroid, {kind}, mixed noise (baseline sharpness)",
               _spearman(truth, mean), value),
    ]  # fmt: skip


def _as_they_come(setting: Setting) -> list[Figure]:
    """Compare with the renderer's own focus, noise added to every other view.

    Unspoiled views differ by less than a pixel of blur, which no score ranks well across particles; what matters is
    that lost focus is told from all of it.
    """
    rng = np.random.default_rng(setting.seed)
    seeds = range(setting.seed, setting.seed + setting.particles // 2)
    views = [view for seed in seeds for view in _views(seed, setting.size, 2)]
    truth = [-view.truth.blur_sigma_px for view in views]
    noisy = [spoil(rng, view.image, 0.0, NOISES[index % 3]) for index, view in enumerate(views)]
    measured = [measure(image, known_bar=view.truth.info_bar_px) for image, view in zip(noisy, views, strict=True)]
    sharpness, centroid = [m.sharpness for m in measured], [m.spectral_centroid for m in measured]
    laplacian = [float(cv2.Laplacian(image, cv2.CV_64F).var()) for image in noisy]
    lost = np.array(truth) < -2 * setting.size / REFERENCE
    found = [Figure("sharpness, renders as they come and noise: Spearman with focus (baseline variance of Laplacian)",
                    _spearman(truth, sharpness), _spearman(truth, laplacian)),
             Figure("spectral centroid, renders as they come and noise: Spearman with focus (baseline sharpness)",
                    _spearman(truth, centroid), _spearman(truth, sharpness))]  # fmt: skip
    if lost.any() and not lost.all():
        name = "sharpness, renders as they come and noise: lost focus below the rest (area under the curve)"
        found.append(Figure(name, _area(sharpness, lost), _area(laplacian, lost)))
    return found


def _views(seed: int, size: int, spoiled: int) -> list[RenderedView]:
    return [view for view in render_views(seed, size=size, spoiled=spoiled).views.values() if view is not None]


def _body(view: RenderedView) -> GREY:
    return view.image[: view.image.shape[0] - view.truth.info_bar_px]


def _tiles(folder: Path) -> list[GREY]:
    """Cut whole tiles from all frames of a folder, spread over them."""
    tiles = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        frame = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if frame is None:
            continue
        height, width = frame.shape
        corners = [(y, x) for y in range(0, height - TILE + 1, TILE) for x in range(0, width - TILE + 1, TILE)]
        tiles += [np.asarray(frame[y : y + TILE, x : x + TILE], np.uint8) for y, x in corners]
    return tiles[:: max(1, len(tiles) // TILES)][:TILES]


def _area(score: Sequence[float], low: np.ndarray) -> float:
    """Return the chance that an image of ``low`` has the lower score."""
    ranks = rankdata(score)
    below = int(low.sum())
    above = len(ranks) - below
    return float((ranks[~low].sum() - above * (above + 1) / 2) / (below * above))


def _spearman(truth: Sequence[float], score: Sequence[float]) -> float:
    return float(spearmanr(truth, score)[0])
