"""Proposals on a FiftyOne dataset: read vectors and quality, compare with the masters, write fields and receipts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, mirror, paths, schema
from sem_curate.config import DecideConfig, IntegrateConfig, as_dict
from sem_curate.decide import receipts, reference
from sem_curate.decide.brain import ProposeConfig, ProposeResults
from sem_curate.decide.enroll import register_masters, remove_masters
from sem_curate.decide.reference import Batch, Reference
from sem_curate.embed import store
from sem_curate.errors import StateError
from sem_curate.progress import Progress, silent
from sem_curate.registry import datasets, history, labels, masters
from sem_curate.registry.fold import EventView, State

BATCH = 1024
SAMPLE = 4096  # particles behind slot means and the rank grid: enough for 0.2 % steps, bounded whatever the dataset
AUTOMATIC = "sem-curate"  # the author of automatic decisions

__all__ = ["propose", "read_batch", "register_masters", "remove_masters"]


def propose(
    ds: fo.Dataset,
    *,
    integrate: IntegrateConfig | None = None,
    decide: DecideConfig | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Propose a label for every particle whose inputs changed.

    New or changed particles are compared with the frozen reference; a new master set, encoder or setting makes a new
    reference and with it new proposals for all. Decisions made by people are never touched. Interrupted work goes on
    where it stopped.

    Returns:
        ``{"in", "out", "auto", "review", "unknown", "auto_confirmed", "seconds", ...}`` in particles.

    Raises:
        StateError: when the dataset has not been embedded.
    """
    started = time.perf_counter()
    integrate, decide = integrate or IntegrateConfig(), decide or DecideConfig()
    mirror.catch_up(ds)
    key = _encoder_key(ds)
    frozen, reference_id, left_out = _reference(ds, key, integrate, decide)
    waiting = dataset.count_pending(ds)[schema.STAGE_PROPOSE]
    counts = dict.fromkeys((*schema.PROPOSAL_STATES, "auto_confirmed"), 0)
    summary: dict[str, Any] = {"in": waiting, "out": 0, **counts}
    if len(frozen.master_ids) == 0:
        summary["notice"] = "no masters yet: register a few example particles per label, then propose again"
    else:
        _propose_pending(ds, key, frozen, reference_id, integrate, decide, summary, waiting, progress)
        if summary["out"]:
            _register_run(ds, integrate, decide, key, summary)
    summary["masters_without_view"] = left_out
    summary["seconds"] = time.perf_counter() - started
    return summary


def _propose_pending(
    ds: fo.Dataset,
    key: str,
    frozen: Reference,
    reference_id: str,
    integrate: IntegrateConfig,
    decide: DecideConfig,
    summary: dict[str, Any],
    waiting: int,
    progress: Progress,
) -> None:
    version = masters.current(dataset.dataset_id(ds)).version
    spoken = mirror.language(ds)
    names = labels.by_ids(frozen.label_ids)
    for particle_ids in dataset.pending_particles(ds, schema.STAGE_PROPOSE, batch=BATCH):
        batch, sample_ids = read_batch(ds, key, particle_ids)
        pooled, found, made, rank = reference.propose_batch(batch, frozen, integrate, decide)
        contents = _receipts(ds, batch, frozen, found, made, pooled.weights, reference_id, version)
        history.save_receipts(contents, dataset.dataset_id(ds))
        confirmed = _auto_decisions(ds, contents) if decide.auto_confirm else 0
        _write_weights(ds, sample_ids, pooled.weights, batch)
        _write_proposals(ds, contents, rank, names, spoken, version, {key: i for i, key in enumerate(frozen.label_ids)})
        for state in made.state:
            summary[state] += 1
        summary["auto_confirmed"] += confirmed
        summary["out"] += len(particle_ids)
        progress(summary["out"], max(waiting, summary["out"]), "particles")


def read_batch(ds: fo.Dataset, encoder_key: str, particle_ids: Sequence[str]) -> tuple[Batch, list[list[str | None]]]:
    """Return view vectors, presence and quality of particles, and the sample id behind each view (None = missing)."""
    names = dataset.view_names(ds)
    rows = dataset.read_views(ds, particle_ids, (schema.CONTENT_HASH, schema.QUALITY, schema.PRESENT, schema.USABLE))
    slots = [[rows.get(key, {}).get(name) for name in names] for key in particle_ids]
    hashes = [
        (slot.get(schema.CONTENT_HASH) or "") if slot and slot.get(schema.PRESENT) else ""
        for particle in slots
        for slot in particle
    ]
    vectors, found = store.open_store(encoder_key).get(hashes)
    shape = (len(particle_ids), len(names))
    quality = np.array([[_quality(slot) for slot in particle] for particle in slots], dtype=np.float32).reshape(shape)
    present = np.asarray(found, dtype=bool).reshape(shape)
    batch = Batch(tuple(particle_ids), vectors.reshape(*shape, vectors.shape[-1]), present, quality)
    return batch, [[slot["_id"] if slot else None for slot in particle] for particle in slots]


def _quality(slot: Mapping[str, Any] | None) -> float:
    if slot is None or slot.get(schema.QUALITY) is None:
        return float("nan")
    return 0.0 if slot.get(schema.USABLE) is False else float(slot[schema.QUALITY])


def _encoder_key(ds: fo.Dataset) -> str:
    key = dataset.encoder_keys(ds).get("dino")
    if not key:
        raise StateError(
            f"dataset '{ds.name}' has no embeddings yet; run: sem-curate run --dataset '{ds.name}' --stage embed"
        )
    return key


def _reference(
    ds: fo.Dataset, key: str, integrate: IntegrateConfig, decide: DecideConfig
) -> tuple[Reference, str, list[str]]:
    """Return the frozen reference for the current inputs, building it and queueing every particle when it is new."""
    identity = dataset.record(ds)
    snapshot = masters.current(identity.dataset_id)
    parts = {
        "encoder": key,
        "masters": snapshot.version,
        # Slot means are refreshed when the dataset has doubled, so that all refreshes together cost like one pass.
        "doublings": int(np.log2(max(dataset.count_particles(ds), 1))),
        **reference.settings_parts(integrate, decide),
    }
    reference_id = reference.reference_id(parts)
    path = paths.home() / "references" / identity.dataset_id / f"{reference_id}.npz"
    if path.exists():
        frozen = reference.load(path)
    else:
        master_batch, _ = read_batch(ds, key, sorted(snapshot.masters))
        sample, _ = read_batch(ds, key, dataset.sample_particle_ids(ds, SAMPLE))
        frozen = reference.build(master_batch, snapshot.masters, sample, integrate, decide)
        reference.save(frozen, path)
    if identity.settings.get("reference_id") != reference_id:
        dataset.mark_pending(ds, [schema.STAGE_PROPOSE])
        datasets.change_settings(identity.dataset_id, {"reference_id": reference_id})
    return frozen, reference_id, sorted(set(snapshot.masters) - set(frozen.master_ids))


def _receipts(
    ds: fo.Dataset,
    batch: Batch,
    frozen: Reference,
    found: Any,
    made: Any,
    weights: Any,
    reference_id: str,
    version: int,
) -> list[dict[str, Any]]:
    shared = {"reference_id": reference_id, "encoder_key": dataset.encoder_keys(ds)["dino"],
              "master_set_version": version, "thresholds": as_dict(frozen.thresholds)}  # fmt: skip
    names, identity = dataset.view_names(ds), dataset.dataset_id(ds)
    return [
        receipts.receipt(
            identity,
            particle_id,
            {
                **shared,
                **receipts.evidence(
                    row,
                    found,
                    made,
                    weights,
                    view_names=names,
                    label_ids=frozen.label_ids,
                    master_ids=frozen.master_ids,
                    master_labels=frozen.master_labels,
                ),
            },
        )
        for row, particle_id in enumerate(batch.particle_ids)
    ]


def _auto_decisions(ds: fo.Dataset, contents: Iterable[dict[str, Any]]) -> int:
    """Record auto proposals as decisions, and withdraw automatic ones that no longer hold; people's word stands."""
    identity = dataset.dataset_id(ds)
    by_particle = {receipt["particle_id"]: receipt for receipt in contents}
    states = history.states(identity, by_particle)
    events = []
    for particle_id, receipt in by_particle.items():
        state = states.get(particle_id, State())
        if state.reopened or state.decision not in (schema.UNDECIDED, schema.AUTO):
            continue
        auto = receipt["content"]["state"] == schema.AUTO
        decision = schema.AUTO if auto else schema.UNDECIDED
        label_id = receipt["content"]["label_id"] if auto else None
        if (state.decision, state.label_id) != (decision, label_id):
            events.append(
                EventView(
                    event_id=f"auto:{identity}:{particle_id}:{state.seq + 1}",
                    particle_id=particle_id,
                    seq=state.seq + 1,
                    kind="decide",
                    decision=decision,
                    label_id=label_id,
                    by=AUTOMATIC,
                    source="propose",
                    receipt_id=receipt["receipt_id"],
                )
            )
    stored = history.append_many(events, identity)
    mirror.refresh(ds, [event.particle_id for event in stored])
    return sum(event.decision == schema.AUTO for event in stored)


def _write_weights(ds: fo.Dataset, sample_ids: list[list[str | None]], weights: Any, batch: Batch) -> None:
    updates = {
        sample_id: {schema.VIEW_WEIGHT: float(weight) if there else None}
        for ids, row, present in zip(sample_ids, weights, batch.present, strict=True)
        for sample_id, weight, there in zip(ids, row, present, strict=True)
        if sample_id is not None
    }
    dataset.write_views(ds, updates)


def _write_proposals(
    ds: fo.Dataset,
    contents: Sequence[dict[str, Any]],
    rank: Any,
    names: Mapping[str, labels.LabelView],
    spoken: str,
    version: int,
    order: Mapping[str, int],
) -> None:
    updates = {}
    for receipt, certain in zip(contents, rank, strict=True):
        content = receipt["content"]
        label_id = content["label_id"]
        updates[receipt["particle_id"]] = {
            schema.PROPOSAL: dataset.classification(names[label_id].name(spoken), label_id, content["confidence"])
            if label_id
            else None,
            schema.PROPOSAL_STATE: content["state"],
            schema.CONFIDENCE_RANK: float(certain),
            schema.MARGIN: content["margin"],
            schema.KNOWNNESS: content["knownness"],
            schema.REVIEW_REASONS: content["reasons"],
            # Label by label, the clearest first: consecutive particles then differ little and are judged alike.
            schema.REVIEW_PRIORITY: order.get(label_id or "", len(order)) + 1.0 - float(certain),
            schema.MASTER_SET_VERSION: version,
            schema.RECEIPT_ID: receipt["receipt_id"],
        }
    dataset.write_particles(ds, updates, clear_pending=(schema.STAGE_PROPOSE,))


def _register_run(
    ds: fo.Dataset, integrate: IntegrateConfig, decide: DecideConfig, key: str, summary: Mapping[str, Any]
) -> None:
    brain_key = schema.BRAIN_KEYS[schema.STAGE_PROPOSE]
    config = ProposeConfig(integrate=as_dict(integrate), decide=as_dict(decide), encoder_key=key)
    method = config.build()
    method.register_run(ds, brain_key, overwrite=True, cleanup=False)
    results = ProposeResults(ds, config, brain_key, summary=dict(summary), backend=method)
    method.save_run_results(ds, brain_key, results, overwrite=True)
