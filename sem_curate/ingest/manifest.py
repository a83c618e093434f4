"""A CSV manifest: ``filepath, particle_id, view``, optionally ``label``, and any further columns as metadata."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sem_curate import paths
from sem_curate.errors import InputError, did_you_mean
from sem_curate.ingest import columns, views
from sem_curate.ingest.folder import printable
from sem_curate.ingest.listing import SourceListing, ViewFile
from sem_curate.ingest.problems import Problem

REQUIRED: Final = ("filepath", "particle_id", "view")
LABEL: Final = "label"
_MAX_BYTES: Final = 512 * 2**20  # a manifest of millions of rows; more is another kind of file


def read(path: Path, names: Sequence[str], *, roots: Sequence[Path] = ()) -> SourceListing:
    """Read a manifest; relative paths are taken from its folder.

    Args:
        path: a CSV file in UTF-8 (with or without byte order mark) or CP932 (Shift-JIS); comma, semicolon or tab.
        names: view names of the dataset.
        roots: allowed folders besides the manifest's own.

    Raises:
        InputError: when the file is not a text table, or columns are missing or repeated.
    """
    header, rows = _table(path)
    _check_header(path, header)
    extra = [column for column in header if column and column not in (*REQUIRED, LABEL)]
    fields, problems = columns.field_names(extra)
    base = Path(os.path.abspath(path)).parent
    reader = _RowReader(path, base, names, (base.resolve(), *(Path(root).expanduser().resolve() for root in roots)))
    files: list[ViewFile] = []
    for line, row in rows:
        metadata = {field: row[column] for column, field in fields.items() if row.get(column)}
        found = reader.read(line, row, metadata)
        if isinstance(found, ViewFile):
            files.append(found)
        else:
            problems.append(found)
    kinds = {field: columns.kind_of(row.get(column, "") for _, row in rows) for column, field in fields.items()}
    return SourceListing(tuple(files), tuple(problems), 0, kinds)


def decode_text(data: bytes, what: str) -> str:
    """Decode UTF-8 (with or without byte order mark), UTF-16 with a mark, or CP932.

    Raises:
        InputError: when it is none of them, or holds binary zeros.
    """
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{what} is not a text file; save the table as CSV in UTF-8 or Shift-JIS")


@dataclass(frozen=True)
class _RowReader:
    """Turns one row into a view file or a problem."""

    manifest: Path
    base: Path
    names: Sequence[str]
    roots: Sequence[Path]

    def read(self, line: int, row: Mapping[str, str], metadata: Mapping[str, str]) -> ViewFile | Problem:
        given, particle_id, view = (row.get(column, "") for column in REQUIRED)
        where = given or f"{printable(self.manifest)}, line {line}"
        trouble = self._trouble(given, particle_id, view)
        if trouble is not None:
            return Problem(where, particle_id, view, *trouble)
        known = views.normalise(view, self.names)
        assert known is not None  # _trouble has refused every other
        return ViewFile(self._path(given), particle_id, known, metadata, row.get(LABEL) or None)

    def _trouble(self, given: str, particle_id: str, view: str) -> tuple[str, str] | None:
        if not particle_id:
            return "empty_particle_id", "the row has no particle id; fill it in"
        if not given or "\0" in given:
            return "missing", "the row has no file path; fill it in"
        if views.normalise(view, self.names) is None:
            return "unknown_view", views.unknown_reason(view, self.names)
        path = self._path(given)
        if not paths.is_within(path, self.roots):
            allowed = ", ".join(str(root) for root in self.roots)
            return "outside_roots", f"is outside the allowed folders ({allowed}); add its folder with --root"
        return None

    def _path(self, given: str) -> Path:
        # A manifest written on Windows has backslashes; elsewhere they may also be part of a name.
        path = Path(os.path.abspath(self.base / Path(given).expanduser()))
        if "\\" in given and not os.path.exists(path):
            other = Path(os.path.abspath(self.base / given.replace("\\", "/")))
            return other if os.path.exists(other) else path
        return path


def _table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the header and (line number, row) pairs; cells stripped, wholly empty rows left out."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"manifest '{path}' is larger than {_MAX_BYTES // 2**20} MiB; split it")
        text = decode_text(path.read_bytes(), f"manifest '{path}'")
    except OSError as error:
        raise InputError(f"manifest '{path}' cannot be read ({error.strerror}); check its permissions") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        rows = [
            (reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise InputError(f"manifest '{path}' is not a CSV table (line {reader.line_num}: {error})") from error
    return header, rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        hint = did_you_mean(missing[0], [column for column in header if column])
        raise InputError(
            f"manifest '{path}' lacks {len(missing)} of the columns it needs (e.g. '{missing[0]}'): "
            f"filepath, particle_id, view; optional: label and any others.{hint}"
        )
    repeated = [column for column in header if column and header.count(column) > 1]
    if repeated:
        raise InputError(f"manifest '{path}' has column '{repeated[0]}' more than once; rename one of them")
