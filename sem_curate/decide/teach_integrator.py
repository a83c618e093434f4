"""Comparing learned integrators on what people have labelled, and which one is in force.

An adopted model is kept as a file, its figures as a numbered version in the registry; the next proposals use it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, messages, schema
from sem_curate.decide import adopted, doubts, rungs
from sem_curate.decide.batches import read_batch
from sem_curate.errors import StateError
from sem_curate.integrate import models
from sem_curate.integrate.contract import Views
from sem_curate.integrate.learned import TrainConfig
from sem_curate.registry import history, integrators, label_log, label_model, masters

POOL = 4096  # particles behind slot means, as for proposals
UNNAMED = "sem-curate"  # the author when nobody says who


def train(
    ds: fo.Dataset,
    *,
    by: str = UNNAMED,
    reason: str = "",
    group_field: str | None = None,
    config: TrainConfig | None = None,
    plot: Path | None = None,
) -> dict[str, Any]:
    """Compare all rungs on labelled particles and adopt the winner when it is a learned one.

    Labelled are masters and particles that a person decided; automatic decisions teach nothing.

    Args:
        ds: the dataset.
        by: who.
        reason: why; kept with the version.
        group_field: a field such as ``lot`` whose particles must not be split; None: each particle for itself.
        config: training settings.
        plot: where to draw the gains.

    Returns:
        The table of ``rungs.Comparison``, ``"folder"`` (None when the default won), ``"in_force"``: the number of
        the version that proposals use, None for the default, and ``"doubt"``: when the default wins, what was adopted
        before stays, and this says in words what now speaks for going back to the default, None when nothing does.

    Raises:
        StateError: no embeddings, or no labelled particles.
    """
    key = dataset.encoder_keys(ds).get("dino")
    labelled = _labelled(ds)
    if not key or not labelled:
        missing = "embeddings" if not key else "particles labelled by a person"
        raise StateError(f"dataset '{ds.name}' has no {missing}; nothing to train an integrator on")
    ids = sorted(labelled)
    batch, _ = read_batch(ds, key, ids)
    sample, _ = read_batch(ds, key, dataset.sample_particle_ids(ds, POOL))
    _, labels = np.unique([labelled[one] for one in ids], return_inverse=True)
    found = rungs.compare(
        Views(batch.vectors, batch.present, batch.quality), labels.astype(np.int64), _groups(ds, ids, group_field),
        pool=Views(sample.vectors, sample.present, sample.quality), config=config,
    )  # fmt: skip
    if plot is not None and found.rows:
        rungs.plot(found, plot)
    identity = dataset.dataset_id(ds)
    folder = None if found.model is None else str(models.save(found.model, adopted.root(identity)))
    if found.model is not None:
        entry = integrators.add(
            identity, rung=found.model.rung, model=found.model.version, encoder_key=key, figures=found.as_dict(), by=by,
            reason=reason,
        )  # fmt: skip
        integrators.activate(identity, entry.version, by=by, reason=reason)
    return {**found.as_dict(), "folder": folder, "in_force": in_force(ds), "doubt": _doubt(ds, key, found)}


def use(ds: fo.Dataset, version: int | None, *, by: str, reason: str = "") -> dict[str, Any]:
    """Put an adopted version in force again, or the default with None; the next proposals use it.

    Returns:
        ``{"in_force"}``.

    Raises:
        InputError: there is no such version.
    """
    integrators.activate(dataset.dataset_id(ds), version, by=by, reason=reason)
    return {"in_force": in_force(ds)}


def in_force(ds: fo.Dataset) -> int | None:
    """Return the number of the version that proposals use, None for the default."""
    entry = integrators.active(dataset.dataset_id(ds))
    return entry.version if entry else None


def _doubt(ds: fo.Dataset, key: str, found: rungs.Comparison) -> dict[str, Any] | None:
    entry = integrators.active(dataset.dataset_id(ds))
    if entry is None or found.model is not None:
        return None
    seen = doubts.doubt(entry.rung, found.rows, same_vectors=entry.encoder_key == key)
    if seen is None:
        return None
    points = {name: f"{100 * value:+.1f}" for name, value in asdict(seen).items() if isinstance(value, float)}
    said = {
        language: messages.text(f"integrator.{seen.code}", language).format(
            number=entry.version, rung=entry.rung, name=ds.name, **points
        )
        for language in ("ja", "en")
    }
    return {**asdict(seen), "version": entry.version, **said}


def _labelled(ds: fo.Dataset) -> dict[str, str]:
    identity = dataset.dataset_id(ds)
    catalogue = dataset.record(ds).catalogue
    found = dict(masters.standing(identity, catalogue).masters)
    known = label_log.catalogue(catalogue)
    for key, state in history.states(identity, history.all_particles(identity)).items():
        if state.label_id and state.decision not in (schema.UNDECIDED, schema.AUTO):
            label_id = label_model.resolve(known, state.label_id)
            # What was decided as a label that is split up says nothing about its parts.
            if label_id not in known or known[label_id].status != label_model.SPLIT:
                found[key] = label_id
    return found


def _groups(ds: fo.Dataset, ids: list[str], field: str | None) -> Any:
    if field is None:
        return np.arange(len(ids))
    rows = dataset.find_particles(
        ds, {schema.PARTICLE_ID: {"$in": ids}}, (schema.PARTICLE_ID, field), limit=len(ids)
    )  # fmt: skip
    values = {row[schema.PARTICLE_ID]: str(row.get(field)) for row in rows}
    _, groups = np.unique([values.get(key, key) for key in ids], return_inverse=True)
    return groups
