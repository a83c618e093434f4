"""Certificates: what was promised on which audits, and whether it still stands. Content never changes, status may."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import audit_log, choices
from sem_curate.registry.connection import connect, journaled
from sem_curate.registry.documents import CertificateRecord, ensure_indexes, now

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
REVOKED: Final = "revoked"  # by a person, for good reason; only a person brings it back
NOT_CERTIFIED: Final = "not_certified"  # an attempt that did not pass; kept because it was a look at the audits
STATUSES: Final = (ACTIVE, SUSPENDED, REVOKED, NOT_CERTIFIED)

CERTIFIED: Final = "certified"  # what the decision lane calls a certificate in force


@dataclass(frozen=True)
class Held:
    """One stored attempt.

    ``status`` speaks the decision lane's words: ``"certified"`` when in force, ``"suspended"``, ``"revoked"`` or
    ``"suggestion"``. ``delta`` is what was promised; the test was held to the share of it that this look may spend,
    ``content["delta"]``. It holds for ``reference_id`` alone.
    """

    record_id: str
    certificate_id: str
    number: int
    status: str
    alpha: float
    delta: float
    threshold: float | None
    audited: int
    accepted: int
    errors: int
    automation: float
    why: tuple[Mapping[str, Any], ...]
    reference_id: str
    encoder_key: str
    master_set_version: int
    look: int
    draws: tuple[str, ...]
    content: Mapping[str, Any]
    shown: Mapping[str, Any]
    watched: str | None
    log: tuple[Mapping[str, Any], ...]
    by: str
    at: datetime | None
    rev: int


def active(dataset_id: str, *, reference_id: str | None = None) -> Held | None:
    """Return the certificate to go by: the newest one issued, unless it was revoked.

    A suspended one is returned as such: it has to keep anything from being confirmed automatically.

    Args:
        dataset_id: whose.
        reference_id: what proposals are made with now; None is returned for a certificate about another reference.
    """
    found = _stored(dataset_id=dataset_id, status__ne=NOT_CERTIFIED).order_by("-number").first()
    if found is None or found.status == REVOKED:
        return None
    held = _view(found)
    return held if reference_id in (None, held.reference_id) else None


def production(held: Held) -> dict[str, list[float]]:
    """Return the sample of scores that was certified, ``{score name: values}``, for the drift test."""
    connect()
    found = CertificateRecord._get_collection().find_one({"_id": held.record_id}, {"production": 1}) or {}
    return dict(found.get("production") or {})


def attempts(dataset_id: str) -> list[Held]:
    """Return every attempt, oldest first, those that did not pass included: each was a look at the audits."""
    return [_view(found) for found in _stored(dataset_id=dataset_id).order_by("number")]


def newest(dataset_id: str, reference_id: str) -> Held | None:
    """Return the newest attempt about these proposals, passed or not: it has the freshest audits."""
    found = _stored(dataset_id=dataset_id, content__reference_id=reference_id).order_by("-number").first()
    return _view(found) if found else None


def attempted(dataset_id: str, attempt: str) -> Held | None:
    """Return the answer to a question that was asked before."""
    found = _stored(dataset_id=dataset_id, attempt=attempt).first()
    return _view(found) if found else None


def add(
    dataset_id: str,
    content: Mapping[str, Any],
    *,
    attempt: str,
    delta: float,
    look: int,
    draws: Sequence[str],
    encoder_key: str,
    master_set_version: int,
    production: Mapping[str, Sequence[float]],
    shown: Mapping[str, Any],
    watched: str | None,
    by: str,
    reason: str = "",
) -> Held:
    """Store an attempt; the same question again returns what is stored.

    Raises:
        ConflictError: another attempt was stored in the same moment.
    """
    ensure_indexes()
    if stored := attempted(dataset_id, attempt):
        return stored
    newest = CertificateRecord.objects(dataset_id=dataset_id).order_by("-number").first()
    status = ACTIVE if content["status"] == CERTIFIED else NOT_CERTIFIED
    why = [{"code": code, "names": []} for code in content.get("why", ())]
    made = CertificateRecord(
        record_id=hashlib.sha256(f"{dataset_id}:{attempt}".encode()).hexdigest()[:24], dataset_id=dataset_id,
        number=newest.number + 1 if newest else 1, certificate_id=content["certificate_id"], attempt=attempt,
        content=dict(content), status=status, why=why, delta=delta, look=look, draws=list(draws),
        encoder_key=encoder_key, master_set_version=master_set_version, watched=watched,
        production={name: list(values) for name, values in production.items()}, shown=dict(shown), by=by, reason=reason,
        log=[{"status": status, "why": why, "by": by, "at": now(), "reason": reason}], unnoted=[0],
    )  # fmt: skip
    try:
        made.save(force_insert=True)
    except NotUniqueError:
        raise ConflictError("a certificate was tried by somebody else in the same moment; look again") from None
    audit_log.settle(dataset_id)
    return _view(made)


def change_status(
    dataset_id: str,
    certificate_id: str,
    status: str,
    *,
    by: str,
    why: Sequence[Mapping[str, Any]] = (),
    reason: str = "",
) -> Held:
    """Suspend, revoke or reinstate a certificate; every change is kept with who, when and why.

    Raises:
        InputError: no such certificate, or an attempt that never passed.
        ConflictError: somebody else changed it in the same moment.
    """
    connect()
    found = CertificateRecord.objects(dataset_id=dataset_id, certificate_id=certificate_id).order_by("-number").first()
    if found is None:
        raise InputError(f"there is no certificate '{certificate_id}'; list them with: sem-curate certificate list")
    if status not in (ACTIVE, SUSPENDED, REVOKED):
        raise InputError(f"a certificate is {ACTIVE}, {SUSPENDED} or {REVOKED}; got '{status}'")
    if found.status == NOT_CERTIFIED:
        raise InputError(f"'{certificate_id}' did not pass and cannot be {status}; audit more particles and try again")
    if found.status == status:
        return _view(found)
    rows = [dict(row) for row in why]
    entry = {"status": status, "why": rows, "by": by, "at": now(), "reason": reason}
    kept = {"log": entry, "unnoted": len(found.log)}
    change = {"$set": {"status": status, "why": rows}, "$inc": {"rev": 1}, "$push": kept}
    query = {"_id": found.record_id, "rev": found.rev}
    if not journaled(CertificateRecord).update_one(query, change).modified_count:
        raise ConflictError("the certificate was changed by somebody else in the same moment; look again")
    audit_log.settle(dataset_id)
    return _view(CertificateRecord.objects.get(record_id=found.record_id))


def set_watched(dataset_id: str, certificate_id: str, newest: str) -> None:
    """Remember up to which sample the drift test has looked."""
    query = {"dataset_id": dataset_id, "certificate_id": certificate_id}
    CertificateRecord._get_collection().update_many(query, {"$set": {"watched": newest}})


def opted_in(dataset_id: str) -> bool:
    """Tell whether auto proposals are confirmed although nothing is certified, because somebody knowingly said so."""
    return bool(choices.chosen(dataset_id, choices.WITHOUT_CERTIFICATE).get("on"))


def opt_in(dataset_id: str, on: bool, *, by: str, reason: str = "") -> None:
    """Switch auto-confirmation without a certificate on or off; who, when and why is kept."""
    choices.choose(dataset_id, choices.WITHOUT_CERTIFICATE, {"on": on}, by=by, reason=reason)


_SPOKEN: Final = {ACTIVE: CERTIFIED, NOT_CERTIFIED: "suggestion"}


def _stored(**query: Any) -> Any:
    # Some thousand numbers of each are for the drift test alone.
    connect()
    return CertificateRecord.objects(**query).exclude("production")


def _view(found: Any) -> Held:
    content = dict(found.content)
    return Held(
        record_id=found.record_id, certificate_id=found.certificate_id, number=found.number,
        status=_SPOKEN.get(found.status, found.status),
        alpha=content["alpha"], delta=found.delta, threshold=content["threshold"], audited=content["audited"],
        accepted=content["accepted"], errors=content["errors"], automation=content["automation"],
        why=tuple(dict(row) for row in found.why), reference_id=content["reference_id"],
        encoder_key=found.encoder_key, master_set_version=found.master_set_version, look=found.look,
        draws=tuple(found.draws), content=content, shown=dict(found.shown or {}), watched=found.watched,
        log=tuple(dict(row) for row in found.log), by=found.by, at=found.at, rev=found.rev,
    )  # fmt: skip
