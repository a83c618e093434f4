"""Taking back the reviewer's latest decisions, from the App."""

from __future__ import annotations

import uuid
from typing import Any

from fiftyone.operators import types

from . import _forms
from ._base import SemOperator

MOST = 500  # as many as a bulk decision that somebody may want back


class Undo(SemOperator):
    """Undoes the reviewer's latest decisions, newest first."""

    NAME = "undo"
    LABEL = "SEM: 元に戻す / undo"
    DESCRIPTION = "Take back your own latest decisions. The history keeps both the decision and its undo."
    BUTTON = "Undo / 元に戻す"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        inputs.int("count", required=True, default=1, min=1, max=MOST, label="件数 / how many")
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, int(ctx.params.get("count") or 1), "undo")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import run as review

        by, undone = _forms.reviewer_of(ctx), []
        for _ in range(int(ctx.params["count"])):
            event = review.undo(ctx.dataset, by=by, request_id=uuid.uuid4().hex)
            if event is None:
                break
            undone.append(event["particle_id"])
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{len(undone)} 件を元に戻しました / undone", variant="success" if undone else "warning")
        return {"undone": len(undone), "particles": ", ".join(undone[:10])}
