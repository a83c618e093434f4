"""Where files may be, and where ours go.

``SEM_CURATE_HOME`` (default ``~/.sem_curate``) holds vectors, display copies and demo data.
``SEM_CURATE_ROOTS`` (``os.pathsep`` separated) lists the folders that App operators may read images from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sem_curate.errors import PathNotAllowedError


def home() -> Path:
    """Return the data folder of this installation (not created here)."""
    return Path(os.environ.get("SEM_CURATE_HOME", "~/.sem_curate")).expanduser().resolve()


def environment_roots() -> tuple[Path, ...]:
    """Return the folders named in ``SEM_CURATE_ROOTS``, resolved."""
    listed = os.environ.get("SEM_CURATE_ROOTS", "").split(os.pathsep)
    return tuple(Path(item).expanduser().resolve() for item in listed if item)


def is_within(path: Path, roots: Iterable[Path]) -> bool:
    """Tell whether ``path``, symbolic links resolved, lies in one of the (already resolved) roots."""
    real = Path(os.path.realpath(path))
    return any(real == root or root in real.parents for root in roots)


def resolve_within(path: str | Path, roots: Sequence[Path]) -> Path:
    """Resolve ``path`` and refuse it when it leaves every allowed root.

    Args:
        path: a user-given path; a relative one is taken from the first root.
        roots: resolved folders.

    Raises:
        PathNotAllowedError: naming the path and the allowed roots.
    """
    given = Path(path).expanduser()
    real = Path(os.path.realpath(given if given.is_absolute() or not roots else roots[0] / given))
    if not is_within(real, roots):
        allowed = ", ".join(str(root) for root in roots) or "none"
        raise PathNotAllowedError(f"'{path}' is outside the allowed folders ({allowed}); add its folder with --root")
    return real
