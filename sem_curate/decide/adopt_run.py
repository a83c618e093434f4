"""Compare two encoders on the masters of a dataset; reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sem_curate import dataset
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import adopt, reference
from sem_curate.decide.batches import read_batch
from sem_curate.registry import masters

if TYPE_CHECKING:
    import fiftyone as fo

SAMPLE = 2000  # particles, for the slot means


def compare_encoders(ds: fo.Dataset, before: str, after: str) -> adopt.Verdict:
    """Judge a new encoder against the one in use.

    Masters without a usable view in either are left out, so the comparison stays paired.

    Args:
        ds: has masters, and was embedded with both encoders.
        before: key of the encoder in use.
        after: key of the new encoder.
    """
    labels = masters.standing(dataset.dataset_id(ds), dataset.record(ds).catalogue).masters
    sample = dataset.sample_particle_ids(ds, SAMPLE)
    built = []
    for key in (before, after):
        own, others = (read_batch(ds, key, ids)[0] for ids in (sorted(labels), sample))
        built.append(reference.build(own, labels, others, IntegrateConfig(), DecideConfig()))
    both = sorted(set(built[0].master_ids) & set(built[1].master_ids))
    rows = [[found.master_ids.index(key) for key in both] for found in built]
    names = np.unique([labels[key] for key in both], return_inverse=True)[1].astype(np.int64)
    return adopt.judge(built[0].masters[rows[0]], built[1].masters[rows[1]], names)
