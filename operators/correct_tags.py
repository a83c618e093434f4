"""Correcting quality tags of the selected images, from the App's grid."""

from __future__ import annotations

import uuid
from typing import Any

from fiftyone.operators import types

from sem_curate import dataset, messages

from . import _forms
from ._base import SemOperator

NOTE = (
    "タグは選択した画像そのものに付きます(粒子の全ビューではありません)。「SEM: 元に戻す / undo」で取り消せます。"
    " / Tags belong to the selected images, not to all views of a particle. “SEM: 元に戻す / undo” takes them back."
)


class CorrectTags(SemOperator):
    """Adds and removes quality tags on the selected images."""

    NAME = "correct_tags"
    LABEL = "SEM: 画質タグを直す / correct tags"
    DESCRIPTION = "Say which quality tags are right for the selected images. Corrections are kept, and teach the tags."
    BUTTON = "Correct / 修正"

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label=self.LABEL, icon="/assets/tags.svg", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        inputs.view("note", types.Notice(label=NOTE))
        count = len(ctx.selected or [])
        if not count:
            _forms.refuse(
                inputs,
                "nothing_selected",
                "画像が選択されていません / no image is selected",
                "Select images in the grid; the slice shown there is what you correct.",
            )
        _ask_tags(inputs, "add", f"付ける / add ({count})")
        _ask_tags(inputs, "remove", f"外す / remove ({count})")
        if not (ctx.params.get("add") or ctx.params.get("remove")):
            _forms.refuse(inputs, "no_tags", "タグを1つ以上選んでください / choose at least one tag")
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, count, "correct tags")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import tags

        done = tags.correct_many(
            ctx.dataset,
            dataset.views_of(ctx.dataset, ctx.selected),
            add=ctx.params.get("add") or (),
            remove=ctx.params.get("remove") or (),
            by=_forms.reviewer_of(ctx),
            request_id=uuid.uuid4().hex,
        )
        ctx.ops.reload_dataset()
        told = f"{done['corrected']} 枚のタグを直しました / tags corrected"
        ctx.ops.notify(told, variant="warning" if done["skipped"] else "success")
        return {name: value for name, value in done.items() if value is not None}


def _ask_tags(inputs: types.Object, name: str, label: str) -> None:
    from sem_curate.review.actions import CHOOSABLE

    choices = types.Dropdown(multiple=True)
    for code in CHOOSABLE:
        text = messages.coded("tag", code)
        choices.add_choice(code, label=f"{text['ja']} / {text['en']}")
    inputs.list(name, types.String(), label=label, view=choices)
