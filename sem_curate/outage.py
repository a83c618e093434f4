"""Telling people that the database went away, in one sentence with the remedy. Knows pymongo by name only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sem_curate import messages
from sem_curate.errors import DatabaseUnavailableError


def as_error(error: BaseException) -> DatabaseUnavailableError | None:
    """Return what to tell when ``error`` means that the server is gone or did not confirm; None for any other error."""
    lineage = {f"{cls.__module__.split('.')[0]}.{cls.__name__}" for cls in type(error).__mro__}
    if not lineage & {"pymongo.ConnectionFailure", "pymongo.NotPrimaryError", "pymongo.WTimeoutError"}:
        return None
    reason = str(error).split(" (configured timeouts")[0].split(", Timeout:")[0][:200]
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    language = "ja" if locale.lower().startswith("ja") else "en"
    return DatabaseUnavailableError(messages.text("database.gone", language).format(reason=reason))


@contextmanager
def told() -> Iterator[None]:
    """Turn the loss of the database within the block into :class:`DatabaseUnavailableError`."""
    try:
        yield
    except Exception as error:
        gone = as_error(error)
        if gone is None:
            raise
        raise gone from error
