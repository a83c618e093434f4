"""Certificates on a FiftyOne dataset: try, say how things stand, watch for drift, show what a score means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fiftyone as fo
import numpy as np

from sem_curate import dataset, messages, schema
from sem_curate.arrays import Floats, Ints
from sem_curate.decide import auditing, drift, guarantee, meaning
from sem_curate.decide import certificate as certificates_pure
from sem_curate.decide.certificate import Certificate, Promise
from sem_curate.decide.confirming import Terms
from sem_curate.decide.guarantee import Audits
from sem_curate.decide.looks import spend
from sem_curate.errors import InputError, StateError
from sem_curate.registry import certificates, choices, datasets, history, label_log, label_model, masters
from sem_curate.registry.audits import DrawView
from sem_curate.registry.certificates import Held
from sem_curate.registry.fold import State

PROMISE: Final = "promise"  # in the settings of the dataset's record
AUTOMATIC: Final = "sem-curate"
SCORES: Final = (schema.MARGIN, schema.KNOWNNESS)  # of these the distribution is watched
SAMPLE: Final = 2000  # of each kept for the drift test: a shift of 5 % of the particles is seen
CHUNK: Final = 1000
LEAST_DRAW: Final = 20  # after a try: the next look costs risk, and a few audits more would hardly change it
MOST_CANDIDATES: Final = 4  # a receipt keeps the best four


def promise_of(ds: fo.Dataset) -> Promise:
    """Return what the user asked for: at most alpha wrong, at a risk of delta; 5 % and 10 % by default."""
    kept = dataset.record(ds).settings.get(PROMISE) or {}
    return Promise(**kept) if kept else Promise()


def set_promise(ds: fo.Dataset, promise: Promise) -> None:
    """Remember what the user asks for."""
    datasets.change_settings(dataset.dataset_id(ds), {PROMISE: {"alpha": promise.alpha, "delta": promise.delta}})


def asked(ds: fo.Dataset, alpha: float | None, delta: float | None) -> Promise:
    """Return the promise in force with what is given changed in it.

    Raises:
        InputError: a share outside ]0, 1[.
    """
    kept = promise_of(ds)
    try:
        return Promise(kept.alpha if alpha is None else alpha, kept.delta if delta is None else delta)
    except ValueError as error:
        raise InputError(f"{error}; 0.02 means 2 %") from None


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
    reference_id = _reference_id(identity)
    attempt = _attempt(draws, reference_id, promise)
    stored = certificates.attempted(identity, attempt)
    if stored is not None:
        return stored
    look = _look(identity, draws)
    rows = auditing.population(ds, (schema.CONFIDENCE_RANK, *SCORES))
    audited = _audits(ds, draws)
    content = guarantee.certify(
        audited, _scores(rows, schema.CONFIDENCE_RANK), Promise(promise.alpha, spend(promise.delta, look)),
        reference_id=reference_id,
    )  # fmt: skip
    held = certificates.add(
        identity, content.as_dict(), attempt=attempt, delta=promise.delta, look=look,
        draws=[draw.draw_id for draw in draws], encoder_key=dataset.encoder_keys(ds).get("dino", ""),
        master_set_version=masters.in_force(identity).version, production=_kept(rows),
        shown=meaning.learn(audited.score, audited.correct, *_candidates(ds, draws, audited)),
        watched=dataset.newest_sample(ds), by=by, reason=reason,
    )  # fmt: skip
    _follow_up(identity, held)
    return held


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
    reference_id = _reference_id(identity)
    held = certificates.active(identity, reference_id=reference_id)
    rows = auditing.population(ds, (schema.CONFIDENCE_RANK,))
    drawn = {key for draw in found.draws for key in draw.particle_ids}
    shared = {
        "waiting": len(found.waiting),
        "judged": len(found.judged),
        "spent": sum(len(draw.particle_ids) for draw in found.draws if draw.draw_id in found.spent),
        "left": sum(row[schema.PARTICLE_ID] not in drawn for row in rows),
        "production": len(rows),
        "opted_in": certificates.opted_in(identity),
        "can_try": False,
    }
    why = _circumstances(identity, held, shared)
    if held is not None:
        return {**shared, **_of_held(held), "more_audits": 0, "why": [*_reasons(held), *why]}
    return {**shared, **_suggestion(ds, promise, found, rows, shared), "certificate_id": None, "why": why}


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
    reference_id = _reference_id(identity)
    held = certificates.active(identity, reference_id=reference_id)
    newest = certificates.newest(identity, reference_id)
    in_force = held is not None and held.status == certificates_pure.CERTIFIED
    notice = _line("suspended") if held is not None and not in_force else messages.both("notice.not_certified")
    if held is not None and in_force:
        notice = {key: value for key, value in _of_held(held).items() if key in ("ja", "en")}
    return {"certified": in_force, "notice": notice, "curve": newest.shown if newest else None}


def watch(ds: fo.Dataset) -> dict[str, Any] | None:
    """Compare what came in since the certificate, or since the last look, with what was certified; suspend if needed.

    Returns:
        ``{"suspended", "why", "new", "moved", "p"}``; None when no certificate is in force.
    """
    identity = dataset.dataset_id(ds)
    held = certificates.active(identity, reference_id=_reference_id(identity))
    if held is None or held.status != certificates_pure.CERTIFIED:
        return None
    rows = dataset.particles_after(ds, held.watched, {schema.RECEIPT_ID: {"$ne": None}, schema.MASTER_OF: None}, SCORES)
    kept = certificates.production(held)
    certified = {name: np.asarray(kept.get(name, ()), np.float32) for name in SCORES}
    batch = {name: _scores(rows, name) for name in SCORES}
    audited, errors = _later_audits(ds, held)
    seen = drift.look_for_drift(certified, batch, _content(held), audited=audited, errors=errors)
    if seen.why:
        why = [{"code": code, "names": list(seen.blamed)} for code in seen.why]
        reason = f"drift test over {len(rows)} new particles and {audited} later audits"
        certificates.change_status(
            identity, held.certificate_id, certificates.SUSPENDED, by=AUTOMATIC, why=why, reason=reason
        )
    if len(rows) >= drift.FEWEST:
        certificates.set_watched(identity, held.certificate_id, str(rows[-1]["_id"]))
    return {
        "suspended": bool(seen.why), "why": list(seen.why), "new": len(rows), "moved": dict(seen.moved),
        "p": dict(seen.p),
    }  # fmt: skip


def percent(share: float) -> str:
    """Return a share in words: 0.02 -> "2 %"."""
    return f"{100 * share:.3g} %"


# -- inside ----------------------------------------------------------------------------------------------------


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


def _reference_id(identity: str) -> str:
    return str(datasets.get_record(identity).settings.get("reference_id") or "")


def _attempt(draws: Sequence[DrawView], reference_id: str, promise: Promise) -> str:
    asked = [[draw.draw_id for draw in draws], reference_id, promise.alpha, promise.delta]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _look(identity: str, draws: Sequence[DrawView], *, unfinished: int = 0) -> int:
    """Count the looks at these audits, the next one included: attempts with any of them, and at least the draws."""
    ours = {draw.draw_id for draw in draws}
    earlier = sum(bool(ours & set(held.draws)) for held in certificates.attempts(identity))
    return max(1 + earlier, len(draws) + unfinished)


def _audits(ds: fo.Dataset, draws: Sequence[DrawView]) -> Audits:
    """Return the verdicts beside what is proposed now; a decision changed after the proposals were shown is no audit.

    Right is what was judged blindly, is still in force, and is proposed.
    """
    verdicts = [verdict for draw in draws for verdict in draw.verdicts]
    ids = [verdict.particle_id for verdict in verdicts]
    shown: dict[str, dict[str, Any]] = {}
    for chunk in dataset.chunks(ids, CHUNK):
        rows = dataset.find_particles(
            ds, {schema.PARTICLE_ID: {"$in": list(chunk)}}, (schema.PROPOSAL, schema.CONFIDENCE_RANK)
        )
        shown |= {row[schema.PARTICLE_ID]: row for row in rows}
    kept = [verdict for verdict in verdicts if verdict.particle_id in shown]
    states = history.states(dataset.dataset_id(ds), [verdict.particle_id for verdict in kept])
    proposed = tuple(
        (shown[verdict.particle_id].get(schema.PROPOSAL) or {}).get("label_id") for verdict in kept
    )  # fmt: skip
    known = label_log.catalogue(dataset.record(ds).catalogue)

    def read(label_id: str | None) -> str | None:  # a label merged since then is what it was merged into
        return label_model.resolve(known, label_id) if label_id in known else label_id

    correct = [
        label is not None
        and read(label) == read(verdict.label_id) == read(states.get(verdict.particle_id, State()).label_id)
        for verdict, label in zip(kept, proposed, strict=True)
    ]
    score = [float(shown[verdict.particle_id].get(schema.CONFIDENCE_RANK) or 0.0) for verdict in kept]
    return Audits(
        tuple(verdict.particle_id for verdict in kept), np.asarray(score, np.float32), np.asarray(correct, np.bool_),
        proposed,
    )  # fmt: skip


def _candidates(ds: fo.Dataset, draws: Sequence[DrawView], audited: Audits) -> tuple[Floats, Ints]:
    """Return the candidates' confidences of audits, rows summing to 1, and the column of what a person said, or -1."""
    said = {verdict.particle_id: verdict.label_id for draw in draws for verdict in draw.verdicts}
    where = {schema.PARTICLE_ID: {"$in": list(audited.particle_ids)}}
    rows = {row[schema.PARTICLE_ID]: row for row in dataset.find_particles(ds, where, (schema.RECEIPT_ID,))}
    receipts = history.get_receipts([row.get(schema.RECEIPT_ID) or "" for row in rows.values()])
    confidence = np.zeros((len(audited.particle_ids), MOST_CANDIDATES), np.float32)
    truth = np.full(len(audited.particle_ids), -1)
    for place, key in enumerate(audited.particle_ids):
        content = receipts.get(rows[key].get(schema.RECEIPT_ID) or "", {})
        for column, candidate in enumerate(content.get("candidates", ())[:MOST_CANDIDATES]):
            confidence[place, column] = candidate["score"]
            if candidate["label_id"] == said[key]:
                truth[place] = column
    total = confidence.sum(axis=1, keepdims=True)
    return np.divide(confidence, total, out=np.zeros_like(confidence), where=total > 0), truth


def _scores(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.asarray([row.get(name) or 0.0 for row in rows], np.float32)


def _kept(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    # By hash of the particle: an arbitrary sample, and the same one each time.
    chosen = sorted(rows, key=lambda row: hashlib.sha256(str(row[schema.PARTICLE_ID]).encode()).digest())[:SAMPLE]
    return {name: [round(float(value), 6) for value in _scores(chosen, name)] for name in SCORES}


def _content(held: Held) -> Certificate:
    return certificates_pure.from_dict(held.content)


def _follow_up(identity: str, held: Held) -> None:
    """Suspend an older certificate that the new look speaks against: a promise no stronger, and too many wrong."""
    older = certificates.active(identity, reference_id=held.reference_id)
    failed = held.status == certificates_pure.SUGGESTION and certificates_pure.TOO_MANY_WRONG in held.content["why"]
    if failed and older is not None and older.status == certificates_pure.CERTIFIED and held.alpha >= older.alpha:
        certificates.change_status(
            identity, older.certificate_id, certificates.SUSPENDED, by=AUTOMATIC,
            why=[{"code": certificates_pure.AUDITS_FAIL, "names": []}],
            reason=f"attempt {held.number} with {held.audited} audits did not pass",
        )  # fmt: skip


def _later_audits(ds: fo.Dataset, held: Held) -> tuple[int, int]:
    """Return the audits of draws closed after the certificate, or its last change, and how many were wrong."""
    since = held.log[-1]["at"]
    found = auditing.standing(ds)
    later = [
        draw for draw in found.usable
        if draw.draw_id not in held.draws and draw.closed_at is not None and draw.closed_at >= since
    ]  # fmt: skip
    if not later or held.threshold is None:
        return 0, 0
    seen = _audits(ds, later)
    accepted = seen.score >= held.threshold
    return int(accepted.sum()), int((accepted & ~seen.correct).sum())


def _line(code: str, **values: object) -> dict[str, str]:
    return {
        language: messages.text(f"certificate.{code}", language).format(**values) for language in ("ja", "en")
    }  # fmt: skip


def _of_held(held: Held) -> dict[str, Any]:
    suspended = held.status == certificates_pure.SUSPENDED
    line = (
        _line("suspended")
        if suspended
        else _line(
            "line", alpha=percent(held.alpha), audited=held.audited, confidence=percent(1 - held.delta)
        )
    )  # fmt: skip
    kept = ("audited", "accepted", "errors", "automation", "threshold", "labels")
    return {
        "status": held.status, **line, "alpha": held.alpha, "delta": held.delta,
        "certificate_id": held.certificate_id, "look": held.look, **{name: held.content[name] for name in kept},
    }  # fmt: skip


def _reasons(held: Held) -> list[dict[str, str]]:
    found = []
    for row in held.why:
        names = {
            language: ", ".join(messages.text(f"score.{name}", language) for name in row.get("names", ()))
            for language in ("ja", "en")
        }
        code = row["code"]
        found.append(
            {
                "code": code,
                **{
                    language: messages.text(f"certificate.{code}", language).format(names=names[language], more="?")
                    for language in ("ja", "en")
                },
            }
        )
    return found


def _circumstances(identity: str, held: Held | None, shared: Mapping[str, Any]) -> list[dict[str, str]]:
    found = []
    if shared["spent"]:
        found.append({"code": "spent", **_line("spent", count=shared["spent"])})
    if shared["opted_in"]:
        who = choices.chosen(identity, choices.WITHOUT_CERTIFICATE)["by"]
        found.append({"code": "opted_in", **_line("opted_in", who=who)})
    if held is None and certificates.active(identity) is not None:
        found.append({"code": "other_reference", **_line("other_reference")})
    newest = [kept for kept in certificates.attempts(identity) if kept.status != certificates_pure.SUGGESTION][-1:]
    if newest and newest[0].status == certificates.REVOKED:
        found.append({"code": "revoked", **_line("revoked", reason=newest[0].log[-1]["reason"] or newest[0].by)})
    return found


def _suggestion(
    ds: fo.Dataset,
    promise: Promise,
    found: auditing.Standing,
    rows: Sequence[Mapping[str, Any]],
    shared: Mapping[str, Any],
) -> dict[str, Any]:
    draws = found.usable
    identity = dataset.dataset_id(ds)
    tried = certificates.attempted(identity, _attempt(draws, _reference_id(identity), promise)) if draws else None
    look = _look(identity, draws, unfinished=int(bool(found.waiting or found.judged))) if draws else 1
    foreseen = guarantee.certify(
        _audits(ds, draws), _scores(rows, schema.CONFIDENCE_RANK), Promise(promise.alpha, spend(promise.delta, look))
    )
    # What is drawn and not yet looked at counts towards what is needed, whatever comes out of it.
    open_now = len(found.judged) + len(found.waiting)
    needed = foreseen.more_audits
    if needed and tried is not None:
        needed = max(needed, LEAST_DRAW)
    more = None if needed is None else max(needed - len(found.judged), len(found.waiting))
    can_try = bool(draws) and not open_now and tried is None
    line = _suggestion_line(more, can_try, foreseen, shared, bool(rows) or bool(draws))
    return {
        "status": certificates_pure.SUGGESTION, **line, "alpha": promise.alpha, "delta": promise.delta,
        "audited": foreseen.audited, "accepted": 0, "errors": int((~_audits(ds, draws).correct).sum()),
        "automation": 0.0, "threshold": None, "more_audits": more, "can_try": can_try, "look": look,
        "labels": foreseen.as_dict()["labels"],
    }  # fmt: skip


def _suggestion_line(
    more: int | None, can_try: bool, foreseen: Certificate, shared: Mapping[str, Any], anything: bool
) -> dict[str, str]:
    if not anything:
        return _line("line_nothing")
    if can_try and (more is None or foreseen.status == certificates_pure.CERTIFIED):
        return _line("line_try", audited=foreseen.audited)
    if more is None:
        return _line("too_many_wrong")
    if shared["waiting"]:
        return _line("line_waiting", more=more, waiting=shared["waiting"])
    if more > shared["left"]:
        return _line("line_exhausted", more=more, left=shared["left"])
    return _line("line_more", more=more)
