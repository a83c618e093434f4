"""Comparing learned integrators on what people have labelled: reads FiftyOne, keeps an adopted model as a file.

The model is not used by proposals yet; it is kept with its figures so that it can be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, paths, schema
from sem_curate.decide import rungs
from sem_curate.decide.batches import read_batch
from sem_curate.errors import StateError
from sem_curate.integrate import models
from sem_curate.integrate.contract import Views
from sem_curate.integrate.learned import TrainConfig
from sem_curate.registry import history, label_log, label_model, masters

POOL = 4096  # particles behind slot means, as for proposals
FOLDER = "integrators"


def train(
    ds: fo.Dataset, *, group_field: str | None = None, config: TrainConfig | None = None, plot: Path | None = None
) -> dict[str, Any]:
    """Compare all rungs on labelled particles and keep the winner when it is a learned one.

    Labelled are masters and particles that a person decided; automatic decisions teach nothing.

    Args:
        ds: the dataset.
        group_field: a field such as ``lot`` whose particles must not be split; None: each particle for itself.
        config: training settings.
        plot: where to draw the gains.

    Returns:
        The table of ``rungs.Comparison`` and ``"folder"``, None when the default stays.

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
    root = paths.home() / FOLDER / dataset.dataset_id(ds)
    folder = None if found.model is None else str(models.save(found.model, root))
    return {**found.as_dict(), "folder": folder}


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
