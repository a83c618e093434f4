"""Reading images in from the App, out of the folders that the administrator allowed."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from sem_curate import dataset, paths
from sem_curate.errors import InputError
from sem_curate.progress import Progress
from sem_curate.review.run import default_reviewer

from . import _forms
from ._base import SemOperator
from ._stages import stream_work

THIS, NEW = "this", "new"


class Ingest(SemOperator):
    """Reads a folder or a CSV manifest into this dataset or a new one."""

    NAME = "ingest"
    LABEL = "SEM: 取り込み / ingest"
    DESCRIPTION = "Read a folder or CSV manifest into a dataset. Safe to repeat: unchanged files are not read again."
    BUTTON = "Ingest / 取り込み"
    OPTIONS = {"execute_as_generator": True, "allow_delegated_execution": True}  # noqa: RUF012 - ClassVar in the base

    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()  # unlike the others it also works without a dataset of ours
        self.form(ctx, inputs)
        view = types.PromptView(label=self.LABEL, submit_button_label=self.BUTTON, description=self.DESCRIPTION)
        return types.Property(inputs, view=view)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        roots = paths.environment_roots()
        if not roots:
            remedy = "Start the App with SEM_CURATE_ROOTS set to the folders it may read, or ingest in a terminal."
            _forms.refuse(
                inputs, "no_roots", "読み込みを許可されたフォルダーがありません / no folder is allowed", remedy
            )
            return
        allowed = ", ".join(str(root) for root in roots)
        inputs.str("path", required=True, allow_empty=False, label="フォルダーまたは CSV / folder or CSV",
                   description=f"in: {allowed}")  # fmt: skip
        self._check_path(ctx, inputs)
        self._ask_target(ctx, inputs)
        inputs.str("pattern", label="ファイル名の形 / file name pattern (optional)",
                   description="{particle_id}_{view}.{ext}")  # fmt: skip

    def execute(self, ctx: Any) -> Any:
        def work(progress: Progress) -> dict[str, Any]:
            from sem_curate.ingest.run import ingest

            roots = paths.environment_roots()
            report = ingest(
                paths.resolve_within(ctx.params["path"], roots),
                _target(ctx),
                roots=roots,
                pattern=ctx.params.get("pattern") or None,
                progress=progress,
                by=default_reviewer(),
            )
            return report.as_dict()

        return stream_work(ctx, work, _sentence)

    def _check_path(self, ctx: Any, inputs: types.Object) -> None:
        given = ctx.params.get("path")
        if not given:
            return
        try:
            found = paths.resolve_within(given, paths.environment_roots())
        except InputError as error:
            _forms.refuse(inputs, "bad_path", str(error))
            return
        if not found.exists():
            _forms.refuse(inputs, "bad_path", f"'{found}' がありません / does not exist")

    def _ask_target(self, ctx: Any, inputs: types.Object) -> None:
        target = NEW
        if ctx.dataset is not None and dataset.is_ours(ctx.dataset):
            choices = types.RadioGroup()
            choices.add_choice(THIS, label=f"このデータセット / this dataset ({ctx.dataset.name})")
            choices.add_choice(NEW, label="新しいデータセット / a new dataset")
            inputs.enum(
                "target", choices.values(), required=True, default=THIS, label="取り込み先 / into", view=choices
            )
            target = ctx.params.get("target", THIS)
        if target == NEW:
            label = "新しいデータセット名 / name of the new dataset"
            inputs.str("dataset_name", required=True, allow_empty=False, label=label)


def _target(ctx: Any) -> str:
    return str(ctx.params.get("dataset_name") if ctx.params.get("target", NEW) == NEW else ctx.dataset.name)


def _sentence(report: dict[str, Any]) -> str:
    return (
        f"{report['dataset']}: {report['particles']} 粒子 / particles, {report['views_new']} new views, "
        f"{report['views_refused']} refused"
    )
