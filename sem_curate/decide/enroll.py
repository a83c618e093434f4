"""Making particles masters of labels, and undoing that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo

from sem_curate import dataset, mirror, schema
from sem_curate.errors import InputError
from sem_curate.registry import history, labels, masters
from sem_curate.registry.fold import EventView, State, standing


def register_masters(
    ds: fo.Dataset, particles_by_label: Mapping[str, Sequence[str]], *, by: str, reason: str = "", only: bool = False
) -> dict[str, Any]:
    """Make particles masters of labels (by name or id; a new name becomes a new label) in a new master set version.

    A master is a particle that a person confirmed as an example, so it also gets a confirming decision. With ``only``
    all other particles stop being masters, in the same version.

    Returns:
        ``{"version", "added", "removed", "labels", "masters"}``.

    Raises:
        InputError: nothing given, a particle is unknown, or it is given for two labels.
    """
    chosen = _one_label_each(particles_by_label)
    _refuse_unknown_particles(ds, list(chosen))
    identity = dataset.record(ds)
    by_name = {
        name: labels.find_or_create(identity.catalogue, name, by=by).label_id for name in dict.fromkeys(chosen.values())
    }
    wanted = {particle_id: by_name[name] for particle_id, name in chosen.items()}
    before = masters.current(identity.dataset_id)
    gone = [key for key in before.masters if only and key not in wanted]
    after = masters.change(identity.dataset_id, add=wanted, remove=gone, by=by, reason=reason)
    _confirm(ds, wanted, by=by, version=after.version)
    mirror.mark_masters(ds)
    _mark_stale(ds, after.version)
    added = sum(before.masters.get(key) != label for key, label in wanted.items())
    return {"version": after.version, "added": added, "removed": len(gone), "labels": len(by_name),
            "masters": len(after.masters)}  # fmt: skip


def remove_masters(ds: fo.Dataset, particle_ids: Sequence[str], *, by: str, reason: str = "") -> dict[str, Any]:
    """Stop using particles as masters, in a new master set version; their decisions stay."""
    identity = dataset.dataset_id(ds)
    before = masters.current(identity)
    unknown = [key for key in particle_ids if key not in before.masters]
    if unknown:
        raise InputError(
            f"{len(unknown)} of {len(particle_ids)} particles are not masters (e.g. '{unknown[0]}'); "
            "list them with: sem-curate masters list"
        )
    after = masters.change(identity, remove=particle_ids, by=by, reason=reason)
    mirror.mark_masters(ds)
    _mark_stale(ds, after.version)
    return {
        "version": after.version,
        "removed": len(before.masters) - len(after.masters),
        "masters": len(after.masters),
    }


def _mark_stale(ds: fo.Dataset, version: int) -> None:
    """Show that proposals rest on former masters, and queue them: proposing what is pending brings them up to date."""
    if dataset.mark_stale(ds, version):
        dataset.mark_pending(ds, (schema.STAGE_PROPOSE,))


def _one_label_each(particles_by_label: Mapping[str, Sequence[str]]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name, particle_ids in particles_by_label.items():
        for particle_id in particle_ids:
            if chosen.setdefault(particle_id, name) != name:
                raise InputError(
                    f"particle '{particle_id}' is given as master of '{chosen[particle_id]}' and of '{name}'; "
                    "a particle can stand for one label"
                )
    if not chosen:
        raise InputError("no particles were given; select at least one particle to register as master")
    return chosen


def _refuse_unknown_particles(ds: fo.Dataset, particle_ids: Sequence[str]) -> None:
    known = dataset.read_views(ds, particle_ids, ())
    unknown = [key for key in particle_ids if key not in known]
    if unknown:
        raise InputError(
            f"{len(unknown)} of {len(particle_ids)} particles are not in dataset '{ds.name}' (e.g. '{unknown[0]}'); "
            "check the ids with: sem-curate status --dataset NAME"
        )


def _confirm(ds: fo.Dataset, label_of: Mapping[str, str], *, by: str, version: int) -> None:
    identity = dataset.dataset_id(ds)
    states = history.states(identity, label_of)
    events = [
        EventView(
            event_id=f"master:{identity}:{version}:{particle_id}",
            particle_id=particle_id,
            seq=states.get(particle_id, State()).seq + 1,
            kind="decide",
            decision=schema.CONFIRMED,
            label_id=label_id,
            by=by,
            source="masters",
            previous=standing(states.get(particle_id, State())),
        )
        for particle_id, label_id in label_of.items()
        if not _already(states.get(particle_id), schema.CONFIRMED, label_id)
    ]
    history.append_many(events, identity)
    mirror.refresh(ds, list(label_of))


def _already(state: State | None, decision: str, label_id: str | None) -> bool:
    return state is not None and (state.decision, state.label_id) == (decision, label_id)
