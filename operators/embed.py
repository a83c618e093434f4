"""The embed stage from the App."""

from __future__ import annotations

from sem_curate import schema

from ._stages import StageOperator


class Embed(StageOperator):
    """Runs the embed stage."""

    NAME = "embed"
    LABEL = "SEM: 埋め込み計算 / embed"
    DESCRIPTION = "Turn every view into vectors; unchanged images are not computed again."
    STAGES = (schema.STAGE_EMBED,)
