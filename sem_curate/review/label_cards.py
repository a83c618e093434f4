"""What the Labels tab shows: all labels with their counts, and the card of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sem_curate import dataset, mirror, schema
from sem_curate.registry import label_log, label_model, masters
from sem_curate.registry.label_model import LabelView
from sem_curate.review import relabel, relabel_bundles

MASTERS = 12  # thumbnails of masters on a card


def tab(ds: Any, *, search: str = "") -> dict[str, Any]:
    """Return every label of the dataset's catalogue with its counts, those found by ``search`` only.

    Returns:
        ``{"catalogue", "seq", "language", "labels": [row]}``; ``seq`` is the newest change.
    """
    record = dataset.record(ds)
    mirror.follow_labels(ds)
    seq = label_log.newest_seq(record.catalogue)
    known = label_log.catalogue(record.catalogue)
    shown = [label for label in known.values() if label.status != label_model.WITHDRAWN]
    totals = _totals(ds, known)
    spoken = mirror.language(ds)
    rows = [_row(known, label, totals, spoken) for label in label_model.matching(shown, search)]
    return {"catalogue": record.catalogue, "seq": seq, "language": spoken, "labels": rows}


def card(ds: Any, label_id: str, *, timeline: bool = True) -> dict[str, Any]:
    """Return the card of one label: words, picked particles and masters with a picture, history, drift ledger.

    Args:
        ds: one of our datasets.
        label_id: which label.
        timeline: False leaves the ledger out; it alone looks at every decision.
    """
    record = dataset.record(ds)
    known = label_log.catalogue(record.catalogue)
    label = known[label_id]
    standing = masters.standing(record.dataset_id, record.catalogue).masters
    own = sorted(particle for particle, stands in standing.items() if stands == label_id)
    pictures = _pictures(ds, [*(row.particle_id for row in label.picked), *own[:MASTERS]])
    row = _row(known, label, _totals(ds, known), mirror.language(ds))
    picked = [
        {"particle_id": one.particle_id, "role": one.role, "note": one.note, "filepath": pictures.get(one.particle_id)}
        for one in label.picked
    ]
    return {
        **label_model.as_json(label),
        **row,
        "picked": picked,
        "masters": [{"particle_id": one, "filepath": pictures.get(one)} for one in own[:MASTERS]],
        "history": label_log.changes(record.catalogue, label_id=label_id),
        **({"timeline": relabel_bundles.timeline(ds, label_id)} if timeline else {}),
    }


def _row(
    known: Mapping[str, LabelView], label: LabelView, totals: Mapping[str, Mapping[str, int]], spoken: str
) -> dict[str, Any]:
    ids = label_model.aliases(known, label.label_id)
    counts = {what: sum(by.get(one, 0) for one in ids) for what, by in totals.items()}
    row = {"name": label.name(spoken), "aliases": [one for one in ids if one != label.label_id], "counts": counts}
    names = ("label_id", "name_ja", "name_en", "status", "version", "colour", "hotkey", "parent", "merged_into")
    return {**{key: getattr(label, key) for key in names}, "split_into": list(label.split_into), **row}


def _totals(ds: Any, known: Mapping[str, LabelView]) -> dict[str, dict[str, int]]:
    """Return how many particles name each label id."""
    snapshot = masters.in_force(dataset.dataset_id(ds)).masters
    decided = f"{schema.LABEL}.label_id"
    return {
        "decided": dataset.count_by(ds, decided),
        "by_people": dataset.count_by(ds, decided, {schema.DECISION: schema.CONFIRMED}),
        "proposed": dataset.count_by(ds, f"{schema.PROPOSAL}.label_id"),
        "in_queue": dataset.count_by(ds, f"{schema.PROPOSAL}.label_id", {schema.DECISION: relabel.OPEN}),
        "masters": {one: list(snapshot.values()).count(one) for one in known},
    }


def _pictures(ds: Any, particles: list[str]) -> dict[str, str]:
    """Return one present view of each particle: the recommended one, else the first."""
    found = {}
    fields = (schema.PRESENT, schema.RECOMMENDED_VIEW)
    for particle_id, views in dataset.read_views(ds, particles, fields).items():
        there = {name: views[name] for name in dataset.view_names(ds) if views.get(name, {}).get(schema.PRESENT)}
        if there:
            wanted = next(iter(there.values())).get(schema.RECOMMENDED_VIEW)
            found[particle_id] = str(there.get(wanted, next(iter(there.values())))["filepath"])
    return found
