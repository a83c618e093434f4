"""Every error this package raises on purpose.

::

    SemCurateError
    ├── InputError               what the user gave is wrong (file, manifest, argument)
    │   ├── PathNotAllowedError  a path leaves the allowed roots
    │   └── ImageReadError       one image file cannot be used; its ``code`` says in which way
    ├── SetupError               the machine lacks something (mongod, browser, plugin folder)
    │   └── DatabaseUnavailableError
    ├── EncoderError             an encoder cannot be built or does not fit
    │   └── UnknownEncoderError
    ├── StateError               the dataset is not ready for this step (no masters, not embedded)
    └── RegistryError            labels, master sets, history
        ├── UnknownLabelError
        ├── NameClashError
        └── ConflictError        somebody else changed it first; nothing was written

A message says how many, gives one example, and names the remedy. Catch all of them with::

    try:
        ...
    except SemCurateError as error:
        print(error)
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping


class SemCurateError(Exception):
    """Base of all deliberate errors; ``str(error)`` is fit to show to a user."""


class InputError(SemCurateError):
    """What the user gave cannot be used."""


class PathNotAllowedError(InputError):
    """A path resolves to a place outside the allowed roots."""


class ImageReadError(InputError):
    """One image file cannot be used; ``code`` is a short stable word for the kind of trouble."""

    def __init__(self, message: str, code: str = "unreadable") -> None:
        """Keep the message and the code."""
        super().__init__(message)
        self.code = code


class SetupError(SemCurateError):
    """The machine lacks something this step needs."""


class DatabaseUnavailableError(SetupError):
    """No MongoDB server could be started or reached."""


class EncoderError(SemCurateError):
    """An encoder cannot be built, or its output does not fit."""


class UnknownEncoderError(EncoderError):
    """No encoder goes by this name."""


class StateError(SemCurateError):
    """The dataset is not ready for this step."""


class RegistryError(SemCurateError):
    """A label, master set or history operation was refused."""


class UnknownLabelError(RegistryError):
    """No label goes by this id or name."""


class NameClashError(RegistryError):
    """Another active label already uses this name."""


class ConflictError(RegistryError):
    """Somebody else changed it first; nothing was written. ``standing`` is what they left, where that is known."""

    def __init__(self, message: str, standing: Mapping[str, object] | None = None) -> None:
        """Keep the message and what stands now."""
        super().__init__(message)
        self.standing = standing


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known name, or an empty string.

    >>> did_you_mean("qualty", ["quality", "embed"])
    " Did you mean 'quality'?"
    >>> did_you_mean("zzz", ["quality", "embed"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
