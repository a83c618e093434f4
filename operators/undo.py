"""Taking back the reviewer's latest decisions, from the App."""

from __future__ import annotations

import uuid
from typing import Any

from fiftyone.operators import types

from . import _forms
from ._base import SemOperator

MOST = 500  # a bulk action counts as one


class Undo(SemOperator):
    """Undoes the reviewer's latest actions, newest first."""

    NAME = "undo"
    LABEL = "SEM: 元に戻す / undo"
    DESCRIPTION = (
        "Take back your own latest decisions and tag corrections; a bulk action counts as one. "
        "The history keeps both the action and its undo."
    )
    BUTTON = "Undo / 元に戻す"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        inputs.int(
            "count",
            required=True,
            default=1,
            min=1,
            max=MOST,
            label="操作の数（一括操作は1つ） / how many actions (a bulk is one)",
        )
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, int(ctx.params.get("count") or 1), "undo")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import run as review

        by, undone = _forms.reviewer_of(ctx), []
        for _ in range(int(ctx.params["count"])):
            taken = review.undo(ctx.dataset, by=by, request_id=uuid.uuid4().hex)
            if taken is None:
                break
            undone.append(taken)
        count, kept = (sum(taken[name] for taken in undone) for name in ("count", "kept"))
        ctx.ops.reload_dataset()
        told = f"{count} 件を元に戻しました / undone" + (f", {kept} 件は他の人が変更済み / kept" if kept else "")
        ctx.ops.notify(told, variant="success" if undone and not kept else "warning")
        particles = ", ".join(taken["particle_id"] for taken in undone[:10])
        return {"actions": len(undone), "undone": count, "kept": kept, "particles": particles}
