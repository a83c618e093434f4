"""Does a new batch still look like the production that was audited? If not, its certificate is suspended. Pure.

Two alarms. The distribution of each score against that of audited production: Kolmogorov-Smirnov, two-sided. And the
audits of the batch itself: more errors above the threshold than the promise allows, one-sided binomial. All tests of
one batch share the level (Bonferroni), so a batch without drift is suspended with a probability of at most ``level``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scipy.stats import binom, ks_2samp

from sem_curate.arrays import Floats
from sem_curate.decide.certificate import AUDITS_FAIL, SCORES_MOVED, Certificate, suspended

LEVEL: Final = 0.01
# With 10,000 particles a test sees shifts that change nothing: less than 3 % of the particles moved is let pass.
LEAST_MOVED: Final = 0.03
FEWEST: Final = 20  # particles; below, the distribution of a batch says nothing


@dataclass(frozen=True)
class Drift:
    """What the tests of one batch found.

    Attributes:
        why: codes of ``certificate``; empty when nothing speaks against the batch.
        moved: ``{score name: largest difference of the two distribution functions}``, in [0, 1].
        p: ``{score name or "audits": p-value}``, before sharing the level.
        blamed: names of the scores that moved.
    """

    why: tuple[str, ...]
    moved: Mapping[str, float]
    p: Mapping[str, float]
    blamed: tuple[str, ...]


def look_for_drift(
    reference: Mapping[str, Floats],
    batch: Mapping[str, Floats],
    certificate: Certificate,
    *,
    audited: int = 0,
    errors: int = 0,
    level: float = LEVEL,
) -> Drift:
    """Compare a batch with audited production.

    Args:
        reference: ``{name: (P,) scores}`` of the production that was certified.
        batch: the same names, (B,) scores.
        certificate: whose alpha the audits of the batch are held to.
        audited: audits of this batch at or above the threshold.
        errors: how many of them were wrong.
        level: chance of suspending a batch without drift.

    Raises:
        ValueError: when a score is missing on one side, or there are more errors than audits.
    """
    if set(reference) != set(batch):
        raise ValueError(f"the same scores are needed on both sides; got {sorted(reference)} and {sorted(batch)}")
    if not 0 <= errors <= audited:
        raise ValueError(f"errors must lie between 0 and the {audited} audits; got {errors}")
    share = level / (len(reference) + 1)
    moved, p, blamed = {}, {}, []
    for name in sorted(reference):
        if min(len(reference[name]), len(batch[name])) < FEWEST:
            continue
        test = ks_2samp(reference[name], batch[name])
        moved[name], p[name] = float(test.statistic), float(test.pvalue)
        if p[name] < share and moved[name] >= LEAST_MOVED:
            blamed.append(name)
    p["audits"] = float(binom.sf(errors - 1, audited, certificate.alpha)) if audited else 1.0
    why = (*((SCORES_MOVED,) if blamed else ()), *((AUDITS_FAIL,) if p["audits"] < share else ()))
    return Drift(why, moved, p, tuple(blamed))


def after(certificate: Certificate, found: Drift) -> Certificate:
    """Return the certificate, suspended where the batch gave a reason."""
    return suspended(certificate, found.why)
