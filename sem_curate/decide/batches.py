"""Reading view vectors and qualities of particles from FiftyOne and the vector files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, schema
from sem_curate.decide.reference import Batch
from sem_curate.embed import store

FIELDS = (
    schema.CONTENT_HASH, schema.QUALITY, schema.PRESENT, schema.USABLE, schema.DISPUTED_TAGS, schema.TAGS_BY,
)  # fmt: skip


def read_batch(ds: fo.Dataset, encoder_key: str, particle_ids: Sequence[str]) -> tuple[Batch, list[list[str | None]]]:
    """Return view vectors, presence and quality of particles, and the sample id behind each view (None = missing).

    A view counts as present when its image exists and was embedded; an unusable one has quality 0.
    """
    names = dataset.view_names(ds)
    rows = dataset.read_views(ds, particle_ids, FIELDS)
    slots = [[rows.get(key, {}).get(name) for name in names] for key in particle_ids]
    vectors, present = store.gather(
        store.open_store(encoder_key), [[dataset.content_hash(slot) for slot in line] for line in slots]
    )
    quality = np.array([[_quality(slot) for slot in line] for line in slots], dtype=np.float32)
    disputed = tuple(tuple(_disputed(slot) for slot in line) for line in slots)
    images = tuple(tuple(dataset.content_hash(slot) for slot in line) for line in slots)
    batch = Batch(tuple(particle_ids), vectors, present, quality.reshape(present.shape), disputed, images)
    return batch, [[slot["_id"] if slot else None for slot in line] for line in slots]


def fingerprint(batch: Batch) -> str:
    """Return a hash of what particles look like to a proposal: which views, their vectors, their quality to 1 %."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\0".join(batch.particle_ids).encode())
    digest.update(np.round(np.nan_to_num(batch.quality, nan=-1.0), 2).tobytes())
    digest.update(batch.present.tobytes())
    digest.update(np.ascontiguousarray(batch.vectors).tobytes())
    return digest.hexdigest()


def _disputed(slot: Mapping[str, Any] | None) -> tuple[str, ...]:
    # Where a person corrected the tags, a model's opinion of them is no news.
    return () if slot is None or slot.get(schema.TAGS_BY) else tuple(slot.get(schema.DISPUTED_TAGS) or ())


def _quality(slot: Mapping[str, Any] | None) -> float:
    if slot is None or slot.get(schema.QUALITY) is None:
        return float("nan")
    return 0.0 if slot.get(schema.USABLE) is False else float(slot[schema.QUALITY])
