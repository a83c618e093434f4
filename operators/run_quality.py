"""The quality stage from the App."""

from __future__ import annotations

from sem_curate import schema

from ._stages import StageOperator


class RunQuality(StageOperator):
    """Runs the quality stage."""

    NAME = "run_quality"
    LABEL = "SEM: 画質評価 / run quality"
    DESCRIPTION = "Measure focus, noise, contrast, charging, contour and tag poor views."
    STAGES = (schema.STAGE_QUALITY,)
