"""Making particles masters of a label, from the App."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from . import _forms, _scope
from ._base import SemOperator

EXISTING, NEW = "existing", "new"


class RegisterMasters(SemOperator):
    """Makes the chosen particles masters of an existing or a new label."""

    NAME = "register_masters"
    LABEL = "SEM: マスター登録 / register masters"
    DESCRIPTION = "Make particles examples of a label. This also confirms them, and gives a new master set version."
    BUTTON = "Register / 登録"

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label=self.LABEL, icon="/assets/masters.svg", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.review import run as review

        count = _forms.ask_particles(ctx, inputs)
        known = review.labels(ctx.dataset)
        which = NEW
        if known:
            choices = types.RadioGroup()
            choices.add_choice(EXISTING, label="既存のラベル / existing label")
            choices.add_choice(NEW, label="新しいラベル / new label")
            inputs.enum(
                "which", choices.values(), required=True, default=EXISTING, label="ラベル / label", view=choices
            )
            which = ctx.params.get("which", EXISTING)
        if which == EXISTING:
            _forms.ask_label(inputs, known)
        else:
            inputs.str("new_label", required=True, allow_empty=False, label="新しいラベル名 / new label name")
        inputs.str("reason", label="理由 / reason (optional)")
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, count, "become masters")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.decide import run as decide

        label = ctx.params.get("new_label") or ctx.params.get("label_id")
        particles = _scope.particles(ctx, ctx.params["scope"])
        reason = ctx.params.get("reason") or ""
        result = decide.register_masters(ctx.dataset, {label: particles}, by=_forms.reviewer_of(ctx), reason=reason)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"マスター {result['added']} 件を登録しました / {result['added']} masters", variant="success")
        return dict(result)
