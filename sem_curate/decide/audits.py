"""Whom to audit: a random sample of production, drawn without looking at any proposal. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable


def draw(particle_ids: Iterable[str], count: int, *, seed: int, leave_out: Collection[str] = ()) -> list[str]:
    """Return ``count`` particles to audit, in the order in which to audit them.

    Particles are ordered by the hash of seed and id: every sample is as likely as any other, the order of ingestion and
    the proposals have no influence, and the same question gives the same answer. Asking for more later continues the
    list as long as no particles came in between.

    Args:
        particle_ids: production.
        count: how many; fewer come back when there are not so many.
        seed: of the draw; keep it with the audits.
        leave_out: masters (hand-picked, never audits).

    Raises:
        ValueError: for a negative count.
    """
    if count < 0:
        raise ValueError(f"count must be >= 0; got {count}")
    candidates = set(particle_ids) - set(leave_out)
    return sorted(candidates, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())[:count]
