"""Questions that several operators ask, each in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from sem_curate import dataset
from sem_curate.review.run import default_reviewer

from . import _scope

# A reviewer can look over this many thumbnails before agreeing; above it a tick says that the number was meant.
CONFIRM_ABOVE = 50

SCOPE_LABELS = {
    _scope.SELECTED: "選択した粒子 / selected particles ({n})",
    _scope.VIEW: "現在のビュー / current view ({n})",
    _scope.PENDING: "未処理すべて / everything pending ({n})",
}


def refuse(inputs: types.Object, name: str, message: str, remedy: str = "") -> None:
    """Add an error that keeps the form from being run, in the App and on the server."""
    error = inputs.view(name, types.Error(label=message, description=remedy))
    error.invalid = True
    error.error_message = message


def dataset_is_ours(ctx: Any, inputs: types.Object) -> bool:
    """Tell whether the open dataset can be worked on; if not, the form says why."""
    if ctx.dataset is None:
        refuse(inputs, "no_dataset", "データセットを開いてください / open a dataset first")
        return False
    if not dataset.is_ours(ctx.dataset):
        refuse(
            inputs,
            "foreign_dataset",
            f"'{ctx.dataset.name}' は SEM Curate のデータセットではありません / was not created by SEM Curate",
            "Create one in a terminal: sem-curate ingest FOLDER --dataset NAME",
        )
        return False
    return True


def ask_scope(ctx: Any, inputs: types.Object, sizes: Mapping[str, int], *, default: str) -> tuple[str, int]:
    """Ask which particles, with the size of each choice; an empty choice makes the form invalid.

    Returns:
        The chosen scope and its size.
    """
    choices = types.RadioGroup()
    for scope, size in sizes.items():
        choices.add_choice(scope, label=SCOPE_LABELS[scope].format(n=size))
    inputs.enum("scope", choices.values(), required=True, default=default, label="対象 / scope", view=choices)
    chosen = ctx.params.get("scope", default)
    size = sizes.get(chosen, 0)
    if not size:
        refuse(
            inputs,
            "empty_scope",
            "対象の粒子がありません / nothing in this scope",
            "Select particles in the grid, or choose another scope."
            if chosen == _scope.SELECTED
            else "Choose another scope.",
        )
    return chosen, size


def ask_particles(ctx: Any, inputs: types.Object) -> int:
    """Ask for the selected particles or those of the current view; returns how many were chosen."""
    sizes = {scope: len(_scope.particles(ctx, scope)) for scope in (_scope.SELECTED, _scope.VIEW)}
    return ask_scope(ctx, inputs, sizes, default=_scope.SELECTED)[1]


def ask_confirmation(ctx: Any, inputs: types.Object, count: int, what: str) -> None:
    """Above :data:`CONFIRM_ABOVE` particles, ask for a tick that names the number."""
    if count <= CONFIRM_ABOVE:
        return
    label = f"{count} 粒子が対象であることを確認しました / yes, all {count} particles: {what}"
    inputs.bool("confirm", default=False, required=True, label=label, view=types.CheckboxView())
    if ctx.params.get("confirm") is not True:
        refuse(inputs, "not_confirmed", f"{count} 粒子。確認にチェックしてください / tick the box to go on")


def ask_reviewer(inputs: types.Object) -> None:
    """Ask who is deciding; the name goes into the history."""
    inputs.str("by", required=True, allow_empty=False, default=default_reviewer(), label="レビュー担当 / reviewer")


def ask_label(inputs: types.Object, labels: Sequence[Mapping[str, Any]], *, name: str = "label_id") -> None:
    """Ask for one of the existing labels, shown in both languages, stored by id."""
    choices = types.Dropdown()
    for label in labels:
        both = " / ".join(part for part in (label["name_ja"], label["name_en"]) if part)
        choices.add_choice(label["label_id"], label=both)
    inputs.enum(name, choices.values(), required=True, label="ラベル / label", view=choices)


def reviewer_of(ctx: Any) -> str:
    """Return the reviewer named in the form, else the default."""
    return str(ctx.params.get("by") or "").strip() or default_reviewer()
