"""How a promise about a FiftyOne dataset stands: certified, suspended, or what is missing; what cards say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import fiftyone as fo

from sem_curate import dataset, messages, schema
from sem_curate.decide import auditing, guarantee, judged, looks, trust_words
from sem_curate.decide import certificate as certificates_pure
from sem_curate.decide.certificate import Promise
from sem_curate.decide.confirming import Terms
from sem_curate.decide.promises import promise_of
from sem_curate.decide.watching import scores
from sem_curate.registry import certificates, choices, datasets, masters
from sem_curate.registry.certificates import Held

LEAST_DRAW: Final = 20  # after a try: the next look costs risk, and a few audits more would hardly change it
FORESEEN: Final = 1024  # scores behind the forecast: quantiles to 1.6 %, bounded whatever the dataset; a try takes all
KEPT: Final = ("audited", "accepted", "errors", "automation", "threshold", "labels")  # of what was certified


def status(ds: fo.Dataset) -> dict[str, Any]:
    """Return how things stand, for people and machines.

    Returns:
        ``{"status", "ja", "en", "alpha", "delta", "audited", "accepted", "errors", "automation", "threshold",
        "more_audits", "waiting", "judged", "spent", "left", "can_try", "opted_in", "why", "certificate_id", "labels",
        "production"}``. ``status`` is "certified", "suggestion" or "suspended"; ``ja`` and ``en`` say it in a line;
        ``why`` are further sentences; ``left`` counts particles that could still be drawn, ``spent`` audits that no
        longer count.
    """
    identity = dataset.dataset_id(ds)
    promise, found = promise_of(ds), auditing.standing(ds)
    reference_id = auditing.reference_id(identity)
    held = certificates.active(identity, reference_id=reference_id)
    whole, left = auditing.size(ds, found)
    shared = {
        "waiting": len(found.waiting),
        "judged": len(found.judged),
        "spent": _drawn_in(found, found.spent | found.outdated),
        "left": left,
        "production": whole,
        "opted_in": certificates.opted_in(identity),
        "can_try": False,
    }
    why = _circumstances(identity, held, found, shared)
    if held is not None and held.status == certificates_pure.CERTIFIED:
        return {**shared, **_of_held(held), "more_audits": 0, "why": why}
    missing = {**shared, **_suggestion(ds, promise, found, shared), "certificate_id": None, "why": why}
    if held is None:
        return missing
    if missing["more_audits"] is None:
        why = [*why, {"code": certificates_pure.TOO_MANY_WRONG, **trust_words.line(certificates_pure.TOO_MANY_WRONG)}]
    again = trust_words.suspended(missing["more_audits"], missing["can_try"])
    return {
        **missing, **again, "status": held.status, "certificate_id": held.certificate_id,
        "why": [*trust_words.reasons(held), *why],
    }  # fmt: skip


def count_stale(ds: fo.Dataset) -> int:
    """Count proposals that no person has decided on and that new masters, or another certificate, would change."""
    identity = dataset.dataset_id(ds)
    current, settings = masters.in_force(identity).version, datasets.get_record(identity).settings
    reference_id = str(settings.get("reference_id") or "")
    terms = Terms(certificates.active(identity, reference_id=reference_id), certificates.opted_in(identity))
    same = [None] if settings.get("proposed_under") != terms.key else [None, current]
    where = {schema.MASTER_SET_VERSION: {"$nin": same}, schema.DECISION: {"$nin": list(auditing.BY_PEOPLE)}}
    return dataset.count_particles(ds, where)


def for_card(identity: str) -> dict[str, Any]:
    """Return what a card says about any proposal: ``{"certified", "notice", "curve"}``; cheap, whatever the dataset."""
    reference_id = auditing.reference_id(identity)
    held = certificates.active(identity, reference_id=reference_id)
    newest = certificates.newest(identity, reference_id)
    in_force = held is not None and held.status == certificates_pure.CERTIFIED
    notice = messages.both("notice.not_certified") if held is None else trust_words.held(held)
    return {"certified": in_force, "notice": notice, "curve": newest.shown if newest else None}


# -- inside ----------------------------------------------------------------------------------------------------


def _of_held(held: Held) -> dict[str, Any]:
    return {
        "status": held.status, **trust_words.held(held), "alpha": held.alpha, "delta": held.delta,
        "certificate_id": held.certificate_id, "look": held.look, **{name: held.content[name] for name in KEPT},
    }  # fmt: skip


def _drawn_in(standing: auditing.Standing, draw_ids: frozenset[str]) -> int:
    return sum(len(draw.particle_ids) for draw in standing.draws if draw.draw_id in draw_ids)


def _circumstances(
    identity: str, held: Held | None, standing: auditing.Standing, shared: Mapping[str, Any]
) -> list[trust_words.Words]:
    found = []
    for code in ("spent", "outdated"):
        if count := _drawn_in(standing, getattr(standing, code)):
            found.append({"code": code, **trust_words.line(code, count=count)})
    if shared["opted_in"]:
        who = choices.chosen(identity, choices.WITHOUT_CERTIFICATE)["by"]
        found.append({"code": "opted_in", **trust_words.line("opted_in", who=who)})
    if held is None and certificates.active(identity) is not None:
        found.append({"code": "other_reference", **trust_words.line("other_reference")})
    newest = [kept for kept in certificates.attempts(identity) if kept.status != certificates_pure.SUGGESTION][-1:]
    if newest and newest[0].status == certificates.REVOKED:
        found.append(
            {"code": "revoked", **trust_words.line("revoked", reason=newest[0].log[-1]["reason"] or newest[0].by)}
        )
    return found


def _suggestion(
    ds: fo.Dataset,
    promise: Promise,
    found: auditing.Standing,
    shared: Mapping[str, Any],
) -> dict[str, Any]:
    draws, identity = found.usable, dataset.dataset_id(ds)
    ids = [draw.draw_id for draw in draws]
    earlier = [held.draws for held in certificates.attempts(identity)]
    look = looks.number(ids, earlier, unfinished=int(bool(found.waiting or found.judged))) if draws else 1
    question = looks.question(ids, auditing.reference_id(identity), promise)
    tried = certificates.attempted(identity, question) if draws else None
    audited = judged.audits(ds, draws)
    rows = dataset.particle_values(ds, auditing.POPULATION, (schema.CONFIDENCE_RANK,), size=FORESEEN)
    spent = Promise(promise.alpha, looks.spend(promise.delta, look))
    foreseen = guarantee.certify(audited, scores(rows, schema.CONFIDENCE_RANK), spent)
    # What is drawn and not yet looked at counts towards what is needed, whatever comes out of it.
    open_now = len(found.judged) + len(found.waiting)
    needed = foreseen.more_audits
    if needed and tried is not None:
        needed = max(needed, LEAST_DRAW)
    more = None if needed is None else max(needed - len(found.judged), len(found.waiting))
    can_try = bool(draws) and not open_now and tried is None
    line = trust_words.suggestion(more, can_try, foreseen, shared, bool(rows) or bool(draws))
    return {
        "status": certificates_pure.SUGGESTION, **line, "alpha": promise.alpha, "delta": promise.delta,
        "audited": foreseen.audited, "accepted": 0, "errors": int((~audited.correct).sum()),
        "automation": 0.0, "threshold": None, "more_audits": more, "can_try": can_try, "look": look,
        "labels": foreseen.as_dict()["labels"],
    }  # fmt: skip
