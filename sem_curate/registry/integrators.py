"""Learned ways to integrate views: immutable numbered entries of a dataset, and which one is in force.

An entry names a model by the hash of its content; the model itself is a file (``integrate.models``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sem_curate.registry.documents import IntegratorModel
from sem_curate.registry.versioned import Versions


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


def _view(found: IntegratorModel) -> IntegratorView:
    return IntegratorView(
        found.version, found.rung, found.model, found.encoder_key, dict(found.figures), found.by, found.at, found.reason
    )


# With no version in force the default integrates.
_VERSIONS = Versions(IntegratorModel, _view, "integrator", "an integrator", "sem-curate train integrator")
versions = _VERSIONS.every
active = _VERSIONS.in_force
activate = _VERSIONS.activate
activations = _VERSIONS.activations


def add(
    dataset_id: str, *, rung: str, model: str, encoder_key: str, figures: Mapping[str, Any], by: str, reason: str = ""
) -> IntegratorView:
    """Store the next version without putting it in force; the newest version's model again returns that one.

    Raises:
        ConflictError: when another version was stored in the same moment.
    """
    same = {"rung": rung, "model": model, "encoder_key": encoder_key}
    return _VERSIONS.add(dataset_id, same, figures=dict(figures), by=by, reason=reason)
