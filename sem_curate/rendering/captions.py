"""Sentences about a simulated particle, made from its truth: for text search demos and image-text training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sem_curate.errors import InputError
from sem_curate.rendering.truth import ParticleTruth, ViewTruth
from sem_curate.rendering.vocabulary import AFTER, BEFORE, CONCEPTS, NOUNS

__all__ = ["CONCEPTS", "LANGUAGES", "captions", "concepts", "sentence"]

LANGUAGES = ("en", "ja")
_SURFACES = {
    "smooth": "smooth_surface",
    "rough": "rough_surface",
    "striped": "striped_surface",
    "grained": "grained_surface",
}
_ELONGATED = frozenset({"needle", "rod", "fibre"})
_FLAT = frozenset({"plate", "flake"})
_ANGULAR = frozenset({"cube", "polyhedron", "fragment", "needle", "plate"})
_ROUNDED = frozenset({"sphere", "rough_sphere", "raspberry", "agglomerate"})
# Surfaces that a person would not name: relief of the shape itself drowns them, or contradicts them.
_OWN_RELIEF = frozenset({"rough_sphere", "agglomerate", "raspberry", "porous", "dendrite", "fragment"})
_DEFECTS = ("contour_missing", "blur", "noise", "low_contrast", "charging", "saturation", "drift", "scale_bar_over")
# A particle is called spoiled in some way when at least this many of its views are.
_WIDESPREAD = 2

_EN_FRAMES = (
    "{a}", "{a}", "SEM image of {a}", "SEM micrograph of {a}", "a photo of {a} under the electron microscope",
    "electron micrograph showing {a}", "{a} seen by SEM", "scanning electron microscope image: {a}",
)  # fmt: skip
_JA_FRAMES = (
    "{a}", "{a}", "{a}のSEM像", "{a}のSEM画像", "走査電子顕微鏡で見た{a}", "電子顕微鏡写真、{a}", "SEMで観察した{a}",
)  # fmt: skip


def concepts(truth: ParticleTruth, view: str | None = None) -> tuple[str, ...]:
    """Return the codes of ``CONCEPTS`` that hold for a particle, or for what one view of it shows.

    Args:
        truth: of the particle.
        view: a slot that was rendered; adds that view's framing, defects and imaging condition. None = particle:
            a defect counts when at least two views, or all there are, show it.
    """
    found = [truth.family, *_shape(truth)]
    shown = [facts for facts in truth.views.values() if facts is not None]
    if view is not None:
        facts = truth.views.get(view)
        if facts is None:
            raise InputError(f"view '{view}' of this particle was not rendered; pass one of {_rendered(truth)}")
        found += [*_framing(facts), *(d for d in _DEFECTS if d in facts.defects), view]
        return tuple(found)
    need = min(_WIDESPREAD, len(shown)) or 1
    # The high-magnification view is always cut, so it alone says nothing about the particle.
    found += [d for d in _DEFECTS if sum(d in facts.defects for facts in shown) >= need]
    if any(facts.neighbours for facts in shown):
        found.append("several_particles")
    return tuple(found)


def _rendered(truth: ParticleTruth) -> str:
    return ", ".join(name for name, facts in truth.views.items() if facts is not None) or "(none)"


def _shape(truth: ParticleTruth) -> list[str]:
    """Return surface, elongation, edge and brightness concepts."""
    found = []
    if truth.family not in _OWN_RELIEF:
        found.append(_SURFACES[truth.surface])
    elif truth.family == "fragment":
        found.append("rough_surface")
    groups = (("elongated", _ELONGATED), ("flat", _FLAT), ("angular", _ANGULAR), ("rounded", _ROUNDED))
    found += [code for code, families in groups if truth.family in families]
    if truth.family == "porous" and truth.attributes.get("pores", 0) > 65:
        found.append("foam")
    tone = truth.attributes.get("brightness", 1.0)
    found += ["bright"] if tone > 1.12 else ["dark"] if tone < 0.82 else []
    return found


def _framing(facts: ViewTruth) -> list[str]:
    found = []
    if facts.area_share > 0.5:
        found.append("large_in_frame")
    elif facts.area_share < 0.12 and facts.contour_share > 0.9:
        found.append("small_in_frame")
    if facts.neighbours:
        found.append("several_particles")
    return found


def captions(
    truth: ParticleTruth, rng: np.random.Generator, language: str, *, view: str | None = None, count: int = 4
) -> list[str]:
    """Write several phrasings about a particle, or about one view of it; each names the shape family.

    Args:
        truth: of the particle.
        rng: chooses synonyms, which facts are told, and sentence frames.
        language: ``en`` or ``ja``.
        view: a rendered slot; its framing, defects and condition may then be told too.
        count: number of sentences, >= 1.

    Raises:
        InputError: on an unknown language, or a view that was not rendered.
    """
    if language not in LANGUAGES:
        raise InputError(f"language must be one of {', '.join(LANGUAGES)}; got '{language}'")
    told = concepts(truth, view)
    return [sentence(truth.family, told[1:], rng, language)[0] for _ in range(count)]


def _pick(rng: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]


def sentence(
    family: str, told: Sequence[str], rng: np.random.Generator, language: str
) -> tuple[str, tuple[str, ...]]:  # fmt: skip
    """Compose one sentence: some facts before the noun, some after it, in a frame.

    Args:
        family: shape family, always named.
        told: codes that hold; about 60 % of them are told.
        rng: chooses.
        language: ``en`` or ``ja``.

    Returns:
        The sentence, and the codes that it tells, the family first.
    """
    kept = [code for code in told if rng.random() < 0.6]
    before = [code for code in kept if code in BEFORE and (code not in AFTER or rng.random() < 0.5)][:2]
    after = [code for code in kept if code in AFTER and code not in before]
    after = [after[i] for i in rng.permutation(len(after))[:3]]
    noun = _pick(rng, NOUNS[family][language])
    head = [_pick(rng, BEFORE[code][language]) for code in before]
    tail = [_pick(rng, AFTER[code][language]) for code in after]
    if language == "ja":
        phrase = _pick(rng, _JA_FRAMES).format(a="".join(head) + noun)
        return "、".join([phrase, *tail]), (family, *before, *after)
    words = ", ".join([*head[:-1], f"{head[-1]} {noun}"]) if head else noun
    plural = noun.endswith("particles") and not noun.startswith(("cluster", "particle"))
    article = "" if plural else ("an " if words[0].lower() in "aeiou" else "a ")
    phrase = _pick(rng, _EN_FRAMES).format(a=article + words)
    # "with ..." clings to the noun; everything else is set off by a comma.
    clinging = [part for part in tail if part.startswith("with ")][:1]
    rest = [part for part in tail if part not in clinging]
    return ", ".join([" ".join([phrase, *clinging]), *rest]), (family, *before, *after)
