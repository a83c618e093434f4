"""The card: what a reviewer sees of one particle, as plain data in both languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sem_curate import messages, schema
from sem_curate.decide import meaning
from sem_curate.registry.fold import State


def build(
    particle_id: str,
    views: Mapping[str, Mapping[str, Any]],
    receipt: Mapping[str, Any],
    state: State,
    *,
    view_names: Sequence[str],
    names: Mapping[str, Any],
    master_images: Mapping[str, str],
    standing: Mapping[str, Any] | None = None,
    master_set_version: int | None = None,
) -> dict[str, Any]:
    """Return the card.

    Args:
        particle_id: which particle.
        views: raw fields per view; a missing view has no entry or ``present`` False.
        receipt: content of the current receipt; empty before the first proposal.
        state: what is in force.
        view_names: all views, in the order shown.
        names: ``{label_id: label}`` with ``name("ja")`` and ``name("en")``.
        master_images: ``{particle_id: file}`` for the nearest masters.
        standing: ``{"certified", "notice", "curve"}``, what is promised about proposals; None: nothing.
        master_set_version: the current one; a proposal made with another is stale. None: unknown.
    """
    shared = next(iter(views.values()))
    promised = standing or {"certified": False, "notice": messages.both("notice.not_certified"), "curve": None}
    made_with = receipt.get("master_set_version")
    return {
        "particle_id": particle_id,
        "seq": state.seq,
        "state": shared.get(schema.PROPOSAL_STATE),
        "decision": state.decision,
        "label": _label(state.label_id, names),
        "decided_by": state.by,
        "is_master": shared.get(schema.MASTER_OF) is not None,
        "views": [
            {**_view(name, views.get(name), shared.get(schema.RECOMMENDED_VIEW)), **_says(name, receipt, names)}
            for name in view_names
        ],
        "proposal": _proposal(receipt, shared, names, promised["curve"]),
        "candidates": _candidates(receipt, names, promised["curve"]),
        "masters": [
            {
                **_named(row, names),
                "particle_id": row["particle_id"],
                "similarity": row["similarity"],
                "distance": row.get("distance", round(1 - row["similarity"], 5)),
                "filepath": master_images.get(row["particle_id"]),
            }
            for row in receipt.get("masters", [])
        ],
        "recommended": _recommended(shared),
        "retake": retake(receipt.get("retake"), names),
        "reasons": [_reason(code, receipt) for code in _reasons(shared)],
        "set_aside": [messages.coded("reason", code) for code in receipt.get("set_aside") or []],
        "one_view": _one_view(receipt.get("one_view")),
        "certified": promised["certified"],
        "notice": promised["notice"],
        "audit": None,
        "receipt_id": shared.get(schema.RECEIPT_ID),
        "master_set_version": made_with,
        "stale": None not in (made_with, master_set_version) and made_with != master_set_version,
    }


def blinded(card: Mapping[str, Any], audit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of an audit: its pictures and what a person said, and nothing of what was proposed.

    Args:
        card: built from an empty receipt, so that neither proposal, candidates nor masters are in it.
        audit: ``{"place", "count", "left", "judged"}`` as ``auditing.blindness`` gives it.
    """
    code = "audit.judged" if audit["judged"] else "audit.blind"
    line = {language: messages.text(code, language).format(**audit) for language in ("ja", "en")}
    return {
        **card,
        "state": None,
        "proposal": None,
        "candidates": [],
        "masters": [],
        "retake": None,
        "reasons": [messages.coded("reason", "audit")],
        "notice": line,
        "audit": dict(audit),
        "receipt_id": None,
        "master_set_version": None,
    }


def _view(name: str, view: Mapping[str, Any] | None, recommended: str | None) -> dict[str, Any]:
    present = bool(view and view.get(schema.PRESENT))
    fields = view if present and view else {}
    basis = fields.get(schema.QUALITY_BASIS)
    return {
        "view": name,
        "title_ja": name,
        "title_en": name,
        "present": present,
        "sample_id": fields.get("_id"),
        "filepath": fields.get("filepath"),
        "quality": fields.get(schema.QUALITY),
        "weight": fields.get(schema.VIEW_WEIGHT),
        "usable": fields.get(schema.USABLE) is not False if present else False,
        "tags": _tags(fields, schema.QUALITY_TAGS),
        "measured_tags": _tags(fields, schema.MEASURED_TAGS),
        "tags_by": fields.get(schema.TAGS_BY),
        "basis": basis,
        "basis_text": messages.both(f"basis.{basis}") if basis else None,
        "second_opinion": _tags(fields, schema.SECOND_OPINION),
        # A person looked at this view after the model did: there is nothing left to dispute.
        "disputed": [] if fields.get(schema.TAGS_BY) else _tags(fields, schema.DISPUTED_TAGS),
        "measures": {measure: fields.get(measure) for measure in schema.MEASURES} if present else {},
        "recommended": present and name == recommended,
    }


def _reasons(shared: Mapping[str, Any]) -> list[str]:
    """Return why people should look: what the proposal says, and what came of asking several reviewers."""
    several = shared.get(schema.REVIEWERS)
    return [*(shared.get(schema.REVIEW_REASONS) or []), *([f"reviewers_{several}"] if several else [])]


def _reason(code: str, receipt: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{"code", "ja", "en"}``; the reason about a single view names it."""
    view = receipt.get("one_view")
    if code != "one_view" or not view:
        return messages.coded("reason", code)
    return {"code": code, **{key: text.format(view=view) for key, text in messages.both("evidence.one_view").items()}}


def _says(name: str, receipt: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one view did for the proposal; all None where it is not available."""
    vote = (receipt.get("votes") or {}).get(name)
    return {
        "contribution": (receipt.get("contributions") or {}).get(name),
        "removal": (receipt.get("removal") or {}).get(name),
        "vote": _label(vote, names),
        "agrees": None if vote is None else vote == receipt.get("label_id"),
    }


def _one_view(view: str | None) -> dict[str, str] | None:
    if not view:
        return None
    said = {language: messages.text("evidence.one_view", language).format(view=view) for language in ("ja", "en")}
    return {"view": view, **said}


def _candidates(
    receipt: Mapping[str, Any], names: Mapping[str, Any], curve: Mapping[str, Any] | None
) -> list[dict[str, Any]]:  # fmt: skip
    rows = receipt.get("candidates", [])
    shares = meaning.shares(curve, [row["score"] for row in rows])
    return [
        {
            **_named(row, names), "score": row["score"], "similarity": row.get("similarity"),
            "share": shares[place] if shares else None,
        }
        for place, row in enumerate(rows)
    ]  # fmt: skip


def _tags(fields: Mapping[str, Any], field: str) -> list[dict[str, str]]:
    return [messages.coded("tag", code) for code in fields.get(field) or []]


def _recommended(shared: Mapping[str, Any]) -> dict[str, Any] | None:
    view, reason = shared.get(schema.RECOMMENDED_VIEW), shared.get(schema.RECOMMENDED_WHY)
    if not view:
        return None
    return {"view": view, "reason": messages.coded("recommend", reason or "")}


def retake(advice: Mapping[str, Any] | None, names: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return which condition to photograph (again) and why, as the receipt says it."""
    if not advice:
        return None
    first, second = (_named({"label_id": label_id}, names) for label_id in advice["labels"])
    kind = "retake.missing" if advice["missing"] else "retake.poor"
    shown = {
        language: messages.text(kind, language).format(
            view=advice["view"],
            a=first[f"name_{language}"],
            b=second[f"name_{language}"],
            separation=advice["separation"],
            best=advice["best_present"],
        )
        for language in ("ja", "en")
    }
    numbers = {key: advice[key] for key in ("view", "missing", "separation", "best_present")}
    return {**numbers, **shown}


def _proposal(
    receipt: Mapping[str, Any], shared: Mapping[str, Any], names: Mapping[str, Any], curve: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    if not receipt.get("label_id"):
        return None
    return {
        **_named(receipt, names),
        "confidence": receipt["confidence"],
        "confidence_rank": shared.get(schema.CONFIDENCE_RANK),
        "margin": receipt["margin"],
        "knownness": receipt["knownness"],
        "agreement": receipt["agreement"],
        "entropy": receipt.get("entropy"),
        "right": meaning.right(curve, shared.get(schema.CONFIDENCE_RANK)),
        "certificate_id": receipt.get("certificate_id"),
    }


def _label(label_id: str | None, names: Mapping[str, Any]) -> dict[str, Any] | None:
    return _named({"label_id": label_id}, names) if label_id else None


def _named(row: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    label = names.get(row["label_id"])
    return {
        "label_id": row["label_id"],
        "name_ja": label.name("ja") if label else row["label_id"],
        "name_en": label.name("en") if label else row["label_id"],
    }
