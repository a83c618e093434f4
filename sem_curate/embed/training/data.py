"""Rendered particles as training material: a few views of each, its family, and captions in two languages."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Ints
from sem_curate.embed.preprocess import letterbox, stretch
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent
from sem_curate.rendering.captions import CONCEPTS, captions, concepts
from sem_curate.rendering.conditions import CONDITIONS
from sem_curate.rendering.families import FAMILIES
from sem_curate.rendering.render import particle_seed, render_views
from sem_curate.rendering.truth import ParticleTruth

LANGUAGES: Final = ("ja", "en")
# Short tasks keep the bar moving and memory small.
CHUNK: Final = 64


@dataclass(frozen=True)
class TrainingSet:
    """P simulated particles with V views each.

    Attributes:
        images: (P, V, S, S) uint8, contrast already stretched.
        family: (P,) int64, index into ``FAMILIES``.
        texts: per particle, view and language, several captions of what that view shows.
    """

    images: NDArray[np.uint8]
    family: Ints
    texts: tuple[tuple[dict[str, list[str]], ...], ...]

    def __len__(self) -> int:
        """Return P."""
        return len(self.family)


def render_set(
    count: int, *, seed: int, views: int = 3, size: int = 96, workers: int = 1, progress: Progress = silent
) -> TrainingSet:
    """Render a training set; particle ``i`` depends on (seed, i) only.

    Args:
        count: P particles; families take turns.
        seed: of the set.
        views: V views per particle, drawn from the six conditions, up to one of them spoiled.
        size: S, image side in pixels.
        workers: processes.
        progress: called with particles done.

    Raises:
        InputError: when a number is out of range.
    """
    if count < 2 or not 2 <= views <= len(CONDITIONS) or workers < 1:
        raise InputError(
            f"a training set needs at least 2 particles, 2 to {len(CONDITIONS)} views and 1 worker; "
            f"got {count}, {views}, {workers}"
        )
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    render = partial(_render_chunk, seed=seed, views=views, size=size)
    parts: list[TrainingSet] = []
    # Not forked: a copy of a process with threads (torch, a database client) can wait for ever for their locks.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in pool.map(render, chunks):
            parts.append(part)
            progress(sum(map(len, parts)), count, "rendering")
    return _concatenate(parts)


def save(data: TrainingSet, folder: Path) -> None:
    """Write a training set for later runs."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", data.images)
    np.save(folder / "family.npy", data.family)
    temporary = folder / f"texts.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(data.texts, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, folder / "texts.json")  # last: its presence says that the set is complete


def load(folder: Path) -> TrainingSet:
    """Read what `save` wrote; images stay on disk until used.

    Raises:
        InputError: when the folder holds no complete set.
    """
    if not (folder / "texts.json").is_file():
        raise InputError(f"'{folder}' holds no training set")
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    images, family = np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "family.npy")
    return TrainingSet(images, family, tuple(map(tuple, texts)))


def _render_chunk(indices: Sequence[int], *, seed: int, views: int, size: int) -> TrainingSet:
    import cv2

    cv2.setNumThreads(1)  # one process per core already
    images = np.zeros((len(indices), views, size, size), np.uint8)
    family = np.array([index % len(FAMILIES) for index in indices], np.int64)
    texts = []
    for row, index in enumerate(indices):
        own = particle_seed(seed, index)
        rng = np.random.default_rng(own)
        names = [list(CONDITIONS)[slot] for slot in np.sort(rng.choice(len(CONDITIONS), views, replace=False))]
        particle = render_views(own, names, size=size, family=FAMILIES[family[row]], spoiled=int(rng.integers(0, 3)))
        for slot, name in enumerate(names):
            view = particle.views[name]
            if view is not None:
                images[row, slot] = np.round(255 * letterbox(stretch(view.image), size, size))
        texts.append(tuple({lang: _texts(particle.truth, name, lang, rng) for lang in LANGUAGES} for name in names))
    return TrainingSet(images, family, tuple(texts))


def _texts(truth: ParticleTruth, view: str, language: str, rng: np.random.Generator) -> list[str]:
    """Return sentences about one view, and bare words as people type them into a search box."""
    family, *others = concepts(truth, view)
    codes = [family, family, *rng.choice(others, size=min(1, len(others))).tolist()]
    words = [str(rng.choice(CONCEPTS[code][language])) for code in codes]
    return [*captions(truth, rng, language, view=view), *words]


def _concatenate(parts: Sequence[TrainingSet]) -> TrainingSet:
    return TrainingSet(
        images=np.concatenate([part.images for part in parts]),
        family=np.concatenate([part.family for part in parts]),
        texts=tuple(text for part in parts for text in part.texts),
    )
