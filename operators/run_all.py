"""All stages, in order, from the App."""

from __future__ import annotations

from sem_curate import schema

from ._stages import StageOperator


class RunAll(StageOperator):
    """Runs quality, embedding and proposals."""

    NAME = "run_all"
    LABEL = "SEM: すべて実行 / run all"
    DESCRIPTION = "Run quality, embedding and proposals on what is new or changed."
    STAGES = schema.STAGES
