"""The card: what a reviewer sees of one particle, as plain data in both languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sem_curate import messages, schema
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
    """
    shared = next(iter(views.values()))
    return {
        "particle_id": particle_id,
        "seq": state.seq,
        "state": shared.get(schema.PROPOSAL_STATE),
        "decision": state.decision,
        "label": _label(state.label_id, names),
        "decided_by": state.by,
        "is_master": shared.get(schema.MASTER_OF) is not None,
        "views": [_view(name, views.get(name), shared.get(schema.RECOMMENDED_VIEW)) for name in view_names],
        "proposal": _proposal(receipt, shared, names),
        "candidates": [
            {**_named(row, names), "score": row["score"], "similarity": row.get("similarity")}
            for row in receipt.get("candidates", [])
        ],
        "masters": [
            {
                **_named(row, names),
                "particle_id": row["particle_id"],
                "similarity": row["similarity"],
                "filepath": master_images.get(row["particle_id"]),
            }
            for row in receipt.get("masters", [])
        ],
        "recommended": _recommended(shared),
        "retake": retake(receipt.get("retake"), names),
        "reasons": [_reason(code, receipt) for code in shared.get(schema.REVIEW_REASONS) or []],
        "certified": False,
        "notice": messages.both("notice.not_certified"),
        "receipt_id": shared.get(schema.RECEIPT_ID),
        "master_set_version": receipt.get("master_set_version"),
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


def _reason(code: str, receipt: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{"code", "ja", "en"}``; the reason about a single view names it."""
    view = receipt.get("one_view")
    if code != "one_view" or not view:
        return messages.coded("reason", code)
    return {"code": code, **{key: text.format(view=view) for key, text in messages.both("evidence.one_view").items()}}


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


def _proposal(receipt: Mapping[str, Any], shared: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any] | None:
    if not receipt.get("label_id"):
        return None
    return {
        **_named(receipt, names),
        "confidence": receipt["confidence"],
        "confidence_rank": shared.get(schema.CONFIDENCE_RANK),
        "margin": receipt["margin"],
        "knownness": receipt["knownness"],
        "agreement": receipt["agreement"],
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
