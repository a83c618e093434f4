"""Writing rows as CSV, JSON lines or Parquet: in a stream, and under the final name only when complete."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from sem_curate.errors import InputError, SetupError
from sem_curate.registry.fold import EventView, State

FORMATS: Final = (".csv", ".jsonl", ".parquet")
EVENT_COLUMNS: Final = (
    "chain", "event_id", "at", "kind", "particle_id", "seq", "by", "decision", "label_id", "label", "view", "tags",
    "undoes", "batch", "source", "receipt_id", "seconds", "note", "image", "label_version", "master_set_version",
    "previous", "details", "hash",
)  # fmt: skip
STATE_COLUMNS: Final = (
    "particle_id", "decision", "label_id", "name_ja", "name_en", "by", "at", "event_id", "seq", "view_tags",
)  # fmt: skip
NUMBERS: Final = {"chain": int, "seq": int, "label_version": int, "master_set_version": int, "seconds": float}
BLOCK: Final = 10_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


def event_row(event: EventView, names: Mapping[str, str]) -> dict[str, Any]:
    """Return one event as flat columns; ``names`` are the labels' names."""
    values = asdict(event)
    values["label"] = names.get(event.label_id or "")
    return {column: _flat(values[column]) for column in EVENT_COLUMNS}


def state_row(particle_id: str, state: State, names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return what was in force for one particle as flat columns."""
    name_ja, name_en = names.get(state.label_id or "", (None, None))
    values = {
        "particle_id": particle_id, "decision": state.decision, "label_id": state.label_id, "name_ja": name_ja,
        "name_en": name_en, "by": state.by, "at": state.at, "event_id": state.event_id, "seq": state.seq,
        "view_tags": {view: list(found.tags) for view, found in state.view_tags.items()} or None,
    }  # fmt: skip
    return {column: _flat(values[column]) for column in STATE_COLUMNS}


def write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write rows in the format that the file name asks for; returns how many.

    Texts that a spreadsheet would run as a formula get an apostrophe in front in CSV; the other formats keep them.

    Raises:
        InputError: another file name, or a folder that is not there.
        SetupError: Parquet needs pyarrow.
    """
    how = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}.get(path.suffix.lower())
    if how is None:
        raise InputError(f"'{path.name}' names no known format; end it with {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder '{path.parent}'; make it first")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        written = how(unfinished, columns, rows)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written


def _csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark lets spreadsheets read Japanese
        out = csv.writer(file)
        out.writerow(columns)
        for row in rows:
            out.writerow([_harmless(row[column]) for column in columns])
            written += 1
    return written


def _jsonl(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            _json_line(file, {column: row[column] for column in columns})
            written += 1
    return written


def _json_line(file: IO[str], row: Row) -> None:
    file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _parquet(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise SetupError("Parquet needs pyarrow: pip install 'sem-curate[parquet]', or write .csv or .jsonl") from None
    kinds = {int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, kinds[NUMBERS[name]] if name in NUMBERS else pa.string()) for name in columns])
    written = 0
    with pq.ParquetWriter(path, schema) as out:
        block: list[Row] = []
        for row in rows:
            block.append({column: row[column] for column in columns})
            if len(block) == BLOCK:
                out.write_table(pa.Table.from_pylist(block, schema=schema))
                written, block = written + len(block), []
        out.write_table(pa.Table.from_pylist(block, schema=schema))
    return written + len(block)


def _flat(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return value


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
