"""Particles in blocks of one shape, so that each gets the same bits whatever company it is asked in. Pure.

Matrix libraries choose another order of additions for one particle than for a thousand. A stored value could then
differ in its last digit when its particle is asked again alone, and a rank change where a value meets itself. In blocks
of :data:`BLOCK`, the last one filled up with particles without views, every product has one shape. Blocks share the
cores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from sem_curate.integrate.contract import Views
from sem_curate.parallel import on_cores

BLOCK: Final = 256  # the 64 subsets of six views of so many particles stay in the cache

Out = TypeVar("Out")


def in_blocks(views: Views, work: Callable[[Views, slice], Out]) -> list[Out]:
    """Apply ``work`` to blocks of particles; results in order, at least one.

    Args:
        views: N particles.
        work: takes exactly :data:`BLOCK` particles, and the rows of ``views`` that the first of them are; the rest
            have no views, and what is found for them is to be cut off.
    """
    count = len(views.present)

    def block(first: int) -> Out:
        rows = slice(first, min(first + BLOCK, count))
        return work(_filled(views.take(rows)), rows)

    return on_cores(block, range(0, max(count, 1), BLOCK))


def _filled(views: Views) -> Views:
    more = BLOCK - len(views.present)
    if more == 0:
        return views
    return Views(
        np.pad(views.vectors, ((0, more), (0, 0), (0, 0))), np.pad(views.present, ((0, more), (0, 0))),
        np.pad(views.quality, ((0, more), (0, 0))),
    )  # fmt: skip
