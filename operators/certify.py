"""Promising an error rate from audits, and taking the promise back, from the App."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from sem_curate.errors import SemCurateError

from . import _forms
from ._base import SemOperator

CHANGES = {
    "suspended": "停止 / suspend",
    "revoked": "取り消し / revoke",
    "active": "復活 / reinstate",
}


class Certify(SemOperator):
    """Tests the audits against "at most alpha wrong, at a risk of delta"."""

    NAME = "certify"
    LABEL = "SEM: 保証を試す / certify"
    DESCRIPTION = "Promise an error rate for what is confirmed automatically. Each try on the same audits spends risk."
    BUTTON = "Try / 試す"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.decide import certifying

        now = certifying.status(ctx.dataset)
        inputs.view("now", types.Notice(label=f"{now['ja']} / {now['en']}"))
        inputs.float("alpha", required=True, default=now["alpha"], label="誤りの上限 / at most wrong (0.02 = 2 %)")
        inputs.float("delta", required=True, default=now["delta"], label="外れる危険 / risk of failing (0.05 = 5 %)")
        if now["waiting"]:
            _forms.refuse(
                inputs, "waiting", f"判定待ちの監査が {now['waiting']} 件あります / audits wait for a judgement",
                "Judge them in the panel's queue 監査 / Audit first.",
            )  # fmt: skip
        _forms.ask_reviewer(inputs)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.decide import certifying

        promise = certifying.asked(ctx.dataset, float(ctx.params["alpha"]), float(ctx.params["delta"]))
        certifying.try_to_certify(ctx.dataset, promise, by=_forms.reviewer_of(ctx))
        return _told(ctx)


class ChangeCertificate(SemOperator):
    """Suspends, revokes or reinstates the newest certificate; who, when and why is kept."""

    NAME = "change_certificate"
    LABEL = "SEM: 保証の停止・取り消し / change certificate"
    DESCRIPTION = "Suspend, revoke or reinstate the newest certificate. Every change is kept with its reason."
    BUTTON = "Change / 変更"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        choices = types.RadioGroup()
        for status, label in CHANGES.items():
            choices.add_choice(status, label=label)
        inputs.enum("to", choices.values(), required=True, default="suspended", label="変更 / change", view=choices)
        inputs.str("reason", required=True, allow_empty=False, label="理由 / reason")
        _forms.ask_reviewer(inputs)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.decide import certifying

        try:
            certifying.change(
                ctx.dataset, ctx.params["to"], None, by=_forms.reviewer_of(ctx), reason=ctx.params["reason"]
            )  # fmt: skip
        except SemCurateError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"refused": str(error)}
        return _told(ctx)


class OptIn(SemOperator):
    """Switches auto-confirmation without a certificate on or off."""

    NAME = "auto_without_certificate"
    LABEL = "SEM: 保証なしの自動確定 / auto without certificate"
    DESCRIPTION = "Confirm auto proposals although nothing is certified: nobody knows how many of them are wrong."
    BUTTON = "Set / 設定"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.decide import certifying

        on = certifying.status(ctx.dataset)["opted_in"]
        inputs.bool(
            "on", default=on, label="保証なしでも自動確定する / confirm without a certificate",
            view=types.CheckboxView(),
        )  # fmt: skip
        inputs.str("reason", label="理由 / reason (optional)")
        _forms.ask_reviewer(inputs)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate import dataset
        from sem_curate.registry import certificates

        on, reason = ctx.params.get("on") is True, ctx.params.get("reason") or ""
        certificates.opt_in(dataset.dataset_id(ctx.dataset), on, by=_forms.reviewer_of(ctx), reason=reason)
        return _told(ctx)


def _told(ctx: Any) -> dict[str, Any]:
    from sem_curate.decide import certifying

    now = certifying.status(ctx.dataset)
    variant = {"certified": "success", "suspended": "warning"}.get(now["status"], "info")
    ctx.ops.notify(f"{now['ja']} / {now['en']}", variant=variant)
    kept = ("status", "en", "audited", "errors", "automation", "threshold", "more_audits", "opted_in")
    return {key: now[key] for key in kept}
