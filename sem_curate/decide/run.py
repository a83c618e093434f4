"""Proposals on a FiftyOne dataset: read vectors and quality, compare with the masters, write fields and receipts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import fiftyone as fo
import numpy as np

from sem_curate import dataset, layout, messages, mirror, schema
from sem_curate.arrays import finite_rows
from sem_curate.config import DecideConfig, IntegrateConfig, as_dict
from sem_curate.decide import account, adopted, automatic, receipts, reference, replaying, watching
from sem_curate.decide.assess import BROKEN_VIEWS, Note
from sem_curate.decide.batches import fingerprint, read_batch
from sem_curate.decide.brain import ProposeConfig, ProposeResults
from sem_curate.decide.confirming import Held, Terms
from sem_curate.decide.enroll import register_masters, remove_masters
from sem_curate.decide.reference import Batch, Reference
from sem_curate.decide.replaying import replay, replay_all
from sem_curate.embed import store
from sem_curate.errors import StateError
from sem_curate.integrate.contract import Integrator
from sem_curate.progress import Progress, silent
from sem_curate.registry import audits, certificates, choices, datasets, history, integrators, labels, masters

BATCH = 1024
SAMPLE = 4096  # particles behind slot means and the rank grid: enough for 0.2 % steps, bounded whatever the dataset
NO_MASTERS = "no masters yet: register a few example particles per label, then propose again"
NO_MASTER_VIEWS = "none of the {count} masters has an embedded view; embed first, or register other masters"
OTHER_VECTORS = "other_vectors"  # the adopted integrator cannot be used
MAKER = ("key", "weights", "preprocessing_hash")  # what receipts say about the encoder

__all__ = ["propose", "read_batch", "register_masters", "remove_masters", "replay", "replay_all"]


def _active_certificate(identity: str, reference_id: str) -> Held | None:
    """Return the certificate for proposals made with this reference, certified or suspended; None without one."""
    return certificates.active(identity, reference_id=reference_id)


def _opted_in(identity: str) -> bool:
    """Tell whether somebody knowingly does without a certificate."""
    return bool(choices.chosen(identity, choices.WITHOUT_CERTIFICATE).get("on"))


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
    def integrator(self) -> tuple[Integrator | None, integrators.IntegratorView | None]:
        """The adopted learned integrator, None for the default; and an entry that these vectors rule out."""
        return adopted.in_force(self.identity, self.encoder_key)

    @cached_property
    def reference_id(self) -> str:
        """What identifies the reference; slot means are refreshed when the dataset has doubled.

        All refreshes together cost like one pass. What a certificate is about stays while the certificate does, or it
        would lapse with the 1,024th particle.
        """
        doublings = int(np.log2(max(dataset.count_particles(self.ds), 1)))
        held = certificates.active(self.identity)
        if held is not None:
            for earlier in range(doublings):
                if self._reference_id(earlier) == held.reference_id:
                    return held.reference_id
        return self._reference_id(doublings)

    def _reference_id(self, doublings: int) -> str:
        learned = self.integrator[0]
        return reference.reference_id(
            {
                "encoder": self.encoder_key,
                "master_set": self.snapshot.version,
                # A merge, split or deprecation makes the same masters stand for other labels.
                **({"relabelled": self.snapshot.relabelled} if self.snapshot.relabelled else {}),
                # A master's new picture, quality or late embedding changes what it stands for.
                "masters": self._masters_hash,
                "version": reference.FORMAT,
                "doublings": doublings,
                "integrator": None if learned is None else [learned.rung, learned.version],
                **reference.settings_parts(self.integrate, self.decide),
            }
        )

    @cached_property
    def _masters_hash(self) -> str:
        return fingerprint(self.masters)

    @cached_property
    def reference(self) -> Reference:
        """The frozen reference for these inputs: loaded, or built the first time."""
        path = replaying.folder(self.identity) / f"{self.reference_id}.npz"
        if not path.exists():
            # Sorted: sums over the same particles then give the same bits whatever the dataset is called.
            sample, _ = read_batch(self.ds, self.encoder_key, sorted(dataset.sample_particle_ids(self.ds, SAMPLE)))
            built = reference.build(
                self.masters, self.snapshot.masters, sample, self.integrate, self.decide, integrator=self.integrator[0]
            )
            reference.save(built, path)
        return replaying.load_reference(self.identity, self.reference_id)

    @cached_property
    def terms(self) -> Terms:
        return self.terms_now()

    def terms_now(self) -> Terms:
        return Terms(_active_certificate(self.identity, self.reference_id), _opted_in(self.identity))

    @cached_property
    def given(self) -> dict[str, Any]:
        """What every receipt says about its circumstances, see ``account.GIVEN``."""
        maker = store.open_store(self.encoder_key).meta
        return {
            "reference_id": self.reference_id,
            "encoder_key": self.encoder_key,
            "encoder": {name: maker[name] for name in MAKER if name in maker},
            "master_set_version": self.snapshot.version,
            **self.terms.as_dict(),
        }


def propose(
    ds: fo.Dataset,
    *,
    integrate: IntegrateConfig | None = None,
    decide: DecideConfig | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Propose a label for every particle whose inputs changed.

    New or changed particles are compared with the frozen reference; a new master set, a changed master, another
    encoder, integrator or setting makes a new reference and with it new proposals for all. Decisions made by people
    are never touched; automatic ones that no longer hold are withdrawn. Interrupted work goes on where it stopped.

    Returns:
        ``{"in", "out", "auto", "review", "unknown", "auto_confirmed", "masters_without_view", "notes", "drift",
        "seconds"}`` in particles (ids for ``masters_without_view``; ``{"code", "count", "example"}`` for ``notes``; see
        :func:`watching.watch` for ``drift``), and ``"notice"`` when nothing could be proposed or something is odd.
        When ``drift`` says "suspended", nothing was confirmed; propose again to withdraw what was before.

    Raises:
        StateError: when the dataset has not been embedded.
    """
    started = time.perf_counter()
    layout.index_particles(ds, dataset.anchor(ds))
    mirror.catch_up(ds)
    identity = dataset.dataset_id(ds)
    run = _Run(ds, _encoder_key(ds), integrate or IntegrateConfig(), _chosen_rule(identity, decide or DecideConfig()),
               masters.standing(identity, dataset.record(ds).catalogue))  # fmt: skip
    summary: dict[str, Any] = {"in": 0, "out": 0, **dict.fromkeys((*schema.PROPOSAL_STATES, "auto_confirmed"), 0),
                               "drift": None}  # fmt: skip
    usable = bool(run.snapshot.masters) and bool(run.reference.master_ids)
    if usable:
        _queue_all_if_new(run)
    summary["in"] = dataset.count_pending(ds)[schema.STAGE_PROPOSE]
    if usable:
        broken = _propose_pending(run, summary, progress)
        summary["drift"] = watching.watch(ds)
        if run.decide.auto_confirm:
            same = run.terms.key  # not if the certificate has just been suspended, by this batch or by a person
            summary["auto_confirmed"] = automatic.confirm(
                ds, allowed=lambda: run.terms_now().key == same, progress=progress
            )
        summary["masters_without_view"] = sorted(set(run.snapshot.masters) - set(run.reference.master_ids))
        _tell(run, summary, broken)
    else:
        count = len(run.snapshot.masters)
        summary["notice"] = NO_MASTER_VIEWS.format(count=count) if count else NO_MASTERS
        summary["masters_without_view"] = sorted(run.snapshot.masters)
        summary["notes"] = []
    if summary["out"]:
        _register_run(run, summary)
    summary["seconds"] = time.perf_counter() - started
    return summary


def _chosen_rule(identity: str, decide: DecideConfig) -> DecideConfig:
    # What somebody chose for the dataset holds wherever nothing else is asked for.
    if decide.rule != DecideConfig.rule:
        return decide
    return replace(decide, rule=choices.chosen(identity, choices.RULE).get("name", decide.rule))


def _tell(run: _Run, summary: dict[str, Any], broken: Note | None) -> None:
    """Put into words what was odd, with names in place of label ids."""
    other = run.integrator[1]
    notes = [*run.reference.notes, *([broken] if broken else [])]
    notes += [Note(OTHER_VECTORS, 1, f"{other.version} ({other.rung})")] if other else []
    names = labels.by_ids(run.snapshot.masters.values())
    spoken = []
    for note in notes:
        example = note.example
        for label_id, label in names.items():
            example = example.replace(label_id, label.name(run.spoken))
        spoken.append(replace(note, example=example))
    summary["notes"] = [as_dict(note) for note in spoken]
    if spoken:
        texts = [messages.text(f"note.{note.code}", "en").format(**as_dict(note)) for note in spoken]
        summary["notice"] = "; ".join(texts)


def _encoder_key(ds: fo.Dataset) -> str:
    key = dataset.encoder_keys(ds).get("dino")
    if not key:
        raise StateError(
            f"dataset '{ds.name}' has no embeddings yet; run: sem-curate run --dataset '{ds.name}' --stage embed"
        )
    return key


def _queue_all_if_new(run: _Run) -> None:
    # Queue first, remember second: a kill in between only queues again.
    known = datasets.get_record(run.identity).settings
    now = {"reference_id": run.reference_id, "proposed_under": run.terms.key}
    if any(known.get(key) != value for key, value in now.items()):
        dataset.mark_pending(run.ds, [schema.STAGE_PROPOSE])
        datasets.change_settings(run.identity, now)


def _propose_pending(run: _Run, summary: dict[str, Any], progress: Progress) -> Note | None:
    """Propose for everything that waits; returns how many views were broken, with an example."""
    names = labels.by_ids(run.reference.label_ids)
    broken: Note | None = None
    for particle_ids in dataset.pending_particles(run.ds, schema.STAGE_PROPOSE, batch=BATCH):
        batch, sample_ids = read_batch(run.ds, run.encoder_key, particle_ids)
        contents = _receipts(run, batch, names)
        history.save_receipts(contents, run.identity)
        automatic.withdraw(run.ds, contents)
        _write_views(run, sample_ids, contents)
        _write_proposals(run, contents, names)
        for receipt in contents:
            summary[receipt["content"]["state"]] += 1
        summary["out"] += len(particle_ids)
        broken = _added(broken, _broken(run, batch))
        progress(summary["out"], max(summary["in"], summary["out"]), "particles")
    return broken


def _receipts(run: _Run, batch: Batch, names: Mapping[str, labels.LabelView]) -> list[dict[str, Any]]:
    versions = {label_id: label.version for label_id, label in names.items()}
    made = account.contents(batch, run.reference, run.views, run.terms, run.given)
    return [
        receipts.receipt(run.identity, particle_id, account.with_versions(content, versions))
        for particle_id, content in zip(batch.particle_ids, made, strict=True)
    ]


def _broken(run: _Run, batch: Batch) -> Note | None:
    rows = np.argwhere(batch.present & ~finite_rows(batch.vectors))
    if len(rows) == 0:
        return None
    return Note(BROKEN_VIEWS, len(rows), f"'{batch.particle_ids[rows[0][0]]}' {run.views[rows[0][1]]}")


def _added(first: Note | None, second: Note | None) -> Note | None:
    if first is None or second is None:
        return first or second
    return replace(first, count=first.count + second.count)


def _write_views(run: _Run, sample_ids: list[list[str | None]], contents: Sequence[dict[str, Any]]) -> None:
    updates = {
        sample_id: {
            schema.VIEW_WEIGHT: receipt["content"]["weights"][view],
            schema.VIEW_CONTRIBUTION: receipt["content"]["contributions"][view],
            schema.VIEW_REMOVAL: receipt["content"]["removal"][view],
        }
        for ids, receipt in zip(sample_ids, contents, strict=True)
        for sample_id, view in zip(ids, run.views, strict=True)
        if sample_id is not None
    }
    dataset.write_views(run.ds, updates)


def _write_proposals(run: _Run, contents: Sequence[dict[str, Any]], names: Mapping[str, labels.LabelView]) -> None:
    order = {label_id: index for index, label_id in enumerate(run.reference.label_ids)}
    hidden = audits.hidden(run.identity)
    updates = {}
    for receipt in contents:
        content, label_id = receipt["content"], receipt["content"]["label_id"]
        shown = names[label_id].name(run.spoken) if label_id else None
        updates[receipt["particle_id"]] = {
            schema.PROPOSAL: dataset.classification(shown, label_id, content["confidence"]) if shown else None,
            schema.PROPOSAL_STATE: content["state"],
            schema.CONFIDENCE_RANK: content["score"],
            schema.MARGIN: content["margin"],
            schema.KNOWNNESS: content["knownness"],
            schema.AGREEMENT: content["agreement"],
            schema.ENTROPY: content["entropy"],
            schema.ONE_VIEW: content["one_view"],
            schema.REVIEW_REASONS: content["reasons"],
            schema.RETAKE_VIEW: content["retake"]["view"] if "retake" in content else None,
            # Label by label, the clearest first: consecutive particles then differ little and are judged alike.
            schema.REVIEW_PRIORITY: order.get(label_id or "", len(order)) + 1.0 - content["score"],
            schema.MASTER_SET_VERSION: run.snapshot.version,
            schema.STALE: False,
            schema.RECEIPT_ID: receipt["receipt_id"],
        }
        if receipt["particle_id"] in hidden:
            updates[receipt["particle_id"]][schema.PROPOSAL] = None
    dataset.write_particles(run.ds, updates, clear_pending=(schema.STAGE_PROPOSE,))


def _register_run(run: _Run, summary: Mapping[str, Any]) -> None:
    brain_key = schema.BRAIN_KEYS[schema.STAGE_PROPOSE]
    config = ProposeConfig(integrate=as_dict(run.integrate), decide=as_dict(run.decide), encoder_key=run.encoder_key)
    method = config.build()
    method.register_run(run.ds, brain_key, overwrite=True, cleanup=False)
    results = ProposeResults(run.ds, config, brain_key, summary=dict(summary), backend=method)
    method.save_run_results(run.ds, brain_key, results, overwrite=True)
