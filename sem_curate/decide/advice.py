"""What would help with a particle that has two close candidates: which view to photograph (again). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sem_curate import schema
from sem_curate.decide.assess import Assessment
from sem_curate.decide.match import Match
from sem_curate.decide.propose import CLOSE_CANDIDATES, VIEWS_DISAGREE
from sem_curate.decide.reference import Batch, Reference
from sem_curate.quality.retake import advise

HELPED: tuple[str, ...] = (CLOSE_CANDIDATES, VIEWS_DISAGREE)  # the reasons that another view can settle


def retakes(
    batch: Batch, assessed: Assessment, reference: Reference, view_names: Sequence[str]
) -> list[dict[str, Any] | None]:
    """Return the advice for each particle of a batch, as it stands in the receipt.

    Returns:
        N times ``{"view", "missing", "labels", "separation", "best_present"}`` or None: no review for such a reason,
        or no view promises more than the good ones already there.
    """
    made, found = assessed.proposals, assessed.match
    wanted = [
        len(reference.label_ids) > 1 and made.state[row] == schema.REVIEW and bool(set(HELPED) & set(made.reasons[row]))
        for row in range(len(batch.particle_ids))
    ]
    return [
        _retake(row, batch, found, reference, view_names) if ask else None for row, ask in enumerate(wanted)
    ]  # fmt: skip


def _retake(
    row: int, batch: Batch, found: Match, reference: Reference, view_names: Sequence[str]
) -> dict[str, Any] | None:
    first, second = (int(label) for label in np.argsort(-found.confidence[row], kind="stable")[:2])
    chosen = advise(first, second, reference.separation, batch.present[row], batch.quality[row])
    if chosen is None:
        return None
    return {
        "view": view_names[chosen.slot],
        "missing": chosen.missing,
        "labels": [reference.label_ids[first], reference.label_ids[second]],
        # Matrix products differ in the last bits between machines; a rerun must give the same receipt.
        "separation": round(chosen.separation, 3),
        "best_present": round(chosen.best_present, 3),
    }
