"""Does what came in since a certificate still look like what was certified? If not, it is suspended."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fiftyone as fo
import numpy as np

from sem_curate import dataset, schema
from sem_curate.arrays import Floats
from sem_curate.decide import auditing, drift, judged
from sem_curate.decide import certificate as certificates_pure
from sem_curate.registry import certificates
from sem_curate.registry.certificates import Held

AUTOMATIC: Final = "sem-curate"
SCORES: Final = (schema.MARGIN, schema.KNOWNNESS)  # of these the distribution is watched
SAMPLE: Final = 2000  # of each kept for the drift test: a shift of 5 % of the particles is seen


def watch(ds: fo.Dataset) -> dict[str, Any] | None:
    """Compare what came in since the certificate, or since the last look, with what was certified; suspend if needed.

    Returns:
        ``{"suspended", "why", "new", "moved", "p"}``; None when no certificate is in force.
    """
    identity = dataset.dataset_id(ds)
    held = certificates.active(identity, reference_id=auditing.reference_id(identity))
    if held is None or held.status != certificates_pure.CERTIFIED:
        return None
    rows = dataset.particles_after(ds, held.watched, {schema.RECEIPT_ID: {"$ne": None}, schema.MASTER_OF: None}, SCORES)
    production = certificates.production(held)
    certified = {name: np.asarray(production.get(name, ()), np.float32) for name in SCORES}
    batch = {name: scores(rows, name) for name in SCORES}
    audited, errors = _later_audits(ds, held)
    content = certificates_pure.from_dict(held.content)
    seen = drift.look_for_drift(certified, batch, content, audited=audited, errors=errors)
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


def follow_up(identity: str, held: Held) -> None:
    """Suspend an older certificate that the new look speaks against: a promise no stronger, and too many wrong."""
    older = certificates.active(identity, reference_id=held.reference_id)
    failed = held.status == certificates_pure.SUGGESTION and certificates_pure.TOO_MANY_WRONG in held.content["why"]
    if failed and older is not None and older.status == certificates_pure.CERTIFIED and held.alpha >= older.alpha:
        certificates.change_status(
            identity, older.certificate_id, certificates.SUSPENDED, by=AUTOMATIC,
            why=[{"code": certificates_pure.TOO_MANY_WRONG, "names": []}],
            reason=f"attempt {held.number} with {held.audited} audits did not pass",
        )  # fmt: skip


def kept(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Return the scores of a sample of production, to be kept with its certificate."""
    # By hash of the particle: an arbitrary sample, and the same one each time.
    chosen = sorted(rows, key=lambda row: hashlib.sha256(str(row[schema.PARTICLE_ID]).encode()).digest())[:SAMPLE]
    return {name: [round(float(value), 6) for value in scores(chosen, name)] for name in SCORES}


def scores(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    """Return one score of raw particles, (N,); 0 where there is none."""
    return np.asarray([row.get(name) or 0.0 for row in rows], np.float32)


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
    seen = judged.audits(ds, later)
    accepted = seen.score >= held.threshold
    return int(accepted.sum()), int((accepted & ~seen.correct).sum())
