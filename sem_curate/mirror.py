"""FiftyOne's particle fields as a mirror of the history: written after it, rebuilt from it.

A decision or tag correction counts from the moment it is in the history. If the process dies before the fields follow,
the event is still marked as not mirrored, and the next :func:`catch_up` finishes the work.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import fiftyone as fo

from sem_curate import dataset, ontology, schema
from sem_curate.progress import Progress, silent
from sem_curate.quality import judging
from sem_curate.registry import (
    agreement,
    audit_log,
    audits,
    bundles,
    datasets,
    history,
    label_log,
    label_model,
    label_plans,
    labels,
    masters,
)
from sem_curate.registry.fold import EventView, State, TagState, fold

CHUNK = 1000
BUNDLE_ROOM = 1000  # places of a bundle in the order of the queue; bundles are far smaller
LABELS_SEEN = "labels_seen"  # setting of a dataset: the newest label change that its fields show
TAG_FIELDS = (
    schema.PRESENT, schema.CONTENT_HASH, schema.QUALITY_TAGS, schema.TAGS_BY, schema.MEASURED_TAGS,
)  # fmt: skip


def language(ds: fo.Dataset) -> str:
    """Return the language of display names in fields: the dataset's setting, else the machine's; "ja" or "en"."""
    chosen = dataset.record(ds).settings.get("language")
    if chosen in ("ja", "en"):
        return str(chosen)
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "ja" if locale.lower().startswith("ja") else "en"


def refresh(
    ds: fo.Dataset, particle_ids: Iterable[str], *, clear_pending: Iterable[str] = (), all_tags: bool = False
) -> int:
    """Write what is in force onto every slice of the given particles; returns how many particles were written.

    Tags, and the quality that follows from them, are written where a correction or its undo is new; ``all_tags``
    writes them for every given particle.
    """
    identity = dataset.dataset_id(ds)
    spoken, audited, catalogue = language(ds), audits.hidden(identity), dataset.record(ds).catalogue
    before = label_log.newest_seq(catalogue)
    written = 0
    for chunk in dataset.chunks(list(particle_ids), CHUNK):
        events = history.of_particles(identity, chunk)
        states = {key: fold(own) for key, own in events.items()}
        names = labels.by_ids(state.label_id for state in states.values() if state.label_id)
        asked = _asked(ds, chunk, events)
        again = bundle_marks(identity, chunk, states)
        updates = {
            key: {**fields(states.get(key, State()), names, spoken), **asked.get(key, {}), **again.get(key, {})}
            for key in chunk
        }
        dataset.write_particles(ds, updates, clear_pending=tuple(clear_pending))
        _refresh_tags(ds, list(chunk) if all_tags else sorted(history.unmirrored_tags(identity, chunk)), states)
        mark_audits(ds, audited.intersection(chunk))
        history.mark_mirrored(identity, {key: state.seq for key, state in states.items()})
        written += len(chunk)
    if label_log.newest_seq(catalogue) != before:  # renamed in the meantime: an old name may just have been written
        follow_labels(ds, since=before)
    return written


def fields(state: State, names: Mapping[str, labels.LabelView], spoken: str) -> dict[str, Any]:
    """Return the FiftyOne fields that show ``state``."""
    label = names.get(state.label_id or "")
    return {
        schema.DECISION: state.decision,
        # The id stays the decided one: a merge only changes how it is read, and can be rolled back by one update.
        schema.LABEL: dataset.classification(label.name(spoken), state.label_id or "") if label else None,
        schema.DECIDED_BY: state.by,
        schema.DECIDED_AT: state.at,
    }


def _asked(
    ds: fo.Dataset, particle_ids: Sequence[str], events: Mapping[str, Sequence[EventView]]
) -> dict[str, dict[str, Any]]:
    """Return what came of asking several reviewers, for boundary samples; empty unless somebody wanted several."""
    settings = dataset.record(ds).settings
    if agreement.INDEPENDENT not in settings:
        return {}
    wanted = agreement.wanted_in(settings)
    # Once asked it stays so, whatever a later proposal says about the candidates.
    boundary = {"$or": [{schema.REVIEW_REASONS: {"$in": list(agreement.BOUNDARY)}}, {schema.REVIEWERS: {"$ne": None}}]}
    rows = dataset.find_particles(ds, {schema.PARTICLE_ID: {"$in": list(particle_ids)}, **boundary})
    ids = [str(row[schema.PARTICLE_ID]) for row in rows]
    reads_as = labels.read_as(event.label_id for key in ids for event in events.get(key, ()))
    return {key: {schema.REVIEWERS: agreement.verdict(events.get(key, ()), wanted, reads_as)} for key in ids}


def mark_asked(ds: fo.Dataset) -> None:
    """Show again what came of asking several reviewers: a merge makes one answer of two, a rollback two of one."""
    identity = dataset.dataset_id(ds)
    rows = dataset.find_particles(ds, {schema.REVIEWERS: {"$type": "string"}})
    for chunk in dataset.chunks([str(row[schema.PARTICLE_ID]) for row in rows], CHUNK):
        dataset.write_particles(ds, _asked(ds, chunk, history.of_particles(identity, chunk)))


def _refresh_tags(ds: fo.Dataset, particle_ids: Sequence[str], states: Mapping[str, State]) -> None:
    if not particle_ids:
        return
    # It writes tags and quality together; what has not been measured yet only shows its tags.
    judging.rejudge(ds, particle_ids)
    shown = dataset.read_views(ds, particle_ids, TAG_FIELDS)
    updates: dict[str, dict[str, Any]] = {
        view["_id"]: wanted
        for particle_id, views in shown.items()
        for view, wanted in _differing_views(views, states.get(particle_id, State()))
    }
    dataset.write_views(ds, updates)


def _differing_views(views: Mapping[str, Mapping[str, Any]], state: State) -> list[tuple[Mapping[str, Any], Any]]:
    """Return the views that show other tags than they should, each with the fields it should have."""
    wanted = [(view, tag_fields(view, state.view_tags.get(name))) for name, view in views.items()]
    return [(view, values) for view, values in wanted if any(view.get(key) != values[key] for key in values)]


def tag_fields(view: Mapping[str, Any], correction: TagState | None) -> dict[str, Any]:
    """Return the tags in force of one view, who corrected them, and the measured tags they stand for.

    Args:
        view: its raw fields ``TAG_FIELDS``.
        correction: a reviewer's word, if any; it does not count for other pixels than it was about.
    """
    measured = view.get(schema.MEASURED_TAGS)
    if measured is None and not view.get(schema.TAGS_BY):  # measured before corrections existed
        measured = view.get(schema.QUALITY_TAGS)
    if correction is None or not correction.holds_for(dataset.content_hash(view)):
        return {schema.QUALITY_TAGS: measured, schema.TAGS_BY: None, schema.MEASURED_TAGS: measured}
    return {
        schema.QUALITY_TAGS: list(correction.tags),
        schema.TAGS_BY: correction.by,
        schema.MEASURED_TAGS: measured,
    }


def catch_up(ds: fo.Dataset) -> int:
    """Finish the mirroring of events whose writer died in between; cheap when there are none."""
    follow_labels(ds)
    audit_log.settle(dataset.dataset_id(ds))
    waiting = history.unmirrored(dataset.dataset_id(ds))
    return refresh(ds, _known(ds, waiting)) if waiting else 0


def rebuild(ds: fo.Dataset, *, progress: Progress = silent) -> dict[str, int]:
    """Write every decision, tag correction and master mark again from the history, correcting fields that differ.

    Returns:
        ``{"with_history", "corrected", "masters"}`` in particles.
    """
    identity = dataset.dataset_id(ds)
    follow_labels(ds, since=0)
    audit_log.settle(identity)
    with_history = _known(ds, history.all_particles(identity))
    claimed = dataset.find_particles(ds, {schema.DECISION: {"$nin": [None, schema.UNDECIDED]}})
    retagged = dataset.particles_with_view(ds, {schema.TAGS_BY: {"$ne": None}})
    everything = sorted({*with_history, *retagged, *(found[schema.PARTICLE_ID] for found in claimed)})
    corrected = 0
    for start in range(0, len(everything), CHUNK):
        chunk = everything[start : start + CHUNK]
        corrected += _differing(ds, chunk)
        refresh(ds, chunk, all_tags=True)
        progress(start + len(chunk), len(everything), "fields")
    mark_audits(ds)
    mark_bundles(ds)
    return {"with_history": len(with_history), "corrected": corrected, "masters": mark_masters(ds)}


def mark_masters(ds: fo.Dataset) -> int:
    """Make the ``master_of`` field show the current master set; returns how many masters there are."""
    snapshot = masters.in_force(dataset.dataset_id(ds))
    names = labels.by_ids(snapshot.masters.values())
    spoken = language(ds)
    marked = {row[schema.PARTICLE_ID] for row in dataset.find_particles(ds, {schema.MASTER_OF: {"$ne": None}})}
    updates: dict[str, dict[str, Any]] = {key: {schema.MASTER_OF: None} for key in marked - set(snapshot.masters)}
    for particle_id, label_id in snapshot.masters.items():
        label = names.get(label_id)
        updates[particle_id] = {schema.MASTER_OF: label.name(spoken) if label else label_id}
    dataset.write_particles(ds, updates)
    return len(snapshot.masters)


def bundle_marks(
    dataset_id: str, particle_ids: Collection[str], states: Mapping[str, State]
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return the bundle that each particle waits in, as fields; empty when no bundles were ever made."""
    if not bundles.any_of(dataset_id):
        return {}
    marks: dict[str, dict[str, Any]] = {key: {schema.BUNDLE: None, schema.BUNDLE_ORDER: None} for key in particle_ids}
    for bundle in bundles.in_force(dataset_id, particle_ids):
        for at, (key, event_id) in enumerate(zip(bundle["particles"], bundle["events"], strict=True)):
            if key not in marks or marks[key][schema.BUNDLE] is not None:
                continue
            # Whoever decided anew replaced the event that is in doubt; the place stays, for what comes behind it.
            waits = states.get(key, State()).event_id == event_id
            place = bundle["place"] * BUNDLE_ROOM + at
            marks[key] = {schema.BUNDLE: bundle["bundle_id"] if waits else None, schema.BUNDLE_ORDER: place}
    return marks


def mark_bundles(ds: fo.Dataset) -> int:
    """Show what is to be reviewed again, and in which bundle; returns how many particles wait."""
    identity = dataset.dataset_id(ds)
    if not bundles.any_of(identity):
        return 0
    now = {key for bundle in bundles.in_force(identity) for key in bundle["particles"]}
    marked = {row[schema.PARTICLE_ID] for row in dataset.find_particles(ds, {schema.BUNDLE_ORDER: {"$ne": None}})}
    waiting = 0
    for chunk in dataset.chunks(sorted(now | marked), CHUNK):
        marks = bundle_marks(identity, chunk, history.states(identity, chunk))
        dataset.write_particles(ds, marks)
        waiting += sum(mark[schema.BUNDLE] is not None for mark in marks.values())
    return waiting


def mark_audits(ds: fo.Dataset, particle_ids: Collection[str] | None = None) -> int:
    """Show which particles are audits; keep proposals of open draws out of the fields, and bring back closed ones.

    Args:
        ds: the dataset.
        particle_ids: only these; None means every particle that was ever drawn.

    Returns:
        How many particles were written.
    """
    identity = dataset.dataset_id(ds)
    if particle_ids is not None and not particle_ids:
        return 0
    drawn = {key: (draw, place) for draw in audits.draws(identity) for place, key in enumerate(draw.particle_ids)}
    if particle_ids is not None:
        drawn = {key: drawn[key] for key in particle_ids if key in drawn}
    states = history.states(identity, [key for key, (draw, _) in drawn.items() if draw.closed_at is None])
    marks: dict[str, dict[str, Any]] = {}
    for key, (draw, place) in drawn.items():
        judged = states.get(key, State()).by_person
        hidden = schema.AUDIT_JUDGED if judged else schema.AUDIT_OPEN
        marks[key] = {schema.AUDIT: schema.AUDIT_CLOSED if draw.closed_at else hidden, schema.AUDIT_ORDER: place}
        if draw.closed_at is None:
            marks[key][schema.PROPOSAL] = None
    _bring_back_proposals(ds, marks)
    dataset.write_particles(ds, marks)
    return len(marks)


def _bring_back_proposals(ds: fo.Dataset, marks: dict[str, dict[str, Any]]) -> None:
    closed = [key for key, mark in marks.items() if mark[schema.AUDIT] == schema.AUDIT_CLOSED]
    rows: list[dict[str, Any]] = []
    for chunk in dataset.chunks(closed, CHUNK):
        where = {schema.PARTICLE_ID: {"$in": list(chunk)}, schema.PROPOSAL: None, schema.RECEIPT_ID: {"$ne": None}}
        rows += dataset.find_particles(ds, where, (schema.RECEIPT_ID,))
    receipts = history.get_receipts([row[schema.RECEIPT_ID] for row in rows])
    names = labels.by_ids({content["label_id"] for content in receipts.values() if content.get("label_id")})
    spoken = language(ds)
    for row in rows:
        content = receipts.get(row[schema.RECEIPT_ID], {})
        label = names.get(content.get("label_id") or "")
        if label:
            shown = dataset.classification(label.name(spoken), label.label_id, content.get("confidence"))
            marks[row[schema.PARTICLE_ID]][schema.PROPOSAL] = shown


def follow_labels(ds: fo.Dataset, *, since: int | None = None) -> int:
    """Make the display names of changed labels show in every field; ids, decisions and vectors stay.

    Cheap when the fields have seen every change already; a writer that died in between is caught up with.

    Args:
        ds: the dataset.
        since: look at changes after this one, whatever the dataset noted.

    Returns:
        How many samples changed.
    """
    record = dataset.record(ds)
    seen = int(record.settings.get(LABELS_SEEN, 0)) if since is None else since
    written = 0
    while (newest := label_log.newest_seq(record.catalogue)) > seen:
        written += _show_names(ds, record.catalogue, seen)
        known = label_log.catalogue(record.catalogue)
        ontology.follow(ds, record.catalogue, known, language=language(ds), seq=newest)
        datasets.change_settings(record.dataset_id, {LABELS_SEEN: newest})
        seen = newest
    return written


def _show_names(ds: fo.Dataset, catalogue: str, since: int) -> int:
    """Write the names of every label that changed after ``since``, and of every id that is read as one of them."""
    # A new label stands nowhere yet; a split's parts neither, but a rollback of the split may be read here as well.
    changed = [change for change in label_log.changes(catalogue, after=since) if change["kind"] != label_plans.CREATE]
    touched = {one["label_id"] for change in changed for one in change["touched"]}
    if not touched:
        return 0
    known = label_log.catalogue(catalogue)
    about = {label_id for label_id in known if {label_id, label_model.resolve(known, label_id)} & touched}
    spoken, written = language(ds), 0
    for label_id in sorted(about):
        name = known[label_model.resolve(known, label_id)].name(spoken)
        written += dataset.rename_label(ds, label_id, name)
    mark_masters(ds)
    if {change["kind"] for change in changed} - {label_plans.RENAME}:
        mark_bundles(ds)
        mark_asked(ds)
    return written


def _known(ds: fo.Dataset, particle_ids: list[str]) -> list[str]:
    # Decisions may outlive their images; they wait in the history until the particle is ingested again.
    known: list[str] = []
    for chunk in dataset.chunks(particle_ids, CHUNK):
        found = dataset.find_particles(ds, {schema.PARTICLE_ID: {"$in": list(chunk)}})
        known += sorted(row[schema.PARTICLE_ID] for row in found)
    return known


def _differing(ds: fo.Dataset, particle_ids: list[str]) -> int:
    identity = dataset.dataset_id(ds)
    states = history.states(identity, particle_ids)
    shown = dataset.read_views(ds, particle_ids, (schema.DECISION, schema.LABEL, *TAG_FIELDS))
    differing = 0
    for particle_id, views in shown.items():
        state = states.get(particle_id, State())
        wanted = (state.decision, state.label_id)
        seen = {
            (view.get(schema.DECISION) or schema.UNDECIDED, (view.get(schema.LABEL) or {}).get("label_id"))
            for view in views.values()
        }
        differing += seen != {wanted} or bool(_differing_views(views, state))
    return differing
