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
        "reasons": [messages.coded("reason", code) for code in shared.get(schema.REVIEW_REASONS) or []],
        "certified": False,
        "notice": messages.both("notice.not_certified"),
        "receipt_id": shared.get(schema.RECEIPT_ID),
        "master_set_version": receipt.get("master_set_version"),
    }


def _view(name: str, view: Mapping[str, Any] | None, recommended: str | None) -> dict[str, Any]:
    present = bool(view and view.get(schema.PRESENT))
    fields = view if present and view else {}
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
        "tags": [messages.coded("tag", code) for code in fields.get(schema.QUALITY_TAGS) or []],
        "recommended": present and name == recommended,
    }


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
