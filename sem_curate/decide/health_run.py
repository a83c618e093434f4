"""Master health on a FiftyOne dataset: vectors, people's decisions and pictures around the pure judgement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import fiftyone as fo
import numpy as np

from sem_curate import dataset, messages, schema
from sem_curate.arrays import Floats, Ints
from sem_curate.config import IntegrateConfig
from sem_curate.decide import health
from sem_curate.decide.batches import read_batch
from sem_curate.decide.reference import Batch
from sem_curate.errors import StateError
from sem_curate.integrate.pool import Pooled, pool, slot_agreement, slot_means
from sem_curate.registry import audits, history, labels, masters

SAMPLE: Final = 2048  # particles looked at: shares to 0.05 %, bounded whatever the dataset
DECIDED: Final = 1000  # of people's decisions, the newest: what was reversed long ago may be mended
FIELDS: Final = (schema.DECISION, schema.LABEL, schema.RECEIPT_ID)


@dataclass(frozen=True)
class _Seen:
    """Particles: ids, (N, D) vectors, (N,) label index confirmed by a person or -1."""

    particle_ids: tuple[str, ...]
    vectors: Floats
    truth: Ints


def masters_health(ds: fo.Dataset) -> dict[str, Any]:
    """Judge every master and every label.

    Returns:
        ``{"masters": [...], "labels": [...], "particles", "decided", "version", "without_view"}``. A master has
        ``particle_id``, ``label_id``, ``name_ja``, ``name_en``, ``drives`` (share of particles), ``decided`` and
        ``reversals`` (people's decisions on proposals that it drove, and those against them), ``sibling``, ``rival``
        (cosines), ``rival_ja``, ``rival_en``, ``changed``, ``gain``, ``suggestion`` and ``filepath``. A label has
        ``masters``, ``recall`` and ``promote``, particles with their pictures.

    Raises:
        StateError: no masters, or nothing embedded.
    """
    snapshot = masters.standing(dataset.dataset_id(ds), dataset.record(ds).catalogue)
    key = dataset.encoder_keys(ds).get("dino")
    if not snapshot.masters or not key:
        raise StateError(
            f"dataset '{ds.name}' has no masters yet; register a few per label: sem-curate masters register"
            if key
            else f"dataset '{ds.name}' has no embeddings yet; run: sem-curate run --dataset '{ds.name}'"
        )
    decided = dataset.find_particles(
        ds, {schema.DECISION: {"$in": [schema.CONFIRMED, schema.UNKNOWN]}, schema.MASTER_OF: None}, FIELDS,
        sort=schema.DECIDED_AT, limit=DECIDED, newest=True,
    )  # fmt: skip
    batch = _looked_at(ds, key, decided)
    judged, usable = _masters(ds, key, snapshot.masters, batch)
    seen = _seen(ds, batch, judged, decided)
    drove, against = _reversals(decided)
    names = labels.by_ids(judged.label_ids)
    found = [
        health.after_reversals(item, drove.get(item.master_id, 0), against.get(item.master_id, 0))
        for item in health.masters_health(judged, seen.vectors, seen.truth)
    ]
    whole = health.labels_health(judged, seen.vectors, seen.particle_ids, seen.truth)
    shown = [item.master_id for item in found] + [key for item in whole for key in item.promote]
    pictures = dataset.best_images(ds, shown)
    return {
        "masters": [
            {**_master(item, names), "decided": drove.get(item.master_id, 0),
             "reversals": against.get(item.master_id, 0), "filepath": pictures.get(item.master_id)}
            for item in found
        ],
        "labels": [
            {**_label(item.label_id, names), "masters": item.masters, "recall": item.recall,
             "promote": [{"particle_id": key, "filepath": pictures.get(key)} for key in item.promote]}
            for item in whole
        ],
        "particles": len(seen.particle_ids),
        "decided": int((seen.truth >= 0).sum()),
        "version": snapshot.version,
        "without_view": sorted(set(snapshot.masters) - usable),
    }  # fmt: skip


def _looked_at(ds: fo.Dataset, key: str, decided: Sequence[Mapping[str, Any]]) -> Batch:
    """Read an arbitrary sample of production, and what people decided."""
    ids = dataset.sample_particle_ids(ds, SAMPLE, where={schema.MASTER_OF: None})
    people = [str(row[schema.PARTICLE_ID]) for row in decided if row[schema.DECISION] == schema.CONFIRMED]
    return read_batch(ds, key, list(dict.fromkeys([*ids, *people])))[0]


def _masters(ds: fo.Dataset, key: str, wanted: Mapping[str, str], sample: Batch) -> tuple[health.Masters, set[str]]:
    batch, _ = read_batch(ds, key, sorted(wanted))
    pooled = _pooled(batch, sample if sample.particle_ids else batch)
    there = pooled.weights.sum(axis=1) > 0
    ids = tuple(name for name, ok in zip(batch.particle_ids, there, strict=True) if ok)
    label_ids = tuple(sorted({wanted[name] for name in ids}))
    index = np.array([label_ids.index(wanted[name]) for name in ids], np.int64)
    seen = np.where(np.isnan(batch.quality), 1.0, batch.quality)
    quality = (pooled.weights * seen).sum(axis=1).astype(np.float32)
    views = batch.present.mean(axis=1).astype(np.float32)
    return health.Masters(pooled.vectors[there], index, ids, label_ids, quality[there], views[there]), set(ids)


def _seen(ds: fo.Dataset, batch: Batch, judged: health.Masters, decided: Sequence[Mapping[str, Any]]) -> _Seen:
    hidden = audits.hidden(dataset.dataset_id(ds))
    order = {label_id: place for place, label_id in enumerate(judged.label_ids)}
    # What was said of audits stays out until their draw is closed: promoting one would give away the rest.
    said = {
        row[schema.PARTICLE_ID]: order.get((row.get(schema.LABEL) or {}).get("label_id") or "", -1)
        for row in decided
        if row[schema.DECISION] == schema.CONFIRMED and row[schema.PARTICLE_ID] not in hidden
    }
    pooled = _pooled(batch, batch)
    there = np.flatnonzero(pooled.weights.sum(axis=1) > 0)
    kept = tuple(batch.particle_ids[int(row)] for row in there)
    return _Seen(kept, pooled.vectors[there], np.array([said.get(name, -1) for name in kept], np.int64))


def _pooled(batch: Batch, sample: Batch) -> Pooled:
    means = slot_means(sample.vectors, sample.present)
    usual = slot_agreement(sample.vectors, sample.present, means)
    return pool(batch.vectors, batch.present, batch.quality, means=means, usual=usual, config=IntegrateConfig())


def _reversals(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, int], dict[str, int]]:
    """Return by master how many proposals that it drove people decided, and how many of these otherwise."""
    receipts = history.get_receipts([row[schema.RECEIPT_ID] for row in rows if row.get(schema.RECEIPT_ID)])
    drove: dict[str, int] = {}
    against: dict[str, int] = {}
    for row in rows:
        content = receipts.get(row.get(schema.RECEIPT_ID) or "", {})
        nearest = next(iter(content.get("masters", ())), None)
        if nearest is None or nearest["label_id"] != content.get("label_id"):
            continue
        name = nearest["particle_id"]
        drove[name] = drove.get(name, 0) + 1
        against[name] = against.get(name, 0) + ((row.get(schema.LABEL) or {}).get("label_id") != content["label_id"])
    return drove, against


def _master(item: health.Health, names: Mapping[str, labels.LabelView]) -> dict[str, Any]:
    rival = names.get(item.rival_id or "")
    return {
        "particle_id": item.master_id,
        **_label(item.label_id, names),
        "drives": item.drives,
        "sibling": item.sibling,
        "rival": item.rival,
        "rival_ja": rival.name("ja") if rival else None,
        "rival_en": rival.name("en") if rival else None,
        "changed": item.changed,
        "gain": item.gain,
        "suggestion": messages.coded("health", item.suggestion),
    }


def _label(label_id: str, names: Mapping[str, labels.LabelView]) -> dict[str, Any]:
    label = names.get(label_id)
    spoken = {f"name_{language}": label.name(language) if label else label_id for language in ("ja", "en")}
    return {"label_id": label_id, **spoken}


def suggested(found: Mapping[str, Any], *, but: Collection[str] = (health.KEEP,)) -> Sequence[Mapping[str, Any]]:
    """Return the masters about which something should be done."""
    return [row for row in found["masters"] if row["suggestion"]["code"] not in but]
