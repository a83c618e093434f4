"""Audits and certificates in the history: draws, closings, attempts and changes of status, one event each.

Each is one document first; what still lacks its event stands in the document's ``unnoted`` and is caught up with after
the next change, or when the mirror is, should the process have died in between. The event holds a hash of who was drawn
or what was judged, so that the chain also speaks for the documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from sem_curate.registry import records
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import AuditDraw, CertificateRecord

AUDIT: Final = "audit"
CERTIFICATE: Final = "certificate"
DRAWN: Final = "drawn"
CLOSED: Final = "closed"


def settle(dataset_id: str) -> int:
    """Store the events that are still missing; cheap when there are none. Returns how many were stored."""
    connect()
    waiting = {"dataset_id": dataset_id, "unnoted": {"$exists": True, "$ne": []}}
    made = 0
    for draw in list(AuditDraw._get_collection().find(waiting).sort("number", 1)):
        for what in draw["unnoted"]:
            _note_draw(draw, what)
            made += 1
    left_out = {"production": 0, "shown": 0}
    for found in list(CertificateRecord._get_collection().find(waiting, left_out).sort("number", 1)):
        for place in found["unnoted"]:
            _note_certificate(found, int(place))
            made += 1
    return made


def _note_draw(draw: dict[str, Any], what: str) -> None:
    number, count = draw["number"], len(draw["particle_ids"])
    if what == DRAWN:
        by, at = draw["by"], draw["at"]
        note = f"draw {number}: {count} of {draw['population']} particles, seed {draw['seed']}"
        details: dict[str, Any] = {
            "draw_id": draw["_id"], "drawn": count, "population": draw["population"], "seed": draw["seed"],
            "particles": _hash(draw["particle_ids"]),
        }  # fmt: skip
    else:
        verdicts, by, at = draw["verdicts"], draw["closed_by"], draw["closed_at"]
        judged = sum(1 for one in verdicts if one.get("event_id"))
        note = f"draw {number} closed: {judged} of {count} judged"
        details = {"draw_id": draw["_id"], "judged": judged, "drawn": count, "verdicts": _hash(verdicts)}
    records.record(
        draw["dataset_id"], f"audit:{draw['_id']}:{what}", AUDIT, by=by, at=at, note=note, source=what, details=details
    )  # fmt: skip
    AuditDraw._get_collection().update_one({"_id": draw["_id"]}, {"$pull": {"unnoted": what}})


def _note_certificate(found: dict[str, Any], place: int) -> None:
    entry, content = found["log"][place], found["content"]
    said = f"attempt {found['number']}: {entry['status']}" if place == 0 else str(entry["status"])
    why = ", ".join(str(row.get("code", "")) for row in entry.get("why", ()))
    note = " ".join(part for part in (f"{said} (alpha {content['alpha']:g}, {content['audited']} audits)",
                                      f"because {why}" if why else "", entry.get("reason") or "") if part)  # fmt: skip
    details = {
        "certificate_id": found["certificate_id"], "status": entry["status"], "audited": content["audited"],
        "errors": content["errors"], "content": _hash(content),
    }  # fmt: skip
    records.record(
        found["dataset_id"], f"certificate:{found['_id']}:{place}", CERTIFICATE, by=entry["by"], at=entry["at"],
        note=note, source=found["certificate_id"], details=details,
    )  # fmt: skip
    CertificateRecord._get_collection().update_one({"_id": found["_id"]}, {"$pull": {"unnoted": place}})


def _hash(values: Sequence[Any] | dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
