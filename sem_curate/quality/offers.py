"""Pixel sizes from scale bars on a FiftyOne dataset: what could be filled in, and doing it when asked.

Only views without a pixel size are touched; what was filled in is marked and can be cleared again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from sem_curate import dataset, schema
from sem_curate.errors import InputError, SemCurateError, did_you_mean
from sem_curate.ingest.readers import read_grey
from sem_curate.progress import Progress, silent
from sem_curate.quality import levels
from sem_curate.quality.info_bar import InfoBar, find_info_bar
from sem_curate.quality.label_reader import Reader, load_reader, read_length
from sem_curate.quality.lengths import format_length
from sem_curate.quality.pixel_size import Offer, fits, offer
from sem_curate.quality.scale_bar import find_scale_bar

CONDITION: Final = (schema.VIEW, schema.INSTRUMENT, schema.MAGNIFICATION)
BAR: Final = "scale_bar_px"
SCALE_BAR: Final = "scale_bar"  # value of PIXEL_SIZE_FROM
SAMPLES: Final = 5  # views read per condition; all that can be read must agree

Row = dict[str, Any]


def offers(
    ds: Any,
    *,
    length_nm: float | None = None,
    views: Collection[str] = (),
    apply: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Offer a pixel size for each imaging condition whose views have a scale bar and no pixel size.

    Args:
        ds: a dataset of ours whose quality was measured.
        length_nm: what the label says; None reads it by OCR.
        views: only these; empty means all.
        apply: write the offers to the views whose own scale bar is as long, within 3 %.
        progress: told about every condition.

    Returns:
        ``{"groups": [{view, instrument, magnification, views, bar_px, length, pixel_size_nm, read, agreeing}],
        "offered", "written"}``; ``views`` have no pixel size, ``offered`` of all of them could get one.

    Raises:
        InputError: when no view has a measured scale bar, or OCR is needed and not installed.
    """
    groups = _groups(ds, _known_views(ds, views))
    reader = None if length_nm is not None or not groups else load_reader()
    found = []
    for done, (key, rows) in enumerate(groups.items()):
        progress(done, len(groups), "conditions")
        found.append((key, rows, _offer(rows, reader, length_nm)))
    progress(len(groups), len(groups), "conditions")
    fitting = {
        row["id"]: made.pixel_size_nm
        for _, rows, made in found
        if made.pixel_size_nm is not None
        for row in rows
        if fits(row[BAR], made)
    }
    written = 0
    if apply and fitting:
        updates = {
            key: {schema.PIXEL_SIZE_NM: size, schema.PIXEL_SIZE_FROM: SCALE_BAR} for key, size in fitting.items()
        }
        for chunk in dataset.chunks(list(updates), 1000):
            written += dataset.write_views(ds, {key: updates[key] for key in chunk})
    return {
        "groups": [_describe(key, rows, made) for key, rows, made in found],
        "offered": len(fitting),
        "written": written,
    }


def clear(ds: Any) -> int:
    """Empty the pixel sizes that :func:`offers` wrote; return how many views that were."""
    columns = dataset.flat(ds).values(["id", schema.PIXEL_SIZE_FROM])
    ours = [key for key, source in zip(*columns, strict=True) if source == SCALE_BAR]
    for chunk in dataset.chunks(ours, 1000):
        dataset.write_views(ds, {key: {schema.PIXEL_SIZE_NM: None, schema.PIXEL_SIZE_FROM: None} for key in chunk})
    return len(ours)


def _known_views(ds: Any, views: Collection[str]) -> Collection[str]:
    known = dataset.view_names(ds)
    unknown = sorted(set(views) - set(known))
    if unknown:
        raise InputError(f"there is no view '{unknown[0]}'.{did_you_mean(unknown[0], known)} Known: {', '.join(known)}")
    return views or known


def _groups(ds: Any, views: Collection[str]) -> dict[tuple[Any, ...], list[Row]]:
    """Views with a scale bar and without a pixel size, by imaging condition."""
    fields = ("id", schema.SOURCE_PATH, "filepath", schema.PIXEL_SIZE_NM, schema.INFO_BAR_ROWS, BAR, *CONDITION)
    columns = dataset.flat(ds).values(list(fields))
    rows = [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)]
    if not any(row[BAR] for row in rows):
        raise InputError(
            f"none of {len(rows)} views of '{ds.name}' has a measured scale bar; "
            f"measure first with: sem-curate run --dataset {ds.name}"
        )
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row[BAR] and row[schema.PIXEL_SIZE_NM] is None and row[schema.VIEW] in views:
            groups.setdefault(tuple(row[name] for name in CONDITION), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: str(item[0])))


def _offer(rows: Sequence[Row], reader: Reader | None, length_nm: float | None) -> Offer:
    if reader is None:  # a person's label holds for every bar that is as long as the others
        return offer([row[BAR] for row in rows], [length_nm] * len(rows))
    # Spread to both ends: when the magnification is not known, a change in the middle should not go unseen.
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(SAMPLES, len(rows))).round().astype(int))
    sample = [rows[index] for index in chosen]
    return offer([row[BAR] for row in sample], [_read(reader, row) for row in sample])


def _read(reader: Reader, row: Mapping[str, Any]) -> float | None:
    try:
        plane = levels.as_plane(read_grey(row[schema.SOURCE_PATH] or row["filepath"]))
    except (SemCurateError, OSError):
        return None
    known = row[schema.INFO_BAR_ROWS]
    bar = find_info_bar(plane) if known is None else InfoBar(bottom=min(known, plane.shape[0] - 1))
    found = find_scale_bar(plane, bar)
    return None if found is None else read_length(reader, plane, bar, found)


def _describe(key: tuple[Any, ...], rows: Sequence[Row], made: Offer) -> dict[str, Any]:
    return {
        "view": key[0],
        "instrument": key[1],
        "magnification": key[2],
        "views": len(rows),
        "bar_px": made.bar_px,
        "length": None if made.length_nm is None else format_length(made.length_nm),
        "pixel_size_nm": made.pixel_size_nm,
        "read": made.read,
        "agreeing": made.agreeing,
    }
