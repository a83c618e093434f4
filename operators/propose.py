"""The propose stage from the App."""

from __future__ import annotations

from sem_curate import schema

from ._stages import StageOperator


class Propose(StageOperator):
    """Runs the propose stage."""

    NAME = "propose"
    LABEL = "SEM: 提案 / propose"
    DESCRIPTION = "Compare particles with the masters and propose labels, with reasons for review."
    STAGES = (schema.STAGE_PROPOSE,)
