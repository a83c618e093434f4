"""Which view of a particle a person should look at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ONLY: Final = "only_view"  # the only present view
WHOLE: Final = "whole_outline"  # the best of those that show the whole outline
BEST: Final = "best_quality"  # no good view shows the whole outline
LEAST_BAD: Final = "least_bad"  # no view is usable
REASONS: Final = (ONLY, WHOLE, BEST, LEAST_BAD)

OUTLINE: Final = 0.9  # completeness that counts as whole; a touching neighbour costs a few of 72 sectors
NEAR_BEST: Final = 0.7  # a whole outline is worth at most this factor of quality


@dataclass(frozen=True)
class ViewQuality:
    """What the recommendation needs of one view; ``quality`` None means not measured yet."""

    view: str
    present: bool
    quality: float | None
    usable: bool
    contour_completeness: float | None


@dataclass(frozen=True)
class Recommendation:
    """A view name and why, one of ``REASONS``."""

    view: str
    reason: str


def recommend(views: Sequence[ViewQuality]) -> Recommendation | None:
    """Choose a view; missing and unmeasured views are never chosen, the first of equals wins.

    Args:
        views: all views of one particle, in display order.

    Returns:
        The choice, or None when no present view has been measured.
    """
    known = [view for view in views if view.present and view.quality is not None]
    if not known:
        return None
    usable = [view for view in known if view.usable]
    if not usable:
        return Recommendation(max(known, key=_quality).view, LEAST_BAD)
    best = max(usable, key=_quality)
    if len(known) == 1:
        return Recommendation(best.view, ONLY)
    whole = [view for view in usable if (view.contour_completeness or 0.0) >= OUTLINE]
    choice = max(whole, key=_quality, default=None)
    if choice is not None and _quality(choice) >= NEAR_BEST * _quality(best):
        return Recommendation(choice.view, WHOLE)
    return Recommendation(best.view, BEST)


def recommend_all(particles: Mapping[str, Sequence[ViewQuality]]) -> dict[str, Recommendation]:
    """Choose for many particles, ``{particle_id: ...}``; those without a choice are left out."""
    chosen = {particle_id: recommend(views) for particle_id, views in particles.items()}
    return {particle_id: choice for particle_id, choice in chosen.items() if choice is not None}


def _quality(view: ViewQuality) -> float:
    return view.quality or 0.0
