"""From audits to a certificate: Learn-then-Test with a fixed sequence of thresholds. Pure.

Angelopoulos et al. 2021, arXiv 2110.01052 (reference code ``aangelopoulos/ltt``). Thresholds are tested from strict to
loose; each asks whether the audits at or above it were wrong so rarely that an error rate above alpha is implausible:
``p = P(Binomial(accepted, alpha) <= errors) <= delta``. The first failure ends the sequence, and the last success is
the threshold. The sequence comes from unlabelled scores alone, and thresholds that too few audits reach to pass even
without an error are skipped, which also depends on scores alone; so the chance that the true error rate above the
threshold exceeds alpha is at most delta.

The audits have to be a random sample of production that was drawn without looking at the proposals, and a particle of
no known label counts as an error: calibrated on known particles only, 5 % at 10 % risk was broken in 32 to 52 % of
draws. Masters are hand-picked and never audits.

MAPIE's ``BinaryClassificationController(fwer_method="fixed_sequence")`` does the same test; it stops at a leading
threshold without power instead of skipping it and does not report its steps, and the test is one call of scipy.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from sem_curate.arrays import Bools, Floats
from sem_curate.decide.certificate import (
    CERTIFIED,
    SUGGESTION,
    TOO_FEW_AUDITS,
    TOO_MANY_WRONG,
    Certificate,
    Evidence,
    Promise,
    Step,
)  # fmt: skip

GRID: Final = 20  # thresholds: the quantiles of production at 95 %, 90 %, ..., 0 %
MOST_AUDITS: Final = 100_000


class Standing(Protocol):
    """What has to be known of a certificate to act on it; a stored one will do."""

    @property
    def status(self) -> str:
        """One of ``certificate.STATUSES``."""

    @property
    def threshold(self) -> float | None:
        """Decision score from which proposals may be confirmed."""


@dataclass(frozen=True)
class Audits:
    """Particles drawn at random from production and judged by a person without seeing the proposal.

    Attributes:
        particle_ids: n ids.
        score: (n,) decision score of each, in [0, 1], higher = more certain.
        correct: (n,) True where the proposed label is the person's; False for every unknown.
        proposed: n proposed label ids, None where nothing was proposed (then ``correct`` is False).
    """

    particle_ids: tuple[str, ...]
    score: Floats
    correct: Bools
    proposed: tuple[str | None, ...]

    def __post_init__(self) -> None:
        """Refuse audits that do not fit together or hold a particle twice."""
        sizes = {len(self.particle_ids), len(self.score), len(self.correct), len(self.proposed)}
        if len(sizes) > 1:
            raise ValueError(f"audits need one id, score, outcome and proposal each; got {sorted(sizes)}")
        if len(set(self.particle_ids)) < len(self.particle_ids):
            twice = next(key for key in self.particle_ids if self.particle_ids.count(key) > 1)
            raise ValueError(f"a particle counts as one audit; given more than once: '{twice}'")
        if not np.isfinite(self.score).all():
            raise ValueError(f"{int((~np.isfinite(self.score)).sum())} audit scores are NaN or infinite")

    @property
    def audits_id(self) -> str:
        """Hash of who was audited and what came out."""
        rows = sorted(zip(self.particle_ids, self.proposed, self.correct.tolist(), strict=True))
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def least_accepted(promise: Promise) -> int:
    """Return how many audits without a single error certify: 45 for 5 % at 10 % risk, 59 at 5 %.

    >>> least_accepted(Promise(0.05, 0.1)), least_accepted(Promise(0.02, 0.05))
    (45, 149)
    """
    return math.ceil(math.log(promise.delta) / math.log(1 - promise.alpha))


def sequence(production: Floats) -> NDArray[np.float64]:
    """Return the thresholds to test, strict to loose, from the unlabelled scores of production; (<= GRID,)."""
    if len(production) == 0:
        return np.empty(0)
    levels = np.quantile(production.astype(np.float64), np.linspace(1, 0, GRID + 1)[1:], method="lower")
    return np.unique(levels)[::-1]


def certify(audits: Audits, production: Floats, promise: Promise, *, reference_id: str = "") -> Certificate:
    """Test thresholds on the audits.

    Args:
        audits: see :class:`Audits`.
        production: (P,) decision scores of the particles that the promise is about; audits may be among them.
        promise: alpha and delta.
        reference_id: what the scores were made with.

    Returns:
        A certificate, or a suggestion that says what is missing.
    """
    grid = sequence(production)
    passed, steps = _test(audits, grid, promise)
    accepted = audits.score >= passed.threshold if passed else np.zeros(len(audits.score), np.bool_)
    more = 0 if passed else _more_audits(audits, production, grid, promise)
    why = () if passed else (TOO_MANY_WRONG if more is None else TOO_FEW_AUDITS,)
    return Certificate(
        status=CERTIFIED if passed else SUGGESTION,
        alpha=promise.alpha,
        delta=promise.delta,
        threshold=passed.threshold if passed else None,
        audited=len(audits.score),
        accepted=int(accepted.sum()),
        errors=int((accepted & ~audits.correct).sum()),
        automation=float((production >= passed.threshold).mean()) if passed else 0.0,
        more_audits=more,
        why=why,
        steps=tuple(steps),
        labels=_evidence(audits, accepted),
        reference_id=reference_id,
        audits_id=audits.audits_id,
    )


def confirmed(certificate: Standing, score: Floats, state_auto: Bools, *, opted_in: bool = False) -> Bools:
    """Return which proposals may be confirmed without a person, (N,).

    Under a certificate: auto proposals from its threshold on. Without one: none, unless the user opted in to
    uncertified auto proposals. A suspended certificate confirms nothing, opted in or not: something is known to be
    wrong.
    """
    if certificate.status == CERTIFIED and certificate.threshold is not None:
        return score >= certificate.threshold
    if certificate.status == SUGGESTION and opted_in:
        return state_auto.copy()
    return np.zeros(len(score), np.bool_)


def _test(audits: Audits, grid: NDArray[np.float64], promise: Promise) -> tuple[Step | None, list[Step]]:
    best, steps = None, []
    for threshold in grid:
        accepted = audits.score >= threshold
        count, errors = int(accepted.sum()), int((accepted & ~audits.correct).sum())
        if count < least_accepted(promise):
            continue
        step = Step(float(threshold), count, errors, float(binom.cdf(errors, count, promise.alpha)))
        steps.append(step)
        if step.p > promise.delta:
            break
        best = step
    return best, steps


def _evidence(audits: Audits, accepted: Bools) -> tuple[Evidence, ...]:
    proposed = np.array([label or "" for label in audits.proposed], dtype=object)
    return tuple(
        Evidence(
            label, int(mine.sum()), int((mine & accepted).sum()), int((mine & accepted & ~audits.correct).sum())
        )
        for label in sorted({label for label in audits.proposed if label})
        for mine in [proposed == label]
    )  # fmt: skip


def _more_audits(
    audits: Audits, production: Floats, grid: NDArray[np.float64], promise: Promise
) -> int | None:  # fmt: skip
    """Expected further audits until the most promising threshold passes, if errors stay as rare as they were there."""
    needed = []
    for threshold in grid:
        share = float((production >= threshold).mean())
        accepted = audits.score >= threshold
        wanted = _passing(_foreseen(int(accepted.sum()), int((accepted & ~audits.correct).sum()), promise), promise)
        if wanted is not None and share > 0:
            needed.append(math.ceil(wanted / share))
    if not needed:
        return None if len(audits.score) else least_accepted(promise)
    # What is there already counts; at least one more, because what is there did not pass.
    return max(min(needed) - len(audits.score), 1)


def _foreseen(count: int, errors: int, promise: Promise) -> float:
    """Return the error rate to plan with: what was seen, or half of alpha while what was seen may be bad luck."""
    rate = errors / count if count else 0.0
    unlucky = rate >= promise.alpha and binom.sf(errors - 1, count, promise.alpha) > promise.delta
    return promise.alpha / 2 if unlucky else rate


def _passing(rate: float, promise: Promise) -> int | None:
    """Return the least number of accepted audits that pass when ``rate`` of them are wrong; None at alpha or above."""
    if rate >= promise.alpha:
        return None
    counts = np.unique(np.geomspace(least_accepted(promise), MOST_AUDITS, 400).astype(int))
    errors = np.ceil(rate * counts)
    passing = binom.cdf(errors, counts, promise.alpha) <= promise.delta
    return int(counts[passing.argmax()]) if passing.any() else None
