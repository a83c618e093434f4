"""Audits on a FiftyOne dataset: drawing them blindly, seeing what is left, closing a draw."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import fiftyone as fo

from sem_curate import dataset, mirror, schema
from sem_curate.decide import audits as sampling
from sem_curate.decide.certificate import AUDITS_FAIL, LABEL_REDEFINED, SCORES_MOVED, SUSPENDED
from sem_curate.errors import StateError
from sem_curate.registry import audits, certificates, datasets, history, masters
from sem_curate.registry.audits import DrawView, Verdict
from sem_curate.registry.certificates import Held
from sem_curate.registry.fold import State

BY_PEOPLE: Final = (schema.CONFIRMED, schema.UNKNOWN)
CHUNK: Final = 1000


@dataclass(frozen=True)
class Standing:
    """All draws of a dataset.

    Attributes:
        draws: oldest first.
        judged: drawn particles of open draws on which a person has decided.
        waiting: drawn particles of open draws on which nobody has, in the order in which to judge them.
        spent: draws of which a particle became a master: it was chosen knowing the audits, so they prove nothing now.
        outdated: draws about a production, or a meaning of labels, that was given up since; see :func:`outdated`.
    """

    draws: tuple[DrawView, ...]
    judged: tuple[str, ...]
    waiting: tuple[str, ...]
    spent: frozenset[str]
    outdated: frozenset[str] = frozenset()

    @property
    def usable(self) -> list[DrawView]:
        """Closed draws that still count."""
        gone = self.spent | self.outdated
        return [draw for draw in self.draws if draw.closed_at is not None and draw.draw_id not in gone]


def standing(ds: fo.Dataset) -> Standing:
    """Return where the audits of a dataset stand."""
    identity = dataset.dataset_id(ds)
    found = tuple(audits.draws(identity))
    kept = set(masters.in_force(identity).masters)
    waiting_for = [key for draw in found if draw.closed_at is None for key in draw.particle_ids]
    states = history.states(identity, waiting_for)
    judged = tuple(key for key in waiting_for if states.get(key, State()).by_person)
    waiting = tuple(key for key in waiting_for if key not in set(judged))
    spent = frozenset(draw.draw_id for draw in found if kept.intersection(draw.particle_ids))
    return Standing(found, judged, waiting, spent, outdated(found, certificates.attempts(identity)))


def outdated(draws: Sequence[DrawView], attempts: Sequence[Held]) -> frozenset[str]:
    """Return the draws that no longer speak for production, because what they certified was suspended.

    Else a few more audits on top of the old ones would certify again what has just been found to have changed. Where
    scores moved or a label means something else, all earlier draws are out: their outcomes had no say in it. Where
    later audits were wrong too often, only those behind the certificate are: leaving out the bad ones is choosing.
    """
    gone: set[str] = set()
    for held in attempts:
        why = {row["code"] for row in held.why}
        if held.status != SUSPENDED:
            continue
        if AUDITS_FAIL in why:
            gone.update(held.draws)
        elif why & {SCORES_MOVED, LABEL_REDEFINED}:
            since = held.log[-1]["at"]
            gone.update(draw.draw_id for draw in draws if draw.at is None or draw.at < since)
    return frozenset(gone)


def reference_id(identity: str) -> str:
    """Return what the proposals of a dataset are made with; empty before the first."""
    return str(datasets.get_record(identity).settings.get("reference_id") or "")


# A particle has a known-ness above -1 once something was proposed for it; the proposal itself is kept out of the fields
# of audits.
POPULATION: Final = {
    schema.DECISION: {"$nin": list(BY_PEOPLE)}, schema.MASTER_OF: None, schema.KNOWNNESS: {"$gt": -1},
}  # fmt: skip


def population(ds: fo.Dataset, fields: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the particles that a certificate is about: proposed, no master, and not decided by a person."""
    return dataset.particle_values(ds, POPULATION, (schema.PARTICLE_ID, *fields))


def size(ds: fo.Dataset, found: Standing) -> tuple[int, int]:
    """Return how many particles a certificate is about, and how many of them never were drawn."""
    drawn = [key for draw in found.draws for key in draw.particle_ids]
    among = sum(
        dataset.count_particles(ds, {**POPULATION, schema.PARTICLE_ID: {"$in": list(chunk)}})
        for chunk in dataset.chunks(drawn, CHUNK)
    )
    whole = dataset.count_particles(ds, POPULATION)
    return whole, whole - among


def draw(
    ds: fo.Dataset, count: int, *, by: str, seed: int | None = None, request_id: str | None = None
) -> dict[str, Any]:
    """Draw particles at random for audit, and hide their proposals until all of the draw are judged.

    Args:
        ds: the dataset.
        count: how many; fewer are drawn when there are not so many.
        by: who asks.
        seed: of the draw; a random one by default. It is stored with the draw.
        request_id: the same id again returns the first draw.

    Returns:
        ``{"draw_id", "number", "drawn", "asked", "population", "seed", "waiting"}``.

    Raises:
        StateError: nothing has been proposed, or everything proposed was audited or decided by people.
    """
    identity = dataset.dataset_id(ds)
    before = standing(ds)
    known = {key for found in before.draws for key in found.particle_ids}
    candidates = [str(row[schema.PARTICLE_ID]) for row in population(ds)]
    fresh = [key for key in candidates if key not in known]
    if not fresh:
        raise StateError(_nothing_to_draw(ds, len(candidates)))
    chosen_seed = secrets.randbelow(2**31) if seed is None else seed
    made = audits.add(
        identity,
        sampling.draw(fresh, count, seed=chosen_seed),
        draw_id=request_id or uuid.uuid4().hex,
        seed=chosen_seed,
        population=len(fresh),
        reference_id=reference_id(identity),
        master_set_version=masters.in_force(identity).version,
        by=by,
    )
    mirror.mark_audits(ds, made.particle_ids)
    return {
        "draw_id": made.draw_id, "number": made.number, "drawn": len(made.particle_ids), "asked": count,
        "population": made.population, "seed": made.seed, "waiting": len(standing(ds).waiting),
    }  # fmt: skip


def after_decision(ds: fo.Dataset, particle_ids: Collection[str], *, by: str) -> list[str]:
    """Close draws that decisions on these particles completed; returns the closed draws."""
    if not audits.hidden(dataset.dataset_id(ds)).intersection(particle_ids):
        return []
    return close(ds, by=by, unfinished=False)


def blindness(identity: str, particle_id: str, state: State) -> dict[str, Any] | None:
    """Return why a particle's proposal is hidden: ``{"place", "count", "left", "judged"}``; None when it is not.

    ``place`` (from 1) and ``count`` are of its draw, ``left`` how many of the draw wait, itself included.
    """
    found = audits.hiding(identity, particle_id)
    if found is None:
        return None
    states = history.states(identity, found.particle_ids)
    left = sum(not states.get(key, State()).by_person for key in found.particle_ids)
    place = found.particle_ids.index(particle_id) + 1
    return {"place": place, "count": len(found.particle_ids), "left": left, "judged": state.by_person}


def close(ds: fo.Dataset, *, by: str, unfinished: bool = True) -> list[str]:
    """Freeze the verdicts of open draws and show their proposals; returns the closed draws.

    Args:
        ds: the dataset.
        by: who.
        unfinished: also close draws with particles that nobody judged; those count as wrong, or a reviewer could leave
            out the hard ones.
    """
    identity = dataset.dataset_id(ds)
    closed = []
    for found in audits.draws(identity):
        if found.closed_at is not None:
            continue
        verdicts = _verdicts(identity, found)
        if unfinished or all(verdict.decision in BY_PEOPLE for verdict in verdicts):
            audits.close(identity, found.draw_id, verdicts, by=by)
            mirror.mark_audits(ds, found.particle_ids)
            closed.append(found.draw_id)
    return closed


def _verdicts(identity: str, found: DrawView) -> list[Verdict]:
    states: Mapping[str, State] = history.states(identity, found.particle_ids)
    verdicts = []
    for key in found.particle_ids:
        state = states.get(key, State())
        label = state.label_id if state.decision == schema.CONFIRMED else None
        verdicts.append(Verdict(key, state.decision, label, state.event_id))
    return verdicts


def _nothing_to_draw(ds: fo.Dataset, candidates: int) -> str:
    if not candidates:
        return (
            f"dataset '{ds.name}' has no proposal to audit; masters and what people decided never are audits. "
            f"Propose first: sem-curate run --dataset '{ds.name}'"
        )
    return f"all {candidates} particles that could be audited already were; ingest more, or certify with these"
