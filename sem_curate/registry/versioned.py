"""Models of a dataset in immutable numbered versions, one of which may be in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mongoengine import Document
from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import choices
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import ensure_indexes

View = TypeVar("View")


@dataclass(frozen=True)
class Versions(Generic[View]):
    """The versions of one kind of model.

    Attributes:
        document: a class with the fields ``dataset_id`` and ``version``, unique together.
        view: from a document to what callers see.
        setting: where the dataset's record says which version is in force, ``{"version"}``; None is "none of them".
        what: the kind of model, with its article, for messages.
        command: what makes one, for messages.
    """

    document: type[Document]
    view: Callable[[Any], View]
    setting: str
    what: str
    command: str

    def every(self, dataset_id: str) -> list[View]:
        """Return every version, oldest first."""
        connect()
        return [self.view(found) for found in self.document.objects(dataset_id=dataset_id).order_by("version")]

    def number(self, dataset_id: str) -> int | None:
        """Return the number of the version in force, None without one."""
        return choices.chosen(dataset_id, self.setting).get("version")

    def in_force(self, dataset_id: str) -> View | None:
        """Return the version in force, None without one."""
        version = self.number(dataset_id)
        if version is None:
            return None
        found = self.document.objects(dataset_id=dataset_id, version=version).first()
        return self.view(found) if found else None

    def add(self, dataset_id: str, same: Mapping[str, Any], **rest: Any) -> View:
        """Store the next version without putting it in force; the same as the newest one returns that one.

        Args:
            dataset_id: whose.
            same: the values that make a version another one.
            **rest: its other values.

        Raises:
            ConflictError: when another version was stored in the same moment.
        """
        ensure_indexes()
        newest = self.document.objects(dataset_id=dataset_id).order_by("-version").first()
        if newest is not None and all(getattr(newest, name) == value for name, value in same.items()):
            return self.view(newest)
        number = newest.version + 1 if newest else 1
        made = self.document(dataset_id=dataset_id, version=number, **same, **rest)
        try:
            made.save(force_insert=True)
        except NotUniqueError:
            raise ConflictError(f"{self.what} was stored by somebody else in the same moment; try again") from None
        return self.view(made)

    def activate(self, dataset_id: str, version: int | None, *, by: str, reason: str = "") -> None:
        """Put a version in force, or none of them with None; who, when and why is kept (:meth:`activations`).

        Raises:
            InputError: when there is no such version.
        """
        connect()
        known = list(self.document.objects(dataset_id=dataset_id).order_by("version").scalar("version"))
        if version is not None and version not in known:
            listed = ", ".join(map(str, known)) or f"none yet; make one with: {self.command} --dataset NAME"
            kind = self.what.split(" ", 1)[1]
            raise InputError(f"there is no {kind} {version}; known versions: {listed}")
        choices.choose(dataset_id, self.setting, {"version": version}, by=by, reason=reason)

    def activations(self, dataset_id: str) -> list[dict[str, Any]]:
        """Return every activation, oldest first: ``{"version", "by", "at", "reason"}``."""
        return choices.log(dataset_id, self.setting)
