"""Changing labels on a dataset: the dry run that says what it touches, the change itself, and the way back.

The registry is changed first and the fields follow; nothing is embedded or trained again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from sem_curate import dataset, mirror, schema
from sem_curate.decide import what_if
from sem_curate.decide.certificate import CERTIFIED
from sem_curate.decide.impact import flips_json
from sem_curate.errors import SemCurateError
from sem_curate.registry import certificates, label_log, label_model, label_plans, labels, masters, records
from sem_curate.registry.label_model import LabelView
from sem_curate.registry.label_plans import Plan

OPEN: Final = {"$in": [None, schema.UNDECIDED]}
# Vectors know nothing of labels. What was trained or certified knows label ids: it survives new words, and a merge or
# split changes what it was counted on.
WORDS: Final = (label_plans.RENAME, label_plans.CREATE)
KEPT: Final = 16  # comparisons of the last minute
MINUTE: Final = 60.0
_RECENT: dict[tuple[Any, ...], what_if.Difference] = {}


def dry_run(ds: Any, kind: str, label_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a change would touch, without making it.

    Args:
        ds: one of our datasets.
        kind: see ``labels.plan``.
        label_id: which label.
        wanted: see ``labels.plan``.

    Returns:
        ``{"kind", "label_id", "before", "after": [{"label_id", "name", "status", "version"}], "particles", "by_people",
        "auto", "masters", "proposals", "queue", "pending", "exports", "nearest": {"looked_at", "of", "count",
        "other_state", "moves", "changed"}, "valid": {"embeddings", "heads", "certificates", "why"}}``. ``particles``
        are decided as one of the labels; ``queue`` of the proposed ones nobody decided yet.

    Raises:
        InputError: the change makes no sense.
        RegistryError: the change would be refused, for example because a name is taken.
    """
    record = dataset.record(ds)
    now = label_log.catalogue(record.catalogue)
    plan = labels.plan(now, kind, label_id, wanted)
    then = {**now, **plan.after}
    about = _about(plan, now)
    return {
        "kind": kind,
        "label_id": label_id,
        "before": [_row(now[one]) for one in plan.after if one in now],
        "after": [_row(label) for label in plan.after.values()],
        **counts(ds, about),
        "pending": dataset.count_pending(ds)[schema.STAGE_PROPOSE],
        "exports": records.exports_with(record.dataset_id, about),
        "nearest": _nearest(ds, now, then),
        "valid": validity(plan, now, then),
    }


def apply(
    ds: Any, kind: str, label_id: str, wanted: Mapping[str, Any], *, by: str, reason: str = "",
    request_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Make a change: one recorded event, then the display names on every slice.

    Returns:
        ``{"change", "samples", "seconds"}``: see ``label_log.changes``; samples whose fields changed.

    Raises:
        InputError: the change makes no sense.
        RegistryError: the change is refused.
    """
    started = time.perf_counter()
    made = labels.change(
        dataset.record(ds).catalogue, kind, label_id, wanted, by=by, reason=reason, request_id=request_id
    )  # fmt: skip
    _doubt_certificate(ds, made)
    return {"change": made, "samples": mirror.follow_labels(ds), "seconds": time.perf_counter() - started}


def _doubt_certificate(ds: Any, made: Mapping[str, Any]) -> None:
    """Suspend what was certified while a label meant something else.

    After a merge, split or deprecation proposals get another reference, for which nothing is certified anyway.
    """
    if not (made.get("details") or {}).get("new_meaning"):
        return
    identity = dataset.dataset_id(ds)
    held = certificates.active(identity)
    if held is not None and held.status == CERTIFIED:
        certificates.change_status(
            identity, held.certificate_id, certificates.SUSPENDED, by=str(made["by"]),
            why=[{"code": "label_redefined", "names": []}], reason=f"change {made['change_id']}",
        )  # fmt: skip


def roll_back(ds: Any, change_id: str, *, by: str, reason: str = "", request_id: str | None = None) -> dict[str, Any]:
    """Take a change back, as :func:`apply` does it; the labels are then exactly what they were before it.

    Raises:
        ConflictError: one of the labels was changed again afterwards.
    """
    about = label_log.get(change_id)["label_id"]
    return apply(ds, label_plans.ROLLBACK, about, {"change_id": change_id}, by=by, reason=reason, request_id=request_id)


def counts(ds: Any, label_ids: list[str]) -> dict[str, int]:
    """Return how many particles, masters, proposals and queue entries name one of these label ids."""
    decided = {f"{schema.LABEL}.label_id": {"$in": label_ids}}
    proposed = {f"{schema.PROPOSAL}.label_id": {"$in": label_ids}}
    by = dataset.count_by(ds, schema.DECISION, decided)
    snapshot = masters.in_force(dataset.dataset_id(ds))
    return {
        "particles": sum(by.values()),
        "by_people": by.get(schema.CONFIRMED, 0),
        "auto": by.get(schema.AUTO, 0),
        "masters": sum(label_id in label_ids for label_id in snapshot.masters.values()),
        "proposals": dataset.count_particles(ds, proposed),
        "queue": dataset.count_particles(
            ds, {**proposed, schema.DECISION: OPEN, schema.PROPOSAL_STATE: {"$in": [schema.REVIEW, schema.UNKNOWN]}}
        ),
    }


def validity(plan: Plan, now: Mapping[str, LabelView], then: Mapping[str, LabelView]) -> dict[str, Any]:
    """Say what stays valid: vectors always; what was trained or certified unless a label means something else."""
    new = [
        label for label_id, label in plan.after.items()
        if label_id not in now or not label_model.same_meaning(now[label_id], label)
    ]  # fmt: skip
    moved = [one for one in then if label_model.resolve(now, one) != label_model.resolve(then, one)]
    codes = {"new_meaning": bool(new), "other_members": bool(moved)}
    why = [f"label.{plan.kind}.{code}" for code, given in codes.items() if given]
    holds = plan.kind in WORDS or not why
    # A head speaks in label ids: after a merge they are still read right, after a split or deprecation they are not.
    heads = holds or plan.kind in (label_plans.MERGE, label_plans.REDEFINE)
    return {"embeddings": True, "heads": heads, "certificates": holds, "why": [] if holds else why}


def _about(plan: Plan, now: Mapping[str, LabelView]) -> list[str]:
    """Return the ids that samples may hold and that read otherwise or are called otherwise after the plan."""
    then = {**now, **plan.after}
    return sorted(
        label_id for label_id in now
        if (before := now[label_model.resolve(now, label_id)]) != (after := then[label_model.resolve(then, label_id)])
        and (before.label_id != after.label_id or _concerned(before, after, plan))
    )  # fmt: skip


def _concerned(before: LabelView, after: LabelView, plan: Plan) -> bool:
    # The target of a merge only learns synonyms: what was decided as it stays what it was.
    return plan.kind != label_plans.MERGE or before.both_names != after.both_names


def _nearest(ds: Any, now: Mapping[str, LabelView], then: Mapping[str, LabelView]) -> dict[str, Any]:
    snapshot = masters.in_force(dataset.dataset_id(ds))
    before, after = (masters.read_as(snapshot, known).masters for known in (now, then))
    reads_as = {label_id: label_model.resolve(then, label_id) for label_id in now}
    found = _compared(ds, before, after, reads_as)
    spoken = mirror.language(ds)
    names = {label_id: label.name(spoken) for label_id, label in then.items()}
    return {"looked_at": found.looked_at, "of": found.of, **flips_json(found.changed, names)}


def _compared(
    ds: Any, before: Mapping[str, str], after: Mapping[str, str], reads_as: Mapping[str, str]
) -> what_if.Difference:
    """Compare proposals once per question: a form asks again with every letter that is typed into it."""
    now = int(time.monotonic() // MINUTE)
    about = (dataset.dataset_id(ds), dataset.count_particles(ds), dataset.encoder_keys(ds).get("dino"), now)
    question = (*about, *(str(sorted(one.items())) for one in (before, after)))
    if question not in _RECENT:
        if len(_RECENT) >= KEPT:
            _RECENT.clear()
        _RECENT[question] = what_if.compare(ds, before, after, reads_as)
    return _RECENT[question]


def _row(label: LabelView) -> dict[str, Any]:
    return {"label_id": label.label_id, "name": label.both_names, "status": label.status, "version": label.version}


def refusal(ds: Any, kind: str, label_id: str, wanted: Mapping[str, Any]) -> str | None:
    """Return why a change would be refused, or None; for forms that are filled in step by step."""
    try:
        labels.plan(label_log.catalogue(dataset.record(ds).catalogue), kind, label_id, wanted)
    except SemCurateError as error:
        return str(error)
    return None
