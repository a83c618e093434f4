"""Whether a user's own encoder may take the place of the one in use: measured on her masters, both ways. Pure.

Each master in turn is taken out and asked for again (leave-one-out), once in the vectors of either encoder, so the
comparison is paired. Being right more often is not enough: an encoder adapted to a few materials can pull everything
towards them, and then unknown particles pass for known ones. So known-ness has to tell them apart as well as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import binomtest, rankdata

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.config import DecideConfig
from sem_curate.decide.match import match

FEWEST: Final = 20  # masters; with fewer not even five wins without a loss say much
P_VALUE: Final = 0.05
# One master changing sides among twenty moves the AUROC by about this much.
AUROC_LOSS: Final = 0.005

TOO_FEW = "too few masters"
NO_GAIN = "no sure gain on the masters"
LESS_KNOWN = "unknown particles are told apart less well"
BETTER = "better on the masters, and unknown particles are told apart as well"


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes:
        masters: how many could be asked for: those with another master of their label.
        before: share of them that the present encoder finds right, in [0, 1].
        after: likewise with the new encoder.
        won: masters that only the new one finds right.
        lost: masters that only the present one finds right.
        p_value: of the exact one-sided sign test on won against lost; small = the gain is no accident.
        known_before: AUROC in [0, 1] of known-ness, masters with their label against without it; higher is better.
        known_after: likewise with the new encoder.
        adopted: whether the new encoder may be offered.
        why: one of the reasons of this module.
    """

    masters: int
    before: float
    after: float
    won: int
    lost: int
    p_value: float
    known_before: float
    known_after: float
    adopted: bool
    why: str


def judge(before: Floats, after: Floats, labels: Ints, config: DecideConfig | None = None) -> Verdict:
    """Compare two encoders on the same masters.

    Args:
        before: (M, D) unit rows, the masters as the encoder in use sees them, views integrated.
        after: (M, E) unit rows of the new encoder, same order.
        labels: (M,) label index of each master.
        config: how proposals are made; default settings when None.

    Returns:
        The verdict; ``adopted`` only when the new encoder is right about more masters (exact sign test, p <= 0.05)
        and the AUROC of known-ness does not fall.

    Raises:
        ValueError: when the three do not describe the same masters.
    """
    if not len(before) == len(after) == len(labels):
        raise ValueError(
            f"vectors and labels must be of the same masters; got {len(before)}, {len(after)}, {len(labels)}"
        )
    settings = config or DecideConfig()
    _, dense = np.unique(labels, return_inverse=True)
    dense = dense.astype(np.int64)
    asked = np.bincount(dense, minlength=1)[dense] > 1
    count = int(asked.sum())
    if count < FEWEST or len(np.unique(dense)) < 2:
        return Verdict(count, 0.0, 0.0, 0, 0, 1.0, 0.5, 0.5, False, TOO_FEW)
    old, new = (_right(vectors, dense, settings)[asked] for vectors in (before, after))
    won, lost = int((new & ~old).sum()), int((old & ~new).sum())
    p_value = float(binomtest(won, won + lost, alternative="greater").pvalue) if won + lost else 1.0
    known = [knownness_auroc(vectors, dense) for vectors in (before, after)]
    why = NO_GAIN if p_value > P_VALUE else LESS_KNOWN if known[1] < known[0] - AUROC_LOSS else BETTER
    return Verdict(
        count, float(old.mean()), float(new.mean()), won, lost, p_value, known[0], known[1], why == BETTER, why
    )


def knownness_auroc(vectors: Floats, labels: Ints) -> float:
    """Return how well known-ness tells masters from what they would be if nobody had named their label.

    The known-ness of a particle is its cosine to the nearest master (Sun et al. 2022, arXiv:2204.06507, with k = 1).

    Args:
        vectors: (M, D) unit rows.
        labels: (M,) label indices; labels of one master are asked for as unknown only.

    Returns:
        AUROC in [0, 1], 0.5 when one side is empty.
    """
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    same = labels[:, None] == labels[None, :]
    known = similarity.max(axis=1)[same.sum(axis=1) > 1]
    unknown = np.where(same, -np.inf, similarity).max(axis=1)
    unknown = unknown[np.isfinite(unknown)]
    if not len(known) or not len(unknown):
        return 0.5
    ranks = rankdata(np.concatenate([known, unknown]))
    n = len(known)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(unknown)))


def _right(vectors: Floats, labels: Ints, config: DecideConfig) -> Bools:
    """(M,) whether each master, taken out, is still found under its label."""
    found = match(vectors, vectors, labels, config, own=np.arange(len(labels), dtype=np.int64))
    right: Bools = found.confidence.argmax(axis=1) == labels
    return right
