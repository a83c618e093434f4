"""One npz of any number of vectors, written without holding them: the array files inside are streamed into the zip."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from sem_curate.arrays import Floats
from sem_curate.errors import InputError

PROVENANCE: Final = ("id", "key", "weights", "preprocessing_hash", "preprocessing")
ROWS: Final = 4096  # written at a time


def write(
    out: Path,
    *,
    count: int,
    dim: int,
    longest: int,
    paths: Iterable[Sequence[str]],
    vectors: Iterable[Floats],
    provenance: Mapping[str, Any],
    skipped: Sequence[tuple[str, str]],
) -> Path:
    """Write the npz beside its final name, then move it there.

    Args:
        out: ``.npz`` is added when missing.
        count: N, rows.
        dim: D, vector length.
        longest: characters of the longest path.
        paths: N paths, in blocks.
        vectors: (N, D) float32, in blocks.
        provenance: of the encoder; its values become the arrays ``encoder``, ``key``, ``weights``, ``preprocessing``.
        skipped: (path, reason) of what has no vector; the arrays ``skipped`` and ``reason``.

    Returns:
        The path written; ``filepath`` (N,) text and ``vectors`` (N, D) float32 are its main arrays.
    """
    target = out if out.suffix == ".npz" else out.with_name(out.name + ".npz")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.part.npz")
    text = f"<U{max(1, longest)}"
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        _stream(archive, "filepath", (count,), text, (np.array(block, text).tobytes() for block in paths))
        _stream(archive, "vectors", (count, dim), "<f4", (np.asarray(b, "<f4").tobytes() for b in vectors))
        for name, values in (("skipped", [path for path, _ in skipped]), ("reason", [why for _, why in skipped])):
            _member(archive, name, np.array(values, np.str_))
        for name, value in _identity(provenance).items():
            _member(archive, name, np.array(value))
    temporary.replace(target)
    return target


def check_target(out: Path, key: str, dim: int) -> None:
    """Refuse to replace vectors of another encoder.

    Raises:
        InputError: when ``out`` holds vectors with another key.
    """
    target = out if out.suffix == ".npz" else out.with_name(out.name + ".npz")
    if not target.is_file():
        return
    try:
        with np.load(target) as saved:
            before, length = str(saved["key"]), int(saved["vectors"].shape[1])
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise InputError(
            f"'{target}' exists and holds no vectors of ours; choose another --out, or --overwrite"
        ) from error
    if before != key:
        raise InputError(
            f"'{target}' holds vectors of length {length} from '{before}', and '{key}' gives length {dim}; "
            f"they must not be mixed: choose another --out, or --overwrite"
        )


def blocks(lines: IO[str]) -> Iterator[list[list[str]]]:
    """Read a spool of JSON lines in blocks of :data:`ROWS`."""
    lines.seek(0)
    block: list[list[str]] = []
    for line in lines:
        block.append(json.loads(line))
        if len(block) == ROWS:
            yield block
            block = []
    if block:
        yield block


def _identity(provenance: Mapping[str, Any]) -> dict[str, str]:
    named = {"encoder" if name == "id" else name: provenance.get(name, "") for name in PROVENANCE}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in named.items()}


def _stream(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: str, parts: Iterable[bytes]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_2_0(member, {"descr": kind, "fortran_order": False, "shape": shape})
        for part in parts:
            member.write(part)


def _member(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    with archive.open(f"{name}.npy", "w") as member:
        np.lib.format.write_array(member, array, allow_pickle=False)
