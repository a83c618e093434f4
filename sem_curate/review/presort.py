"""Sorting what has to be looked at again into bundles that are judged alike. Pure.

Letters: N particles, P parts of a split label, D length of text-image vectors, E of those of the decision lane.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from sem_curate.arrays import Bools, Floats, Ints, unit_rows

SIZE: Final = 60  # particles of a bundle: what fits one screen of thumbnails
SEED: Final = 0


@dataclass(frozen=True)
class Group:
    """Rows judged together, most typical first: the part they seem to be (-1 = nobody can say), and a cluster."""

    part: int
    cluster: int
    rows: tuple[int, ...]


def suggest(images: Floats, texts: Floats, known: Bools) -> Ints:
    """Return the part whose description fits each particle best, relative to the other particles.

    Texts differ in how well they fit pictures at all, so a cosine counts by how far it is above what this text reaches
    on average here (as the zero-shot tags of ``search.opinion`` do).

    Args:
        images: (N, D) unit rows of the text-image model; anything where not ``known``.
        texts: (P, D) unit rows, one per part.
        known: (N,) particles that have a vector.

    Returns:
        (N,) int64 index of a part, -1 where not known or where there are no texts.
    """
    found = np.full(len(images), -1, np.int64)
    if not known.any() or not len(texts):
        return found
    cosines = images[known] @ texts.T
    spread = cosines.std(axis=0)
    scaled = (cosines - cosines.mean(axis=0)) / np.where(spread > 1e-7, spread, 1)
    found[known] = scaled.argmax(axis=1)
    return found


def groups(part: Ints, vectors: Floats, *, size: int = SIZE) -> list[Group]:
    """Cut particles into bundles: by suggested part, then by likeness.

    Args:
        part: (N,) from :func:`suggest`.
        vectors: (N, E) unit rows of the decision lane; zero rows where there is none.
        size: the most particles of a bundle.

    Returns:
        Bundles, those of a part together, large clusters in several bundles; every row stands in exactly one.
    """
    made: list[Group] = []
    for number in sorted(set(part.tolist()), key=lambda one: (one < 0, one)):
        rows = np.flatnonzero(part == number)
        cluster = clusters(vectors[rows], max(1, round(len(rows) / size)))
        for one in range(int(cluster.max()) + 1):
            members = rows[cluster == one]
            centre = unit_rows(vectors[members].mean(axis=0))
            ordered = members[np.argsort(-(vectors[members] @ centre), kind="stable")]
            made += [
                Group(number, len(made) + start // size, tuple(ordered[start : start + size].tolist()))
                for start in range(0, len(ordered), size)
            ]
    return made


def clusters(vectors: Floats, count: int) -> Ints:
    """Return (N,) cluster numbers from 0 without gaps: k-means on unit rows, the same each time."""
    if count <= 1 or len(vectors) <= count:
        return np.zeros(len(vectors), np.int64)
    with warnings.catch_warnings():  # fewer distinct rows than clusters is no trouble here
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(count, n_init=1, random_state=SEED).fit_predict(vectors)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def mean_rows(vectors: Floats, present: Bools) -> Floats:
    """Return (N, D) unit means of the present views of (N, V, D); zero rows where nothing is present."""
    return unit_rows(np.where(present[:, :, None], vectors, 0).sum(axis=1))


def described(names: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct, non-empty phrases that describe a label.

    >>> described(["rod", ""], ["rod", "long"])
    ('rod', 'long')
    """
    return tuple(dict.fromkeys(one for one in (*names, *texts) if one))
