"""Pictures for notebooks and reports: cards and search hits as matplotlib figures. Pure apart from reading images."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from sem_curate import messages
from sem_curate.errors import InputError
from sem_curate.quality.gate import TAGS
from sem_curate.quality.report import shown

# The first of these that the machine has can draw Japanese.
JAPANESE_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "Hiragino Sans", "Yu Gothic", "TakaoGothic")
MUTED = "#8a8f98"
ACCENT = "#ff6d04"
HEAT = "Oranges"
WORST_SHOWN = 0.5  # share of views from which the heat no longer grows: half of all views failing is as bad as it looks
DARK_FROM = 0.3  # white figures on the darker half of the heat


def draw_card(card: Mapping[str, Any], *, language: str = "en") -> Figure:
    """Draw a card: the six views in fixed places with weight and quality, and the nearest masters below.

    Args:
        card: from ``next_card`` or ``card``.
        language: ``"ja"`` or ``"en"``.
    """
    columns = max(len(card["views"]), len(card["masters"]))
    figure, axes = _grid(2 if card["masters"] else 1, columns)
    for place, view in zip(axes[0], card["views"], strict=False):
        _draw_view(place, view, language)
    for place, master in zip(axes[-1] if card["masters"] else (), card["masters"], strict=False):
        _image(place, master["filepath"], f"{master[f'name_{language}']}\ncosine {master['similarity']:.2f}")
    figure.suptitle(_title(card, language))
    return figure


def draw_hits(hits: Sequence[Mapping[str, Any]], *, columns: int = 6, limit: int = 12) -> Figure:
    """Draw search hits, best first: the view that matched, and which one it was."""
    shown = hits[:limit]
    rows = max(1, -(-len(shown) // columns))
    figure, axes = _grid(rows, columns)
    for index, hit in enumerate(shown):
        caption = f"{index + 1}. {hit['particle_id']}\n{hit['best_view']}"
        _image(axes[index // columns][index % columns], hit["filepath"], caption)
    return figure


def draw_particles(paths_by_name: Mapping[str, Sequence[str | None]]) -> Figure:
    """Draw one row of views per name; None is a missing view."""
    columns = max(len(paths) for paths in paths_by_name.values())
    figure, axes = _grid(len(paths_by_name), columns)
    for row, (name, paths) in zip(axes, paths_by_name.items(), strict=True):
        for column, (place, path) in enumerate(zip(row, paths, strict=False)):
            _image(place, path, name if column == 0 else "")
    return figure


def condition_report_figure(report: Mapping[str, Any], language: str = "en") -> Figure:
    """Draw a condition report as a heat map: one row per view and group, one column per fault.

    Cells show the share of views in percent; faults that never occur have no column. A report without measured views
    gives a figure that says what to do.

    Args:
        report: from ``quality.conditions.condition_report``.
        language: ``"ja"`` or ``"en"``.
    """
    _use_fonts()
    rows = report["groups"]
    if not any(row["measured"] for row in rows):
        return _words(messages.text("report.empty", language))
    titles, shares = _columns(rows, language)
    names = [_row_name(row, report["by"], language) for row in rows]
    width, height = 2.6 + 0.8 * len(titles), 2.2 + 0.26 * len(rows)
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    image = axes.imshow(shares, cmap=HEAT, vmin=0.0, vmax=WORST_SHOWN, aspect="auto")
    axes.set_xticks(range(len(titles)), titles, rotation=35, ha="left", rotation_mode="anchor", fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share >= DARK_FROM else "black" if share >= 0.005 else MUTED
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    _separate(axes, [row["view"] for row in rows])
    bar = figure.colorbar(
        image, ax=axes, location="bottom", fraction=0.15 / height, aspect=30, shrink=0.3, extend="max"
    )
    bar.set_ticks([0, 0.25, WORST_SHOWN], labels=["0", "25", "50"])
    bar.set_label(messages.text("report.share", language), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.suptitle(_report_title(report["by"], language), fontsize=11)
    return figure


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the file's extension says as what.

    Raises:
        InputError: the extension is unknown, or the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=130)
    except (ValueError, OSError) as error:
        raise InputError(f"cannot write the plot '{path}': {error}") from error
    finally:
        plt.close(figure)


def _columns(rows: Sequence[Mapping[str, Any]], language: str) -> tuple[list[str], Any]:
    """Return column titles and (rows, columns) shares: missing, unusable, and each tag that occurs."""
    tags = [tag for tag in TAGS if any(row["tags"][tag] > 0 for row in rows)]
    titles = [messages.text(f"report.{name}", language) for name in ("missing", "unusable")]
    shares = [[row["missing_share"], row["unusable_share"], *(row["tags"][tag] for tag in tags)] for row in rows]
    return [*titles, *(messages.text(f"tag.{tag}", language) for tag in tags)], np.array(shares, dtype=float)


def _row_name(row: Mapping[str, Any], by: str | None, language: str) -> str:
    group = f" · {shown(row['group'], messages.text('report.no_value', language))}" if by else ""
    return f"{row['view']}{group}  ({row['views']} {messages.text('report.views', language)})"


def _report_title(by: str | None, language: str) -> str:
    return messages.text("report.conditions", language) + (f" · {by}" if by else "")


def _separate(axes: Axes, views: Sequence[str]) -> None:
    """Draw a line where one view ends and the next begins."""
    if len(set(views)) == len(views):
        return
    for row, (before, after) in enumerate(itertools.pairwise(views)):
        if before != after:
            axes.axhline(row + 0.5, color=MUTED, linewidth=0.8)


def _words(text: str) -> Figure:
    figure, axes = plt.subplots(figsize=(8, 1.2), layout="constrained")
    axes.axis("off")
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=10)
    return figure


def _use_fonts() -> None:
    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in JAPANESE_FONTS if name in known]
    plt.rcParams["font.family"] = [*fonts, "sans-serif"]


def _grid(rows: int, columns: int) -> tuple[Figure, Any]:
    _use_fonts()
    figure, axes = plt.subplots(rows, columns, figsize=(1.9 * columns, 2.3 * rows), squeeze=False, layout="constrained")
    for place in axes.flat:
        place.axis("off")
    return figure, axes


def _draw_view(place: Axes, view: Mapping[str, Any], language: str) -> None:
    if not view["present"]:
        _image(place, None, view[f"title_{language}"])
        return
    weight = f"weight {view['weight']:.2f}" if view["weight"] is not None else ""
    tags = ", ".join(tag[language] for tag in view["tags"])
    star = "★ " if view["recommended"] else ""
    _image(place, view["filepath"], f"{star}{view[f'title_{language}']} {weight}\n{tags}")


def _image(place: Axes, path: str | None, caption: str) -> None:
    if path is None:
        place.set_box_aspect(1)  # an empty axis would be taller than the pictures beside it
        place.text(0.5, 0.5, "missing", ha="center", va="center", color=MUTED, transform=place.transAxes)
        place.add_patch(Rectangle((0, 0), 1, 1, transform=place.transAxes, fill=False, linestyle="--", edgecolor=MUTED))
    else:
        with Image.open(path) as opened:
            place.imshow(opened.convert("L"), cmap="gray", vmin=0, vmax=255)
    place.set_title(caption, fontsize=8)


def _title(card: Mapping[str, Any], language: str) -> str:
    proposal = card["proposal"]
    label = proposal[f"name_{language}"] if proposal else "-"
    reasons = ", ".join(reason[language] for reason in card["reasons"])
    return f"{card['particle_id']}: {label}" + (f" ({reasons})" if reasons else "")
