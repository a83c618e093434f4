"""Render simulated particles: the door of this room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sem_curate.errors import InputError, did_you_mean
from sem_curate.rendering import families
from sem_curate.rendering.captions import captions
from sem_curate.rendering.conditions import CONDITIONS
from sem_curate.rendering.truth import SPOILERS, ParticleTruth, RenderedParticle, RenderedView
from sem_curate.rendering.view import make_particle, render_view, stream

MIN_SIZE, MAX_SIZE = 32, 1024


def _check(size: int, family: str | None, names: Sequence[str]) -> None:
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"size must be in [{MIN_SIZE}, {MAX_SIZE}] pixels; got {size}")
    if family is not None:
        families.check_family(family)
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown:
        raise InputError(
            f"{len(unknown)} unknown view(s) (e.g. '{unknown[0]}'); known: {', '.join(CONDITIONS)}."
            f"{did_you_mean(unknown[0], list(CONDITIONS))}"
        )


def _plan(seed: int, spoiled: int, missing: int) -> tuple[dict[int, str], set[int]]:
    """Choose which slots are spoiled (and how) and which are missing; they never coincide."""
    slots = len(CONDITIONS)
    if min(spoiled, missing) < 0 or missing >= slots or spoiled + missing > slots:
        raise InputError(
            f"spoiled + missing must be at most {slots} with at least one view left; "
            f"got spoiled={spoiled}, missing={missing}"
        )
    rng = stream(seed, 2)
    order = rng.permutation(slots)
    kinds = rng.choice(len(SPOILERS), size=slots)
    bad = {int(slot): SPOILERS[int(kinds[i])] for i, slot in enumerate(order[:spoiled])}
    return bad, {int(slot) for slot in order[slots - missing :]} if missing else set()


def render_views(
    seed: int,
    views: Sequence[str] | None = None,
    *,
    size: int = 128,
    family: str | None = None,
    spoiled: int = 0,
    mask: bool = False,
) -> RenderedParticle:
    """Render only some views of a particle; each is byte for byte what ``render_particle`` gives.

    Args:
        seed: any integer >= 0; it decides everything.
        views: slot names, e.g. ``["view1", "view4"]``; None = all six.
        size: image side in pixels, 32..1024.
        family: one of ``FAMILIES``; None = drawn from the seed.
        spoiled: how many of all six slots get a strong defect.
        mask: keep the true particle masks.

    Returns:
        The particle; views that were not asked for are None.

    Raises:
        InputError: on an unknown view or family, or a size out of range.
    """
    names = tuple(CONDITIONS) if views is None else tuple(views)
    _check(size, family, names)
    bad, _ = _plan(seed, spoiled, 0)
    wanted = {tuple(CONDITIONS).index(name) for name in names}
    return _assemble(seed, wanted, bad, size=size, family=family, mask=mask)


def render_particle(
    seed: int,
    *,
    size: int = 128,
    family: str | None = None,
    spoiled: int = 0,
    missing: int = 0,
    mask: bool = False,
    particle_id: str | None = None,
) -> RenderedParticle:
    """Render one simulated particle in all six conditions.

    Args:
        seed: any integer >= 0; it decides everything. The same seed gives the same bytes.
        size: image side in pixels, 32..1024.
        family: one of ``FAMILIES``; None = drawn from the seed.
        spoiled: how many views get a strong defect (see ``SPOILERS``).
        missing: how many views are None.
        mask: keep the true particle masks.
        particle_id: default ``sim-`` and the seed in hexadecimal.

    Raises:
        InputError: on an unknown family, a size out of range, or more spoiled and missing views than there are.
    """
    _check(size, family, ())
    bad, gone = _plan(seed, spoiled, missing)
    wanted = set(range(len(CONDITIONS))) - gone
    return _assemble(seed, wanted, bad, size=size, family=family, mask=mask, particle_id=particle_id)


def _assemble(
    seed: int,
    wanted: set[int],
    bad: Mapping[int, str],
    *,
    size: int,
    family: str | None,
    mask: bool,
    particle_id: str | None = None,
) -> RenderedParticle:
    particle = make_particle(seed, family)
    views: dict[str, RenderedView | None] = {}
    for slot, name in enumerate(CONDITIONS):
        views[name] = render_view(particle, slot, size, bad.get(slot), mask) if slot in wanted else None
    facts = {name: None if view is None else view.truth for name, view in views.items()}
    truth = ParticleTruth(particle.family, particle.surface, particle.attributes, facts)
    english, japanese = (captions(truth, stream(seed, 3, i), language)[0] for i, language in enumerate(("en", "ja")))
    return RenderedParticle(particle_id or f"sim-{seed:x}", seed, truth, english, japanese, views)


def particle_seed(seed: int, index: int) -> int:
    """Return the seed of particle ``index`` of a set; it does not depend on how many there are."""
    return int(np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)[0])


def _amount(rng: np.random.Generator, given: int | tuple[int, int]) -> int:
    low, high = (given, given) if isinstance(given, int) else given
    return int(rng.integers(low, high + 1))


def render_particles(
    count: int,
    *,
    seed: int,
    size: int = 128,
    families: Sequence[str] | None = None,
    spoiled: int | tuple[int, int] = (0, 2),
    missing: int | tuple[int, int] = (0, 1),
    mask: bool = False,
) -> Iterator[RenderedParticle]:
    """Render a set of particles one by one; families take turns, so the set is balanced.

    Args:
        count: number of particles.
        seed: of the set; particle ``i`` depends on (seed, i) only.
        size: image side in pixels, 32..1024.
        families: which shapes; None = all.
        spoiled: number of spoiled views per particle, or its inclusive range.
        missing: number of missing views per particle, or its inclusive range.
        mask: keep the true particle masks.

    Yields:
        Particles with ids ``sim-<seed>-00000``, ``sim-<seed>-00001``, ...
    """
    names = _families(families)
    for index in range(count):
        own = particle_seed(seed, index)
        rng = stream(own, 4)
        yield render_particle(
            own,
            size=size,
            family=names[index % len(names)],
            spoiled=_amount(rng, spoiled),
            missing=_amount(rng, missing),
            mask=mask,
            particle_id=f"sim-{seed}-{index:05d}",
        )


def _families(names: Sequence[str] | None) -> tuple[str, ...]:
    chosen = families.FAMILIES if names is None else tuple(names)
    if not chosen:
        raise InputError("families must name at least one shape; pass None for all")
    for name in chosen:
        families.check_family(name)
    return chosen
