"""Proposing again after the masters changed, in one step."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from sem_curate import schema

from ._stages import StageOperator


class Repropose(StageOperator):
    """Proposes again for everything that is stale; what people decided is never overwritten."""

    NAME = "repropose"
    LABEL = "SEM: 古い提案をやり直す / propose again"
    DESCRIPTION = "Propose again what was proposed with other masters. What people decided stays."
    STAGES = (schema.STAGE_PROPOSE,)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.decide import certifying

        stale = certifying.count_stale(ctx.dataset)
        # Nothing is marked pending before the first run with new masters, so there is no scope to choose.
        inputs.view("stale", types.Notice(label=f"古い提案 / out of date: {stale}"))

    def execute(self, ctx: Any) -> Any:
        ctx.params["scope"] = "pending"
        return super().execute(ctx)
