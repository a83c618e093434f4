"""Compare an encoder with the one in use on the masters of a dataset. The dataset is only read."""

from __future__ import annotations

from typing import Any

import numpy as np

from sem_curate import dataset
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import adopt, reference
from sem_curate.decide.batches import read_batch
from sem_curate.embed.run import embed_particles
from sem_curate.errors import StateError
from sem_curate.progress import Progress, silent
from sem_curate.registry import masters

SAMPLE = 2000  # particles, for the slot means


def judge_encoder(ds: Any, encoder: str, *, progress: Progress = silent) -> adopt.Verdict:
    """Embed the masters and a sample of a dataset with another encoder, and judge it against the one in use.

    Args:
        ds: was embedded, and has masters. Neither its vectors in use nor its proposals change.
        encoder: name of the other encoder.
        progress: counts views.

    Raises:
        StateError: nothing was embedded yet.
        EncoderError: the encoder cannot be loaded.
    """
    in_use = dataset.encoder_keys(ds).get("dino")
    if in_use is None:
        raise StateError(f"'{ds.name}' has no vectors to compare with; run: sem-curate run --dataset {ds.name}")
    labels = masters.standing(dataset.dataset_id(ds), dataset.record(ds).catalogue).masters
    sample = dataset.sample_particle_ids(ds, SAMPLE)
    key = embed_particles(ds, encoder, sorted({*labels, *sample}), progress=progress)
    return compare_encoders(ds, in_use, key)


def compare_encoders(ds: Any, before: str, after: str) -> adopt.Verdict:
    """Judge two encoders by vectors that are there already.

    Masters without a usable view in either are left out, so the comparison stays paired.

    Args:
        ds: has masters.
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
