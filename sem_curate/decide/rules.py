"""Three ways from a particle vector to label confidences, and the mixture of them that is the default. Pure.

==============  ====================================================================================================
prototype       nearest mean of a label's masters (CL2N; Wang et al. 2019, SimpleShot, arXiv 1911.04623)
neighbours      masters vote with exp(cosine / 0.07), the 20 nearest ones (Oquab et al. 2023, DINOv2, arXiv 2304.07193)
logistic        a logistic regression on the masters, L2 penalty, C = 10, labels weighing the same
mixture         geometric mean of neighbours, logistic and prototype, the last weighing min(1, 3 / masters per label)^2
==============  ====================================================================================================

Chosen by the median number of masters per label unless a name is given. With one master all are the same thing and the
prototype is the cheapest. From two on the mixture: a mean of few masters errs least, and with many it blurs what a
label is made of, so its say fades (a shrinkage like James and Stein's). Figures: ``sem-curate bench decide``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from sem_curate.arrays import Floats, Ints, unit_rows
from sem_curate.config import DecideConfig

AUTO: Final = "auto"
PROTOTYPE: Final = "prototype"
NEIGHBOURS: Final = "neighbours"
LOGISTIC: Final = "logistic"
MIXTURE: Final = "mixture"
RULES: Final = (PROTOTYPE, NEIGHBOURS, LOGISTIC, MIXTURE)
PENALTY: Final = 10.0  # sklearn's C
BLOCK: Final = 512  # particles whose votes are counted at a time, so that they stay in the cache
FADING: Final = 3.0  # masters per label up to which prototypes say as much in the mixture as each of the other two
SILENT: Final = 0.01  # a say below this is none
FLOOR: Final = 1e-4  # in the mixture, so that no rule alone can rule a label out


@dataclass(frozen=True)
class Rule:
    """A fitted rule for M masters of L labels; M and L may be 0.

    Attributes:
        name: one of :data:`RULES`.
        masters: (M, D) unit rows.
        labels: (M,) label index.
        prototypes: (L, D) unit rows; of every rule, contributions are stated in them.
        weights: (L, D) of the logistic, zeros where it is not used.
        bias: (L,).
        config: temperature and number of neighbours.
    """

    name: str
    masters: Floats
    labels: Ints
    prototypes: Floats
    weights: Floats
    bias: Floats
    config: DecideConfig

    def similarity(self, vectors: Floats) -> Floats:
        """Return the cosines of (N, D) vectors to the masters, (N, M)."""
        cosines: Floats = vectors @ self.masters.T
        return cosines

    def confidence(self, vectors: Floats, similarity: Floats | None = None) -> Floats:
        """Return (N, L) confidences in [0, 1], rows summing to 1; not calibrated. L = 0 gives (N, 0).

        Args:
            vectors: (N, D) unit rows.
            similarity: what :meth:`similarity` gives for them, where it is already known.
        """
        if len(self.prototypes) == 0:
            return np.zeros((len(vectors), 0), np.float32)
        shares = np.empty((len(vectors), len(self.prototypes)), np.float32)
        for first in range(0, len(vectors), BLOCK):
            rows = slice(first, first + BLOCK)
            shares[rows] = self._shares(vectors[rows], None if similarity is None else similarity[rows])
        return shares

    def _shares(self, vectors: Floats, similarity: Floats | None) -> Floats:
        if self.name == PROTOTYPE:
            return self._nearest(vectors)
        if self.name == LOGISTIC:
            return self._head(vectors)
        votes = self._votes(self.similarity(vectors) if similarity is None else similarity)
        if self.name == NEIGHBOURS:
            return votes
        floor, say = np.float32(FLOOR), self._prototypes_say
        nearest, head = self._nearest_and_head(vectors)
        both = (votes + floor) * (head + floor)
        if say > SILENT:
            both *= (nearest + floor) ** np.float32(say)
        both **= np.float32(1 / (2 + say))
        mixed: Floats = both / both.sum(axis=1, keepdims=True)
        return mixed

    def _nearest(self, vectors: Floats) -> Floats:
        return _softmax(vectors @ self.prototypes.T / self.config.temperature)

    def _head(self, vectors: Floats) -> Floats:
        return _softmax(vectors @ self.weights.T + self.bias)

    def _nearest_and_head(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Return both at the cost of one product: the mixture asks them of every view of every particle."""
        scores = (vectors @ self._directions.T).reshape(len(vectors), 2, len(self.prototypes))
        scores[:, 1] += self.bias
        shares = _softmax(scores)
        return shares[:, 0], shares[:, 1]

    @cached_property
    def _directions(self) -> Floats:
        """(2 L, D) prototypes over the temperature, then the logistic's weights."""
        return np.concatenate([self.prototypes / np.float32(self.config.temperature), self.weights])

    def _votes(self, similarity: Floats) -> Floats:
        (n, m), k, labels = similarity.shape, self.config.neighbours, len(self.prototypes)
        least = np.partition(similarity, m - k, axis=1)[:, m - k, None] if m > k else np.float32(-np.inf)
        # Few of many masters vote: counting those is cheaper than a product with all.
        near = np.flatnonzero(similarity >= least)
        row, master = np.divmod(near, m)
        steep = np.float32(1 / self.config.temperature)
        powers = np.exp((similarity.reshape(-1)[near] - np.float32(1)) * steep) * self._voice[master]
        cells = row * labels + self.labels[master]
        votes: Floats = np.bincount(cells, powers, n * labels).reshape(n, labels).astype(np.float32)
        votes /= np.maximum(votes.sum(axis=1, keepdims=True), np.float32(1e-30))
        return votes

    @cached_property
    def _voice(self) -> Floats:
        """(M,), those of a label sum to 1: a label with more masters must not win by headcount alone."""
        return (1 / np.bincount(self.labels))[self.labels].astype(np.float32)

    @cached_property
    def _prototypes_say(self) -> float:
        counts = np.bincount(self.labels)
        return float(min(1.0, FADING / np.median(counts[counts > 0])) ** 2) if len(self.labels) else 0.0


def choose(labels: Ints, n_labels: int) -> str:
    """Return the rule for these masters, see the module."""
    if n_labels < 2:
        return PROTOTYPE
    return PROTOTYPE if float(np.median(np.bincount(labels, minlength=n_labels))) < 2 else MIXTURE


def fit(
    masters: Floats, labels: Ints, *, n_labels: int | None = None, name: str = AUTO, config: DecideConfig | None = None
) -> Rule:
    """Fit a rule to masters; defined for none, for one label and for one master per label.

    Args:
        masters: (M, D) unit rows.
        labels: (M,) label index of each.
        n_labels: L, when labels without masters should keep their column; they get (almost) no confidence.
        name: one of :data:`RULES`, or ``"auto"``.
        config: temperature and number of neighbours.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in (AUTO, *RULES):
        raise ValueError(f"no proposal rule is called '{name}'; there are {', '.join((AUTO, *RULES))}")
    count = (int(labels.max()) + 1 if len(labels) else 0) if n_labels is None else n_labels
    chosen = choose(labels, count) if name == AUTO else name
    sums = np.zeros((count, masters.shape[1]), np.float32)
    np.add.at(sums, labels, masters)
    weights, bias = _logistic(masters, labels, count) if chosen in (LOGISTIC, MIXTURE) else _nothing(sums)
    return Rule(chosen, masters, labels, unit_rows(sums), weights, bias, config or DecideConfig())


def _nothing(sums: Floats) -> tuple[Floats, Floats]:
    return np.zeros_like(sums), np.zeros(len(sums), np.float32)


def _logistic(masters: Floats, labels: Ints, count: int) -> tuple[Floats, Floats]:
    weights, bias = np.zeros((count, masters.shape[1]), np.float32), np.full(count, -30.0, np.float32)
    known = np.unique(labels)
    bias[known] = 0.0
    if len(known) < 2:
        return weights, bias
    # Not at the top: most of what imports this file fits nothing.
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=PENALTY, max_iter=300, class_weight="balanced").fit(masters, labels)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(known) == 2:  # sklearn then keeps one row, for the second label
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.r_[-intercepts, intercepts] / 2
    weights[known], bias[known] = coefficients, intercepts
    return weights, bias


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares
