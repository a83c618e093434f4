"""What a decision score means, measured on audits and kept as a curve; a rank where the audits do not suffice. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Ints
from sem_curate.decide import calibration

STEPS: Final = 101  # scores are ranks; 1 % is finer than what some hundred audits can tell


def learn(score: Floats, correct: Bools, confidence: Floats, truth: Ints) -> dict[str, Any]:
    """Return the curve from score to "how likely the proposal is right", as plain JSON.

    Args:
        score: (n,) decision scores of audits.
        correct: (n,) whether their proposals were right; unknowns are wrong.
        confidence: (n, L) of the candidates, rows summing to 1.
        truth: (n,) column of the label that the audit found, -1 for none of them.

    Returns:
        ``{"method": "rank"}``, or ``{"method": "venn_abers", "value", "low", "high", "temperature", "audited"}`` with
        three lists over scores 0, 0.01, ..., 1, none of them falling.
    """
    if not calibration.calibrated(correct):
        return {"method": calibration.RANK}
    grid = np.linspace(0, 1, STEPS).astype(np.float32)
    shown = calibration.show(grid, score, correct)
    curves = {
        # A higher score never means less; small sets make the ends cross by a hair.
        name: [round(float(value), 4) for value in np.maximum.accumulate(values)]
        for name, values in (("value", shown.value), ("low", shown.low), ("high", shown.high))
    }
    heat = round(calibration.temperature(confidence, truth), 4)
    return {"method": shown.method, **curves, "temperature": heat, "audited": len(score)}


def right(curve: Mapping[str, Any] | None, score: float | None) -> dict[str, float] | None:
    """Return ``{"value", "low", "high"}`` in [0, 1] for one score; None where only a rank may be shown."""
    if not curve or curve.get("method") != calibration.VENN_ABERS or score is None:
        return None
    step = round(min(max(score, 0.0), 1.0) * (STEPS - 1))
    return {name: float(curve[name][step]) for name in ("value", "low", "high")}


def shares(curve: Mapping[str, Any] | None, scores: Sequence[float]) -> list[float] | None:
    """Return the candidates' shares at the measured temperature, summing to 1; None where none was measured."""
    if not curve or curve.get("method") != calibration.VENN_ABERS or not scores or sum(scores) <= 0:
        return None
    row = np.asarray([scores], np.float32) / sum(scores)
    return [round(float(value), 4) for value in calibration.tempered(row, float(curve["temperature"]))[0]]
