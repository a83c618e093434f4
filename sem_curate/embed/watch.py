"""Follows one embedding run: which conditions its new images are of, and whether they look as usual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from sem_curate.embed import shift
from sem_curate.embed.store import VectorStore


class Watch:
    """Collects the new contents of a run by condition; holds a sample of each, never all."""

    def __init__(self, store: VectorStore, dataset: str) -> None:
        """Read what the store's conditions saw before this run."""
        self._store, self._dataset = store, dataset
        self._before = shift.read(store.folder)
        self._new: dict[shift.Condition, shift.Seen] = {}

    def add(self, fresh: Iterable[str], condition_of: Mapping[str, shift.Condition]) -> None:
        """Note contents that were embedded for the first time."""
        for content in fresh:
            condition = condition_of.get(content)
            if condition is not None:
                self._new[condition] = self._new.get(condition, shift.Seen()).with_new([content])

    def finish(self) -> list[shift.Shift]:
        """Compare the run with what was seen before, add it to that, and save; returns the conditions tested."""
        if not self._new:
            return []
        shifts = shift.correct([found for found in map(self._test, sorted(self._new, key=str)) if found is not None])
        tested = {found.condition: self._entry(found) for found in shifts}
        # Another run may have saved in between: add to what is there now.
        seen: dict[shift.Condition, shift.Seen] = shift.read(self._store.folder)
        for condition, new in self._new.items():
            held = seen.get(condition, shift.Seen())
            tests = (*held.tests, *([tested[condition]] if condition in tested else []))[-shift.TESTS_KEPT :]
            sample = shift.bottom((*held.sample, *new.sample))
            seen[condition] = shift.Seen(held.count + new.count, sample, tests)
        shift.write(self._store.folder, seen)
        return shifts

    def _test(self, condition: shift.Condition) -> shift.Shift | None:
        new = self._new[condition].sample
        known, against = shift.references(self._before, condition)
        if len(new) < shift.ENOUGH_NEW or not known:
            return None
        (before, held), (vectors, found) = self._store.get(known), self._store.get(new)
        if held.sum() < shift.ENOUGH_KNOWN or found.sum() < shift.ENOUGH_NEW:
            return None
        farther, p = shift.compare(before[held], vectors[found])
        return shift.Shift(condition, int(held.sum()), int(found.sum()), farther, p, against)

    def _entry(self, found: shift.Shift) -> dict[str, Any]:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return {**shift.describe(found), "at": now, "dataset": self._dataset}


def latest(store: VectorStore, dataset: str) -> list[dict[str, Any]]:
    """Return the latest test of each condition made by runs on one dataset, as JSON values, flagged ones first."""
    mine = [
        [test for test in held.tests if test.get("dataset") == dataset] for held in shift.read(store.folder).values()
    ]
    return sorted(
        (tests[-1] for tests in mine if tests), key=lambda test: (not test["flagged"], str(test["condition"]))
    )
