"""Which integrator proposals use: the default, or an adopted learned one from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from sem_curate import paths
from sem_curate.decide.reference import is_default
from sem_curate.errors import InputError, StateError
from sem_curate.integrate.contract import Integrator
from sem_curate.registry import integrators

FOLDER: Final = "integrators"


def root(identity: str) -> Path:
    """Return where the learned integrators of a dataset are kept."""
    return paths.home() / FOLDER / identity


def named(identity: str, integrator: Mapping[str, str]) -> Integrator | None:
    """Return the learned integrator ``{"rung", "version"}``; None when that is the default.

    Raises:
        StateError: its files are gone or damaged.
    """
    if is_default(integrator):
        return None
    folder = root(identity) / f"{integrator['rung']}-{integrator['version']}"
    try:
        return _load(folder)
    except InputError as error:
        raise StateError(
            f"the adopted integrator is gone or damaged: {error}; train again, or go back to the default with: "
            "sem-curate train integrator --revert"
        ) from error


def in_force(identity: str, encoder_key: str) -> tuple[Integrator | None, integrators.IntegratorView | None]:
    """Return the adopted integrator, None for the default; and the entry that cannot be used with these vectors."""
    entry = integrators.active(identity)
    if entry is None:
        return None, None
    if entry.encoder_key != encoder_key:
        return None, entry
    return named(identity, {"rung": entry.rung, "version": entry.model}), None


@lru_cache(maxsize=4)
def _load(folder: Path) -> Integrator:
    # Not at the top: it brings torch, which proposals with the default do without.
    from sem_curate.integrate import models

    return models.load(folder)
