"""Pictures for notebooks and reports: cards and search hits as matplotlib figures. Pure apart from reading images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

# The first of these that the machine has can draw Japanese.
JAPANESE_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "Hiragino Sans", "Yu Gothic", "TakaoGothic")
MUTED = "#8a8f98"
ACCENT = "#ff6d04"


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


def _grid(rows: int, columns: int) -> tuple[Figure, Any]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in JAPANESE_FONTS if name in known]
    plt.rcParams["font.family"] = [*fonts, "sans-serif"]
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
