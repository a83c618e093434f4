"""What has to be done: found files against what the dataset already holds. Pure, so that it can be tested fully."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.problems import NOTICE, Problem

Slot = tuple[str, str]  # (particle id, view name): at most one sample stands there


@dataclass(frozen=True)
class Found:
    """A file of the source and its stat fingerprint."""

    file: ViewFile
    stat: str

    @property
    def slot(self) -> Slot:
        """Return the place in the dataset that the file belongs to."""
        return self.file.particle_id, self.file.view


@dataclass(frozen=True)
class Held:
    """A sample that the dataset already holds.

    ``present`` is False for a placeholder; ``shown`` is False when its display copy has been deleted.
    """

    sample_id: str
    source_path: str
    source_stat: str
    content_hash: str
    present: bool = True
    shown: bool = True


@dataclass(frozen=True)
class Plan:
    """Each found file stands in exactly one of these.

    Attributes:
        new: no sample stands at its slot.
        fills: a placeholder stands there.
        changed: a sample stands there, but path or stat differ, or its display copy is gone; to be read to see
            whether the content differs.
        unchanged: same path, same stat; not read again.
        duplicates: another file of this source came first for the slot; the same file listed twice is only a
            notice.
    """

    new: tuple[Found, ...]
    fills: tuple[Found, ...]
    changed: tuple[Found, ...]
    unchanged: tuple[Found, ...]
    duplicates: tuple[Problem, ...]

    @property
    def to_read(self) -> tuple[Found, ...]:
        """Return the files whose content is needed."""
        return (*self.new, *self.fills, *self.changed)


def plan(found: Iterable[Found], held: Mapping[Slot, Held]) -> Plan:
    """Sort found files by what has to be done with them.

    Args:
        found: files of the source, in the order that decides duplicates.
        held: samples of the dataset by (particle id, view); may hold more than the source does.
    """
    kept: dict[Slot, Found] = {}
    duplicates: list[Problem] = []
    for item in found:
        first = kept.setdefault(item.slot, item)
        if first is not item:
            duplicates.append(_duplicate(item.file, first.file))
    sorted_: dict[str, list[Found]] = {"new": [], "fills": [], "changed": [], "unchanged": []}
    for slot, item in kept.items():
        sorted_[_state(item, held.get(slot))].append(item)
    return Plan(**{name: tuple(items) for name, items in sorted_.items()}, duplicates=tuple(duplicates))


def _state(item: Found, held: Held | None) -> str:
    if held is None:
        return "new"
    if not held.present:
        return "fills"
    same = held.source_path == str(item.file.path) and held.source_stat == item.stat
    return "unchanged" if same and held.shown else "changed"


def _duplicate(file: ViewFile, first: ViewFile) -> Problem:
    if file.path == first.path:
        reason = "is listed twice for the same view; the second listing is left out"
        return Problem(str(file.path), file.particle_id, file.view, "listed_twice", reason, NOTICE)
    reason = f"'{first.path}' already is this particle's {file.view}; remove one of them or rename it"
    return Problem(str(file.path), file.particle_id, file.view, "duplicate_view", reason)
