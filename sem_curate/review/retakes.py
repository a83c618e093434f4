"""The retake list: which views of a dataset are worth photographing (again), and why."""

from __future__ import annotations

from typing import Any

from sem_curate import dataset, schema
from sem_curate.registry import history
from sem_curate.registry import labels as label_registry
from sem_curate.review import cards

CHUNK = 1000  # receipts read at a time
# Not "$ne None": only by its type the index over those that have advice is found.
ADVISED = {schema.RETAKE_VIEW: {"$type": "string"}, schema.DECISION: {"$in": [None, schema.UNDECIDED]}}


def count_retakes(ds: Any) -> int:
    """Return how many particles :func:`retake_list` has."""
    return dataset.count_particles(ds, ADVISED)


def retake_list(ds: Any) -> list[dict[str, Any]]:
    """Return the advice for every particle that has some and that nobody has decided yet.

    Returns:
        ``[{"particle_id", "view", "missing", "separation", "best_present", "ja", "en"}]`` in the order of the review
        queue. ``separation`` and ``best_present`` are shares in [0, 1] as in ``quality.retake``; 0.5 is chance.
    """
    found = dataset.find_particles(ds, ADVISED, (schema.RECEIPT_ID,), sort=schema.REVIEW_PRIORITY)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(found), CHUNK):
        rows += _advised(found[start : start + CHUNK])
    return rows


def _advised(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    receipts = history.get_receipts({row[schema.RECEIPT_ID] for row in found if row.get(schema.RECEIPT_ID)})
    advice = {
        row[schema.PARTICLE_ID]: receipts.get(row.get(schema.RECEIPT_ID) or "", {}).get("retake") for row in found
    }
    names = label_registry.by_ids({label for item in advice.values() if item for label in item["labels"]})
    shown = {particle_id: cards.retake(item, names) for particle_id, item in advice.items()}
    return [{"particle_id": particle_id, **item} for particle_id, item in shown.items() if item]
