"""Which image files are meant: files, folders with all below, patterns, and text lists, in one stable order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sem_curate.errors import InputError

SUFFIXES: Final = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")
LIST: Final = "@"  # begins the name of a text file with one path per line


def image_files(given: Sequence[str]) -> Iterator[str]:
    """Yield image files, each once, holding one folder's names at a time.

    Args:
        given: a file (of any name: its content decides), a folder (image types below it, by name), a pattern such as
            ``data/**/*.tif``, or ``@list.txt`` with one path per line (relative to the list; empty lines and lines
            that begin with ``#`` are passed over).

    Yields:
        Paths in the order given; below a folder, sorted. A file in a list that is not there is yielded too, so that it
        is reported as skipped.

    Raises:
        InputError: when something given is not there, or matches nothing.
    """
    for entry in given:
        _check(entry)
    # Only overlapping arguments can name a file twice, and only then must all names be remembered.
    seen: set[str] | None = set() if len(given) > 1 or any(entry.startswith(LIST) for entry in given) else None
    for path in (path for entry in given for path in _of(entry)):
        real = os.path.realpath(path)
        if seen is None or real not in seen:
            if seen is not None:
                seen.add(real)
            yield path


def _check(entry: str) -> None:
    if entry.startswith(LIST):
        if not Path(entry[1:]).expanduser().is_file():
            raise InputError(f"there is no list '{entry[1:]}'; give a text file with one image path per line")
    elif not os.path.exists(entry) and not glob.has_magic(entry):
        raise InputError(f"there is no file or folder '{entry}'; check the path (patterns such as '*.tif' are allowed)")


def _of(entry: str) -> Iterator[str]:
    if entry.startswith(LIST):
        yield from _listed(Path(entry[1:]).expanduser())
    elif os.path.isdir(entry):
        yield from _below(entry)
    elif os.path.exists(entry):  # before patterns: a file may be called "a[1].png"
        yield entry
    else:
        yield from _matching(entry)


def _below(folder: str) -> Iterator[str]:
    """Walk a folder in sorted order; links to folders are not followed, they may lead in circles."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES):
                yield os.path.join(where, name)


def _matching(pattern: str) -> Iterator[str]:
    found = False
    for path in sorted(glob.iglob(pattern, recursive=True)):
        if os.path.isfile(path):
            found = True
            yield path
    if not found:
        raise InputError(f"no file matches '{pattern}'; '**' matches any number of folders")


def _listed(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as lines:
        for line in lines:
            name = line.strip()
            if name and not name.startswith("#"):
                yield str(path.parent / Path(name).expanduser())
