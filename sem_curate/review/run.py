"""The review queue on a FiftyOne dataset: what to look at next, the card that shows it, decisions and undo."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from typing import Any

import fiftyone as fo

from sem_curate import dataset, mirror, schema
from sem_curate.decide import auditing, certifying
from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import audits, history, leases, masters
from sem_curate.registry import labels as label_registry
from sem_curate.registry.fold import State, fold
from sem_curate.review import actions, bundle_queue, cards, sharing, undoing

# In a queue named for its proposal an audit would give that proposal away.
NO_AUDIT: Mapping[str, Any] = {schema.AUDIT: {"$ne": schema.AUDIT_OPEN}}
QUEUES: Mapping[str, Mapping[str, Any]] = {
    "review": {schema.PROPOSAL_STATE: schema.REVIEW, schema.DECISION: {"$in": [None, schema.UNDECIDED]}, **NO_AUDIT},
    "unknown": {schema.PROPOSAL_STATE: schema.UNKNOWN, schema.DECISION: {"$in": [None, schema.UNDECIDED]}, **NO_AUDIT},
    "auto": {
        schema.PROPOSAL_STATE: schema.AUTO, schema.DECISION: {"$in": [None, schema.UNDECIDED, schema.AUTO]}, **NO_AUDIT,
    },
    "audit": {schema.AUDIT: schema.AUDIT_OPEN},
    "skipped": {schema.DECISION: schema.SKIPPED},
    sharing.SECOND: sharing.second_where(),
    bundle_queue.BUNDLES: bundle_queue.WHERE,
    "all": {},
}  # fmt: skip
COUNTED = ("review", "unknown", "auto", "audit", "skipped")
ORDERS = {"audit": schema.AUDIT_ORDER, bundle_queue.BUNDLES: schema.BUNDLE_ORDER}
TRIES = 20  # each lost try means that another reviewer claimed the particle in the same moment
CARD_FIELDS = (
    schema.PRESENT, schema.QUALITY, schema.QUALITY_TAGS, schema.USABLE, schema.VIEW_WEIGHT, schema.RECEIPT_ID,
    schema.CONFIDENCE_RANK, schema.RECOMMENDED_VIEW, schema.PROPOSAL_STATE, schema.REVIEW_REASONS, schema.MASTER_OF,
    schema.SOURCE_PATH, schema.MEASURED_TAGS, schema.TAGS_BY, schema.QUALITY_BASIS, schema.SECOND_OPINION,
    schema.DISPUTED_TAGS, schema.RECOMMENDED_WHY, schema.REVIEWERS, schema.BUNDLE, *schema.MEASURES,
)  # fmt: skip


def default_reviewer() -> str:
    """Return the reviewer's name: ``SEM_CURATE_REVIEWER``, else the machine's user."""
    return os.environ.get("SEM_CURATE_REVIEWER") or getpass.getuser()


def counts(ds: fo.Dataset) -> dict[str, int]:
    """Return how many particles there are, by proposal state and decision.

    ``auto``, ``review`` and ``unknown`` count proposals that nobody has decided; ``left`` is what people should still
    look at (review and unknown); ``decided`` includes automatic decisions; ``second`` are boundary samples on which
    another reviewer's word is wanted, ``bundles`` are to be reviewed again because a label changed.
    """
    by = {name: dataset.count_particles(ds, QUEUES[name]) for name in COUNTED}
    decided = dataset.count_by(ds, schema.DECISION)
    shared = sharing.wanted(ds) > 1
    return {
        "particles": dataset.count_particles(ds),
        **by,
        sharing.SECOND: dataset.count_particles(ds, sharing.ASKED) if shared else 0,
        bundle_queue.BUNDLES: bundle_queue.count(ds),
        "decided": sum(decided.get(key, 0) for key in (schema.AUTO, schema.CONFIRMED, schema.UNKNOWN)),
        "by_people": sum(decided.get(key, 0) for key in (schema.CONFIRMED, schema.UNKNOWN)),
        "proposed": dataset.count_particles(ds, {schema.PROPOSAL_STATE: {"$ne": None}}),
        "left": by["review"] + by["unknown"] + by["audit"],
    }


def next_id(
    ds: fo.Dataset, *, queue: str = "review", after: str | None = None, by: str | None = None
) -> str | None:  # fmt: skip
    """Return the next particle of a queue, or None when it is empty.

    Args:
        ds: the dataset.
        queue: one of :data:`QUEUES`.
        after: continue behind this particle, wherever it now stands; at the end start over.
        by: the reviewer: claims the particle for a while, and gets none that others have claimed.
    """
    if queue not in QUEUES:
        raise InputError(f"there is no queue '{queue}'; known: {', '.join(QUEUES)}")
    order = ORDERS.get(queue, schema.REVIEW_PRIORITY)
    if queue == bundle_queue.BUNDLES and after is None:
        bundle_queue.prepare(ds)
    if by is None:
        return _first(ds, QUEUES[queue], after, order)
    for _ in range(TRIES):
        where = sharing.unclaimed(ds, QUEUES[queue], by)
        found = sharing.first_asked(ds, where, by) if queue == sharing.SECOND else _first(ds, where, after, order)
        if found is None or sharing.claimed(ds, found, by):
            return found
    return None


def _first(ds: fo.Dataset, wanted: Mapping[str, Any], after: str | None, order: str) -> str | None:
    where = dict(wanted)
    if after is not None:
        behind = _behind(ds, after, order)
        found = dataset.find_particles(ds, {"$and": [where, behind]}, sort=order, limit=1)
        if found:
            return str(found[0][schema.PARTICLE_ID])
        where = {"$and": [where, {schema.PARTICLE_ID: {"$ne": after}}]}
    found = dataset.find_particles(ds, where, sort=order, limit=1)
    return str(found[0][schema.PARTICLE_ID]) if found else None


def _behind(ds: fo.Dataset, particle_id: str, order: str) -> dict[str, Any]:
    rows = dataset.find_particles(ds, {schema.PARTICLE_ID: particle_id}, (order,), limit=1)
    if not rows:
        return {}
    priority, sample_id = rows[0].get(order), rows[0]["_id"]
    same = {order: priority, "_id": {"$gt": sample_id}}
    # MongoDB sorts null before numbers, but "$gt" null matches nothing.
    later = {"$ne": None} if priority is None else {"$gt": priority}
    return {"$or": [same, {order: later}]}


def next_card(
    ds: fo.Dataset, *, queue: str = "review", after: str | None = None, by: str | None = None
) -> dict[str, Any] | None:  # fmt: skip
    """Return the card of the next particle of a queue, or None when it is empty; see :func:`next_id`.

    Behind the review queue come boundary samples on which this reviewer's independent word is wanted.
    """
    particle_id = next_id(ds, queue=queue, after=after, by=by)
    if particle_id is None and by is not None and queue == "review":
        queue = sharing.SECOND
        particle_id = next_id(ds, queue=queue, by=by)
    return None if particle_id is None else card(ds, particle_id, blind=queue == sharing.SECOND)


def card(ds: fo.Dataset, particle_id: str, *, blind: bool = False) -> dict[str, Any]:
    """Return everything the panel shows about one particle, in both languages.

    Args:
        ds: the dataset.
        particle_id: which particle.
        blind: hide what others decided, so that the next reviewer's word is independent of it.

    Raises:
        InputError: when the dataset has no such particle.
    """
    found = dataset.read_views(ds, [particle_id], CARD_FIELDS)
    if particle_id not in found:
        raise InputError(f"dataset '{ds.name}' has no particle '{particle_id}'")
    views = found[particle_id]
    identity = dataset.dataset_id(ds)
    state = history.states(identity, [particle_id]).get(particle_id, State())
    if blind:
        state = State(seq=state.seq, view_tags=state.view_tags)
    shared = next(iter(views.values()))
    audit = auditing.blindness(identity, particle_id, state)
    receipt = {} if audit else history.get_receipt(shared.get(schema.RECEIPT_ID) or "") or {}
    master_ids = [master["particle_id"] for master in receipt.get("masters", [])]
    built = cards.build(
        particle_id,
        views,
        receipt,
        state,
        view_names=dataset.view_names(ds),
        names=label_registry.by_ids(_label_ids(receipt, state)),
        master_images=dataset.best_images(ds, master_ids),
        standing=certifying.for_card(identity),
        master_set_version=masters.in_force(identity).version,
    )
    if again := bundle_queue.reason(shared.get(schema.BUNDLE)):
        built["reasons"] = [again, *built["reasons"]]
    return cards.blinded(built, audit) if audit else built


def decide(
    ds: fo.Dataset,
    particle_id: str,
    action: str,
    *,
    by: str,
    request_id: str,
    label_id: str | None = None,
    seen_seq: int | None = None,
    seconds: float | None = None,
    source: str = "app",
    batch: str | None = None,
) -> dict[str, Any]:
    """Record a reviewer's decision: history first, then the fields of every slice.

    The same ``request_id`` again changes nothing and returns the first result.

    Args:
        ds: the dataset.
        particle_id: which particle.
        action: ``"accept"``, ``"label"`` (with ``label_id``), ``"unknown"`` or ``"skip"``.
        by: the reviewer.
        request_id: unique per intention.
        label_id: the chosen label.
        seen_seq: ``card["seq"]`` that the reviewer saw.
        seconds: how long the reviewer looked.
        source: "app", "cli", "operator", ...
        batch: shared by the decisions of one action on many particles; a single undo takes all of them back.

    Returns:
        ``{"event_id", "decision", "label_id", "card"}``.

    Raises:
        InputError: the action makes no sense here.
        UnknownLabelError: no such label.
        ConflictError: somebody else acted first; nothing was written.
    """
    identity = dataset.dataset_id(ds)
    proposed, receipt_id = _proposed(ds, particle_id)
    if audits.is_hidden(identity, particle_id):
        if action == actions.ACCEPT:
            raise InputError(
                f"particle '{particle_id}' is an audit: its proposal is hidden, so there is nothing to accept; choose "
                "the label that its pictures show"
            )
        source = f"audit/{source}"
    events = history.of_particles(identity, [particle_id]).get(particle_id, [])
    event = next((event for event in events if event.event_id == request_id), None)
    if event is None:
        if action == actions.LABEL and label_id:
            label_id = label_registry.choosable(label_id).label_id
        if action == actions.ACCEPT and proposed:  # a label that was merged since is accepted as what it became
            proposed = label_registry.choosable(proposed).label_id
        try:
            intended = actions.decision_event(
                particle_id, action, fold(events), proposed=proposed, label_id=label_id, by=by, request_id=request_id,
                receipt_id=receipt_id, seen_seq=seen_seq, source=source, seconds=seconds,
                batch=batch,
            )  # fmt: skip
            event = history.append(intended, identity)
        except ConflictError as error:
            raise sharing.told(ds, particle_id, error) from None
        leases.release(identity, by=by, particles=[particle_id])
    mirror.refresh(ds, [particle_id])
    auditing.after_decision(ds, [particle_id], by=by)
    return {
        "event_id": event.event_id,
        "decision": event.decision,
        "label_id": event.label_id,
        "card": card(ds, particle_id),
    }


def _proposed(ds: fo.Dataset, particle_id: str) -> tuple[str | None, str | None]:
    """Return the label id and the receipt id of the current proposal."""
    rows = dataset.find_particles(ds, {schema.PARTICLE_ID: particle_id}, (schema.PROPOSAL, schema.RECEIPT_ID), limit=1)
    if not rows:
        raise InputError(f"dataset '{ds.name}' has no particle '{particle_id}'")
    return (rows[0].get(schema.PROPOSAL) or {}).get("label_id"), rows[0].get(schema.RECEIPT_ID)


def undo(ds: fo.Dataset, *, by: str, request_id: str) -> dict[str, Any] | None:
    """Take back the reviewer's newest action that still stands; None when there is none.

    An action is a decision or a tag correction, or a whole bulk of them.

    Returns:
        ``{"event_id", "particle_id", "view", "count", "kept", "card"}``: what was taken back, the first of it if it was
        a bulk; ``view`` is None unless a tag correction was taken back; ``count`` decisions or corrections were taken
        back, and ``kept`` stay because somebody else acted on the same afterwards.

    Raises:
        ConflictError: somebody else acted on the same afterwards: the particle's decision, or that view's tags.
    """
    taken = undoing.take_back(dataset.dataset_id(ds), by=by, request_id=request_id)
    if taken is None:
        return None
    touched = dict.fromkeys(event.particle_id for event in taken.events)
    mirror.refresh(ds, touched)
    auditing.after_decision(ds, touched, by=by)
    first = taken.events[0]
    return {
        "event_id": first.event_id,
        "particle_id": first.particle_id,
        "view": first.view,
        "count": len(taken.events),
        "kept": taken.kept,
        "card": card(ds, first.particle_id),
    }


def labels(ds: fo.Dataset) -> list[dict[str, Any]]:
    """Return the labels a reviewer can choose, with a hotkey for the first nine."""
    found = label_registry.in_catalogue(dataset.record(ds).catalogue)
    return [
        {
            "label_id": label.label_id,
            "name": label.name(mirror.language(ds)),
            "name_ja": label.name("ja"),
            "name_en": label.name("en"),
            "definition": label.definition_ja or label.definition_en,
            "hotkey": str(index + 1) if index < 9 else None,
        }
        for index, label in enumerate(found)
    ]


def _label_ids(receipt: Mapping[str, Any], state: State) -> set[str]:
    ids = {receipt.get("label_id"), state.label_id}
    ids |= {row["label_id"] for row in [*receipt.get("candidates", []), *receipt.get("masters", [])]}
    ids |= set((receipt.get("votes") or {}).values())
    ids |= set((receipt.get("retake") or {}).get("labels", ()))
    return {label_id for label_id in ids if label_id}


def undo_event(ds: fo.Dataset, event_id: str, *, by: str, request_id: str) -> dict[str, Any]:
    """Take back any event of the history, of whomever, and show it in the fields; an undo can be taken back, too.

    Returns:
        ``{"event_id", "particle_id", "count", "kept"}`` as :func:`undo`; ``particle_id`` is empty for changes of labels
        and masters.

    Raises:
        InputError: there is no such event, or it cannot be taken back.
        ConflictError: it was taken back already, or somebody else acted on the same afterwards.
    """
    taken = undoing.take_back_event(dataset.dataset_id(ds), event_id, by=by, request_id=request_id)
    first = taken.events[0]
    if first.particle_id:
        touched = dict.fromkeys(event.particle_id for event in taken.events)
        mirror.refresh(ds, touched)
        auditing.after_decision(ds, touched, by=by)
    else:
        _show_reversed(ds)
    return {
        "event_id": first.event_id, "particle_id": first.particle_id, "count": len(taken.events), "kept": taken.kept
    }  # fmt: skip


def _show_reversed(ds: fo.Dataset) -> None:
    mirror.follow_labels(ds)
    mirror.mark_masters(ds)
