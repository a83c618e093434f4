"""Proposals on a FiftyOne dataset: read vectors and quality, compare with the masters, write fields and receipts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, mirror, paths, schema
from sem_curate.config import DecideConfig, IntegrateConfig, as_dict
from sem_curate.decide import advice, receipts, reference
from sem_curate.decide.batches import fingerprint, read_batch
from sem_curate.decide.brain import ProposeConfig, ProposeResults
from sem_curate.decide.enroll import register_masters, remove_masters
from sem_curate.decide.reference import Batch, Reference
from sem_curate.errors import StateError
from sem_curate.progress import Progress, silent
from sem_curate.registry import datasets, history, labels, masters
from sem_curate.registry.fold import EventView, State

BATCH = 1024
VERSION = 2  # of what a reference holds: 2 has the masters' separation by view
SAMPLE = 4096  # particles behind slot means and the rank grid: enough for 0.2 % steps, bounded whatever the dataset
AUTOMATIC = "sem-curate"  # the author of automatic decisions
NO_MASTERS = "no masters yet: register a few example particles per label, then propose again"
NO_MASTER_VIEWS = "none of the {count} masters has an embedded view; embed first, or register other masters"

__all__ = ["propose", "read_batch", "register_masters", "remove_masters", "replay"]


@dataclass(frozen=True)
class _Run:
    """What stays the same during one run."""

    ds: fo.Dataset
    encoder_key: str
    integrate: IntegrateConfig
    decide: DecideConfig
    snapshot: masters.MasterSetView

    @cached_property
    def identity(self) -> str:
        return dataset.dataset_id(self.ds)

    @cached_property
    def spoken(self) -> str:
        return mirror.language(self.ds)

    @cached_property
    def views(self) -> tuple[str, ...]:
        return dataset.view_names(self.ds)

    @cached_property
    def masters(self) -> Batch:
        return read_batch(self.ds, self.encoder_key, sorted(self.snapshot.masters))[0]

    @cached_property
    def reference_id(self) -> str:
        return reference.reference_id(
            {
                "encoder": self.encoder_key,
                "master_set": self.snapshot.version,
                # A merge, split or deprecation makes the same masters stand for other labels.
                **({"relabelled": self.snapshot.relabelled} if self.snapshot.relabelled else {}),
                # A master's new picture, quality or late embedding changes what it stands for.
                "masters": fingerprint(self.masters),
                # Slot means are refreshed when the dataset has doubled: all refreshes together cost like one pass.
                "version": VERSION,
                "doublings": int(np.log2(max(dataset.count_particles(self.ds), 1))),
                **reference.settings_parts(self.integrate, self.decide),
            }
        )

    @cached_property
    def reference(self) -> Reference:
        """The frozen reference for these inputs: loaded, or built the first time."""
        path = paths.home() / "references" / self.identity / f"{self.reference_id}.npz"
        if path.exists():
            return reference.load(path)
        sample, _ = read_batch(self.ds, self.encoder_key, dataset.sample_particle_ids(self.ds, SAMPLE))
        built = reference.build(self.masters, self.snapshot.masters, sample, self.integrate, self.decide)
        reference.save(built, path)
        return built


def propose(
    ds: fo.Dataset,
    *,
    integrate: IntegrateConfig | None = None,
    decide: DecideConfig | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Propose a label for every particle whose inputs changed.

    New or changed particles are compared with the frozen reference; a new master set, a changed master, another encoder
    or setting makes a new reference and with it new proposals for all. Decisions made by people are never touched.
    Interrupted work goes on where it stopped.

    Returns:
        ``{"in", "out", "auto", "review", "unknown", "auto_confirmed", "masters_without_view", "seconds"}`` in particles
        (ids for ``masters_without_view``), and ``"notice"`` when nothing could be proposed.

    Raises:
        StateError: when the dataset has not been embedded.
    """
    started = time.perf_counter()
    mirror.catch_up(ds)
    run = _Run(
        ds, _encoder_key(ds), integrate or IntegrateConfig(), decide or DecideConfig(),
        masters.standing(dataset.dataset_id(ds), dataset.record(ds).catalogue),
    )  # fmt: skip
    summary: dict[str, Any] = {"in": 0, "out": 0, **dict.fromkeys((*schema.PROPOSAL_STATES, "auto_confirmed"), 0)}
    usable = bool(run.snapshot.masters) and bool(run.reference.master_ids)
    if usable:
        _queue_all_if_new(run)
    summary["in"] = dataset.count_pending(ds)[schema.STAGE_PROPOSE]
    if usable:
        _propose_pending(run, summary, progress)
        summary["masters_without_view"] = sorted(set(run.snapshot.masters) - set(run.reference.master_ids))
    else:
        count = len(run.snapshot.masters)
        summary["notice"] = NO_MASTER_VIEWS.format(count=count) if count else NO_MASTERS
        summary["masters_without_view"] = sorted(run.snapshot.masters)
    if summary["out"]:
        _register_run(run, summary)
    summary["seconds"] = time.perf_counter() - started
    return summary


def replay(ds: fo.Dataset, particle_id: str, receipt_id: str) -> dict[str, Any]:
    """Propose for one particle again, against the frozen reference that its receipt names.

    Returns:
        ``{"receipt_id", "replayed_id", "same", "content"}``; ``same`` when every stored value came out again, bit for
        bit. A view, quality or setting that changed since gives another receipt.

    Raises:
        StateError: the receipt or its frozen reference is gone.
    """
    content = history.get_receipt(receipt_id)
    if content is None:
        raise StateError(f"receipt '{receipt_id}' is not in the history; run: sem-curate receipt show {particle_id}")
    path = paths.home() / "references" / dataset.dataset_id(ds) / f"{content['reference_id']}.npz"
    if not path.exists():
        raise StateError(
            f"the frozen reference {content['reference_id']} is gone from '{path.parent}'; propose again with: "
            f"sem-curate run --dataset '{ds.name}' --stage propose"
        )
    frozen, settings = reference.load(path), ds.get_brain_info(schema.BRAIN_KEYS[schema.STAGE_PROPOSE]).config
    integrate, decide = IntegrateConfig(**settings.integrate), DecideConfig(**settings.decide)
    batch, _ = read_batch(ds, content["encoder_key"], [particle_id])
    pooled, found, made, _ = reference.propose_batch(batch, frozen, integrate, decide)
    shared = {key: content[key] for key in ("reference_id", "encoder_key", "master_set_version")}
    shared["thresholds"] = as_dict(frozen.thresholds)
    again = _contents(dataset.view_names(ds), frozen, batch, found, made, pooled.weights)[0]
    replayed = receipts.receipt(dataset.dataset_id(ds), particle_id, {**shared, **again})
    same = replayed["receipt_id"] == receipt_id
    return {
        "receipt_id": receipt_id,
        "replayed_id": replayed["receipt_id"],
        "same": same,
        "content": replayed["content"],
    }


def _encoder_key(ds: fo.Dataset) -> str:
    key = dataset.encoder_keys(ds).get("dino")
    if not key:
        raise StateError(
            f"dataset '{ds.name}' has no embeddings yet; run: sem-curate run --dataset '{ds.name}' --stage embed"
        )
    return key


def _queue_all_if_new(run: _Run) -> None:
    # Queue first, remember second: a kill in between only queues again.
    if datasets.get_record(run.identity).settings.get("reference_id") != run.reference_id:
        dataset.mark_pending(run.ds, [schema.STAGE_PROPOSE])
        datasets.change_settings(run.identity, {"reference_id": run.reference_id})


def _propose_pending(run: _Run, summary: dict[str, Any], progress: Progress) -> None:
    names = labels.by_ids(run.reference.label_ids)
    for particle_ids in dataset.pending_particles(run.ds, schema.STAGE_PROPOSE, batch=BATCH):
        batch, sample_ids = read_batch(run.ds, run.encoder_key, particle_ids)
        pooled, found, made, rank = reference.propose_batch(batch, run.reference, run.integrate, run.decide)
        contents = _receipts(run, batch, found, made, pooled.weights)
        history.save_receipts(contents, run.identity)
        if run.decide.auto_confirm:
            summary["auto_confirmed"] += _auto_decisions(run.ds, contents)
        _write_weights(run.ds, sample_ids, pooled.weights, batch)
        _write_proposals(run, contents, rank, names)
        for state in made.state:
            summary[state] += 1
        summary["out"] += len(particle_ids)
        progress(summary["out"], max(summary["in"], summary["out"]), "particles")


def _receipts(run: _Run, batch: Batch, found: Any, made: Any, weights: Any) -> list[dict[str, Any]]:
    frozen = run.reference
    shared = {
        "reference_id": run.reference_id,
        "encoder_key": run.encoder_key,
        "master_set_version": run.snapshot.version,
        "thresholds": as_dict(frozen.thresholds),
    }
    contents = _contents(run.views, frozen, batch, found, made, weights)
    return [
        receipts.receipt(run.identity, particle_id, {**shared, **content})
        for particle_id, content in zip(batch.particle_ids, contents, strict=True)
    ]


def _contents(
    views: Sequence[str], frozen: Reference, batch: Batch, found: Any, made: Any, weights: Any
) -> list[dict[str, Any]]:  # fmt: skip
    known: dict[str, Any] = {
        "view_names": views,
        "label_ids": frozen.label_ids,
        "master_ids": frozen.master_ids,
        "master_labels": frozen.master_labels,
    }
    disputed = reference.disputed_views(batch, weights)
    retakes = advice.retakes(batch, found, made, frozen, views)
    return [
        receipts.evidence(row, found, made, weights, **known, disputed=disputed[row], retake=retakes[row])
        for row in range(len(batch.particle_ids))
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
    run: _Run, contents: Sequence[dict[str, Any]], rank: Any, names: Mapping[str, labels.LabelView]
) -> None:
    order = {label_id: index for index, label_id in enumerate(run.reference.label_ids)}
    updates = {}
    for receipt, certain in zip(contents, rank, strict=True):
        content, label_id = receipt["content"], receipt["content"]["label_id"]
        shown = names[label_id].name(run.spoken) if label_id else None
        updates[receipt["particle_id"]] = {
            schema.PROPOSAL: dataset.classification(shown, label_id, content["confidence"]) if shown else None,
            schema.PROPOSAL_STATE: content["state"],
            schema.CONFIDENCE_RANK: float(certain),
            schema.MARGIN: content["margin"],
            schema.KNOWNNESS: content["knownness"],
            schema.REVIEW_REASONS: content["reasons"],
            schema.RETAKE_VIEW: content["retake"]["view"] if "retake" in content else None,
            # Label by label, the clearest first: consecutive particles then differ little and are judged alike.
            schema.REVIEW_PRIORITY: order.get(label_id or "", len(order)) + 1.0 - float(certain),
            schema.MASTER_SET_VERSION: run.snapshot.version,
            schema.RECEIPT_ID: receipt["receipt_id"],
        }
    dataset.write_particles(run.ds, updates, clear_pending=(schema.STAGE_PROPOSE,))


def _register_run(run: _Run, summary: Mapping[str, Any]) -> None:
    brain_key = schema.BRAIN_KEYS[schema.STAGE_PROPOSE]
    config = ProposeConfig(integrate=as_dict(run.integrate), decide=as_dict(run.decide), encoder_key=run.encoder_key)
    method = config.build()
    method.register_run(run.ds, brain_key, overwrite=True, cleanup=False)
    results = ProposeResults(run.ds, config, brain_key, summary=dict(summary), backend=method)
    method.save_run_results(run.ds, brain_key, results, overwrite=True)
