"""Are info bars and scale bars found, and only where there are any?

A bar counts as found when its rows are right to one row; a scale bar when its length is right to 2 % or a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from sem_curate.bench.figures import Figure, at_least, at_most
from sem_curate.bench.quality import vendor_bars
from sem_curate.bench.quality.images import GREY, draw
from sem_curate.bench.quality.setting import REAL_ALLOWANCE, Setting
from sem_curate.bench.quality.vendor_bars import Barred
from sem_curate.quality.info_bar import InfoBar, find_info_bar
from sem_curate.quality.scale_bar import find_scale_bar, overlay_share
from sem_curate.rendering import RenderedView, render_views

TARGET = 0.98
TARGET_SCALE = 0.95
TARGET_F1 = 0.90
MAX_FALSE = 0.01
ROWS = 1  # tolerance
LENGTH = 0.02
SMALL = 128  # side of the smallest images that the figure is stated for


def figures(setting: Setting) -> list[Figure]:
    """Return found shares and false alarms, beside "the outermost rows darker than 5 %" and "there is never one"."""
    views = list(_views(setting.seed, setting.particles, setting.size))
    plain = [view.image for view in views if view.truth.info_bar_px == 0]
    drawn = [draw(np.random.default_rng(setting.seed + i), bool(i % 2))[0] for i in range(setting.particles)]
    rng = np.random.default_rng(setting.seed)
    vendor = [vendor_bars.add_bar(rng, _enlarge(image)) for image in plain]
    found = [
        _found("info bar, rendered", _truth(views), TARGET),
        _found(f"info bar, rendered at {SMALL} px", _truth(_views(setting.seed, setting.particles, SMALL)), TARGET),
        _found("info bar, drawn in vendors' styles on rendered", _drawn_truth(vendor), TARGET),
        _false("info bar, rendered and drawn without one", [*plain, *drawn]),
        _lengths("scale bar, rendered", _scale_truth(views), TARGET_SCALE),
        _lengths("scale bar, in vendors' styles on rendered", _drawn_scales(vendor), TARGET_SCALE),
        _false_scales("scale bar, rendered and drawn without one", [*_without_scale(views), *drawn]),
        _covering(setting),
    ]
    return found if setting.frames is None else [*found, *_real(setting.frames, setting.particles, rng)]


def _real(folder: Path, count: int, rng: np.random.Generator) -> list[Figure]:
    frames = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("*.*"))]
    cuts = [_cut(rng, frame) for frame in frames if frame is not None for _ in range(count)]
    barred = [vendor_bars.add_bar(rng, cut) for cut in cuts]
    return [
        _found("info bar, drawn in vendors' styles on real frames", _drawn_truth(barred), TARGET - REAL_ALLOWANCE),
        _false("info bar, cuts of real frames without one", cuts),
        _lengths("scale bar, in vendors' styles on real frames", _drawn_scales(barred), TARGET_SCALE - REAL_ALLOWANCE),
        _false_scales("scale bar, cuts of real frames without one", cuts),
    ]


def _cut(rng: np.random.Generator, frame: GREY) -> GREY:
    """Cut out a random part, 256 pixels and more."""
    height, width = frame.shape
    rows = int(rng.integers(min(256, height), height + 1))
    columns = int(rng.integers(min(256, width), width + 1))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    return frame[top : top + rows, left : left + columns]


def _views(seed: int, count: int, size: int) -> Iterator[RenderedView]:
    for index in range(count):
        yield from (view for view in render_views(seed + index, size=size).views.values() if view is not None)


def _enlarge(image: GREY) -> GREY:
    """Instruments write bars on images of 256 pixels and more."""
    side = max(256, max(image.shape))
    return image if side == max(image.shape) else cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)


Truth = list[tuple[GREY, InfoBar]]


def _truth(views: Iterable[RenderedView]) -> Truth:
    return [(view.image, InfoBar(bottom=view.truth.info_bar_px)) for view in views if view.truth.info_bar_px]


def _drawn_truth(barred: Sequence[Barred]) -> Truth:
    return [(one.image, InfoBar(one.top, one.bottom)) for one in barred]


def _found(name: str, truth: Truth, target: float) -> Figure:
    ours = _share(_same(find_info_bar(image), bar) for image, bar in truth)
    plain = _share(_same(_dark_rows(image), bar) for image, bar in truth)
    return at_least(f"{name}: found, right to {ROWS} row", ours, target, plain)


def _false(name: str, images: Sequence[GREY]) -> Figure:
    ours = _share(find_info_bar(image) != InfoBar() for image in images)
    return at_most(f"{name}: false", ours, MAX_FALSE, _share(_dark_rows(image) != InfoBar() for image in images))


def _scale_truth(views: Iterable[RenderedView]) -> list[tuple[GREY, float]]:
    return [(view.image, view.truth.scale_bar_px) for view in views if view.truth.scale_bar_px]


def _without_scale(views: Iterable[RenderedView]) -> list[GREY]:
    return [view.image for view in views if not view.truth.scale_bar_px]


def _drawn_scales(barred: Sequence[Barred]) -> list[tuple[GREY, float]]:
    return [(one.image, one.scale_px) for one in barred]


def _lengths(name: str, truth: Sequence[tuple[GREY, float]], target: float) -> Figure:
    ours = _share(_close(_scale(image), length) for image, length in truth)
    plain = _share(_close(_longest_bright_run(image), length) for image, length in truth)
    return at_least(f"{name}: length right to 2 % or 1 px", ours, target, plain)


def _close(found: float, length: float) -> bool:
    return abs(found - length) <= max(1.0, LENGTH * length)


def _scale(image: GREY) -> float:
    found = find_scale_bar(image, find_info_bar(image))
    return found.length_px if found else 0.0


def _longest_bright_run(image: GREY) -> float:
    """Baseline: the longest run of white pixels in a row of the lower quarter."""
    white = np.pad(image[-len(image) // 4 :] >= 250, ((0, 0), (1, 1))).astype(np.int8).ravel()
    edges = np.flatnonzero(np.diff(white))
    return float((edges[1::2] - edges[::2]).max(initial=0))


def _false_scales(name: str, images: Sequence[GREY]) -> Figure:
    plain = _share(_longest_bright_run(image) >= 0.04 * image.shape[1] for image in images)
    return at_most(f"{name}: false", _share(_scale(image) > 0 for image in images), MAX_FALSE, plain)


def _covering(setting: Setting) -> Figure:
    """F1 of "scale bar over the particle" by the true mask, beside "every view has it"; twice the particles."""
    truth, ours = [], []
    for index in range(2 * setting.particles):
        for view in render_views(setting.seed + index, size=setting.size, mask=True).views.values():
            if view is None or view.mask is None:
                continue
            found = find_scale_bar(view.image, find_info_bar(view.image))
            truth.append("scale_bar_over" in view.truth.defects)
            ours.append(overlay_share(found, view.mask, view.image.shape) > 0)
    return at_least(
        "scale bar over the particle, rendered: F1", _f1(truth, ours), TARGET_F1, _f1(truth, [True] * len(truth))
    )


def _f1(truth: Sequence[bool], found: Sequence[bool]) -> float:
    both = sum(t and f for t, f in zip(truth, found, strict=True))
    return 2 * both / max(1, sum(truth) + sum(found))


def _same(found: InfoBar, bar: InfoBar) -> bool:
    return abs(found.top - bar.top) <= ROWS and abs(found.bottom - bar.bottom) <= ROWS


def _dark_rows(image: GREY) -> InfoBar:
    """Baseline: the bar is all rows at the bottom whose median is darker than 5 % of the range."""
    dark = np.median(image[::-1], axis=1) < 0.05 * 255
    rows = len(image) if dark.all() else int(np.argmin(dark))
    return InfoBar(bottom=rows)


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return float(np.mean(values)) if values else 0.0
