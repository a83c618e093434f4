"""Which imaging condition fails how often, as a table in the App; the panel's tab 画質 / Quality draws it as heat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from sem_curate import messages, mirror

from ._base import SemOperator


class ConditionReport(SemOperator):
    """Shows the share of missing, unusable and tagged views for each view, and each group if a field is chosen."""

    NAME = "condition_report"
    LABEL = "SEM: 撮像条件レポート / condition report"
    DESCRIPTION = "Show which view fails how often, also by instrument, voltage, lot or another column."
    BUTTON = "Show / 表示"
    OPTIONS = {"risk_level": "low"}  # noqa: RUF012 - the base class declares it as a ClassVar

    def form(self, ctx: Any, inputs: types.Object) -> None:
        from sem_curate.quality import conditions

        choices = types.Dropdown()
        for field in conditions.grouping_fields(ctx.dataset):
            choices.add_choice(field, label=field)
        inputs.enum("by", choices.values(), label="分け方 / group by (optional)", view=choices)

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.quality import conditions

        report = conditions.condition_report(ctx.dataset, ctx.params.get("by") or None)
        return {
            "table": _markdown(report, mirror.language(ctx.dataset))
            if report["notice"] is None
            else " / ".join(report["notice"].values())
        }

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.md((ctx.results or {}).get("table", ""), name="table")
        return types.Property(outputs, view=types.View(label=self.LABEL))


def _markdown(report: Mapping[str, Any], language: str) -> str:
    """Return the report as a Markdown table in percent, without the tags that never occur."""
    rows: Sequence[Mapping[str, Any]] = report["groups"]
    tags = [tag for tag in rows[0]["tags"] if any(row["tags"][tag] for row in rows)]
    names = ["report.missing", "report.unusable", *(f"tag.{tag}" for tag in tags)]
    head = [
        "view",
        *([report["by"]] if report["by"] else []),
        "n",
        *(f"{messages.text(name, language)} %" for name in names),
    ]
    lines = [head, ["---"] * len(head), *(_cells(row, report["by"], tags, language) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(row: Mapping[str, Any], by: str | None, tags: Sequence[str], language: str) -> list[str]:
    from sem_curate.quality.report import shown

    # A bar in a lot's name would end the cell.
    group = [shown(row["group"], messages.text("report.no_value", language)).replace("|", "\\|")] if by else []
    shares = [row["missing_share"], row["unusable_share"], *(row["tags"][tag] for tag in tags)]
    return [row["view"], *group, str(row["views"]), *(f"{100 * share:.0f}" for share in shares)]
