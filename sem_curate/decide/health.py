"""How well the masters serve: what each decides, what it repeats, what it endangers, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sem_curate.arrays import Floats, Ints, unit_rows
from sem_curate.decide import rules

# Suggestions; texts in messages.py under "health.".
KEEP: Final = "keep"
RETIRE_TWIN: Final = "retire_twin"  # another master says the same
RETIRE_MISLEADING: Final = "retire_misleading"  # closer to another label than to its own, and proposals gain without it
CHECK_LABEL: Final = "check_label"  # closer to another label than to its own; nobody knows yet which is right
PHOTOGRAPH: Final = "photograph"  # much depends on it, and its pictures are poor or few
PROMOTE: Final = "promote"  # a confirmed particle unlike its label's masters
OVERRULED: Final = "overruled"  # people mostly decided otherwise where it drove the proposal
SUGGESTIONS: Final = (KEEP, RETIRE_TWIN, RETIRE_MISLEADING, CHECK_LABEL, PHOTOGRAPH, PROMOTE, OVERRULED)

TWIN: Final = 0.98  # cosine from which two particles count as near-duplicates
POOR: Final = 0.2  # mean quality, as for proposals
FEW_VIEWS: Final = 0.5  # share of the view slots
MOST_MASTERS: Final = 20  # per label; beyond, more masters add little
SAMPLE: Final = 1000  # particles on which leaving a master out is tried
PROMOTED: Final = 3  # per label and look
FEWEST_REVERSALS: Final = 3  # fewer may be chance


@dataclass(frozen=True)
class Health:
    """One master.

    Attributes:
        master_id: particle id.
        label_id: its label.
        drives: share of particles whose proposal agrees with this master and that lie nearest to it, in [0, 1].
        sibling: cosine to the nearest other master of its label; None for the only one.
        rival_id: label of the nearest master of another label; None with one label.
        rival: cosine to that one; None with one label.
        changed: share of sampled proposals that change without it, in [0, 1].
        gain: points of accuracy on confirmed particles gained without it, in [-1, 1]; None without confirmed ones.
        suggestion: one of :data:`SUGGESTIONS` (not ``promote``).
    """

    master_id: str
    label_id: str
    drives: float
    sibling: float | None
    rival_id: str | None
    rival: float | None
    changed: float
    gain: float | None
    suggestion: str


@dataclass(frozen=True)
class LabelHealth:
    """One label: number of masters, accuracy on its confirmed particles (None without), and whom to promote."""

    label_id: str
    masters: int
    recall: float | None
    promote: tuple[str, ...]


@dataclass(frozen=True)
class Masters:
    """M masters: unit vectors (M, D), label index (M,), ids, label ids, mean quality (M,), share of views (M,)."""

    vectors: Floats
    labels: Ints
    master_ids: Sequence[str]
    label_ids: Sequence[str]
    quality: Floats
    views: Floats


def masters_health(masters: Masters, particles: Floats, truth: Ints, *, seed: int = 0) -> list[Health]:
    """Judge every master.

    Leaving one out is tried with the neighbours' vote on a sample: the logistic would be fitted once per master.

    Args:
        masters: at least none.
        particles: (N, D) vectors of production, masters left out.
        truth: (N,) label index confirmed by a person; -1 where nobody decided.
        seed: of the sample.
    """
    if len(masters.vectors) == 0:
        return []
    between = masters.vectors @ masters.vectors.T
    np.fill_diagonal(between, -np.inf)
    same = masters.labels[:, None] == masters.labels[None, :]
    sibling, rival = np.where(same, between, -np.inf), np.where(same, -np.inf, between)
    drives = _drives(masters, particles)
    changed, gain = _without(masters, particles, truth, seed)
    found = []
    for row, key in enumerate(masters.master_ids):
        near, far = float(sibling[row].max()), float(rival[row].max())
        found.append(
            Health(
                key,
                masters.label_ids[int(masters.labels[row])],
                float(drives[row]),
                near if np.isfinite(near) else None,
                masters.label_ids[int(masters.labels[rival[row].argmax()])] if np.isfinite(far) else None,
                far if np.isfinite(far) else None,
                float(changed[row]),
                None if gain is None else float(gain[row]),
                _suggest(masters, row, near, far, None if gain is None else float(gain[row]), float(drives[row])),
            )
        )
    return _one_of_each_pair(found, between, masters)


def labels_health(
    masters: Masters, particles: Floats, particle_ids: Sequence[str], truth: Ints, *, rule: str = rules.AUTO
) -> list[LabelHealth]:
    """Judge every label, and name confirmed particles that its masters do not cover, farthest first.

    Args:
        masters: the masters.
        particles: (N, D) vectors.
        particle_ids: their ids.
        truth: (N,) confirmed label index, -1 where nobody decided.
        rule: proposal rule for the recall.
    """
    fitted = rules.fit(masters.vectors, masters.labels, n_labels=len(masters.label_ids), name=rule)
    similarity = fitted.similarity(particles)
    said = fitted.confidence(particles).argmax(axis=1) if len(masters.label_ids) else truth
    found = []
    for label, label_id in enumerate(masters.label_ids):
        mine, own = np.flatnonzero(truth == label), np.flatnonzero(masters.labels == label)
        near = similarity[np.ix_(mine, own)].max(axis=1, initial=-1.0)
        wrong = said[mine] != label
        useful = wrong | (near < _covered(masters.vectors[own]))
        # Wrong ones first: those are what the masters do not know yet.
        order = np.lexsort((near, ~wrong))
        order = mine[order[useful[order]]]
        room = min(PROMOTED, max(MOST_MASTERS - len(own), 0))
        chosen = _apart(particles, order, room)
        recall = float((~wrong).mean()) if len(mine) else None
        found.append(LabelHealth(label_id, len(own), recall, tuple(particle_ids[int(row)] for row in chosen)))
    return found


def after_reversals(found: Health, decided: int, reversals: int) -> Health:
    """Return the judgement with what people did: a master to be kept whose proposals they mostly reversed is not.

    Args:
        found: the judgement.
        decided: people's decisions on proposals that it drove.
        reversals: how many of these went against the proposal.
    """
    mostly = reversals >= FEWEST_REVERSALS and 2 * reversals > decided
    return replace(found, suggestion=OVERRULED) if mostly and found.suggestion == KEEP else found


def _covered(own: Floats) -> float:
    """Cosine from which a label's masters cover a particle: as close as the loneliest of them has a sibling."""
    if len(own) < 2:
        return TWIN
    between = own @ own.T
    np.fill_diagonal(between, -np.inf)
    return float(between.max(axis=1).min())


def _apart(particles: Floats, order: Ints, count: int) -> list[int]:
    kept: list[int] = []
    for row in order:
        if len(kept) == count:
            break
        if not kept or float((particles[kept] @ particles[row]).max()) < TWIN:
            kept.append(int(row))
    return kept


def _drives(masters: Masters, particles: Floats) -> Floats:
    if len(particles) == 0:
        return np.zeros(len(masters.vectors), np.float32)
    fitted = rules.fit(masters.vectors, masters.labels, name=rules.NEIGHBOURS)
    similarity = fitted.similarity(particles)
    nearest = similarity.argmax(axis=1)
    agrees = fitted.confidence(particles, similarity).argmax(axis=1) == masters.labels[nearest]
    counts = np.bincount(nearest[agrees], minlength=len(masters.vectors))
    return (counts / len(particles)).astype(np.float32)


def _without(masters: Masters, particles: Floats, truth: Ints, seed: int) -> tuple[Floats, Floats | None]:
    """Return what changes without each master, (M,), and the accuracy gained on confirmed particles, (M,) or None."""
    count = len(masters.vectors)
    rows = np.random.default_rng(seed).permutation(len(particles))[:SAMPLE]
    confirmed = np.flatnonzero(truth >= 0)[:SAMPLE]
    asked = particles[np.r_[rows, confirmed]]
    if len(asked) == 0 or count < 2:
        return np.zeros(count, np.float32), None
    total = len(masters.label_ids)
    whole = rules.fit(masters.vectors, masters.labels, n_labels=total, name=rules.NEIGHBOURS)
    similarity = whole.similarity(asked)
    before = whole.confidence(asked, similarity).argmax(axis=1)
    changed, gain = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for row in range(count):
        others = np.delete(np.arange(count), row)
        less = rules.fit(masters.vectors[others], masters.labels[others], n_labels=total, name=rules.NEIGHBOURS)
        after = less.confidence(asked, similarity[:, others]).argmax(axis=1)
        changed[row] = (after[: len(rows)] != before[: len(rows)]).mean() if len(rows) else 0.0
        if len(confirmed):
            right = [(made[len(rows) :] == truth[confirmed]).mean() for made in (before, after)]
            gain[row] = right[1] - right[0]
    return changed, gain if len(confirmed) else None


def _suggest(masters: Masters, row: int, sibling: float, rival: float, gain: float | None, drives: float) -> str:
    several = int((masters.labels == masters.labels[row]).sum()) > 1
    if several and rival > sibling:
        if gain is not None and gain > 0:
            return RETIRE_MISLEADING
        # Closeness alone is no fault: labels may touch. A lone mode of a label is worth keeping.
        if gain is None and rival > _own_prototype(masters, row):
            return CHECK_LABEL
    if several and sibling >= TWIN:
        return RETIRE_TWIN
    if drives > 0 and (masters.quality[row] < POOR or masters.views[row] < FEW_VIEWS):
        return PHOTOGRAPH
    return KEEP


def _own_prototype(masters: Masters, row: int) -> float:
    mine = np.flatnonzero(masters.labels == masters.labels[row])
    rest = masters.vectors[mine[mine != row]].sum(axis=0)
    return float(unit_rows(rest[None])[0] @ masters.vectors[row])


def _one_of_each_pair(found: list[Health], between: Floats, masters: Masters) -> list[Health]:
    """Of near-duplicates keep the one with the better pictures: retiring both would lose what they say."""
    kept = list(found)
    order = np.lexsort((np.arange(len(found)), -masters.views, -masters.quality))
    staying: list[int] = []
    for row in (int(i) for i in order):
        if kept[row].suggestion != RETIRE_TWIN:
            staying.append(row)
            continue
        twins = [other for other in staying if found[other].label_id == found[row].label_id]
        if not any(between[row, other] >= TWIN for other in twins):
            kept[row] = Health(**{**vars(found[row]), "suggestion": KEEP})
            staying.append(row)
    return kept
