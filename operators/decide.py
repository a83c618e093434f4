"""Deciding on chosen particles, from the App's grid."""

from __future__ import annotations

import uuid
from typing import Any

from fiftyone.operators import types

from sem_curate.errors import SemCurateError

from . import _forms, _scope
from ._base import SemOperator

ACTIONS = {
    "accept": "提案を確定 / accept the proposals",
    "label": "ラベルを指定 / set one label",
    "unknown": "未知にする / mark as unknown",
}


class Decide(SemOperator):
    """Accepts proposals, sets one label, or marks particles as unknown."""

    NAME = "decide"
    LABEL = "SEM: 確定 / decide"
    DESCRIPTION = "Decide on particles. Every decision goes into the history and can be undone."
    BUTTON = "Decide / 確定"

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label=self.LABEL, icon="/assets/decide.svg", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.review import run as review

        count = _forms.ask_particles(ctx, inputs)
        choices = types.RadioGroup()
        for action, label in ACTIONS.items():
            choices.add_choice(action, label=label)
        inputs.enum("action", choices.values(), required=True, default="accept", label="決定 / decision", view=choices)
        if ctx.params.get("action") == "label":
            _forms.ask_label(inputs, review.labels(ctx.dataset))
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, count, "decide")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import run as review

        action, request = ctx.params["action"], uuid.uuid4().hex
        label_id = ctx.params.get("label_id") if action == "label" else None
        decided, refused = 0, []
        for particle_id in _scope.particles(ctx, ctx.params["scope"]):
            try:
                review.decide(
                    ctx.dataset,
                    particle_id,
                    action,
                    label_id=label_id,
                    by=_forms.reviewer_of(ctx),
                    request_id=f"{request}:{particle_id}",
                    batch=request,
                )
                decided += 1
            except SemCurateError as error:
                refused.append(str(error))
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{decided} 粒子を決定しました / decided", variant="warning" if refused else "success")
        result: dict[str, Any] = {"decided": decided, "refused": len(refused)}
        return result | ({"first_refusal": refused[0]} if refused else {})
