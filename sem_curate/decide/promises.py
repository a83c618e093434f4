"""What the user asks for: at most alpha wrong at a risk of delta, kept with the dataset."""

from __future__ import annotations

from typing import Final

import fiftyone as fo

from sem_curate import dataset
from sem_curate.decide.certificate import Promise
from sem_curate.errors import InputError
from sem_curate.registry import datasets

PROMISE: Final = "promise"  # in the settings of the dataset's record


def promise_of(ds: fo.Dataset) -> Promise:
    """Return what the user asked for: at most alpha wrong, at a risk of delta; 5 % and 10 % by default."""
    kept = dataset.record(ds).settings.get(PROMISE) or {}
    return Promise(**kept) if kept else Promise()


def set_promise(ds: fo.Dataset, promise: Promise) -> None:
    """Remember what the user asks for."""
    datasets.change_settings(dataset.dataset_id(ds), {PROMISE: {"alpha": promise.alpha, "delta": promise.delta}})


def asked(ds: fo.Dataset, alpha: float | None, delta: float | None) -> Promise:
    """Return the promise in force with what is given changed in it.

    Raises:
        InputError: a share outside ]0, 1[.
    """
    kept = promise_of(ds)
    try:
        return Promise(kept.alpha if alpha is None else alpha, kept.delta if delta is None else delta)
    except ValueError as error:
        raise InputError(f"{error}; 0.02 means 2 %") from None
