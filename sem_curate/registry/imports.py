"""Imports in the history: one event per ingest that changed something.

While an ingest runs its counts are noted before each batch is written, so that a killed one is not forgotten: the next
ingest of the same source goes on with the note, under the same request, and its event counts both. What a kill
interrupted is at most one batch, which is then counted twice.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sem_curate.registry import records
from sem_curate.registry.connection import connect, journaled
from sem_curate.registry.documents import DatasetRecord, now
from sem_curate.registry.fold import EventView

IMPORT: Final = "import"
OPEN: Final = "imports_open"  # setting of a dataset: {source key: {"request_id", "source", "by", "counts", "at"}}
WORDS: Final = {
    "particles_new": "new particles", "views_new": "new views", "views_changed": "changed views",
    "views_moved": "moved views", "placeholders": "placeholders", "metadata_updated": "views with other metadata",
    "labels_updated": "particles with another manifest label",
}  # fmt: skip


@dataclass
class Journal:
    """The import that is going on: from where, by whom, and what it changed so far."""

    dataset_id: str
    source: str
    by: str
    request_id: str
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, changes: Mapping[str, int]) -> None:
        """Count what the next batch will change, before it is written."""
        if not any(changes.values()):
            return
        self.counts.update(changes)
        kept = {
            "request_id": self.request_id, "source": self.source, "by": self.by, "counts": dict(self.counts),
            "at": now(),
        }  # fmt: skip
        journaled(DatasetRecord).update_one({"_id": self.dataset_id}, {"$set": {self._place: kept}})

    def close(self) -> EventView | None:
        """Store the event, if anything changed; the same request again changes nothing."""
        made = None
        if any(self.counts.values()):
            made = records.record(
                self.dataset_id, f"{IMPORT}:{self.dataset_id}:{self.request_id}", IMPORT, by=self.by,
                note=in_words(self.counts), source=self.source, details={"counts": dict(self.counts)},
            )  # fmt: skip
        DatasetRecord._get_collection().update_one({"_id": self.dataset_id}, {"$unset": {self._place: ""}})
        return made

    @property
    def _place(self) -> str:
        return f"settings.{OPEN}.{_key(self.source)}"


def begin(dataset_id: str, source: str, *, by: str, request_id: str | None = None) -> Journal:
    """Start an import, or go on with one of the same source that was killed.

    Args:
        dataset_id: into which dataset.
        source: the folder or manifest.
        by: who.
        request_id: unique per intention; a random one by default.
    """
    connect()
    left = unfinished(dataset_id).get(_key(source))
    if left is None:
        return Journal(dataset_id, source, by, request_id or uuid.uuid4().hex)
    return Journal(dataset_id, source, by, request_id or str(left["request_id"]), Counter(left["counts"]))


def unfinished(dataset_id: str) -> dict[str, dict[str, Any]]:
    """Return imports that were begun and not closed: they run now, or were killed."""
    connect()
    found = DatasetRecord._get_collection().find_one({"_id": dataset_id}, {f"settings.{OPEN}": 1}) or {}
    return dict((found.get("settings") or {}).get(OPEN) or {})


def in_words(counts: Mapping[str, int]) -> str:
    """Return what an import changed in one line.

    >>> in_words({"views_new": 12, "particles_new": 2, "views_moved": 0})
    '2 new particles, 12 new views'
    """
    return ", ".join(f"{counts[key]} {words}" for key, words in WORDS.items() if counts.get(key))


def _key(source: str) -> str:
    # A path may hold "." and "$", which the name of a field may not.
    return hashlib.sha256(source.encode()).hexdigest()[:16]
