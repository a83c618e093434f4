"""How much of the risk one look at the audits may spend. Pure.

Trying to certify, drawing more audits, and trying again is looking several times: whoever looks often enough finds
chance. So the risk delta is shared: the first look may spend 80 % of it, each later one 80 % of what is left. The sum
never exceeds delta, and the first look needs 160 audits without an error where the whole delta would need 149 (2 %
wrong at 5 % risk). Alpha spending after Lan, DeMets 1983, doi 10.1093/biomet/70.3.659.
"""

from __future__ import annotations

from typing import Final

FIRST_SHARE: Final = 0.8


def spend(delta: float, look: int) -> float:
    """Return the part of ``delta`` that look number ``look`` (1, 2, ...) may spend.

    >>> round(spend(0.05, 1), 6), round(spend(0.05, 2), 6)
    (0.04, 0.008)
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1; got {look}")
    return delta * FIRST_SHARE * (1 - FIRST_SHARE) ** (look - 1)
