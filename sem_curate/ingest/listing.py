"""One image file of one view, and the list of all that a source holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sem_curate.ingest.problems import Problem


@dataclass(frozen=True)
class ViewFile:
    """One image file of one view of one particle.

    Attributes:
        path: absolute, symbolic links kept as the user has them.
        particle_id: as the user wrote it, surrounding white space removed; never empty.
        view: one of the dataset's view names.
        metadata: further manifest columns by field name, as written; empty cells are absent.
        label: what the manifest claims the particle is, or None.
    """

    path: Path
    particle_id: str
    view: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None


@dataclass(frozen=True)
class SourceListing:
    """Everything a source holds.

    Attributes:
        files: in the order in which duplicates are decided: the first of a particle and view wins.
        problems: files, rows and folders that could not be used, and notices.
        ignored: how many other files lay in the folder (sidecars, tables, hidden files).
        columns: kind of each metadata field, ``"string"`` or ``"float"``; see ``columns.convert``.
    """

    files: tuple[ViewFile, ...]
    problems: tuple[Problem, ...] = ()
    ignored: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
