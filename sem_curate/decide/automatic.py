"""Decisions of the automatic lane on a FiftyOne dataset.

What no longer holds is withdrawn together with the new proposal. What holds is confirmed only when every proposal of a
run is there and the certificate has been held against them: a batch that suspends it must not be decided under it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import fiftyone as fo

from sem_curate import dataset, mirror, schema
from sem_curate.progress import Progress, silent
from sem_curate.registry import audits, history
from sem_curate.registry.fold import EventView, State, standing

AUTHOR: Final = "sem-curate"
BATCH: Final = 1024
OPEN: Final = (None, schema.UNDECIDED)


def withdraw(ds: fo.Dataset, receipts: Sequence[Mapping[str, Any]]) -> int:
    """Take back automatic decisions that these new proposals no longer carry; people's word stands.

    Returns:
        How many.
    """
    return len(_decide(ds, receipts, confirm=False))


def confirm(ds: fo.Dataset, *, allowed: Callable[[], bool], progress: Progress = silent) -> int:
    """Record auto proposals that nobody has decided on as decisions.

    Those of an earlier run that was killed, or did not confirm, are among them. Audits wait until their draw is closed:
    a decision would give away what was proposed.

    Args:
        ds: the dataset.
        allowed: asked before every batch; the first no ends it.
        progress: counts particles.

    Returns:
        How many.
    """
    where = {
        schema.DECISION: {"$in": list(OPEN)}, schema.PROPOSAL_STATE: schema.AUTO,
        schema.PENDING: {"$ne": schema.STAGE_PROPOSE},
    }  # fmt: skip
    done = 0
    for rows in dataset.each_found(ds, where, (schema.RECEIPT_ID,), batch=BATCH):
        if not allowed():
            break
        contents = history.get_receipts([row[schema.RECEIPT_ID] for row in rows])
        found = [
            {"particle_id": row[schema.PARTICLE_ID], "receipt_id": row[schema.RECEIPT_ID], "content": content}
            for row in rows
            if (content := contents.get(row[schema.RECEIPT_ID])) is not None
        ]
        done += len(_decide(ds, found, confirm=True))
        progress(done, None, "confirmed")
    return done


def _decide(ds: fo.Dataset, receipts: Sequence[Mapping[str, Any]], *, confirm: bool) -> list[EventView]:
    identity = dataset.dataset_id(ds)
    hidden = audits.hidden(identity)
    by_particle = {found["particle_id"]: found for found in receipts if found["particle_id"] not in hidden}
    states = history.states(identity, by_particle)
    events = []
    for particle_id, receipt in by_particle.items():
        state = states.get(particle_id, State())
        wanted = _wanted(state, receipt["content"], confirm=confirm)
        if wanted is not None and wanted != (state.decision, state.label_id):
            events.append(
                EventView(
                    event_id=f"auto:{identity}:{particle_id}:{state.seq + 1}",
                    particle_id=particle_id,
                    seq=state.seq + 1,
                    kind="decide",
                    decision=wanted[0],
                    label_id=wanted[1],
                    by=AUTHOR,
                    source="propose",
                    previous=standing(state),
                    receipt_id=receipt["receipt_id"],
                )
            )
    stored = history.append_many(events, identity)
    mirror.refresh(ds, [event.particle_id for event in stored])
    return list(stored)


def _wanted(state: State, content: Mapping[str, Any], *, confirm: bool) -> tuple[str, str | None] | None:
    """Return the decision and label that the automatic lane wants in force; None where it has no say."""
    if state.reopened or state.decision not in (schema.UNDECIDED, schema.AUTO):
        return None
    auto = (schema.AUTO, content["label_id"])
    stands = content["state"] == schema.AUTO and (confirm or (state.decision, state.label_id) == auto)
    return auto if stands else (schema.UNDECIDED, None)
