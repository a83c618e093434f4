"""Drawing particles to be judged blindly, from the App."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from . import _forms
from ._base import SemOperator


class DrawAudits(SemOperator):
    """Draws audits at random; whoever judges them sees no proposal."""

    NAME = "draw_audits"
    LABEL = "SEM: 監査を引く / draw audits"
    DESCRIPTION = (
        "Draw particles at random from what was proposed. Judge them in the panel's queue 監査 / Audit: their "
        "proposals stay hidden until all of the draw are judged."
    )
    BUTTON = "Draw / 引く"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.decide import certifying

        now = certifying.status(ctx.dataset)
        inputs.view("now", types.Notice(label=f"{now['ja']} / {now['en']}"))
        needed = min(max((now["more_audits"] or 0) - now["waiting"], 1), max(now["left"], 1))
        inputs.int("count", required=True, default=needed, min=1, label="件数 / how many")
        if not now["left"]:
            _forms.refuse(
                inputs, "nothing_left", "監査できる粒子がありません / no particle is left to audit",
                "Propose first, or add particles. Masters and what people decided are never audits.",
            )  # fmt: skip
        _forms.ask_reviewer(inputs)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.decide import certifying

        made = certifying.draw(ctx.dataset, int(ctx.params["count"]), by=_forms.reviewer_of(ctx))
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"監査 {made['drawn']} 件を引きました / {made['drawn']} audits drawn", variant="success")
        return {key: made[key] for key in ("number", "drawn", "population", "seed", "waiting")}
