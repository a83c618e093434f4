"""Correcting quality tags on a FiftyOne dataset: history first, then the fields, then the quality that follows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sem_curate import dataset, mirror, schema
from sem_curate.errors import InputError, did_you_mean
from sem_curate.registry import history
from sem_curate.registry.fold import EventView, fold
from sem_curate.review import actions
from sem_curate.review import run as review


def correct_tags(
    ds: Any,
    particle_id: str,
    view: str,
    tags: Sequence[str],
    *,
    by: str,
    request_id: str,
    seen_seq: int | None = None,
    source: str = "app",
) -> dict[str, Any]:
    """Record which quality tags a reviewer says are right for a view.

    Giving the tags in force again confirms them: that is kept, and teaches as much as a change does. The same
    ``request_id`` again changes nothing and returns the first result.

    Args:
        ds: the dataset.
        particle_id: which particle.
        view: which of its views.
        tags: the complete list, some of ``gate.TAGS``; empty when nothing is wrong.
        by: the reviewer.
        request_id: unique per intention.
        seen_seq: ``card["seq"]`` that the reviewer saw.
        source: "app", "cli", "operator", ...

    Returns:
        ``{"event_id", "card"}``.

    Raises:
        InputError: no such particle, view or tag; no readable image there; no reviewer.
        ConflictError: somebody else acted first; nothing was written.
    """
    identity = dataset.dataset_id(ds)
    events = history.of_particles(identity, [particle_id]).get(particle_id, [])
    event = next((event for event in events if event.event_id == request_id), None)
    if event is None:
        intended = actions.tag_event(
            particle_id, view, tags, fold(events), by=by, request_id=request_id, seen_seq=seen_seq, source=source,
            image=dataset.content_hash(shown_view(ds, particle_id, view)),
        )  # fmt: skip
        event = history.append(intended, identity)
    mirror.refresh(ds, [particle_id])
    return {"event_id": event.event_id, "card": review.card(ds, particle_id)}


def shown_view(ds: Any, particle_id: str, view: str) -> Mapping[str, Any]:
    """Return the raw tag fields of a view whose tags can be corrected.

    Raises:
        InputError: there is no such particle or view, or no readable image.
    """
    views = dataset.read_views(ds, [particle_id], mirror.TAG_FIELDS).get(particle_id)
    if views is None:
        raise InputError(f"dataset '{ds.name}' has no particle '{particle_id}'")
    names = dataset.view_names(ds)
    if view not in names:
        raise InputError(f"there is no view '{view}'.{did_you_mean(view, names)} Known: {', '.join(names)}")
    shown: Mapping[str, Any] = views.get(view, {})
    problem = _problem(shown)
    if problem:
        raise InputError(f"{view} of particle '{particle_id}' {problem}")
    return shown


def correct_many(
    ds: Any,
    views: Iterable[tuple[str, str]],
    *,
    by: str,
    request_id: str,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    source: str = "operator",
) -> dict[str, Any]:
    """Add and remove tags on many views, one event each; a view that already is as wanted gets none.

    The events are one batch: a single undo takes all of them back.

    Args:
        ds: the dataset.
        views: ``(particle_id, view)`` pairs.
        by: the reviewer.
        request_id: unique per intention; repeating it adds nothing.
        add: tags that are missing.
        remove: tags that are wrong.
        source: where the correction came from.

    Returns:
        ``{"in", "corrected", "unchanged", "skipped", "example"}``: views given, corrected, already right, and skipped
        because they have no readable image or were changed by somebody else in the same moment, with one of these.

    Raises:
        InputError: an unknown tag, nothing to add or remove, no reviewer.
    """
    bulk = _Bulk(tuple(add), tuple(remove), by, request_id, source)
    bulk.check()
    grouped: dict[str, list[str]] = {}
    for particle_id, view in dict.fromkeys(views):
        grouped.setdefault(particle_id, []).append(view)
    for chunk in dataset.chunks(list(grouped), mirror.CHUNK):
        _correct_chunk(ds, {key: grouped[key] for key in chunk}, bulk)
    return {
        "in": sum(map(len, grouped.values())),
        "corrected": bulk.corrected,
        "unchanged": bulk.unchanged,
        "skipped": len(bulk.problems),
        "example": next(iter(bulk.problems), None),
    }


@dataclass
class _Bulk:
    """One intention about many views, and what became of it."""

    add: tuple[str, ...]
    remove: tuple[str, ...]
    by: str
    request_id: str
    source: str
    corrected: int = 0
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Refuse a senseless intention before anything is written."""
        actions.changed_tags((), self.add, self.remove)
        if not self.add and not self.remove:
            raise InputError("name at least one tag to add or to remove")

    def events(
        self, particle_id: str, names: Iterable[str], views: Mapping[str, Mapping[str, Any]], past: Sequence[EventView]
    ) -> list[EventView]:
        """Return the events for some views of one particle; count the views that need none."""
        known, state, made = {event.event_id for event in past}, fold(past), []
        for name in names:
            view, request_id = views.get(name), f"{self.request_id}:{particle_id}:{name}"
            problem = _problem(view)
            if problem or view is None:
                self.problems.append(f"{name} of particle '{particle_id}' {problem}")
                continue
            before = view.get(schema.QUALITY_TAGS) or []
            tags = actions.changed_tags(before, self.add, self.remove)
            if request_id in known or set(tags) == set(before):
                self.unchanged += 1
                continue
            made.append(
                actions.tag_event(
                    particle_id, name, tags, state, by=self.by, request_id=request_id, source=self.source,
                    image=dataset.content_hash(view), batch=self.request_id,
                )
            )  # fmt: skip
            state = replace(state, seq=state.seq + 1)
        return made


def _correct_chunk(ds: Any, grouped: Mapping[str, Sequence[str]], bulk: _Bulk) -> None:
    identity = dataset.dataset_id(ds)
    shown = dataset.read_views(ds, list(grouped), mirror.TAG_FIELDS)
    histories = history.of_particles(identity, grouped)
    events = [
        event
        for particle_id, names in grouped.items()
        for event in bulk.events(particle_id, names, shown.get(particle_id, {}), histories.get(particle_id, []))
    ]
    stored = {event.event_id for event in history.append_many(events, identity)}
    mirror.refresh(ds, sorted(grouped.keys() & shown.keys()))
    bulk.corrected += len(stored)
    bulk.problems += [
        f"{event.view} of particle '{event.particle_id}' was changed by somebody else in the same moment"
        for event in events
        if event.event_id not in stored
    ]


def _problem(view: Mapping[str, Any] | None) -> str:
    if not view or not view.get(schema.PRESENT):
        return "has no image, so there are no tags to correct"
    if actions.UNREADABLE in (view.get(schema.QUALITY_TAGS) or []):
        return "cannot be read, so there are no tags to correct; replace the file and ingest it again"
    return ""
