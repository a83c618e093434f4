"""Metadata columns: under which field a column is kept, and whether it holds numbers or text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sem_curate import schema
from sem_curate.ingest.problems import NOTICE, Problem

STRING: Final = "string"
FLOAT: Final = "float"

# "007" is a code, not the number seven; "1e5" and "-.5" are numbers.
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?")


def field_names(names: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
    """Return ``{column: dataset field}`` for metadata columns, and a notice for each that had to be renamed.

    >>> field_names(["lot", "quality"])[0]
    {'lot': 'lot', 'quality': 'meta_quality'}
    """
    fields: dict[str, str] = {}
    notices: list[Problem] = []
    for column in names:
        field = re.sub(r"[.$\s]+", "_", column)
        if field in schema.RESERVED or field.startswith("_") or field in fields.values():
            field = f"meta_{field.lstrip('_')}"
        while field in fields.values():
            field += "_"
        fields[column] = field
        if field != column:
            reason = f"column '{column}' is kept as field '{field}', because its own name cannot be used"
            notices.append(Problem("", "", "", "column_renamed", reason, NOTICE))
    return fields, notices


def kind_of(cells: Iterable[str]) -> str:
    """Return ``"float"`` when every filled cell of a column is a plain number, else ``"string"``.

    >>> kind_of(["1", "2.5", "", "NaN"]), kind_of(["007", "8"]), kind_of(["", ""])
    ('float', 'string', 'string')
    """
    filled = [cell for cell in cells if cell and not _is_nan(cell)]
    return FLOAT if filled and all(_NUMBER.fullmatch(cell) for cell in filled) else STRING


def convert(cell: str, kind: str) -> str | float | None:
    """Return a cell as its column's kind; NaN in a column of numbers is an empty cell."""
    if kind == STRING:
        return cell
    return None if _is_nan(cell) else float(cell)


def _is_nan(cell: str) -> bool:
    return cell.lower() == "nan"
