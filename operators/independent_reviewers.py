"""Asking for several independent reviewers of boundary samples, from the App."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from ._base import SemOperator


class IndependentReviewers(SemOperator):
    """Sets how many reviewers must agree on a boundary sample."""

    NAME = "independent_reviewers"
    LABEL = "SEM: 複数人での確認 / independent reviewers"
    DESCRIPTION = (
        "Ask several reviewers about particles with close candidates. The panel's card does not show them what the "
        "others said; where they differ, further ones are asked."
    )
    BUTTON = "Set / 設定"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.review import sharing

        now = sharing.standing(ctx.dataset)
        told = f"一致 {now['agree']}, 判断待ち {now['waiting']}, 不一致 {now['disagree']}"
        inputs.view("now", types.Notice(label=f"{told} / agree, waiting, disagree"))
        inputs.int(
            "number", required=True, default=now["wanted"], min=1, max=sharing.MOST,
            label="境界サンプルの担当者数 / reviewers who must agree on a boundary sample",
        )  # fmt: skip

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import sharing

        sharing.set_wanted(ctx.dataset, int(ctx.params["number"]))
        found = sharing.standing(ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(
            f"境界サンプルを {found['wanted']} 人で確認します / {found['wanted']} reviewers per boundary sample",
            variant="success",
        )
        return dict(found)
