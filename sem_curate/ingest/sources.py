"""What the user has: a folder or a CSV manifest, turned into one value per image file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sem_curate.errors import InputError
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


def read_source(
    source: str | Path, names: Sequence[str], *, roots: Sequence[Path] = (), pattern: str | None = None
) -> SourceListing:
    """Read a folder or a manifest.

    Args:
        source: a folder, or a ``.csv`` file.
        names: view names of the dataset.
        roots: allowed folders besides the source's own.
        pattern: file-name pattern, for a folder only.

    Raises:
        InputError: when the source is neither, or the manifest as a whole cannot be used.
    """
    from sem_curate.ingest import folder, manifest

    path = Path(source).expanduser()
    if os.path.isdir(path):  # unlike Path.is_dir, this does not raise where permission is lacking
        return folder.scan(path, names, roots=roots, pattern=pattern)
    if not os.path.exists(path):
        raise InputError(
            f"there is no folder or file '{source}', or it may not be read; give a folder of images or a CSV manifest"
        )
    if pattern is not None:
        raise InputError(f"'{source}' is a manifest and needs no pattern; leave --pattern out")
    return manifest.read(path, names, roots=roots)


def own_root(source: str | Path) -> Path:
    """Return the folder that a source may always read from: itself, or the manifest's folder."""
    path = Path(source).expanduser().resolve()
    return path if os.path.isdir(path) else path.parent
