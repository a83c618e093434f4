"""The lane on any number of particles, in blocks: the same bits for each in any company, and all cores. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sem_curate.arrays import Bools, Ints, finite_rows
from sem_curate.decide import contributions as sharing
from sem_curate.decide.assess import BROKEN_VIEWS, Assessment, Lane, Note, assess
from sem_curate.decide.blocks import BLOCK, in_blocks
from sem_curate.decide.match import Match
from sem_curate.decide.propose import Proposals
from sem_curate.integrate.contract import Integrated, Integrator, Views


def assess_steadily(lane: Lane, views: Views, *, own: Ints, disputed: Bools) -> Assessment:
    """Assess N particles, see :func:`assess`; ``contributions`` are always computed.

    Args:
        lane: from ``assess.fit``.
        views: N particles.
        own: (N,) row of the master that a particle is, -1 for none.
        disputed: (N, V) views whose quality the VLM sees differently.
    """

    def block(part: Views, rows: slice) -> Assessment:
        size = rows.stop - rows.start
        short = BLOCK - size
        found = assess(lane, part, own=np.pad(own[rows], (0, short), constant_values=-1),
                       disputed=np.pad(disputed[rows], ((0, short), (0, 0))))  # fmt: skip
        return _cut(found, size)

    parts = in_blocks(views, block)
    return _joined(parts, (*lane.notes, *_broken(views)))


def integrate_steadily(integrator: Integrator, views: Views) -> Integrated:
    """Integrate N particles in blocks of one shape."""

    def block(part: Views, rows: slice) -> Integrated:
        done, size = integrator(part), rows.stop - rows.start
        return Integrated(done.vectors[:size], done.weights[:size])

    parts = in_blocks(views, block)
    return Integrated(np.concatenate([p.vectors for p in parts]), np.concatenate([p.weights for p in parts]))


def _broken(views: Views) -> tuple[Note, ...]:
    broken = views.present & ~finite_rows(views.vectors)
    if not broken.any():
        return ()
    row, view = (int(place) for place in np.argwhere(broken)[0])
    return (Note(BROKEN_VIEWS, int(broken.sum()), f"particle row {row}, view {view}"),)


def _cut(found: Assessment, size: int) -> Assessment:
    made, shared, match = found.proposals, found.contributions, found.match
    proposals = Proposals(
        made.label[:size], made.confidence[:size], made.margin[:size], made.knownness[:size], made.agreement[:size],
        made.state[:size], made.reasons[:size],
    )  # fmt: skip
    kept = None if shared is None else sharing.Contributions(
        shared.shapley[:size], shared.removal[:size], shared.total[:size], shared.single[:size]
    )  # fmt: skip
    return Assessment(
        proposals, found.score[:size], found.confidence[:size], found.weights[:size], found.entropy[:size],
        found.alone[:size], Match(match.confidence[:size], match.knownness[:size], match.similarity[:size],
                                  match.method), kept, found.notes,
    )  # fmt: skip


def _joined(parts: Sequence[Assessment], notes: tuple[Note, ...]) -> Assessment:
    made, match = [part.proposals for part in parts], [part.match for part in parts]
    shared = [part.contributions for part in parts if part.contributions is not None]
    return Assessment(
        proposals=Proposals(
            np.concatenate([one.label for one in made]),
            np.concatenate([one.confidence for one in made]),
            np.concatenate([one.margin for one in made]),
            np.concatenate([one.knownness for one in made]),
            np.concatenate([one.agreement for one in made]),
            tuple(state for one in made for state in one.state),
            tuple(reasons for one in made for reasons in one.reasons),
        ),
        score=np.concatenate([part.score for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        entropy=np.concatenate([part.entropy for part in parts]),
        alone=_masked([part.alone for part in parts]),
        match=Match(
            np.concatenate([one.confidence for one in match]),
            np.concatenate([one.knownness for one in match]),
            np.concatenate([one.similarity for one in match]),
            match[0].method,
        ),
        contributions=sharing.Contributions(
            _masked([one.shapley for one in shared]),
            _masked([one.removal for one in shared]),
            np.concatenate([one.total for one in shared]),
            np.concatenate([one.single for one in shared]),
        ),
        notes=notes,
    )


def _masked(parts: Sequence[Any]) -> Any:
    return np.ma.concatenate(parts)  # type: ignore[no-untyped-call]
