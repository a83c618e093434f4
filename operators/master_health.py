"""How well each master serves, as a table in the App; the panel's tab 保証 / Trust shows it with pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiftyone.operators import types

from sem_curate import mirror
from sem_curate.errors import SemCurateError

from ._base import SemOperator

HEADS = ("master", "label", "drives %", "reversed", "sibling", "rival", "changes %", "suggestion")


class MasterHealth(SemOperator):
    """Shows for each master what it decides, what people reversed, and what to do about it."""

    NAME = "master_health"
    LABEL = "SEM: マスターの健康診断 / master health"
    DESCRIPTION = "Show what each master decides, how often people decided otherwise, and which to retire or add."
    BUTTON = "Show / 表示"
    OPTIONS = {"risk_level": "low"}  # noqa: RUF012 - the base class declares it as a ClassVar

    def form(self, ctx: Any, inputs: types.Object) -> None:
        inputs.view("note", types.Notice(label="少し時間がかかります / this may take a moment"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.decide.health_run import masters_health

        try:
            found = masters_health(ctx.dataset)
        except SemCurateError as error:
            return {"table": str(error)}
        return {"table": _markdown(found, mirror.language(ctx.dataset))}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.md((ctx.results or {}).get("table", ""), name="table")
        return types.Property(outputs, view=types.View(label=self.LABEL))


def _markdown(found: Mapping[str, Any], language: str) -> str:
    lines = [HEADS, ("---",) * len(HEADS), *(_cells(row, language) for row in found["masters"])]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Mapping[str, Any], language: str) -> tuple[str, ...]:
    def two(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    return (
        row["particle_id"].replace("|", "\\|"), row[f"name_{language}"].replace("|", "\\|"),
        f"{100 * row['drives']:.1f}", f"{row['reversals']}/{row['decided']}", two(row["sibling"]), two(row["rival"]),
        f"{100 * row['changed']:.1f}", row["suggestion"][language],
    )  # fmt: skip
