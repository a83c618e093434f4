"""Certificates on a FiftyOne dataset: draw audits, try, suspend, revoke, reinstate. The door to what is promised."""

from __future__ import annotations

from typing import Any

import fiftyone as fo

from sem_curate import dataset, schema
from sem_curate.decide import auditing, guarantee, judged, looks, meaning, watching
from sem_curate.decide import certificate as certificates_pure
from sem_curate.decide.certificate import Promise
from sem_curate.decide.promises import asked, promise_of, set_promise
from sem_curate.decide.trust import count_stale, for_card, status
from sem_curate.decide.trust_words import percent
from sem_curate.decide.watching import watch
from sem_curate.errors import StateError
from sem_curate.registry import certificates, masters
from sem_curate.registry.certificates import Held

__all__ = [
    "asked", "change", "count_stale", "draw", "for_card", "percent", "promise_of", "set_promise", "status",
    "try_to_certify", "watch",
]  # fmt: skip


def draw(ds: fo.Dataset, count: int | None, *, by: str, seed: int | None = None) -> dict[str, Any]:
    """Draw audits; without a count as many as are still needed. See :func:`auditing.draw`."""
    wanted = count or max((status(ds)["more_audits"] or 0) - len(auditing.standing(ds).waiting), 0)
    if not wanted:
        raise StateError("no more audits are needed for what was asked for; name a count to draw some all the same")
    return auditing.draw(ds, wanted, by=by, seed=seed)


def change(ds: fo.Dataset, to: str, certificate_id: str | None, *, by: str, reason: str) -> Held:
    """Suspend, revoke or reinstate the newest certificate, or the one given.

    Raises:
        StateError: there is none.
    """
    identity = dataset.dataset_id(ds)
    issued = [held for held in certificates.attempts(identity) if held.status != certificates_pure.SUGGESTION]
    if certificate_id is None and not issued:
        raise StateError(f"dataset '{ds.name}' has no certificate; try: sem-curate certificate try")
    return certificates.change_status(
        identity, certificate_id or issued[-1].certificate_id, to, by=by, reason=reason
    )  # fmt: skip


def try_to_certify(ds: fo.Dataset, promise: Promise, *, by: str, reason: str = "") -> Held | None:
    """Test thresholds on all closed audits; the result is stored, passed or not.

    Every try on the same audits spends a part of the risk (:mod:`looks`); the same question again costs nothing.

    Returns:
        The stored attempt; None when there is no audit to look at yet.

    Raises:
        StateError: drawn particles wait for a judgement, or proposals are not up to date.
    """
    identity = dataset.dataset_id(ds)
    set_promise(ds, promise)
    auditing.close(ds, by=by, unfinished=False)
    found = auditing.standing(ds)
    _refuse_if_not_ready(ds, found)
    draws = found.usable
    if not draws:
        return None
    reference_id = auditing.reference_id(identity)
    ids = [draw.draw_id for draw in draws]
    attempt = looks.question(ids, reference_id, promise)
    stored = certificates.attempted(identity, attempt)
    if stored is not None:
        return stored
    look = looks.number(ids, [held.draws for held in certificates.attempts(identity)])
    rows = auditing.population(ds, (schema.CONFIDENCE_RANK, *watching.SCORES))
    audited = judged.audits(ds, draws)
    spent = Promise(promise.alpha, looks.spend(promise.delta, look))
    content = guarantee.certify(
        audited, watching.scores(rows, schema.CONFIDENCE_RANK), spent, reference_id=reference_id
    )  # fmt: skip
    held = certificates.add(
        identity, content.as_dict(), attempt=attempt, delta=promise.delta, look=look,
        draws=ids, encoder_key=dataset.encoder_keys(ds).get("dino", ""),
        master_set_version=masters.in_force(identity).version, production=watching.kept(rows),
        shown=meaning.learn(audited.score, audited.correct, *judged.candidates(ds, draws, audited)),
        watched=dataset.newest_sample(ds), by=by, reason=reason,
    )  # fmt: skip
    watching.follow_up(identity, held)
    return held


def _refuse_if_not_ready(ds: fo.Dataset, found: auditing.Standing) -> None:
    if found.waiting:
        raise StateError(
            f"{len(found.waiting)} drawn particles wait for a judgement (e.g. '{found.waiting[0]}'); judge them in the "
            f"queue 'audit', or count them as wrong with: sem-curate audits close --dataset '{ds.name}'"
        )
    pending = dataset.count_pending(ds)[schema.STAGE_PROPOSE]
    if pending:
        raise StateError(
            f"{pending} particles wait for a new proposal; propose first: sem-curate run --dataset '{ds.name}'"
        )
