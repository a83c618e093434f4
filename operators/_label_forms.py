"""What forms about labels share: the choice of a label or change, and the dry run shown before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fiftyone.operators import types

from sem_curate import dataset

from . import _forms
from ._base import SemOperator

SHOWN = 5


class LabelOperator(SemOperator):
    """An operator that changes a label: asks which and how, shows the dry run, then applies it."""

    KIND = ""
    BUTTON = "Change / 変更"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.review import relabel

        if not self.ask(ctx, inputs):
            return
        kind, label_id, wanted = self.change(ctx)
        refused = relabel.refusal(ctx.dataset, kind, label_id, wanted)
        if refused:
            _forms.refuse(inputs, "refused", refused)
            return
        tried = relabel.dry_run(ctx.dataset, kind, label_id, wanted)
        inputs.view("dry_run", types.Notice(label=in_words(tried)))
        inputs.str("reason", label="理由 / reason (optional)")
        _forms.ask_reviewer(inputs)
        _forms.ask_confirmation(ctx, inputs, tried["particles"], "change")

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        """Add this operator's questions; tell whether they are answered."""
        raise NotImplementedError

    def wanted(self, ctx: Any) -> dict[str, Any]:
        """Return what is wanted, as the registry calls it."""
        return {}

    def change(self, ctx: Any) -> tuple[str, str, Mapping[str, Any]]:
        """Return the kind of change, the label, and what is wanted."""
        return self.KIND, str(ctx.params["label_id"]), self.wanted(ctx)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.review import relabel

        kind, label_id, wanted = self.change(ctx)
        reason = str(ctx.params.get("reason") or "")
        made = relabel.apply(ctx.dataset, kind, label_id, wanted, by=_forms.reviewer_of(ctx), reason=reason)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{made['samples']} 枚に反映しました / samples follow", variant="success")
        return {"change": kind, "change_id": made["change"]["change_id"], "samples": made["samples"]}


def ask_one(inputs: types.Object, name: str, label: str, choices: Iterable[tuple[str, str]]) -> None:
    """Ask for one of some values, each with the text that stands for it."""
    dropdown = types.Dropdown()
    for value, text in choices:
        dropdown.add_choice(value, label=text)
    inputs.enum(name, dropdown.values(), required=True, label=label, view=dropdown)


def labels_of(ctx: Any, *statuses: str) -> list[tuple[str, str]]:
    """Return ``(label_id, names)`` of the labels with one of these states."""
    from sem_curate.registry import labels

    found = labels.in_catalogue(dataset.record(ctx.dataset).catalogue, statuses=statuses or ("active",))
    return [(label.label_id, label.both_names) for label in found]


def in_words(tried: Mapping[str, Any]) -> str:
    """Return a dry run as text; names are text too, whatever they hold."""
    before = {row["label_id"]: row["name"] for row in tried["before"]}
    named = "; ".join(
        f"{before.get(row['label_id'], '(新規 / new)')} → {row['name']} ({row['status']})" for row in tried["after"]
    )
    counted = (
        f"確定済み / decided {tried['particles']}, マスター / masters {tried['masters']}, "
        f"提案 / proposals {tried['proposals']}, 待ち / in the queue {tried['queue']}, "
        f"エクスポート / exports {len(tried['exports'])}"
    )
    near = tried["nearest"]
    changed = [row["particle_id"] for row in near["changed"] if row["from"] != row["to"]][:SHOWN]
    flips = f"最も近いラベルが変わる粒子 / nearest label would change: {near['count']} / {near['looked_at']}"
    stale = [what for what in ("embeddings", "heads", "certificates") if not tried["valid"][what]]
    valid = f"無効になる / no longer valid: {', '.join(stale)}" if stale else "すべて有効 / everything stays valid"
    return " | ".join([named, counted, flips + (f" ({', '.join(changed)})" if changed else ""), valid])
