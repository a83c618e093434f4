"""Which particles an operator works on. The user says so; nothing falls through to "everything"."""

from __future__ import annotations

from typing import Any

from sem_curate import dataset, schema

SELECTED = "selected"
VIEW = "view"
PENDING = "pending"


def selected_particles(ctx: Any) -> list[str]:
    """Return the particles of the selected samples, whatever slice each of them is on."""
    return dataset.particle_ids_of(ctx.dataset, ctx.selected) if ctx.selected else []


def view_particles(ctx: Any) -> list[str]:
    """Return the particles of the current view: each one of which at least one image is shown."""
    ids: list[str] = ctx.view.distinct(schema.PARTICLE_ID)
    if _shows_groups(ctx.view):
        # A view of groups lists the active slice only; a particle without that slice is in the view all the same.
        ids = ctx.view.select_group_slices(list(dataset.view_names(ctx.dataset))).distinct(schema.PARTICLE_ID)
    return sorted(ids)


def particles(ctx: Any, scope: str) -> list[str]:
    """Return the particle ids of an explicitly chosen scope.

    Raises:
        ValueError: for anything but ``"selected"`` and ``"view"``.
    """
    if scope == SELECTED:
        return selected_particles(ctx)
    if scope == VIEW:
        return view_particles(ctx)
    raise ValueError(f"scope must be '{SELECTED}' or '{VIEW}'; got {scope!r}")


def _shows_groups(view: Any) -> bool:
    return bool(view.media_type == "group" and not view._is_dynamic_groups)
