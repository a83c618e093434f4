"""Audits on a FiftyOne dataset beside what is proposed for them now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import fiftyone as fo
import numpy as np

from sem_curate import dataset, schema
from sem_curate.arrays import Floats, Ints
from sem_curate.decide.guarantee import Audits
from sem_curate.registry import history, label_log, label_model
from sem_curate.registry.audits import DrawView
from sem_curate.registry.fold import State

CHUNK: Final = 1000
MOST_CANDIDATES: Final = 4  # a receipt keeps the best four


def audits(ds: fo.Dataset, draws: Sequence[DrawView]) -> Audits:
    """Return the verdicts beside what is proposed now; a decision changed after the proposals were shown is no audit.

    Right is what was judged blindly, is still in force, and is proposed.
    """
    verdicts = [verdict for draw in draws for verdict in draw.verdicts]
    ids = [verdict.particle_id for verdict in verdicts]
    shown: dict[str, dict[str, Any]] = {}
    for chunk in dataset.chunks(ids, CHUNK):
        rows = dataset.find_particles(
            ds, {schema.PARTICLE_ID: {"$in": list(chunk)}}, (schema.PROPOSAL, schema.CONFIDENCE_RANK)
        )
        shown |= {row[schema.PARTICLE_ID]: row for row in rows}
    kept = [verdict for verdict in verdicts if verdict.particle_id in shown]
    states = history.states(dataset.dataset_id(ds), [verdict.particle_id for verdict in kept])
    proposed = tuple(
        (shown[verdict.particle_id].get(schema.PROPOSAL) or {}).get("label_id") for verdict in kept
    )  # fmt: skip
    known = label_log.catalogue(dataset.record(ds).catalogue)

    def read(label_id: str | None) -> str | None:  # a label merged since then is what it was merged into
        return label_model.resolve(known, label_id) if label_id in known else label_id

    correct = [
        label is not None
        and read(label) == read(verdict.label_id) == read(states.get(verdict.particle_id, State()).label_id)
        for verdict, label in zip(kept, proposed, strict=True)
    ]
    score = [float(shown[verdict.particle_id].get(schema.CONFIDENCE_RANK) or 0.0) for verdict in kept]
    return Audits(
        tuple(verdict.particle_id for verdict in kept), np.asarray(score, np.float32), np.asarray(correct, np.bool_),
        proposed,
    )  # fmt: skip


def candidates(ds: fo.Dataset, draws: Sequence[DrawView], audited: Audits) -> tuple[Floats, Ints]:
    """Return the candidates' confidences of audits, rows summing to 1, and the column of what a person said, or -1."""
    said = {verdict.particle_id: verdict.label_id for draw in draws for verdict in draw.verdicts}
    where = {schema.PARTICLE_ID: {"$in": list(audited.particle_ids)}}
    rows = {row[schema.PARTICLE_ID]: row for row in dataset.find_particles(ds, where, (schema.RECEIPT_ID,))}
    receipts = history.get_receipts([row.get(schema.RECEIPT_ID) or "" for row in rows.values()])
    confidence = np.zeros((len(audited.particle_ids), MOST_CANDIDATES), np.float32)
    truth = np.full(len(audited.particle_ids), -1)
    for place, key in enumerate(audited.particle_ids):
        content = receipts.get(rows[key].get(schema.RECEIPT_ID) or "", {})
        for column, candidate in enumerate(content.get("candidates", ())[:MOST_CANDIDATES]):
            confidence[place, column] = candidate["score"]
            if candidate["label_id"] == said[key]:
                truth[place] = column
    total = confidence.sum(axis=1, keepdims=True)
    return np.divide(confidence, total, out=np.zeros_like(confidence), where=total > 0), truth
