"""Changing labels from the App: rename, redefine, merge, split, deprecate, restore, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiftyone.operators import types

from sem_curate import dataset

from . import _label_forms, _scope
from ._base import SemOperator
from ._label_forms import LabelOperator

WORDS = {
    "definition_ja": "定義（日本語） / definition (ja)",
    "definition_en": "定義（英語） / definition (en)",
    "synonyms_ja": "同義語（日本語、「,」区切り） / synonyms (ja, comma)",
    "synonyms_en": "同義語（英語、「,」区切り） / synonyms (en, comma)",
    "colour": "色 / colour (#RRGGBB)",
    "hotkey": "キー / hotkey",
}
LISTS = ("synonyms_ja", "synonyms_en")


class RenameLabel(LabelOperator):
    """Gives a label other display names."""

    NAME = "rename_label"
    LABEL = "SEM: ラベル名を変更 / rename label"
    DESCRIPTION = "Show a label under another name everywhere at once. Decisions and vectors stay as they are."
    KIND = "rename"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx))
        inputs.str("name_ja", label="新しい日本語名 / new Japanese name")
        inputs.str("name_en", label="新しい英語名 / new English name")
        return bool(ctx.params.get("label_id") and self.wanted(ctx))

    def wanted(self, ctx: Any) -> dict[str, Any]:
        return {key: ctx.params[key] for key in ("name_ja", "name_en") if ctx.params.get(key)}


class RedefineLabel(LabelOperator):
    """Changes what a label means, or how it is searched and shown."""

    NAME = "redefine_label"
    LABEL = "SEM: ラベルを定義 / redefine label"
    DESCRIPTION = "Change a definition, synonyms, colour or hotkey. Older decisions stay and keep their version."
    KIND = "redefine"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx))
        for key, label in WORDS.items():
            inputs.str(key, label=label)
        return bool(ctx.params.get("label_id") and self.wanted(ctx))

    def wanted(self, ctx: Any) -> dict[str, Any]:
        given = {key: ctx.params[key] for key in WORDS if ctx.params.get(key)}
        return {key: value.replace("、", ",").split(",") if key in LISTS else value for key, value in given.items()}


class MergeLabels(LabelOperator):
    """Reads one label as another."""

    NAME = "merge_labels"
    LABEL = "SEM: ラベルを統合 / merge labels"
    DESCRIPTION = "Read one label as another one from now on. Both ids stay, so the merge can be rolled back exactly."
    KIND = "merge"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        known = _label_forms.labels_of(ctx)
        _label_forms.ask_one(inputs, "label_id", "統合されるラベル / label that goes", known)
        _label_forms.ask_one(inputs, "into", "統合先 / label that stays", known)
        return bool(ctx.params.get("label_id") and ctx.params.get("into"))

    def wanted(self, ctx: Any) -> dict[str, Any]:
        return {"into": ctx.params["into"]}


class SplitLabel(LabelOperator):
    """Replaces a label by parts."""

    NAME = "split_label"
    LABEL = "SEM: ラベルを分割 / split label"
    DESCRIPTION = "Replace a label by two or more. What was decided as it is reviewed again, in sorted bundles."
    KIND = "split"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx))
        inputs.str(
            "parts",
            label="新しいラベル（1行に1つ、「名前: 定義」） / new labels (one a line, “name: definition”)",
            view=types.TextFieldView(multiline=True),
        )
        return bool(ctx.params.get("label_id") and len(self.wanted(ctx)["parts"]) > 1)

    def wanted(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.registry.label_parts import parts_of_lines

        return {"parts": parts_of_lines(str(ctx.params.get("parts") or ""))}


class DeprecateLabel(LabelOperator):
    """Hides a label from new decisions."""

    NAME = "deprecate_label"
    LABEL = "SEM: ラベルを廃止 / deprecate label"
    DESCRIPTION = "Hide a label from new decisions and proposals. Old decisions stay valid."
    KIND = "deprecate"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx))
        return bool(ctx.params.get("label_id"))


class RestoreLabel(LabelOperator):
    """Uses a deprecated label again."""

    NAME = "restore_label"
    LABEL = "SEM: ラベルを復活 / restore label"
    DESCRIPTION = "Offer a deprecated label again for decisions and proposals."
    KIND = "restore"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx, "deprecated"))
        return bool(ctx.params.get("label_id"))


class RollBackLabels(LabelOperator):
    """Takes a change of labels back."""

    NAME = "roll_back_labels"
    LABEL = "SEM: ラベル変更を戻す / roll back a label change"
    DESCRIPTION = "Put every label that a change touched back to exactly what it was. This can be rolled back too."
    KIND = "rollback"
    BUTTON = "Roll back / 戻す"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        from sem_curate.registry import label_log

        made = label_log.changes(dataset.record(ctx.dataset).catalogue)
        choices = [
            (one["change_id"], f"#{one['seq']} {one['kind']} {one['details'].get('to', '')} ({one['by']}, {one['at']})")
            for one in reversed(made)
            if not one["undone_by"]
        ]
        _label_forms.ask_one(inputs, "change_id", "変更 / change", choices)
        return bool(ctx.params.get("change_id"))

    def change(self, ctx: Any) -> tuple[str, str, Mapping[str, Any]]:
        from sem_curate.registry import label_log

        change_id = str(ctx.params["change_id"])
        return self.KIND, str(label_log.get(change_id)["label_id"]), {"change_id": change_id}


class PickExamples(LabelOperator):
    """Shows the selected particles on a label's card."""

    NAME = "pick_examples"
    LABEL = "SEM: 見本にする / pick as examples"
    DESCRIPTION = "Show the selected particles on a label's card: as examples, counter-examples or borderline cases."
    KIND = "redefine"

    def ask(self, ctx: Any, inputs: types.Object) -> bool:
        roles = (
            ("example", "見本 / example"),
            ("counter", "反例 / counter-example"),
            ("borderline", "境界 / borderline"),
        )
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx))
        _label_forms.ask_one(inputs, "role", "役割 / role", roles)
        inputs.str("note", label="メモ / note")
        return bool(ctx.params.get("label_id") and ctx.params.get("role") and ctx.selected)

    def wanted(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.registry.label_parts import with_picked

        label_id, role = str(ctx.params["label_id"]), str(ctx.params["role"])
        chosen = _scope.selected_particles(ctx)
        return {"picked": with_picked(label_id, chosen, role, str(ctx.params.get("note") or ""))}


class ReviewAgain(SemOperator):
    """Shows a bundle of particles to review again."""

    NAME = "review_again"
    LABEL = "SEM: 再レビュー / review again"
    DESCRIPTION = "Show particles to look at again, because their label was split or means something else now."
    BUTTON = "Show / 表示"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        why = (("split", "分割されたラベル / label that was split"), ("drift", "定義の変更 / definition changed"))
        _label_forms.ask_one(inputs, "why", "理由 / because of", why)
        statuses = ("split",) if ctx.params.get("why", "split") == "split" else ("active", "deprecated")
        _label_forms.ask_one(inputs, "label_id", "ラベル / label", _label_forms.labels_of(ctx, *statuses))
        if not ctx.params.get("label_id") or not ctx.params.get("why"):
            return
        choices = [
            (one["bundle_id"], f"{one['suggested_name'] or '?'}: {one['left']} / {len(one['particles'])}")
            for one in self._bundles(ctx)
        ]
        _label_forms.ask_one(inputs, "bundle_id", "束 / bundle", choices)

    def execute(self, ctx: Any) -> dict[str, Any]:
        chosen = next(one for one in self._bundles(ctx) if one["bundle_id"] == ctx.params["bundle_id"])
        groups = dataset.group_ids_of(ctx.dataset, chosen["waiting"])
        ctx.ops.set_view(ctx.dataset.select_groups(groups, ordered=True))
        return {"particles": len(chosen["particles"]), "left": chosen["left"], "suggested": chosen["suggested_name"]}

    def _bundles(self, ctx: Any) -> list[dict[str, Any]]:
        from sem_curate.review import relabel_bundles

        return relabel_bundles.bundles(ctx.dataset, ctx.params["label_id"], why=ctx.params["why"])
