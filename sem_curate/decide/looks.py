"""How much of the risk one look at the audits may spend. Pure.

Trying to certify, drawing more audits, and trying again is looking several times: whoever looks often enough finds
chance. So the risk delta is shared: the first look may spend 70 % of it, and look k of the later ones
30 % / (k (k - 1)), which adds up to the other 30 %. The first look then needs 166 audits without an error where the
whole delta would need 149 (2 % wrong at 5 % risk), and the tenth still has a third of a percent of delta. Alpha
spending after Lan, DeMets 1983, doi 10.1093/biomet/70.3.659.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sem_curate.decide.certificate import Promise

FIRST_SHARE: Final = 0.7


def spend(delta: float, look: int) -> float:
    """Return the part of ``delta`` that look number ``look`` (1, 2, ...) may spend.

    >>> round(spend(0.05, 1), 6), round(spend(0.05, 2), 6), round(spend(0.05, 3), 6)
    (0.035, 0.0075, 0.0025)
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1; got {look}")
    return delta * (FIRST_SHARE if look == 1 else (1 - FIRST_SHARE) / (look * (look - 1)))


def question(draw_ids: Sequence[str], reference_id: str, promise: Promise) -> str:
    """Return what is asked of which audits; the same question again is no further look."""
    asked = [list(draw_ids), reference_id, promise.alpha, promise.delta]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def number(draw_ids: Collection[str], attempts: Iterable[Collection[str]], *, unfinished: int = 0) -> int:
    """Count the looks at these audits, the next one included: attempts with any of them, and at least the draws.

    Args:
        draw_ids: draws that are looked at.
        attempts: draws of each earlier look.
        unfinished: draws that will be there as well.

    >>> number(["a"], []), number(["a", "b"], [["a"]]), number(["b"], [["a"]])
    (1, 2, 1)
    """
    ours = set(draw_ids)
    earlier = sum(bool(ours.intersection(seen)) for seen in attempts)
    return max(1 + earlier, len(draw_ids) + unfinished)
