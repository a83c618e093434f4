"""Learned quality tags: immutable numbered models of a dataset, and which one is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sem_curate.registry.documents import QualityModel
from sem_curate.registry.versioned import Versions


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


def _view(found: QualityModel) -> QualityModelView:
    return QualityModelView(
        found.version, dict(found.content), dict(found.figures), tuple(found.adopted), found.by, found.at, found.reason
    )


# With no version in force the rules decide.
_VERSIONS = Versions(QualityModel, _view, "quality_model", "a quality model", "sem-curate train quality")
versions = _VERSIONS.every
active_version = _VERSIONS.number
activate = _VERSIONS.activate
activations = _VERSIONS.activations


def active(dataset_id: str) -> dict[str, Any] | None:
    """Return the content of the version in force, None when the rules decide."""
    found = _VERSIONS.in_force(dataset_id)
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
    return _VERSIONS.add(
        dataset_id, {"content": dict(content)}, figures=dict(figures), adopted=list(adopted), by=by, reason=reason
    )
