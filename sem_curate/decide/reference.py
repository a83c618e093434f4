"""What a batch of particles is compared with, frozen under one id: the fitted lane and who its masters are. Pure.

New particles are proposed against the same frozen reference as the old ones, so that adding 100 to 100,000 costs
like 100 and two particles proposed at different times remain comparable.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.config import DecideConfig, IntegrateConfig, as_dict
from sem_curate.decide import assess as lanes
from sem_curate.decide import rules, steady
from sem_curate.decide.assess import COUNTS, MASTERS_WITHOUT_VIEW, Assessment, Lane, Note
from sem_curate.decide.score import Production
from sem_curate.decide.thresholds import Thresholds
from sem_curate.errors import StateError
from sem_curate.integrate.contract import DEFAULT, Integrated, Integrator, QualityMean, Views
from sem_curate.quality.retake import separations

# 4: prototypes in the mixture, views weighted by quality and agreement alone; 3: a fitted rule, contributions, ranks;
# 2: the masters' separation by view
FORMAT: Final = 4


@dataclass(frozen=True)
class Reference:
    """Frozen comparison material; see the module.

    Attributes:
        lane: fitted on the masters and a sample of the dataset.
        master_ids: particle id of each row of the rule's masters.
        separation: (V, L, L) how well each view alone separates two labels, from the masters (quality.retake).
    """

    lane: Lane
    master_ids: tuple[str, ...]
    separation: Floats

    @property
    def label_ids(self) -> tuple[str, ...]:
        """Return the label ids that have usable masters, sorted."""
        return self.lane.label_ids

    @property
    def masters(self) -> Floats:
        """Return the master vectors, (M, D)."""
        return self.lane.rule.masters

    @property
    def labels(self) -> Ints:
        """Return the label index of each master, (M,)."""
        return self.lane.rule.labels

    @property
    def master_labels(self) -> list[str]:
        """Return the label id of each master."""
        return [self.label_ids[label] for label in self.labels]

    @property
    def thresholds(self) -> Thresholds:
        """Return where known begins."""
        return self.lane.thresholds

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return what was odd about the masters."""
        return self.lane.notes

    @property
    def integrator(self) -> dict[str, str]:
        """Return ``{"rung", "version"}`` of what makes the particle vectors; the version is a content hash."""
        return {"rung": self.lane.integrator.rung, "version": self.lane.integrator.version}


@dataclass(frozen=True)
class Batch:
    """View vectors of some particles: (N, V, D), (N, V), (N, V); and which quality tags the VLM disputes.

    ``images`` are N rows of V content hashes, None without an image; empty when nobody asks for them.
    """

    particle_ids: tuple[str, ...]
    vectors: Floats
    present: Bools
    quality: Floats
    disputed: tuple[tuple[tuple[str, ...], ...], ...] = ()  # N rows of V tag tuples; empty: nothing is disputed
    images: tuple[tuple[str | None, ...], ...] = ()

    @property
    def views(self) -> Views:
        """Return what integrators take."""
        return Views(self.vectors, self.present, self.quality)


def reference_id(parts: Mapping[str, Any]) -> str:
    """Return the id of the reference that these inputs give (encoder key, master set version, settings, pool size)."""
    return f"ref_{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]}"


def build(
    masters: Batch,
    master_labels: Mapping[str, str],
    sample: Batch,
    integrate: IntegrateConfig,
    decide: DecideConfig,
    *,
    integrator: Integrator | None = None,
) -> Reference:
    """Build the reference from the masters and a sample of the dataset.

    Masters without any usable view are left out; the notes count them.

    Args:
        masters: the masters' views; may be none.
        master_labels: ``{particle_id: label_id}``.
        sample: views of a bounded sample of the dataset, for slot means and ranks.
        integrate: how views are pooled.
        decide: thresholds, and which proposal rule.
        integrator: an adopted learned rung; None for the default.
    """
    named = [master_labels[key] for key in masters.particle_ids]
    lane = lanes.fit(
        masters.views, named, sample.views, rule=decide.rule, integrator=integrator, integrate=integrate, decide=decide
    )
    usable = lane.integrator(masters.views).weights.sum(axis=1) > 0
    master_ids = tuple(key for key, ok in zip(masters.particle_ids, usable, strict=True) if ok)
    absent = next((key for key, ok in zip(masters.particle_ids, usable, strict=True) if not ok), "")
    notes = [replace(note, example=f"'{absent}'") if note.code == MASTERS_WITHOUT_VIEW else note for note in lane.notes]
    lane = replace(lane, notes=tuple(notes))
    done, centred = lane.default.detailed(masters.views)
    separation = separations(centred[usable], done.weights[usable] > 0, lane.rule.labels)
    return Reference(lane, master_ids, separation)


def integrated(batch: Batch, reference: Reference) -> Integrated:
    """Return the particle vectors of a batch as proposals see them."""
    return steady.integrate_steadily(reference.lane.integrator, batch.views)


def propose_batch(batch: Batch, reference: Reference) -> Assessment:
    """Return everything that a batch's receipts and fields need.

    The same particle gets the same numbers to the last bit in any batch, on one machine and build.
    """
    position = {key: index for index, key in enumerate(reference.master_ids)}
    own = np.array([position.get(key, -1) for key in batch.particle_ids], dtype=np.int64)
    disputed = np.zeros(batch.present.shape, np.bool_)
    for row, views in enumerate(batch.disputed):
        disputed[row] = [bool(tags) for tags in views]
    return steady.assess_steadily(reference.lane, batch.views, own=own, disputed=disputed)


def disputed_views(batch: Batch, weights: Floats) -> list[dict[int, tuple[str, ...]]]:
    """Return N times ``{view index: tags that the VLM disputes}``, views of little weight left out."""
    if not batch.disputed:
        return [{} for _ in batch.particle_ids]
    return [
        {view: tags for view, tags in enumerate(row) if tags and weights[index, view] >= COUNTS}
        for index, row in enumerate(batch.disputed)
    ]


def save(reference: Reference, path: Path) -> None:
    """Write a reference to ``path`` (npz): to a temporary name first, so that it is complete or absent.

    A learned integrator is not copied: its version stands here, and the model in its own folder.
    """
    lane = reference.lane
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {
        "format": FORMAT,
        "master_ids": list(reference.master_ids),
        "label_ids": list(lane.label_ids),
        "thresholds": asdict(lane.thresholds),
        "notes": [asdict(note) for note in lane.notes],
        "integrate": as_dict(lane.default.config),
        "decide": as_dict(lane.config),
        "rules": [lane.rule.name, lane.stated.name],
        "integrator": reference.integrator,
    }
    means, usual = lane.default.means, lane.default.usual
    if means is None or usual is None:
        raise ValueError("only a default with slot means can be frozen; build the reference with reference.build")
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(
        temporary,
        means=means,
        usual=usual,
        separation=reference.separation,
        grid_confidence=lane.production.confidence,
        grid_knownness=lane.production.knownness,
        text=np.frombuffer(json.dumps(text).encode(), dtype=np.uint8),
        **_arrays("rule", lane.rule),
        **({} if lane.stated is lane.rule else _arrays("stated", lane.stated)),
    )
    os.replace(temporary, path)


def integrator_of(path: Path) -> dict[str, str]:
    """Return ``{"rung", "version"}`` that a stored reference needs.

    Raises:
        StateError: written by another version of this package.
    """
    with np.load(path, allow_pickle=False) as stored:
        return dict(_text(stored, path)["integrator"])


def load(path: Path, integrator: Integrator | None = None) -> Reference:
    """Read a reference written by :func:`save`.

    Args:
        path: the file.
        integrator: the learned rung that it names (:func:`integrator_of`); None for the default.

    Raises:
        StateError: written by another version of this package, or another integrator than it was made with.
    """
    with np.load(path, allow_pickle=False) as stored:
        text = _text(stored, path)
        default = QualityMean(stored["means"], stored["usual"], IntegrateConfig(**text["integrate"]))
        config = DecideConfig(**text["decide"])
        rule = _rule("rule", text["rules"][0], stored, config)
        stated = _rule("stated", text["rules"][1], stored, config) if "stated_masters" in stored else rule
        production = Production(stored["grid_confidence"], stored["grid_knownness"])
        separation = stored["separation"]
    used: Integrator = default if integrator is None else integrator
    if {"rung": used.rung, "version": used.version} != text["integrator"]:
        raise StateError(
            f"'{path.name}' was made with integrator {text['integrator']['rung']} {text['integrator']['version']}, "
            f"not {used.rung} {used.version}; propose again"
        )
    notes = tuple(Note(**note) for note in text["notes"])
    lane = Lane(
        default, used, rule, stated, tuple(text["label_ids"]), Thresholds(**text["thresholds"]), production, config,
        notes,
    )  # fmt: skip
    return Reference(lane, tuple(text["master_ids"]), separation)


def is_default(integrator: Mapping[str, str]) -> bool:
    """Tell whether ``{"rung", "version"}`` names the quality mean."""
    return integrator["rung"] == DEFAULT


def settings_parts(integrate: IntegrateConfig, decide: DecideConfig) -> dict[str, Any]:
    """Return the settings that shape a reference; who may auto-confirm does not."""
    chosen = {key: value for key, value in as_dict(decide).items() if key != "auto_confirm"}
    return {"integrate": as_dict(integrate), "decide": chosen}


def _text(stored: Any, path: Path) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(stored["text"].tobytes().decode())
    if text.get("format") != FORMAT:
        raise StateError(f"'{path.name}' was written by another version of sem_curate; propose again")
    return text


def _arrays(name: str, rule: rules.Rule) -> dict[str, Any]:
    return {
        f"{name}_{part}": getattr(rule, part) for part in ("masters", "labels", "prototypes", "weights", "bias")
    }  # fmt: skip


def _rule(name: str, called: str, stored: Any, config: DecideConfig) -> rules.Rule:
    masters, labels, prototypes, weights, bias = (
        stored[f"{name}_{part}"] for part in ("masters", "labels", "prototypes", "weights", "bias")
    )
    return rules.Rule(called, masters, labels, prototypes, weights, bias, config)
