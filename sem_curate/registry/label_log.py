"""The log of label changes: the truth from which the label documents follow.

A standalone mongod has no transactions, and a merge touches several labels: so a change is one document, stored first
and then applied. Its number within the catalogue is unique, so of two changes made in the same moment the second is
planned again on what the first left. Whoever reads labels first applies what a killed process left unapplied.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from sem_curate.errors import ConflictError, UnknownLabelError
from sem_curate.registry import label_plans, records
from sem_curate.registry.connection import connect, journaled
from sem_curate.registry.documents import DatasetRecord, Label, LabelChange, ensure_indexes, now
from sem_curate.registry.label_model import (
    ACTIVE,
    CONTENT,
    DEPRECATED,
    WITHDRAWN,
    LabelView,
    content,
    from_content,
    keys,
)  # fmt: skip
from sem_curate.registry.label_plans import Plan

TRIES: Final = 50  # each lost try means that somebody else's change was stored


def catalogue(name: str) -> dict[str, LabelView]:
    """Return every label of a catalogue by id, in the order they were made; inactive and withdrawn ones too."""
    connect()
    settle()
    found = [_view(row) for row in Label._get_collection().find({"catalogue": name})]
    return {label.label_id: label for _, label in sorted(found, key=lambda pair: pair[0])}


def by_id(label_ids: Iterable[str]) -> dict[str, LabelView]:
    """Return the labels of these ids, and those that they are read as now."""
    connect()
    settle()
    found: dict[str, LabelView] = {}
    wanted = set(label_ids)
    while wanted:
        rows = [_view(row)[1] for row in Label._get_collection().find({"_id": {"$in": sorted(wanted)}})]
        found |= {label.label_id: label for label in rows}
        onward = {target for label in rows for target in (label.merged_into, label.split_from) if target}
        wanted = onward - set(found)
    return found


def catalogue_of(label_id: str) -> str:
    """Return the name of the catalogue that a label belongs to."""
    row = Label._get_collection().find_one({"_id": label_id}, {"catalogue": 1}) or {"catalogue": ""}
    return str(row["catalogue"])


def version_of(label_id: str, version: int) -> LabelView:
    """Return one version of a label.

    Raises:
        UnknownLabelError: there is no such label or version.
    """
    for number, view in enumerate(versions(label_id), start=1):
        if number == version:
            return view
    raise UnknownLabelError(f"label '{label_id}' has no version {version}; see: sem-curate labels history")


def versions(label_id: str) -> list[LabelView]:
    """Return every version a label ever had, oldest first."""
    connect()
    settle()
    row = Label._get_collection().find_one({"_id": label_id}) or {"versions": []}
    return [from_content(label_id, number, values) for number, values in enumerate(row["versions"], start=1)]


def commit(
    name: str, plan: Callable[[Mapping[str, LabelView]], Plan], *, by: str, reason: str = "",
    request_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Plan a change on the catalogue as it is, record it, and apply it.

    Args:
        name: the catalogue.
        plan: makes the plan; called again when somebody else's change came first.
        by: who.
        reason: why.
        request_id: unique per intention; the same one again returns the recorded change.

    Returns:
        The change, see :func:`changes`.

    Raises:
        RegistryError: what the plan refuses.
        ConflictError: too many changes at once.
    """
    connect()
    ensure_indexes()
    change_id = request_id or f"chg_{uuid.uuid4().hex[:16]}"
    for _ in range(TRIES):
        if stored := LabelChange._get_collection().find_one({"_id": change_id}):
            settle()
            return _public(stored)
        seq = newest_seq(name)
        labels = catalogue(name)
        document = _document(name, change_id, seq + 1, plan(labels), labels, by=by, reason=reason)
        try:
            journaled(LabelChange).insert_one(document)
        except DuplicateKeyError:
            continue
        settle()
        return _public(document)
    raise ConflictError(f"the labels of catalogue '{name}' are being changed by too many at once; try again")


def changes(name: str, *, label_id: str | None = None, after: int = 0) -> list[dict[str, Any]]:
    """Return the changes of a catalogue, oldest first.

    Args:
        name: the catalogue.
        label_id: only those that touched this label.
        after: only those with a higher number.

    Returns:
        ``[{"change_id", "seq", "kind", "label_id", "touched": [{"label_id", "before", "after"}], "details", "undoes",
        "undone_by", "by", "at", "reason"}]``.
    """
    connect()
    settle()
    every = list(LabelChange._get_collection().find({"catalogue": name}).sort("seq", 1))
    undone: dict[str, str] = {}
    for row in every:  # in order: a rollback that was itself rolled back no longer counts
        if row.get("undoes"):
            undone[row["undoes"]] = row["_id"]
            for target, by in list(undone.items()):
                if by == row["undoes"]:
                    del undone[target]
    chosen = [
        row for row in every
        if row["seq"] > after and (label_id is None or any(one["label_id"] == label_id for one in row["touched"]))
    ]  # fmt: skip
    return [{**_public(row), "undone_by": undone.get(row["_id"])} for row in chosen]


def get(change_id: str) -> dict[str, Any]:
    """Return one change, with ``"catalogue"``.

    Raises:
        UnknownLabelError: there is none of that id.
    """
    connect()
    row = LabelChange._get_collection().find_one({"_id": change_id})
    if row is None:
        raise UnknownLabelError(f"there is no label change '{change_id}'; list them with: sem-curate labels history")
    return {**_public(row), "catalogue": row["catalogue"]}


def newest_seq(name: str) -> int:
    """Return the number of the newest change of a catalogue, 0 before the first."""
    connect()
    found = LabelChange._get_collection().find_one({"catalogue": name}, {"seq": 1}, sort=[("seq", -1)])
    return int(found["seq"]) if found else 0


def roll_back(change_id: str, *, by: str, reason: str = "", request_id: str | None = None) -> dict[str, Any]:
    """Put every label that a change touched back to the version before; a rollback can be rolled back too.

    Raises:
        ConflictError: one of the labels was changed again afterwards.
        NameClashError: an old name is used by another label now.
    """
    name = get(change_id)["catalogue"]
    return commit(name, lambda labels: plan_rollback(labels, change_id), by=by, reason=reason, request_id=request_id)


def plan_rollback(labels: Mapping[str, LabelView], change_id: str) -> Plan:
    """Plan the rollback of a change."""
    change = get(change_id)
    every = changes(change["catalogue"], after=change["seq"])

    def later(label_id: str) -> str | None:
        found = [one for one in every if any(touched["label_id"] == label_id for touched in one["touched"])]
        return f" ({found[-1]['kind']} by {found[-1]['by']}, change {found[-1]['change_id']})" if found else None

    return label_plans.rollback(labels, change, later, version_of)


def settle() -> None:
    """Apply recorded changes that nobody applied yet; cheap when there are none."""
    collection = LabelChange._get_collection()
    for change in collection.find({"applied": False}).sort([("catalogue", 1), ("seq", 1)]):
        # What makes room comes first: a part of a split may take the name of the whole.
        for touched in sorted(change["touched"], key=lambda one: _status_after(one) == ACTIVE):
            _apply(change, touched)
        for record in DatasetRecord._get_collection().find({"catalogue": change["catalogue"]}, {"_id": 1}):
            records.record(
                record["_id"], f"label:{change['_id']}:{record['_id']}", "label", by=change["by"],
                label_id=change["label_id"], note=_in_words(change), source=change["_id"],
            )  # fmt: skip
        collection.update_one({"_id": change["_id"]}, {"$set": {"applied": True}})


def _apply(change: Mapping[str, Any], touched: Mapping[str, Any]) -> None:
    labels, label_id = journaled(Label), touched["label_id"]
    view = _after(label_id, touched)
    update: dict[str, Any] = {
        "$set": {
            "current": touched["after"], "active": view.active, "name_keys": keys(view), "applied_seq": change["seq"]
        },
        "$inc": {"rev": 1},
    }  # fmt: skip
    if touched["content"] is not None:
        said = {"by": change["by"], "at": change["at"], "reason": change["reason"], "change_id": change["_id"]}
        update["$push"] = {"versions": {**touched["content"], "version": touched["after"], **said}}
    if touched["made"] == 0:
        fresh = {"_id": label_id, "catalogue": change["catalogue"], "versions": [], "applied_seq": 0, "rev": 0}
        fresh |= {"active": False, "name_keys": [], "current": 0}
        labels.update_one({"_id": label_id}, {"$setOnInsert": fresh}, upsert=True)
    # Whoever applies the same change a second time finds its number and leaves the label alone.
    labels.update_one({"_id": label_id, "applied_seq": {"$not": {"$gte": change["seq"]}}}, update)


def _after(label_id: str, touched: Mapping[str, Any]) -> LabelView:
    if touched["content"] is not None:
        return from_content(label_id, touched["after"], touched["content"])
    row = Label._get_collection().find_one({"_id": label_id})
    return _view({**row, "current": touched["after"]})[1]


def _status_after(touched: Mapping[str, Any]) -> str:
    if touched["content"] is not None:
        return str(touched["content"]["status"])
    return _after(touched["label_id"], touched).status


def _document(
    name: str, change_id: str, seq: int, plan: Plan, labels: Mapping[str, LabelView], *, by: str, reason: str
) -> dict[str, Any]:
    made = {
        row["_id"]: row["made"]
        for row in Label._get_collection().aggregate(
            [{"$match": {"_id": {"$in": sorted(plan.after)}}}, {"$project": {"made": {"$size": "$versions"}}}]
        )
    }
    touched = []
    for label_id, view in plan.after.items():
        old = labels.get(label_id)
        before = 0 if old is None or old.status == WITHDRAWN else old.version
        number = made.get(label_id, 0)
        after, values = (number + 1, content(view)) if plan.put_back is None else (plan.put_back[label_id], None)
        touched.append({"label_id": label_id, "before": before, "after": after, "content": values, "made": number})
    return {
        "_id": change_id, "catalogue": name, "seq": seq, "kind": plan.kind, "label_id": plan.label_id,
        "touched": touched, "details": dict(plan.details), "undoes": plan.undoes, "by": by, "at": now(),
        "reason": reason, "applied": False,
    }  # fmt: skip


def _view(row: Mapping[str, Any]) -> tuple[Any, LabelView]:
    """Return when a label was made, and the label as it is."""
    stored = row["versions"]
    current = row.get("current")
    if current is None:
        current = len(stored)
    number = current or len(stored)
    values = {key: stored[number - 1].get(key) for key in CONTENT} if stored else {}
    if current == 0:
        values["status"] = WITHDRAWN
    elif "current" not in row or row.get("current") is None:
        values["status"] = ACTIVE if row.get("active", True) else DEPRECATED
    return (str(stored[0]["at"]) if stored else "", row["_id"]), from_content(row["_id"], number, values)


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    touched = [{key: one[key] for key in ("label_id", "before", "after")} for one in row["touched"]]
    names = ("seq", "kind", "label_id", "details", "undoes", "by", "reason")
    return {"change_id": row["_id"], **{key: row.get(key) for key in names}, "touched": touched,
            "at": row["at"].isoformat()}  # fmt: skip


def _in_words(change: Mapping[str, Any]) -> str:
    details = change["details"]
    shown = [str(details[key]) for key in ("from", "to", "of", "changed") if key in details]
    return f"{change['kind']}: {' -> '.join(shown)}" if shown else str(change["kind"])
