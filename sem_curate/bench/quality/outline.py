"""Does the frame cut the particle, how much of its outline shows, and is it alone? Each beside a plain threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from sem_curate.arrays import Bools, Floats
from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.bench.quality.images import GREY, draw, spoil
from sem_curate.bench.quality.setting import REAL_ALLOWANCE, Setting
from sem_curate.bench.quality.windows import windows
from sem_curate.quality import gate
from sem_curate.quality.measures import ViewMeasures, measure
from sem_curate.rendering import render_views
from sem_curate.rendering.contour import frame_contact, share_without_specks
from sem_curate.rendering.truth import SPECK

TARGET_CUT: Final = 0.98
TARGET_CONTOUR: Final = 0.07  # mean absolute error
TARGET_OTHERS: Final = 0.90
MAX_CUT: Final = 0.03  # of the perimeter, in truth
MIN_OTHERS: Final = 0.02  # of the frame, as in the benchmark of tags


def figures(setting: Setting) -> list[Figure]:
    """Return accuracy of "cut by the frame", error of contour completeness, and of "others show", per kind of image."""
    found = [_drawn(10 * setting.particles, setting.seed), *_rendered(setting)]
    if setting.frames is not None:
        found += _real(setting)
    return found


@dataclass(frozen=True)
class _Seen:
    """One image: truth, what was measured, and what a threshold says."""

    cut: bool
    contour: float
    found: ViewMeasures
    plain: Bools
    image: GREY


def _drawn(count: int, seed: int) -> Figure:
    truth, ours, plain = [], [], []
    for index in range(count):
        rng = np.random.default_rng(seed + 1000 + index)
        image, cut = draw(rng, bool(index % 2))
        spoiled = spoil(rng, image, 1.0, float(rng.uniform(0, 0.15)))
        truth.append(cut)
        ours.append(measure(spoiled).frame_cut > gate.CUT)
        plain.append(_border_is_busy(spoiled))
    return at_least("frame cut, drawn: accuracy", _share(truth, ours), TARGET_CUT, _share(truth, plain))


def _rendered(setting: Setting) -> list[Figure]:
    views = [
        view
        for index in range(setting.particles)
        for view in render_views(setting.seed + index, size=setting.size).views.values()
        if view is not None
    ]
    seen = [
        _look(view.image, view.truth.frame_cut > MAX_CUT, view.truth.contour_share, view.truth.info_bar_px)
        for view in views
    ]
    crowded = [view.truth.others_share > MIN_OTHERS for view in views]
    ours = [one.found.other_particles > MIN_OTHERS for one in seen]
    plain = [share_without_specks(_bright(one.image) & ~one.plain, SPECK) > MIN_OTHERS for one in seen]
    name = "other particles take 2 % of the frame, rendered: accuracy"
    others = at_least(name, _share(crowded, ours), TARGET_OTHERS, _share(crowded, plain))
    return [*_compare("rendered", seen, 0.0), others]


def _real(setting: Setting) -> list[Figure]:
    if setting.frames is None:
        return []
    seen = []
    for window in windows(setting.frames, setting.seed):
        contour, cut = frame_contact(window.mask)
        seen.append(_look(window.image, cut > MAX_CUT, contour, 0))
    return _compare(f"real frames, {len(seen)} windows", seen, REAL_ALLOWANCE) if seen else []


def _look(image: GREY, cut: bool, contour: float, bar: int) -> _Seen:
    body = image[: image.shape[0] - bar]
    return _Seen(cut, contour, measure(image), _largest(_bright(body)), body)


def _compare(kind: str, seen: Sequence[_Seen], allowance: float) -> list[Figure]:
    truth = [one.cut for one in seen]
    contour = np.array([one.contour for one in seen], np.float32)
    ours = np.array([one.found.contour_completeness for one in seen], np.float32)
    plain = np.array([frame_contact(one.plain)[0] for one in seen], np.float32)
    return [
        at_least(f"frame cut, {kind}: accuracy", _share(truth, [one.found.frame_cut > gate.CUT for one in seen]),
                 TARGET_CUT - allowance, _share(truth, [_border_is_busy(one.image) for one in seen])),
        at_most(f"contour completeness, {kind}: mean absolute error", _error(contour, ours),
                TARGET_CONTOUR + allowance, _error(contour, plain)),
    ]  # fmt: skip


def _bright(image: GREY) -> Bools:
    _, bright = cv2.threshold(image, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(bright > 0, np.bool_)


def _largest(mask: Bools) -> Bools:
    """Keep the largest component, all False for an empty mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    kept: Bools = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return kept


def _border_is_busy(image: GREY) -> bool:
    """Tell whether more than 3 % of the border pixels are above Otsu's threshold of the raw image."""
    bright = _bright(image)
    return float(np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean()) > MAX_CUT


def _share(truth: Sequence[bool], found: Sequence[bool]) -> float:
    return float(np.mean(np.array(truth) == np.array(found)))


def _error(truth: Floats, found: Floats) -> float:
    return float(np.abs(truth - found).mean())
