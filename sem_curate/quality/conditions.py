"""The condition report of a FiftyOne dataset: one aggregation in MongoDB, whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sem_curate import dataset, layout, messages, schema
from sem_curate.errors import InputError, did_you_mean
from sem_curate.quality import report
from sem_curate.quality.gate import TAGS
from sem_curate.quality.report import MAX_GROUPS, Count

INSTRUMENT_FIELDS: Final = (
    schema.INSTRUMENT, schema.DETECTOR, schema.MAGNIFICATION, schema.VOLTAGE_KV, schema.PIXEL_SIZE_NM,
)  # fmt: skip
MISSING: Final = "missing"
UNUSABLE: Final = "unusable"
FAULTS: Final = (MISSING, UNUSABLE, *TAGS)
_SCALARS: Final = ("StringField", "IntField", "FloatField", "BooleanField", "DateField", "DateTimeField")


def condition_report(ds: Any, by: str | None = None) -> dict[str, Any]:
    """Count how often each imaging condition fails, and how.

    Args:
        ds: a dataset of ours.
        by: also group by this field, one of :func:`grouping_fields`. A missing view counts for the group that its
            particle's other views have in common, else for the group None.

    Returns:
        ``{"by", "groups", "fields", "notice"}``: rows as in ``report.tabulate``, the fields one can group by, and a
        text in both languages when nothing has been measured yet, else None.

    Raises:
        InputError: when ``by`` is no such field.
    """
    fields = grouping_fields(ds)
    if by is not None and by not in fields:
        raise InputError(
            f"cannot group by '{by}'.{did_you_mean(by, fields)} Fields with 1 to {MAX_GROUPS} different values: "
            f"{', '.join(fields) or '(none)'}"
        )
    groups = report.tabulate(_counts(ds, by), dataset.view_names(ds))
    measured = any(row["measured"] for row in groups)
    return {
        "by": by,
        "groups": groups,
        "fields": fields,
        "notice": None if measured else messages.both("report.empty"),
    }


def condition_particles(ds: Any, view: str, what: str, *, by: str | None = None, group: Any = None) -> list[str]:
    """Return the ids of the particles that one cell of the report counts, sorted.

    Args:
        ds: a dataset of ours.
        view: the row's view.
        what: ``"missing"``, ``"unusable"`` or a tag.
        by: the field the report was grouped by.
        group: the row's group.

    Raises:
        InputError: when there is no such view, fault or field.
    """
    for given, known in ((view, dataset.view_names(ds)), (what, FAULTS), (by, (None, *grouping_fields(ds)))):
        if given not in known:
            offered = [name for name in known if name]
            raise InputError(f"the report has no '{given}'.{did_you_mean(str(given), offered)}")
    if what == MISSING:
        stages = [{"$match": {schema.PRESENT: True}}, *_absent_stages(f"${by}" if by else None, [view])]
        found = dataset.aggregate_views(ds, [*stages, {"$match": {"view": view}}])
        return sorted(str(row["_id"]) for row in found if not by or _plain(row.get("group")) == group)
    fault = {schema.USABLE: False} if what == UNUSABLE else {schema.QUALITY_TAGS: what}
    here = {schema.VIEW: view, schema.PRESENT: True, schema.QUALITY: {"$ne": None}}
    return dataset.particles_with_view(ds, {**here, **fault, **_in_group(ds, by, group)})


def grouping_fields(ds: Any) -> list[str]:
    """Return the instrument fields and manifest columns that have 1 to 30 different values."""
    declared = ds.get_field_schema()
    own = {*layout.FIELD_TYPES, *schema.RESERVED}
    columns = [name for name, kind in declared.items() if name not in own and type(kind).__name__ in _SCALARS]
    candidates = [name for name in (*INSTRUMENT_FIELDS, *columns) if name in declared]
    if not candidates:
        return []
    facets = {
        f"f{index}": [
            {"$match": {name: {"$nin": [None, ""]}}},
            {"$group": {"_id": f"${name}"}},
            {"$limit": MAX_GROUPS + 1},
            {"$count": "n"},
        ]
        for index, name in enumerate(candidates)
    }
    present = {"$match": {schema.PRESENT: True}}
    found = dataset.aggregate_views(ds, [present, {"$project": dict.fromkeys(candidates, 1)}, {"$facet": facets}])[0]
    sizes = {name: sum(row["n"] for row in found[f"f{index}"]) for index, name in enumerate(candidates)}
    return [name for name, size in sizes.items() if 1 <= size <= MAX_GROUPS]


def _counts(ds: Any, by: str | None) -> list[Count]:
    value: Any = f"${by}" if by else None
    found = dataset.aggregate_views(
        ds,
        [
            {"$match": {schema.PRESENT: True}},
            {"$facet": {"views": _view_stages(value), "missing": _missing_stages(value, dataset.view_names(ds))}},
        ],
    )[0]
    missing = {(row["_id"]["view"], _plain(row["_id"].get("group"))): int(row["n"]) for row in found["missing"]}
    counted = [_count(row, missing.pop(_key(row), 0)) for row in found["views"]]
    return [*counted, *(Count(view, group, missing=number) for (view, group), number in missing.items())]


def _view_stages(value: Any) -> list[dict[str, Any]]:
    tags = {"$ifNull": [f"${schema.QUALITY_TAGS}", []]}
    measured = {"$ne": [{"$ifNull": [f"${schema.QUALITY}", None]}, None]}
    return [
        {
            "$group": {
                "_id": {"view": f"${schema.VIEW}", "group": _known(value)},
                "views": {"$sum": 1},
                "measured": _how_many(measured),
                "unusable": _how_many({"$and": [measured, {"$eq": [f"${schema.USABLE}", False]}]}),
                "quality": {"$sum": f"${schema.QUALITY}"},
                **{f"tag_{tag}": _how_many({"$and": [measured, {"$in": [tag, tags]}]}) for tag in TAGS},
            }
        }
    ]


def _in_group(ds: Any, by: str | None, group: Any) -> dict[str, Any]:
    if by is None:
        return {}
    if group is None:
        return {by: {"$in": [None, ""]}}
    dated = type(ds.get_field(by)).__name__ in ("DateField", "DateTimeField")
    return {by: datetime.fromisoformat(group) if dated else group}


def _missing_stages(value: Any, view_names: Sequence[str]) -> list[dict[str, Any]]:
    counted = {"$group": {"_id": {"view": "$view", "group": "$group"}, "n": {"$sum": 1}}}
    return [*_absent_stages(value, view_names), counted]


def _absent_stages(value: Any, view_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return stages that give one row per particle and missing view."""
    common = {"$cond": [{"$eq": [{"$size": "$values"}, 1]}, {"$arrayElemAt": ["$values", 0]}, None]}
    return [
        {
            "$group": {
                "_id": f"${schema.PARTICLE_ID}",
                "present": {"$addToSet": f"${schema.VIEW}"},
                "values": {"$addToSet": _known(value)},
            }
        },
        {"$project": {"group": common, "view": {"$setDifference": [list(view_names), "$present"]}}},
        {"$unwind": "$view"},
    ]


def _known(value: Any) -> Any:
    # An empty cell of a manifest is as unknown as a field that was never set.
    return {"$cond": [{"$in": [{"$ifNull": [value, None]}, [None, ""]]}, None, value]} if value else None


def _how_many(condition: dict[str, Any]) -> dict[str, Any]:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _key(row: dict[str, Any]) -> tuple[str, Any]:
    return row["_id"]["view"], _plain(row["_id"].get("group"))


def _count(row: dict[str, Any], missing: int) -> Count:
    view, group = _key(row)
    tags = {tag: int(row[f"tag_{tag}"]) for tag in TAGS}
    return Count(
        view, group, int(row["views"]), int(row["measured"]), int(row["unusable"]), float(row["quality"]), tags, missing
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
