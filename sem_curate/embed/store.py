"""Vectors on disk: append-only rows, keyed by the content of the image they belong to.

``vectors.f32`` holds raw float32 rows, ``index.sqlite`` says which content hash owns which row, ``encoder.json``
says who made them. Rows are on disk before the index mentions them, so a killed process leaves at most rows that
nobody owns; the next opening cuts them off. SQLite's write lock also guards the vector file, so any number of
processes may append to one store.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate import paths
from sem_curate.arrays import Bools, Floats
from sem_curate.errors import StateError

VECTORS: Final = "vectors.f32"
INDEX: Final = "index.sqlite"
META: Final = "encoder.json"
# SQLite refuses statements with more than 999 placeholders on older builds.
CHUNK: Final = 900
# An append of one batch takes milliseconds; a minute of waiting means that somebody hangs.
LOCK_SECONDS: Final = 60.0


class VectorStore:
    """Content hash -> vector, on disk."""

    def __init__(self, folder: Path, *, dim: int | None = None, meta: Mapping[str, Any] | None = None) -> None:
        """Open or create a store, and cut off what a killed writer left behind.

        Args:
            folder: created when it does not exist.
            dim: D; may be left out for an existing store.
            meta: who makes the vectors; JSON values, saved once.

        Raises:
            StateError: no store here and no ``dim`` given, another ``dim``, other weights or preprocessing than before,
                or an unreadable ``encoder.json``.
        """
        self.folder = Path(folder)
        self.meta = self._settle_meta(dim, dict(meta or {}))
        self.dim = int(self.meta["dim"])
        with self._writing() as index:
            index.execute("CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, row INTEGER NOT NULL UNIQUE)")
            self._reconcile(index)

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        with self._reading() as index:
            return int(index.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])

    def missing(self, hashes: Sequence[str]) -> list[str]:
        """Return the distinct hashes that have no vector yet, in the order given."""
        known = self._rows(hashes)
        return [content for content in dict.fromkeys(hashes) if content not in known]

    def append(self, hashes: Sequence[str], vectors: Floats) -> int:
        """Add vectors; hashes that are already stored keep their first vector.

        Args:
            hashes: B content hashes.
            vectors: (B, D) finite floats.

        Returns:
            How many were new.

        Raises:
            ValueError: when the shape is not (B, D) or a number is not finite; nothing is stored.
        """
        rows = np.asarray(vectors, dtype="<f4")
        if rows.shape != (len(hashes), self.dim):
            raise ValueError(f"vectors must have shape ({len(hashes)}, {self.dim}); got {rows.shape}")
        if not np.isfinite(rows).all():
            bad = int((~np.isfinite(rows)).any(axis=1).argmax())
            raise ValueError(
                f"vectors hold NaN or infinity (first in row {bad}, image {hashes[bad]!r}); nothing stored"
            )
        with self._writing() as index:
            start = self._reconcile(index)
            known = self._rows(hashes, index)
            first = {content: at for at, content in reversed(list(enumerate(hashes))) if content not in known}
            fresh = sorted(first, key=first.__getitem__)
            self._write_rows(rows[[first[content] for content in fresh]])
            index.executemany("INSERT INTO vectors VALUES (?, ?)", zip(fresh, range(start, start + len(fresh))))  # noqa: B905
        return len(fresh)

    def get(self, hashes: Sequence[str]) -> tuple[Floats, Bools]:
        """Read vectors through a memory map: only the asked rows are read.

        Args:
            hashes: N content hashes, repeats allowed.

        Returns:
            (N, D) float32, zero where not found, and (N,) bool found.
        """
        vectors = np.zeros((len(hashes), self.dim), np.float32)
        known = self._rows(hashes)
        rows = np.array([known.get(content, -1) for content in hashes], dtype=np.int64)
        found: Bools = rows >= 0
        if found.any():
            file_rows = (self.folder / VECTORS).stat().st_size // self._row_bytes
            mapped = np.memmap(self.folder / VECTORS, dtype="<f4", mode="r", shape=(file_rows, self.dim))
            vectors[found] = mapped[rows[found]]
        return vectors, found

    @property
    def _row_bytes(self) -> int:
        return 4 * self.dim

    def _settle_meta(self, dim: int | None, meta: dict[str, Any]) -> dict[str, Any]:
        path = self.folder / META
        if not path.exists():
            if dim is None:
                raise StateError(f"no vectors at '{self.folder}'; run the embed stage first")
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps({**meta, "dim": int(dim)}, ensure_ascii=False, indent=2), encoding="utf-8")
            os.replace(temporary, path)
        try:
            saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            stored = int(saved["dim"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"'{path}' is damaged ({error}); delete the folder and embed again") from error
        if dim is not None and dim != stored:
            raise StateError(
                f"'{self.folder}' holds vectors of length {stored}; the encoder gives {dim}. Vectors of different "
                f"encoders are never mixed: delete the folder and embed again, or use the encoder it was made with"
            )
        _check_same_maker(self.folder, saved, meta)
        return saved

    def _reconcile(self, index: sqlite3.Connection) -> int:
        """Make file and index agree, under the write lock; return the number of the next row."""
        path = self.folder / VECTORS
        path.touch()
        # A file shorter than its index was damaged from outside; those images must be embedded again.
        index.execute("DELETE FROM vectors WHERE row >= ?", (path.stat().st_size // self._row_bytes,))
        count = int(index.execute("SELECT COALESCE(MAX(row) + 1, 0) FROM vectors").fetchone()[0])
        if path.stat().st_size != count * self._row_bytes:
            os.truncate(path, count * self._row_bytes)
        return count

    def _write_rows(self, rows: Floats) -> None:
        with (self.folder / VECTORS).open("ab") as file:
            file.write(np.ascontiguousarray(rows).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _rows(self, hashes: Sequence[str], index: sqlite3.Connection | None = None) -> dict[str, int]:
        if index is None:
            with self._reading() as own:
                return self._rows(hashes, own)
        wanted, known = list(dict.fromkeys(hashes)), dict[str, int]()
        for at in range(0, len(wanted), CHUNK):
            part = wanted[at : at + CHUNK]
            marks = ",".join("?" * len(part))
            known.update(index.execute(f"SELECT hash, row FROM vectors WHERE hash IN ({marks})", part))
        return known

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.folder / INDEX, timeout=LOCK_SECONDS)) as index:
            yield index

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the store's write lock; commit at the end, or change nothing."""
        with closing(sqlite3.connect(self.folder / INDEX, timeout=LOCK_SECONDS, isolation_level=None)) as index:
            index.execute("PRAGMA synchronous = FULL")
            index.execute("BEGIN IMMEDIATE")
            try:
                yield index
            except BaseException:
                index.execute("ROLLBACK")
                raise
            index.execute("COMMIT")


def _check_same_maker(folder: Path, saved: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Refuse to mix vectors of different weights or preprocessing in one store; a name alone may differ."""
    for field, what in (("key", "encoder"), ("weights", "weights"), ("preprocessing_hash", "preprocessing")):
        if field in saved and field in meta and saved[field] != meta[field]:
            raise StateError(
                f"'{folder}' holds vectors made with other {what} ({saved[field]}) than the encoder's ({meta[field]}); "
                f"delete the folder and embed again, or use the encoder '{saved.get('id', '?')}'"
            )


def store_folder(encoder_key: str) -> Path:
    """Return where the vectors of one encoder are kept (perhaps not yet)."""
    return paths.home() / "vectors" / encoder_key


def open_store(encoder_key: str, *, dim: int | None = None, meta: Mapping[str, Any] | None = None) -> VectorStore:
    """Open this installation's store of one encoder; with ``dim``, create it when needed.

    Raises:
        StateError: nothing was embedded with this encoder yet.
    """
    return VectorStore(store_folder(encoder_key), dim=dim, meta=meta)


def gather(store: VectorStore, hashes: Sequence[Sequence[str | None]]) -> tuple[Floats, Bools]:
    """Read the vectors of whole particles.

    Args:
        store: where the vectors are.
        hashes: N rows of V content hashes; None where the particle has no such view.

    Returns:
        (N, V, D) float32, zero where absent, and (N, V) bool present.

    Raises:
        ValueError: when the rows differ in length.
    """
    widths = {len(row) for row in hashes}
    if len(widths) > 1:
        raise ValueError(f"every particle needs the same number of view slots; got {sorted(widths)}")
    views = widths.pop() if widths else 0
    slots = [(row, view) for row, line in enumerate(hashes) for view, content in enumerate(line) if content]
    vectors = np.zeros((len(hashes), views, store.dim), np.float32)
    present = np.zeros((len(hashes), views), np.bool_)
    if slots:
        at = tuple(np.array(slots).T)
        vectors[at], present[at] = store.get([hashes[row][view] or "" for row, view in slots])
    return vectors, present
