"""Where ``sem-curate train clip`` gets images and texts: rendered particles, or own images with a manifest."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Ints
from sem_curate.embed.preprocess import letterbox, stretch
from sem_curate.embed.training.lessons import HELD_OUT, MOST_HELD_OUT, Lesson, Rendered, Rng, every_phrase
from sem_curate.errors import ImageReadError, InputError
from sem_curate.ingest.readers import read_grey
from sem_curate.progress import Progress, silent
from sem_curate.rendering.captions import CONCEPTS, concepts
from sem_curate.rendering.conditions import CONDITIONS
from sem_curate.rendering.families import FAMILIES
from sem_curate.rendering.render import particle_seed, render_views

FIRST_SEED: Final = 1_000_000  # benchmarks render seeds below
CHUNK: Final = 64
# Of six views up to so many are spoiled: twice as many as in the demo, so that rare faults are seen often enough.
MOST_SPOILED: Final = 4
MANIFEST: Final = "manifest.csv"
SEPARATOR: Final = "|"
FEWEST: Final = 8


class Captioned:
    """Own images, each with one or more texts; a text is true of the images that carry it, and of no other."""

    def __init__(self, images: NDArray[np.uint8], captions: Sequence[Sequence[str]]) -> None:
        """Keep them in a shuffled order that does not change, so that the held-out ones are a fair sample.

        Args:
            images: (N, S, S) uint8.
            captions: N lists of texts, none empty.
        """
        order = np.random.default_rng(0).permutation(len(images))
        self.images = images[order]
        self._captions = [tuple(captions[row]) for row in order]
        self.held = max(1, min(round(HELD_OUT * len(images)), MOST_HELD_OUT))

    def draw(self, count: int, rng: Rng) -> Ints:
        """Return (B,) images that are not held out, each once."""
        free = len(self.images) - self.held
        return np.asarray(self.held + np.sort(rng.choice(free, min(count, free), replace=False)), dtype=np.int64)

    def lesson(self, rows: Ints, rng: Rng, *, changed: bool) -> Lesson:
        """Return one text of each image; equal texts are one."""
        drawn = [self._captions[row][int(rng.integers(len(self._captions[row])))] for row in rows.tolist()]
        return self._lesson(rows.tolist(), list(dict.fromkeys(drawn)))

    def exam(self) -> Lesson:
        """Return all texts of the held-out images."""
        rows = range(self.held)
        return self._lesson(rows, list(dict.fromkeys(text for row in rows for text in self._captions[row])))

    def texts(self) -> list[str]:
        """Return the captions, and the words that this project knows for what the renderer shows."""
        return [*dict.fromkeys(text for texts in self._captions for text in texts), *every_phrase()]

    def _lesson(self, rows: Sequence[int], texts: list[str]) -> Lesson:
        truth = np.array([[text in self._captions[row] for text in texts] for row in rows], dtype=np.bool_)
        return Lesson(texts, truth, np.ones_like(truth))


def rendered(
    folder: Path, count: int, *, seed: int, views: int, size: int, workers: int = 1, progress: Progress = silent
) -> Rendered:
    """Render particles into a folder, or take what an earlier call left there.

    Args:
        folder: receives ``images.npy`` (P, V, S, S) and ``facts.npy`` (P, V, K).
        count: P; families take turns.
        seed: of the set.
        views: V per particle, drawn from the six conditions.
        size: S, image side in pixels.
        workers: processes.
        progress: called with particles done.

    Raises:
        InputError: when a number is out of range, or the folder holds another set.
    """
    if count < FEWEST or not 1 <= views <= len(CONDITIONS):
        raise InputError(f"training needs at least {FEWEST} particles and 1 to 6 views; got {count}, {views}")
    shape = (count, views, size, size)
    if not (folder / "facts.npy").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _render(folder, shape, seed, workers, progress)
    images, facts = np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "facts.npy")
    if images.shape != shape or facts.shape != (count, views, len(CONCEPTS)):
        raise InputError(
            f"'{folder}' holds {images.shape[0]} particles with {images.shape[1]} views of {images.shape[2]} px, not "
            f"{count} with {views} of {size}; give the same numbers or another --data"
        )
    return Rendered(images, facts)


def _render(folder: Path, shape: tuple[int, int, int, int], seed: int, workers: int, progress: Progress) -> None:
    temporary = folder / f"images.{os.getpid()}.tmp"
    images, facts = np.lib.format.open_memmap(temporary, "w+", np.uint8, shape), list[Bools]()
    chunks = [range(start, min(start + CHUNK, shape[0])) for start in range(0, shape[0], CHUNK)]
    render = partial(_render_chunk, seed=seed, views=shape[1], size=shape[2])
    # Not forked: a copy of a process with threads can wait for ever for their locks.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for chunk, (shown, true) in zip(chunks, pool.map(render, chunks), strict=True):
            images[chunk.start : chunk.stop] = shown
            facts.append(true)
            progress(chunk.stop, shape[0], "rendering")
    images.flush()
    os.replace(temporary, folder / "images.npy")
    np.save(folder / "facts.npy", np.concatenate(facts))  # last: its presence says that the set is complete


def _render_chunk(indices: Sequence[int], *, seed: int, views: int, size: int) -> tuple[NDArray[np.uint8], Bools]:
    import cv2

    cv2.setNumThreads(1)  # one process per core already
    at = {code: column for column, code in enumerate(CONCEPTS)}
    images = np.zeros((len(indices), views, size, size), np.uint8)
    facts = np.zeros((len(indices), views, len(CONCEPTS)), np.bool_)
    for row, index in enumerate(indices):
        own = particle_seed(FIRST_SEED + seed, index)
        rng = np.random.default_rng(own)
        names = [list(CONDITIONS)[slot] for slot in np.sort(rng.choice(len(CONDITIONS), views, replace=False))]
        spoiled = int(rng.integers(0, MOST_SPOILED + 1))
        particle = render_views(own, names, size=size, family=FAMILIES[index % len(FAMILIES)], spoiled=spoiled)
        for slot, name in enumerate(names):
            view = particle.views[name]
            if view is not None:
                images[row, slot] = np.round(255 * letterbox(stretch(view.image), size, size))
                facts[row, slot, [at[code] for code in concepts(particle.truth, name) if code in at]] = True
    return images, facts


def own(folder: Path, *, size: int, progress: Progress = silent) -> tuple[Captioned, int]:
    """Read own images with their texts.

    Args:
        folder: with a ``manifest.csv`` of the columns ``filepath`` and ``captions``; several captions are separated
            by ``|``, in any language; tags and class names are captions too.
        size: S, image side in pixels.
        progress: called with images read.

    Returns:
        The images with texts, and how many could not be read.

    Raises:
        InputError: on a missing manifest or too few images with texts.
    """
    rows = _manifest(folder)
    images, captions, failed, reason = list[NDArray[np.uint8]](), list[list[str]](), 0, ""
    for number, (file, texts) in enumerate(rows):
        try:
            images.append(np.round(255 * letterbox(stretch(read_grey(file)), size, size)).astype(np.uint8))
            captions.append(texts)
        except (ImageReadError, ValueError) as error:
            failed, reason = failed + 1, reason or str(error)
        progress(number + 1, len(rows), "reading")
    if len(images) < FEWEST or len({text for texts in captions for text in texts}) < 2:
        raise InputError(
            f"'{folder}' has {len(images)} readable images with captions, {failed} could not be read "
            f"({reason or '-'}); training needs at least {FEWEST}, and two different captions"
        )
    return Captioned(np.stack(images), captions), failed


def _manifest(folder: Path) -> list[tuple[Path, list[str]]]:
    try:
        with (folder / MANIFEST).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"own images need '{folder / MANIFEST}' with the columns filepath and captions") from error
    if not rows or not {"filepath", "captions"} <= set(rows[0]):
        raise InputError(f"'{folder / MANIFEST}' needs the columns filepath and captions")
    split = [(row, [text.strip() for text in (row["captions"] or "").split(SEPARATOR)]) for row in rows]
    return [(folder / row["filepath"], [text for text in texts if text]) for row, texts in split if any(texts)]
