"""Draws of particles to audit: who was drawn when, with which seed, and what people said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError
from sem_curate.registry import audit_log
from sem_curate.registry.connection import connect, journaled
from sem_curate.registry.documents import AuditDraw, ensure_indexes, now


@dataclass(frozen=True)
class Verdict:
    """What a person said about an audited particle without seeing the proposal.

    ``label_id`` is None for an unknown, and for a particle that nobody judged before the draw was closed.
    """

    particle_id: str
    decision: str
    label_id: str | None
    event_id: str | None = None


@dataclass(frozen=True)
class DrawView:
    """One draw. ``verdicts`` are frozen, and the proposals shown, from the moment it is closed."""

    draw_id: str
    number: int
    seed: int
    population: int
    particle_ids: tuple[str, ...]
    reference_id: str
    master_set_version: int
    by: str
    at: datetime | None
    closed_at: datetime | None
    verdicts: tuple[Verdict, ...]


def add(
    dataset_id: str,
    particle_ids: Sequence[str],
    *,
    draw_id: str,
    seed: int,
    population: int,
    reference_id: str,
    master_set_version: int,
    by: str,
) -> DrawView:
    """Store a draw as one document; the same ``draw_id`` again returns the stored one.

    Raises:
        ConflictError: another draw was made in the same moment.
    """
    ensure_indexes()
    stored = AuditDraw.objects(draw_id=draw_id, dataset_id=dataset_id).first()
    if stored is not None:
        return _view(stored)
    newest = AuditDraw.objects(dataset_id=dataset_id).order_by("-number").first()
    made = AuditDraw(
        draw_id=draw_id, dataset_id=dataset_id, number=newest.number + 1 if newest else 1, seed=seed,
        population=population, particle_ids=list(particle_ids), reference_id=reference_id,
        master_set_version=master_set_version, by=by, unnoted=[audit_log.DRAWN],
    )  # fmt: skip
    try:
        made.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("audits were drawn by somebody else in the same moment; try again") from None
    audit_log.settle(dataset_id)
    return _view(made)


def draws(dataset_id: str) -> list[DrawView]:
    """Return every draw, oldest first."""
    connect()
    return [_view(found) for found in AuditDraw.objects(dataset_id=dataset_id).order_by("number")]


def hidden(dataset_id: str) -> set[str]:
    """Return the particles whose proposal nobody may see yet: those of draws that are not closed."""
    connect()
    found = AuditDraw._get_collection().find({"dataset_id": dataset_id, "closed_at": None}, {"particle_ids": 1})
    return {key for row in found for key in row["particle_ids"]}


def is_hidden(dataset_id: str, particle_id: str) -> bool:
    """Tell whether a particle belongs to a draw that is not closed."""
    return hiding(dataset_id, particle_id) is not None


def hiding(dataset_id: str, particle_id: str) -> DrawView | None:
    """Return the open draw that a particle belongs to, or None."""
    connect()
    found = AuditDraw.objects(dataset_id=dataset_id, closed_at=None, particle_ids=particle_id).first()
    return _view(found) if found else None


def close(dataset_id: str, draw_id: str, verdicts: Sequence[Verdict], *, by: str) -> bool:
    """Freeze the verdicts of a draw: one event; False when it was closed before, and then nothing changes."""
    rows = [vars(verdict) for verdict in verdicts]
    change = {
        "$set": {"verdicts": rows, "closed_at": now(), "closed_by": by},
        "$push": {"unnoted": audit_log.CLOSED},
    }
    query = {"_id": draw_id, "dataset_id": dataset_id, "closed_at": None}
    closed = bool(journaled(AuditDraw).update_one(query, change).modified_count)
    audit_log.settle(dataset_id)
    return closed


def _view(found: Any) -> DrawView:
    verdicts = tuple(_verdict(row) for row in found.verdicts or ())
    return DrawView(
        found.draw_id, found.number, found.seed, found.population, tuple(found.particle_ids), found.reference_id,
        found.master_set_version, found.by, found.at, found.closed_at, verdicts,
    )  # fmt: skip


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(row["particle_id"], row["decision"], row.get("label_id"), row.get("event_id"))
