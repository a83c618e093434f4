"""Several reviewers at one queue: claims, independent second opinions, and telling the second of two who decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sem_curate import dataset, messages, mirror, schema
from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import datasets, history, labels, leases
from sem_curate.registry.agreement import BOUNDARY, INDEPENDENT, agreement, wanted_in
from sem_curate.registry.fold import fold

SECOND: Final = "second"  # the queue of boundary samples that wait for another reviewer
PAGE: Final = 200
MOST: Final = 10  # reviewers of one particle


def wanted(ds: Any) -> int:
    """Return how many reviewers must agree on a boundary sample; 1 means that one reviewer's word is enough."""
    return wanted_in(dataset.record(ds).settings)


def set_wanted(ds: Any, number: int) -> None:
    """Ask for so many agreeing reviewers of boundary samples, of those decided before as well.

    Raises:
        InputError: fewer than one, or more than ten.
    """
    if not 1 <= number <= MOST:
        raise InputError(f"1 to {MOST} reviewers can be asked for; got {number}")
    datasets.change_settings(dataset.dataset_id(ds), {INDEPENDENT: number})
    about = {"$or": [second_where(), {schema.REVIEWERS: {"$ne": None}}]}
    mirror.refresh(ds, [str(row[schema.PARTICLE_ID]) for row in dataset.find_particles(ds, about)])


def standing(ds: Any) -> dict[str, int]:
    """Return ``{"wanted", "waiting", "disagree", "agree"}``: how many reviewers, and what came of it in particles.

    ``waiting`` and ``disagree`` are asked of further reviewers.
    """
    by = dataset.count_by(ds, schema.REVIEWERS, {schema.REVIEWERS: {"$type": "string"}})
    found = {code: by.get(code, 0) for code in ("waiting", "disagree", "agree")}
    return {"wanted": wanted(ds), **found}


# In the words of the partial index.
ASKED: Final[Mapping[str, Any]] = {
    schema.REVIEWERS: {"$type": "string", "$in": [schema.REVIEWERS_WAITING, schema.REVIEWERS_DISAGREE]}
}


def second_where() -> Mapping[str, Any]:
    """Return the filter of boundary samples that somebody has decided and reviewers did not agree on yet."""
    decided = {schema.DECISION: {"$in": [schema.CONFIRMED, schema.UNKNOWN]}, schema.REVIEWERS: None}
    # A proposal made since the decision may have made it a boundary sample.
    new = {schema.REVIEW_REASONS: {"$in": list(BOUNDARY)}, **decided}
    return {"$or": [dict(ASKED), new]}


def first_asked(ds: Any, where: Mapping[str, Any], by: str) -> str | None:
    """Return the first boundary sample on which this reviewer's independent word is still wanted."""
    number, identity = wanted(ds), dataset.dataset_id(ds)
    if number < 2:
        return None
    skipped: list[str] = []
    while True:
        more = {"$and": [where, {schema.PARTICLE_ID: {"$nin": skipped}}]} if skipped else where
        found = dataset.find_particles(ds, more, sort=schema.REVIEW_PRIORITY, limit=PAGE)
        ids = [str(row[schema.PARTICLE_ID]) for row in found]
        histories = history.of_particles(identity, ids)
        reads_as = labels.read_as(event.label_id for events in histories.values() for event in events)
        for particle_id in ids:
            if agreement(histories.get(particle_id, ()), number, reads_as).asks(by):
                return particle_id
        if len(found) < PAGE:
            return None
        skipped += ids


def asks(ds: Any, particle_id: str, by: str) -> bool:
    """Tell whether this reviewer's independent word on a particle is wanted: others' words are then not shown."""
    where = {"$and": [{schema.PARTICLE_ID: particle_id}, second_where()]}
    if wanted(ds) < 2 or not dataset.find_particles(ds, where, limit=1):
        return False
    events = history.of_particles(dataset.dataset_id(ds), [particle_id]).get(particle_id, ())
    reads_as = labels.read_as(event.label_id for event in events)
    return agreement(events, wanted(ds), reads_as).asks(by)


def unclaimed(ds: Any, where: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Return the filter without the particles that other reviewers are looking at."""
    others = sorted(leases.held(dataset.dataset_id(ds), by=by))
    return {"$and": [dict(where), {schema.PARTICLE_ID: {"$nin": others}}]} if others else dict(where)


def claimed(ds: Any, particle_id: str, by: str) -> bool:
    """Claim a particle and give up the reviewer's other claims; False when another reviewer was faster."""
    identity = dataset.dataset_id(ds)
    won = leases.claim(identity, particle_id, by=by) == by
    if won:
        leases.release(identity, by=by, but=particle_id)
    return won


def told(ds: Any, particle_id: str, error: ConflictError) -> ConflictError:
    """Return the conflict with what the other reviewer decided, in words and as data (``error.standing``)."""
    events = history.of_particles(dataset.dataset_id(ds), [particle_id]).get(particle_id, [])
    if not events:
        return error
    state = fold(events)
    label = labels.by_ids([state.label_id]).get(state.label_id) if state.label_id else None
    names = {language: label.name(language) if label else None for language in ("ja", "en")}
    standing = {
        "particle_id": particle_id, "seq": state.seq, "by": state.last_by, "decision": state.decision,
        "label_id": state.label_id, "name_ja": names["ja"], "name_en": names["en"],
        "at": state.at.isoformat() if state.at else None,
    }  # fmt: skip
    spoken = mirror.language(ds)
    decision = names[spoken] or messages.text(f"conflict.{state.decision}", spoken)
    said = messages.text("conflict.standing", spoken).format(
        particle=particle_id, by=state.last_by, decision=decision
    )  # fmt: skip
    return ConflictError(said, standing)
