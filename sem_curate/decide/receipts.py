"""Receipts: plain data that explains one proposal. The id is the hash of the content, so equal receipts are one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sem_curate.arrays import Floats
from sem_curate.decide.match import Match
from sem_curate.decide.propose import Proposals

MAX_CANDIDATES = 4
MAX_MASTERS = 6
DIGITS = 5


def evidence(
    row: int,
    found: Match,
    proposals: Proposals,
    weights: Floats,
    *,
    view_names: Sequence[str],
    label_ids: Sequence[str],
    master_ids: Sequence[str],
    master_labels: Sequence[str],
    disputed: Mapping[int, Sequence[str]] | None = None,
    retake: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what row ``row`` of a batch rests on: candidates, nearest masters, view weights, scores.

    ``disputed`` (quality tags on which the VLM has another opinion, by view index) and ``retake`` (which view to
    photograph again) stand in the receipt only where there is something to say.
    """
    order = np.argsort(-found.confidence[row], kind="stable")[:MAX_CANDIDATES]
    similarity = found.similarity[row]
    nearest = [int(i) for i in np.argsort(-similarity, kind="stable")[:MAX_MASTERS] if np.isfinite(similarity[i])]
    label = int(proposals.label[row])
    best = _best_by_label(similarity, master_labels)
    return {
        "label_id": label_ids[label] if label >= 0 else None,
        "state": proposals.state[row],
        "reasons": list(proposals.reasons[row]),
        "confidence": _rounded(proposals.confidence[row]),
        "margin": _rounded(proposals.margin[row]),
        "knownness": _rounded(proposals.knownness[row]),
        "agreement": _rounded(proposals.agreement[row]),
        "method": found.method,
        "candidates": [] if label < 0 else [
            {
                "label_id": label_ids[int(i)],
                "score": _rounded(found.confidence[row, i]),
                "similarity": best.get(label_ids[int(i)]),
            }
            for i in order
        ],
        "masters": [] if label < 0 else [
            {"particle_id": master_ids[i], "label_id": master_labels[i], "similarity": _rounded(similarity[i])}
            for i in nearest
        ],
        "weights": {name: _rounded(weight) for name, weight in zip(view_names, weights[row], strict=True)},
        **({"vlm_disputes": {view_names[view]: list(tags) for view, tags in disputed.items()}} if disputed else {}),
        **({"retake": dict(retake)} if retake else {}),
    }  # fmt: skip


def _best_by_label(similarity: Floats, master_labels: Sequence[str]) -> dict[str, float]:
    best: dict[str, float] = {}
    for value, label in zip(similarity.tolist(), master_labels, strict=True):
        if np.isfinite(value) and value > best.get(label, -np.inf):
            best[label] = value
    return {label: _rounded(value) for label, value in best.items()}


def receipt(dataset_id: str, particle_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return ``{"receipt_id", "particle_id", "content"}`` with an id derived from whose it is and what it says."""
    text = json.dumps([dataset_id, particle_id, content], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        "receipt_id": f"rc_{hashlib.sha256(text.encode()).hexdigest()[:24]}",
        "particle_id": particle_id,
        "content": content,
    }


def _rounded(value: Any) -> float:
    # Matrix products differ in the last bits with the batch size; a rerun must give the same receipt.
    return round(float(value), DIGITS)
