"""What self-distillation learns from: sources of views, each with its share of every batch, and own image folders."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Ints
from sem_curate.embed.preprocess import letterbox, stretch
from sem_curate.errors import ImageReadError, InputError
from sem_curate.ingest.readers import read_grey
from sem_curate.progress import Progress, silent

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
MANIFEST: Final = "manifest.csv"
MOST_VIEWS: Final = 6
HELD_OUT: Final = 0.04  # of each source, to see whether training still helps
MOST_HELD_OUT: Final = 256
FEWEST: Final = 8  # things a source must have: fewer give no contrast


@dataclass(frozen=True)
class Source:
    """P things with V views each; a thing is a particle, a texture, or one image seen V = 1 time.

    Attributes:
        name: for the model card.
        images: (P, V, S, S) uint8; may lie on disk.
        share: of each batch, relative to the other sources.
        family: (P,) int64 index into the rendered families, or None where nobody knows.
    """

    name: str
    images: NDArray[np.uint8]
    share: float = 1.0
    family: Ints | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be learnt from."""
        if len(self.images) < FEWEST or self.share <= 0:
            raise InputError(
                f"training needs at least {FEWEST} different things and a positive share of '{self.name}'; "
                f"got {len(self.images)} and {self.share:g}; add images"
            )


@dataclass(frozen=True)
class Batch:
    """Two views of each of B things.

    Attributes:
        first: (B, S, S) uint8.
        second: (B, S, S) uint8, the same things as in ``first``.
        family: (B,) int64, -1 where unknown.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    family: Ints


def pick(sources: Sequence[Source], size: int, rng: np.random.Generator) -> Batch:
    """Draw a batch; each source gives its share, never a thing twice, and never a held-out one.

    Args:
        sources: with images of one side.
        size: B; less when the sources are small.
        rng: decides everything, so a batch depends on nothing that was drawn before.
    """
    total = sum(source.share for source in sources)
    parts = [_draw(source, max(2, round(size * source.share / total)), rng) for source in sources]
    return Batch(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def held_out(sources: Sequence[Source]) -> Batch:
    """Return two views of the things that `pick` never draws; of single images the same one twice."""
    parts = [_pairs(source, np.arange(_held(source)), np.array([[0, -1]] * _held(source))) for source in sources]
    return Batch(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def read_folder(folder: Path, into: Path, *, size: int, progress: Progress = silent) -> tuple[NDArray[Any], int]:
    """Read own images: a folder, or one whose ``manifest.csv`` (filepath, particle_id) says what belongs together.

    Args:
        folder: searched at any depth. Without a manifest every image is a thing of its own.
        into: a ``.npy`` file that receives the prepared images, so that they need not fit into memory.
        size: S, image side in pixels.
        progress: called with things read.

    Returns:
        (P, V, S, S) uint8 on disk, contrast stretched and letterboxed, and how many files could not be read. Things
        with fewer than V views repeat theirs.

    Raises:
        InputError: when the folder holds too few readable images.
    """
    groups = _groups(folder)
    if len(groups) < FEWEST:
        raise InputError(f"'{folder}' shows {len(groups)} different things; training needs at least {FEWEST} images")
    views = min(MOST_VIEWS, max(map(len, groups)))
    into.parent.mkdir(parents=True, exist_ok=True)
    temporary = into.with_name(f"{into.name}.{os.getpid()}.tmp")
    prepared = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(groups), views, size, size))
    kept, failed, reason = 0, 0, ""
    for number, files in enumerate(groups):
        seen = []
        for file in files[:views]:
            try:
                seen.append(np.round(255 * letterbox(stretch(read_grey(file)), size, size)).astype(np.uint8))
            except (ImageReadError, ValueError) as error:
                failed, reason = failed + 1, reason or str(error)
        if seen:
            prepared[kept] = np.stack([seen[view % len(seen)] for view in range(views)])
            kept += 1
        progress(number + 1, len(groups), "reading")
    prepared.flush()
    if kept < FEWEST:
        temporary.unlink()
        raise InputError(
            f"{failed} images in '{folder}' cannot be read, {kept} can ({reason}); training needs {FEWEST}"
        )
    os.replace(temporary, into)
    return np.load(into, mmap_mode="r")[:kept], failed


def _groups(folder: Path) -> list[list[Path]]:
    """Return the files of each thing, in the same order on every machine."""
    if not (folder / MANIFEST).is_file():
        return [[path] for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    with (folder / MANIFEST).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"filepath", "particle_id"} <= set(rows[0]):
        raise InputError(f"'{folder / MANIFEST}' needs the columns filepath and particle_id")
    groups: dict[str, list[Path]] = {}
    for row in rows:
        groups.setdefault(row["particle_id"], []).append(folder / row["filepath"])
    return [groups[key] for key in sorted(groups)]


def _held(source: Source) -> int:
    return int(np.clip(round(HELD_OUT * len(source.images)), 2, MOST_HELD_OUT))


def _draw(source: Source, count: int, rng: np.random.Generator) -> tuple[Any, Any, Ints]:
    first = _held(source)
    free = len(source.images) - first
    rows = first + np.sort(rng.choice(free, min(count, free), replace=False))
    views = source.images.shape[1]
    chosen = np.stack([np.resize(rng.permutation(views), 2) for _ in rows])
    return _pairs(source, rows, chosen)


def _pairs(source: Source, rows: NDArray[np.int64], views: NDArray[np.int64]) -> tuple[Any, Any, Ints]:
    family = np.full(len(rows), -1, np.int64) if source.family is None else source.family[rows]
    return source.images[rows, views[:, 0]], source.images[rows, views[:, 1]], family
