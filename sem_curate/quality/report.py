"""How often which imaging condition fails: counts in, one table out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sem_curate.quality.gate import TAGS

MAX_GROUPS: Final = 30  # more groups than a person can compare; six views of each are 180 rows


@dataclass(frozen=True)
class Count:
    """What was counted for one view of one group.

    Attributes:
        view: slice name.
        group: value of the grouping field; None when unknown, or when nothing is grouped.
        views: images there are.
        measured: of these, how many have a quality.
        unusable: of these, how many cannot be used at all.
        quality_sum: sum of the measured qualities.
        tags: measured views by tag in force.
        missing: particles without this view.
    """

    view: str
    group: Any
    views: int = 0
    measured: int = 0
    unusable: int = 0
    quality_sum: float = 0.0
    tags: Mapping[str, int] = field(default_factory=dict)
    missing: int = 0


def tabulate(counts: Sequence[Count], view_names: Sequence[str]) -> list[dict[str, Any]]:
    """Turn counts into table rows, view by view in display order, groups ascending and "unknown" last.

    Returns:
        Rows of ``{"view", "group", "views", "measured", "missing", "missing_share", "unusable", "unusable_share",
        "mean_quality", "tags"}``. ``views``, ``measured``, ``missing`` and ``unusable`` are counts;
        ``missing_share`` is of all particles of the group; ``unusable_share`` and ``tags`` ``{code: share}`` are of the
        measured views, in [0, 1], 0 is best; ``mean_quality`` is in [0, 1], 1 is best, None when nothing was measured.
    """
    place = {name: index for index, name in enumerate(view_names)}
    ordered = sorted((count for count in counts if count.view in place), key=lambda row: (place[row.view], *_key(row)))
    return [_row(count) for count in ordered]


def shown(value: Any, unknown: str) -> str:
    """Return a group's name for people; whole floats lose their ".0".

    >>> shown(5000.0, "?"), shown(None, "?"), shown("lot A", "?")
    ('5000', '?', 'lot A')
    """
    if value is None or value == "":
        return unknown
    return f"{value:g}" if isinstance(value, float) else str(value)


def _key(count: Count) -> tuple[bool, bool, float, str]:
    value = count.group
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (value is None, not number, float(value) if number else 0.0, str(value))


def _row(count: Count) -> dict[str, Any]:
    return {
        "view": count.view,
        "group": count.group,
        "views": count.views,
        "measured": count.measured,
        "missing": count.missing,
        "missing_share": _share(count.missing, count.views + count.missing),
        "unusable": count.unusable,
        "unusable_share": _share(count.unusable, count.measured),
        "mean_quality": round(count.quality_sum / count.measured, 4) if count.measured else None,
        "tags": {tag: _share(count.tags.get(tag, 0), count.measured) for tag in TAGS},
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
