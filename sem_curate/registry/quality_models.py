"""Learned quality tags: immutable numbered models of a dataset, and which one is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import choices
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import QualityModel, ensure_indexes

ACTIVE = "quality_model"  # in the settings of the dataset's record


@dataclass(frozen=True)
class QualityModelView:
    """One version: ``content`` as ``quality.learned.TagModel.as_json``, ``figures`` of its fit by tag."""

    version: int
    content: Mapping[str, Any]
    figures: Mapping[str, Any]
    adopted: tuple[str, ...]  # tags it decides; the rules decide the others
    by: str = ""
    at: datetime | None = None
    reason: str = ""


def versions(dataset_id: str) -> list[QualityModelView]:
    """Return every version, oldest first."""
    connect()
    return [_view(found) for found in QualityModel.objects(dataset_id=dataset_id).order_by("version")]


def active_version(dataset_id: str) -> int | None:
    """Return the number of the version in force, None when the rules decide."""
    return choices.chosen(dataset_id, ACTIVE).get("version")


def active(dataset_id: str) -> dict[str, Any] | None:
    """Return the content of the version in force, None when the rules decide."""
    version = active_version(dataset_id)
    if version is None:
        return None
    found = QualityModel.objects(dataset_id=dataset_id, version=version).first()
    return dict(found.content) if found else None


def add(
    dataset_id: str,
    content: Mapping[str, Any],
    *,
    figures: Mapping[str, Any],
    adopted: Sequence[str],
    by: str,
    reason: str = "",
) -> QualityModelView:
    """Store the next version without putting it in force; content equal to the newest version's returns that one.

    Raises:
        ConflictError: when another version was stored in the same moment.
    """
    ensure_indexes()
    newest = QualityModel.objects(dataset_id=dataset_id).order_by("-version").first()
    if newest is not None and newest.content == dict(content):
        return _view(newest)
    made = QualityModel(
        dataset_id=dataset_id, version=newest.version + 1 if newest else 1, content=dict(content),
        figures=dict(figures), adopted=list(adopted), by=by, reason=reason,
    )  # fmt: skip
    try:
        made.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("a quality model was stored by somebody else in the same moment; try again") from None
    return _view(made)


def activate(dataset_id: str, version: int | None, *, by: str, reason: str = "") -> None:
    """Put a version in force, or the rules alone with None; who, when and why is kept (:func:`activations`).

    Raises:
        InputError: when there is no such version.
    """
    known = [found.version for found in versions(dataset_id)]
    if version is not None and version not in known:
        listed = ", ".join(map(str, known)) or "none yet; make one with: sem-curate train quality --dataset NAME"
        raise InputError(f"there is no quality model {version}; known versions: {listed}")
    choices.choose(dataset_id, ACTIVE, {"version": version}, by=by, reason=reason)


def activations(dataset_id: str) -> list[dict[str, Any]]:
    """Return every activation, oldest first: ``{"version", "by", "at", "reason"}``; version None is the rules."""
    return choices.log(dataset_id, ACTIVE)


def _view(found: QualityModel) -> QualityModelView:
    return QualityModelView(
        found.version, dict(found.content), dict(found.figures), tuple(found.adopted), found.by, found.at, found.reason
    )
