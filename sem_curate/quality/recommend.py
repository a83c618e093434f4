"""Which view of a particle a person should look at first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

ONLY: Final = "only_view"  # the only present view
WHOLE: Final = "whole_outline"  # the best of those that show the whole outline
BEST: Final = "best_quality"  # no good view shows the whole outline
LEAST_BAD: Final = "least_bad"  # no view is usable, but one can be looked at
REASONS: Final = (ONLY, WHOLE, BEST, LEAST_BAD)

OUTLINE: Final = 0.9  # completeness that counts as whole; a touching neighbour costs a few of 72 sectors
NEAR_BEST: Final = 0.7  # a whole outline is worth at most this factor of quality
# Faults that leave quality alone and yet hinder a person: which particle is meant, or what lies under the bar.
HINDRANCES: Final[Mapping[str, float]] = {"several_particles": 0.85, "scale_bar": 0.85}
NOTHING_TO_SEE: Final = "unreadable"
NOT_WHOLE: Final = frozenset({"contour_missing", "frame_cut"})  # a fibre's ends take up hardly any of its sectors


@dataclass(frozen=True)
class ViewQuality:
    """What the recommendation needs of one view; ``quality`` None means not measured yet."""

    view: str
    present: bool
    quality: float | None
    usable: bool
    contour_completeness: float | None
    tags: Collection[str] = ()


@dataclass(frozen=True)
class Recommendation:
    """A view name and why, one of ``REASONS``."""

    view: str
    reason: str


def recommend(views: Sequence[ViewQuality]) -> Recommendation | None:
    """Choose a view; missing, unmeasured and unreadable views are never chosen, the first of equals wins.

    Args:
        views: all views of one particle, in display order.

    Returns:
        The choice, or None when no present view has been measured or all are unreadable.
    """
    known = [v for v in views if v.present and v.quality is not None and NOTHING_TO_SEE not in v.tags]
    if not known:
        return None
    usable = [view for view in known if view.usable]
    if not usable:
        return Recommendation(max(known, key=_worth).view, LEAST_BAD)
    best = max(usable, key=_worth)
    if sum(view.present for view in views) == 1:
        return Recommendation(best.view, ONLY)
    whole = [view for view in usable if _whole(view)]
    choice = max(whole, key=_worth, default=None)
    if choice is not None and _worth(choice) >= NEAR_BEST * _worth(best):
        return Recommendation(choice.view, WHOLE)
    return Recommendation(best.view, BEST)


def recommend_all(particles: Mapping[str, Sequence[ViewQuality]]) -> dict[str, Recommendation]:
    """Choose for many particles, ``{particle_id: ...}``; those without a choice are left out."""
    chosen = {particle_id: recommend(views) for particle_id, views in particles.items()}
    return {particle_id: choice for particle_id, choice in chosen.items() if choice is not None}


def _whole(view: ViewQuality) -> bool:
    return (view.contour_completeness or 0.0) >= OUTLINE and NOT_WHOLE.isdisjoint(view.tags)


def _worth(view: ViewQuality) -> float:
    hindered = prod(factor for tag, factor in HINDRANCES.items() if tag in view.tags)
    return (view.quality or 0.0) * hindered
