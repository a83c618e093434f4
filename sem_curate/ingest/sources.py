"""What the user has: a folder or a CSV manifest, turned into a listing of image files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sem_curate.errors import InputError
from sem_curate.ingest import folder, manifest
from sem_curate.ingest.listing import SourceListing
from sem_curate.ingest.problems import NOTICE, Problem

MANIFEST = "manifest.csv"  # in a folder, it says better than file names what is what


def read_source(
    source: str | Path, names: Sequence[str], *, roots: Sequence[Path] = (), pattern: str | None = None
) -> SourceListing:
    """Read a folder or a manifest. A folder with a ``manifest.csv`` is read by it, unless a pattern is given.

    Args:
        source: a folder, or a ``.csv`` file.
        names: view names of the dataset.
        roots: allowed folders besides the source's own.
        pattern: file-name pattern, for a folder only.

    Raises:
        InputError: when the source is neither, or the manifest as a whole cannot be used.
    """
    path = Path(source).expanduser()
    if os.path.isdir(path):  # unlike Path.is_dir, this does not raise where permission is lacking
        if pattern is None and os.path.isfile(path / MANIFEST):
            return _by_its_manifest(path / MANIFEST, names, roots)
        return folder.scan(path, names, roots=roots, pattern=pattern)
    if not os.path.exists(path):
        raise InputError(
            f"there is no folder or file '{source}', or it may not be read; give a folder of images or a CSV manifest"
        )
    if pattern is not None:
        raise InputError(f"'{source}' is a manifest and needs no pattern; leave --pattern out")
    return manifest.read(path, names, roots=roots)


def _by_its_manifest(path: Path, names: Sequence[str], roots: Sequence[Path]) -> SourceListing:
    listing = manifest.read(path, names, roots=roots)
    reason = "the folder was read by its own manifest; give --pattern to go by file names instead"
    return replace(listing, problems=(Problem(str(path), "", "", "manifest_used", reason, NOTICE), *listing.problems))


def own_root(source: str | Path) -> Path:
    """Return the folder that a source may always read from: itself, or the manifest's folder."""
    path = Path(source).expanduser().resolve()
    return path if os.path.isdir(path) else path.parent
