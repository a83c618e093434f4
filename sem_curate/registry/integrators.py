"""Learned ways to integrate views: immutable numbered entries of a dataset, and which one is in force.

An entry names a model by the hash of its content; the model itself is a file (``integrate.models``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import choices
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import IntegratorModel, ensure_indexes

ACTIVE: Final = "integrator"  # in the settings of the dataset's record: {"version"}, None is the default


@dataclass(frozen=True)
class IntegratorView:
    """One version: which rung, the hash of its model, the vectors it was trained on, and the table that adopted it."""

    version: int
    rung: str
    model: str
    encoder_key: str
    figures: Mapping[str, Any]
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def versions(dataset_id: str) -> list[IntegratorView]:
    """Return every version, oldest first."""
    connect()
    return [_view(found) for found in IntegratorModel.objects(dataset_id=dataset_id).order_by("version")]


def active(dataset_id: str) -> IntegratorView | None:
    """Return the version in force, None when the default integrates."""
    version = choices.chosen(dataset_id, ACTIVE).get("version")
    if version is None:
        return None
    found = IntegratorModel.objects(dataset_id=dataset_id, version=version).first()
    return _view(found) if found else None


def add(
    dataset_id: str, *, rung: str, model: str, encoder_key: str, figures: Mapping[str, Any], by: str, reason: str = ""
) -> IntegratorView:
    """Store the next version without putting it in force; the newest version's model again returns that one.

    Raises:
        ConflictError: when another version was stored in the same moment.
    """
    ensure_indexes()
    newest = IntegratorModel.objects(dataset_id=dataset_id).order_by("-version").first()
    if newest is not None and (newest.rung, newest.model, newest.encoder_key) == (rung, model, encoder_key):
        return _view(newest)
    made = IntegratorModel(
        dataset_id=dataset_id, version=newest.version + 1 if newest else 1, rung=rung, model=model,
        encoder_key=encoder_key, figures=dict(figures), by=by, reason=reason,
    )  # fmt: skip
    try:
        made.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("an integrator was stored by somebody else in the same moment; try again") from None
    return _view(made)


def activate(dataset_id: str, version: int | None, *, by: str, reason: str = "") -> None:
    """Put a version in force, or the default with None; who, when and why is kept (:func:`activations`).

    Raises:
        InputError: when there is no such version.
    """
    known = [found.version for found in versions(dataset_id)]
    if version is not None and version not in known:
        listed = ", ".join(map(str, known)) or "none yet; make one with: sem-curate train integrator --dataset NAME"
        raise InputError(f"there is no integrator {version}; known versions: {listed}")
    choices.choose(dataset_id, ACTIVE, {"version": version}, by=by, reason=reason)


def activations(dataset_id: str) -> list[dict[str, Any]]:
    """Return every activation, oldest first: ``{"version", "by", "at", "reason"}``; version None is the default."""
    return choices.log(dataset_id, ACTIVE)


def _view(found: IntegratorModel) -> IntegratorView:
    return IntegratorView(
        found.version, found.rung, found.model, found.encoder_key, dict(found.figures), found.by, found.at, found.reason
    )
