"""Receipts: plain data that explains one proposal. The id is the hash of the content, so equal receipts are one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sem_curate.arrays import Floats, Ints
from sem_curate.decide.assess import Assessment

MAX_CANDIDATES = 4
MAX_MASTERS = 6
DIGITS = 5


@dataclass(frozen=True)
class Known:
    """What the rows of a batch have in common."""

    view_names: Sequence[str]
    label_ids: Sequence[str]
    master_ids: Sequence[str]
    labels: Ints  # (M,) label index of each master


def evidence(
    found: Assessment,
    known: Known,
    *,
    disputed: Sequence[Mapping[int, tuple[str, ...]]] = (),
    retakes: Sequence[Mapping[str, Any] | None] = (),
) -> list[dict[str, Any]]:
    """Return what each proposal of a batch rests on: candidates, nearest masters, what every view contributed, scores.

    A view that is not available has null everywhere, never 0. ``disputed`` (quality tags on which the VLM has another
    opinion, by view index) and ``retakes`` (which view to photograph again) stand in a receipt only where there is
    something to say.
    """
    confidence, similarity = found.match.confidence, found.match.similarity
    candidates = np.argsort(-confidence, axis=1, kind="stable")[:, :MAX_CANDIDATES]
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :MAX_MASTERS]
    best = _best_by_label(similarity, known)
    views = _by_view(found, known)
    contents = []
    for row in range(len(found.score)):
        proposed = int(found.proposals.label[row]) >= 0
        contents.append(
            {
                **_verdict(row, found, known),
                "candidates": _candidates(row, candidates[row], confidence, best, known) if proposed else [],
                "masters": _masters(nearest[row], similarity[row], known) if proposed else [],
                **{name: dict(zip(known.view_names, values[row], strict=True)) for name, values in views.items()},
                **_only_where_said(row, known, disputed, retakes),
            }
        )
    return contents


def _verdict(row: int, found: Assessment, known: Known) -> dict[str, Any]:
    made, shared = found.proposals, found.contributions
    label = int(made.label[row])
    single = -1 if shared is None else int(shared.single[row])
    return {
        "label_id": known.label_ids[label] if label >= 0 else None,
        "state": made.state[row],
        "suggested_state": made.state[row],
        "reasons": list(made.reasons[row]),
        "set_aside": [],
        "confidence": _rounded(made.confidence[row]),
        "margin": _rounded(made.margin[row]),
        "knownness": _rounded(made.knownness[row]),
        "agreement": _rounded(made.agreement[row]),
        "entropy": _rounded(found.entropy[row]),
        "score": _rounded(found.score[row]),
        "total": None if shared is None else _rounded(shared.total[row]),
        "one_view": known.view_names[single] if single >= 0 else None,
        "method": found.match.method,
    }


def _candidates(row: int, order: Ints, confidence: Floats, best: Floats, known: Known) -> list[dict[str, Any]]:
    return [
        {
            "label_id": known.label_ids[label],
            "score": _rounded(confidence[row, label]),
            "similarity": _rounded(best[row, label]) if np.isfinite(best[row, label]) else None,
        }
        for label in order.tolist()
    ]


def _masters(nearest: Ints, similarity: Floats, known: Known) -> list[dict[str, Any]]:
    return [
        {
            "particle_id": known.master_ids[master],
            "label_id": known.label_ids[known.labels[master]],
            "similarity": _rounded(similarity[master]),
            "distance": _rounded(1 - similarity[master]),
        }
        for master in nearest.tolist()
        if np.isfinite(similarity[master])
    ]


def _by_view(found: Assessment, known: Known) -> dict[str, list[list[Any]]]:
    """Return N rows of V JSON values per kind; None where a view is not available."""
    shared = found.contributions
    absent = found.weights <= 0 if shared is None else np.ma.getmaskarray(shared.shapley)
    weights = np.where(absent, np.nan, found.weights)
    silent = np.ma.getmaskarray(found.alone) | absent | (found.proposals.label < 0)[:, None]
    alone = np.ma.getdata(found.alone)
    values = {"weights": _listed(weights)}
    if shared is not None:
        values["contributions"] = _listed(np.ma.filled(shared.shapley.astype(np.float64), np.nan))
        values["removal"] = _listed(np.ma.filled(shared.removal.astype(np.float64), np.nan))
    values["votes"] = [
        [None if mute else known.label_ids[label] for mute, label in zip(line, row, strict=True)]
        for line, row in zip(silent.tolist(), alone.tolist(), strict=True)
    ]
    return values


def _listed(values: Any) -> list[list[float | None]]:
    rounded = np.round(values.astype(np.float64), DIGITS) + 0.0  # no minus zero
    return [[None if value != value else value for value in row] for row in rounded.tolist()]  # NaN


def _only_where_said(
    row: int,
    known: Known,
    disputed: Sequence[Mapping[int, tuple[str, ...]]],
    retakes: Sequence[Mapping[str, Any] | None],
) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if disputed and disputed[row]:
        said["vlm_disputes"] = {known.view_names[view]: list(tags) for view, tags in disputed[row].items()}
    advice = retakes[row] if retakes else None
    if advice:
        said["retake"] = dict(advice)
    return said


def _best_by_label(similarity: Floats, known: Known) -> Floats:
    best = np.full((len(similarity), len(known.label_ids)), -np.inf, np.float32)
    for label in range(len(known.label_ids)):
        best[:, label] = similarity[:, known.labels == label].max(axis=1, initial=-np.inf)
    return best


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
