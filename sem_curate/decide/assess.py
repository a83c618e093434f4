"""The decision lane in one pure piece: fit it on masters and a pool, then ask it about particles.

Every input has a defined answer: no masters, one label, one master per label, masters or particles without a usable
view, vectors with NaN, labels with the same masters. What is odd stands in ``notes``, in codes that messages.py words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sem_curate import schema
from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import contributions as sharing
from sem_curate.decide import propose as proposing
from sem_curate.decide import rules, score
from sem_curate.decide.blocks import in_blocks
from sem_curate.decide.match import Match
from sem_curate.decide.thresholds import Thresholds, from_masters
from sem_curate.integrate.contract import Integrator, QualityMean, Views, sound
from sem_curate.integrate.pool import centre

NO_MASTERS: Final = "no_masters"
ONE_LABEL: Final = "one_label"
MASTERS_WITHOUT_VIEW: Final = "masters_without_view"
SAME_MASTERS: Final = "same_masters"
BROKEN_VIEWS: Final = "broken_views"
NOTES: Final = (NO_MASTERS, ONE_LABEL, MASTERS_WITHOUT_VIEW, SAME_MASTERS, BROKEN_VIEWS)
COUNTS: Final = 0.05  # weight from which a view has a say: trimmed and nearly blank views stay below
SAME: Final = 1 - 1e-5  # cosine of two masters that are one picture


@dataclass(frozen=True)
class Note:
    """Something odd: a code of :data:`NOTES`, how many, and one example in words."""

    code: str
    count: int
    example: str = ""


@dataclass(frozen=True)
class Lane:
    """Everything that a proposal is compared with.

    Attributes:
        default: the quality mean; contributions are stated in it, whatever integrates.
        integrator: makes the particle vectors; the default unless a learned rung was adopted.
        rule: fitted on the masters.
        stated: the rule in which contributions are stated: the same, or fitted on the default's vectors of the masters.
        label_ids: L ids, sorted; the rule's label indices point here.
        thresholds: where known begins.
        production: quantiles of the pool, for ranks.
        config: margins.
        notes: what was odd about the masters.
    """

    default: QualityMean
    integrator: Integrator
    rule: rules.Rule
    stated: rules.Rule
    label_ids: tuple[str, ...]
    thresholds: Thresholds
    production: score.Production
    config: DecideConfig
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Assessment:
    """What the lane says about N particles.

    Attributes:
        proposals: labels, margins, known-ness, states and reasons.
        score: (N,) decision score in [0, 1], higher = more certain; the worse rank of confidence and known-ness.
        confidence: (N, L), not calibrated.
        weights: (N, V), where the integrator looked.
        entropy: (N,) of the views' votes in [0, 1], 0 = all say the same.
        alone: (N, V) masked int64, the label that each view alone would get; masked where a view has no weight.
        match: similarities to the masters, for receipts.
        contributions: exact Shapley values, removal effects, one-view proposals; None when not asked for.
        notes: what was odd about these particles.
    """

    proposals: proposing.Proposals
    score: Floats
    confidence: Floats
    weights: Floats
    entropy: Floats
    alone: sharing.Masked
    match: Match
    contributions: sharing.Contributions | None
    notes: tuple[Note, ...]


def fit(
    masters: Views,
    master_labels: Sequence[str],
    pool: Views,
    *,
    rule: str = rules.AUTO,
    integrator: Integrator | None = None,
    integrate: IntegrateConfig | None = None,
    decide: DecideConfig | None = None,
) -> Lane:
    """Fit the lane.

    Args:
        masters: M masters' views.
        master_labels: their label ids.
        pool: an unlabelled sample of production: slot means, ranks.
        rule: a proposal rule by name, or ``"auto"``.
        integrator: a learned rung; None for the default.
        integrate: settings of the default.
        decide: margins, temperatures.
    """
    config = decide or DecideConfig()
    default = QualityMean.of(pool, integrate)
    used: Integrator = default if integrator is None else integrator
    done = used(masters)
    usable = done.weights.sum(axis=1) > 0
    names = tuple(sorted({label for label, ok in zip(master_labels, usable, strict=True) if ok}))
    labels = np.array([names.index(label) for label, ok in zip(master_labels, usable, strict=True) if ok], np.int64)
    fitted = rules.fit(done.vectors[usable], labels, n_labels=len(names), name=rule, config=config)
    stated = fitted
    if integrator is not None:
        vectors = default(masters).vectors[usable]
        stated = rules.fit(vectors, labels, n_labels=len(names), name=rule, config=config)
    notes = _master_notes(fitted, names, master_labels, usable)
    thresholds = from_masters(fitted.masters, labels, config)
    nobody = score.Production(np.empty(0, np.float32), np.empty(0, np.float32))
    lane = Lane(default, used, fitted, stated, names, thresholds, nobody, config, notes)
    return replace(lane, production=_production(lane, pool))


def assess(
    lane: Lane, views: Views, *, own: Ints | None = None, disputed: Bools | None = None, contributions: bool = True
) -> Assessment:
    """Propose, and say what the proposal rests on.

    Args:
        lane: from :func:`fit`.
        views: N particles.
        own: (N,) row of the master that a particle itself is, -1 for none; masters do not vouch for themselves.
        disputed: (N, V) views whose quality the VLM sees differently; a reason to look where such a view counts.
        contributions: whether to compute Shapley values and one-view proposals.
    """
    found, usable, weights = _match(lane, views, own)
    labels = _best(found.confidence, usable)
    shared = (
        sharing.contributions(views, lane.default, lane.stated, _stated_labels(lane, views, labels))
        if contributions
        else None
    )
    clean = sound(views)
    alone = sharing.agreement(_centred(lane, clean.views), weights, lane.stated, labels)
    doubted: Bools | None = None if disputed is None else np.asarray((disputed & (weights >= COUNTS)).any(axis=1))
    made = _propose(lane, found, alone.share, _mean_quality(views, weights), usable, shared, doubted)
    certain = lane.production.score(made.confidence, found.knownness, usable & (made.label >= 0))
    notes = (
        (Note(BROKEN_VIEWS, clean.broken, "particle row {}, view {}".format(*clean.example)),) if clean.example else ()
    )
    return Assessment(
        made, certain, found.confidence, weights, alone.entropy, alone.alone, found, shared, (*lane.notes, *notes)
    )


def _production(lane: Lane, pool: Views) -> score.Production:
    """Match the pool as it will be when it is proposed for, to the last digit: ranks compare a value with itself."""

    def block(part: Views, rows: slice) -> tuple[Floats, Floats, Bools]:
        found, there, _ = _match(lane, part, None)
        size = rows.stop - rows.start
        return found.confidence.max(axis=1, initial=0.0)[:size], found.knownness[:size], there[:size]

    best, known, there = (np.concatenate(column) for column in zip(*in_blocks(pool, block), strict=True))
    return score.production(best, known, there)


def _match(lane: Lane, views: Views, own: Ints | None) -> tuple[Match, Bools, Floats]:
    done = lane.integrator(views)
    usable = done.weights.sum(axis=1) > 0
    similarity = lane.rule.similarity(done.vectors)
    if own is not None and similarity.shape[1]:
        rows = np.flatnonzero(own >= 0)
        similarity[rows, own[rows]] = -np.inf
    confidence = lane.rule.confidence(done.vectors, similarity)
    nearest = similarity.max(axis=1, initial=-np.inf)
    known = np.where(usable & np.isfinite(nearest), nearest, -1.0).astype(np.float32)
    return Match(confidence, known, similarity, lane.rule.name), usable, done.weights


def _propose(
    lane: Lane, found: Match, share: Floats, quality: Floats, usable: Bools, shared: sharing.Contributions | None,
    doubted: Bools | None,
) -> proposing.Proposals:  # fmt: skip
    if lane.label_ids:
        single = None if shared is None else shared.single
        return proposing.propose(found, share, quality, usable, lane.thresholds, lane.config, doubted, single)
    n = len(usable)
    nothing = np.zeros(n, np.float32)
    reasons = tuple(
        (proposing.TOO_FEW_MASTERS,) if ok else (proposing.NO_USABLE_VIEW, proposing.TOO_FEW_MASTERS) for ok in usable
    )
    return proposing.Proposals(
        np.full(n, -1, np.int64), nothing, nothing, np.full(n, -1, np.float32), nothing, (schema.REVIEW,) * n, reasons
    )


def _best(confidence: Floats, usable: Bools) -> Ints:
    if confidence.shape[1] == 0:
        return np.full(len(usable), -1)
    return np.where(usable, confidence.argmax(axis=1), -1)


def _stated_labels(lane: Lane, views: Views, labels: Ints) -> Ints:
    """Return the labels that contributions are about: the default's own, where another rung integrates."""
    if lane.stated is lane.rule:
        return labels
    done = lane.default(views)
    return _best(lane.stated.confidence(done.vectors), done.weights.sum(axis=1) > 0)


def _centred(lane: Lane, views: Views) -> Floats:
    return centre(views.vectors, views.present, lane.default.means)


def _mean_quality(views: Views, weights: Floats) -> Floats:
    seen = np.where(np.isnan(views.quality), 1.0, views.quality)
    mean: Floats = (weights * seen).sum(axis=1).astype(np.float32)
    return mean


def _master_notes(
    fitted: rules.Rule, names: tuple[str, ...], given: Sequence[str], usable: Bools
) -> tuple[Note, ...]:  # fmt: skip
    notes = []
    if not names:
        notes.append(Note(NO_MASTERS, 0))
    if len(names) == 1:
        notes.append(Note(ONE_LABEL, 1, names[0]))
    if not usable.all():
        row = int(np.flatnonzero(~usable)[0])
        notes.append(Note(MASTERS_WITHOUT_VIEW, int((~usable).sum()), f"master row {row} of '{given[row]}'"))
    between = np.triu(fitted.masters @ fitted.masters.T >= SAME, k=1)
    rows, columns = np.nonzero(between & (fitted.labels[:, None] != fitted.labels[None, :]))
    if len(rows):
        pair = f"'{names[fitted.labels[rows[0]]]}' and '{names[fitted.labels[columns[0]]]}'"
        notes.append(Note(SAME_MASTERS, len(rows), pair))
    return tuple(notes)
