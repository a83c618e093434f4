"""The hash chain over a dataset's history, by which a changed, removed or inserted event shows. Pure: no database.

Each event has a number in its dataset, 1, 2, 3 ..., and a hash of its own content and of the hash before it. Whoever
can write to the database could forge the whole chain again, so keep a head (``number:hash``) elsewhere now and then,
for example in a printed report: a forged chain cannot lead to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

NUMBER = "chain"
HASH = "hash"
NOT_HASHED = frozenset({HASH, "mirrored"})  # bookkeeping that changes after the event was stored
START = ""  # what the first hash continues
SHOWN = 20  # problems kept as text; all are counted


@dataclass(frozen=True)
class Head:
    """The newest link: 0 and an empty hash before the first."""

    number: int = 0
    hash: str = START

    def __str__(self) -> str:
        """Return ``number:hash``."""
        return f"{self.number}:{self.hash}"


@dataclass
class Findings:
    """What a walk along a chain found."""

    links: int = 0
    head: Head = field(default_factory=Head)
    wrong: int = 0
    problems: list[str] = field(default_factory=list)

    def report(self, problem: str) -> None:
        """Count a problem, and keep the first ones as text."""
        self.wrong += 1
        if len(self.problems) < SHOWN:
            self.problems.append(problem)


def canonical(row: Mapping[str, Any]) -> str:
    """Return the one spelling of a stored event that is hashed; a field without a value is as if it were not there.

    >>> canonical({"b": None, "a": 1.5, "mirrored": True})
    '{"a":1.5}'
    """
    kept = {key: value for key, value in row.items() if key not in NOT_HASHED and value is not None}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def link_hash(before: str, row: Mapping[str, Any]) -> str:
    """Return the hash of an event, hexadecimal SHA-256, that follows the one with the hash ``before``."""
    return hashlib.sha256(f"{before}\n{canonical(row)}".encode()).hexdigest()


def linked(rows: Iterable[Mapping[str, Any]], head: Head) -> tuple[list[dict[str, Any]], Head]:
    """Return the rows with their numbers and hashes behind ``head``, and the new head."""
    made: list[dict[str, Any]] = []
    for row in rows:
        numbered = {**row, NUMBER: head.number + 1}
        head = Head(head.number + 1, link_hash(head.hash, numbered))
        made.append({**numbered, HASH: head.hash})
    return made, head


def walk(rows: Iterable[Mapping[str, Any]], known: Mapping[int, str] | None = None) -> Findings:
    """Check a chain from its start.

    Args:
        rows: the stored events that have a number, in its order.
        known: ``{number: hash}`` noted earlier, in the database or elsewhere.

    Returns:
        What was found; ``wrong`` is 0 when the chain is whole and leads through every known hash.
    """
    found, open_ = Findings(), dict(known or {})
    for row in rows:
        number = int(row[NUMBER])
        if number != found.head.number + 1:
            found.report(f"{_span(found.head.number + 1, number - 1)} missing, before event '{row['_id']}'")
        if link_hash(found.head.hash, row) != row.get(HASH):
            found.report(f"event {number} ('{row['_id']}') or the one before it was changed")
        if open_.pop(number, row.get(HASH)) != row.get(HASH):
            found.report(f"event {number} is not the one that was noted earlier")
        found.links += 1
        found.head = Head(number, str(row.get(HASH) or ""))
    if open_:
        found.report(f"{_span(found.head.number + 1, max(open_))} missing at the end")
    return found


def digest(rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Return how many rows there are and one hash over all of them: what seals events from before the chain."""
    count, running = 0, hashlib.sha256()
    for row in rows:
        running.update(f"{canonical(row)}\n".encode())
        count += 1
    return count, running.hexdigest()


def _span(first: int, last: int) -> str:
    if first > last:
        return f"a number was given twice near {first}; one is"
    return f"event {first} is" if first == last else f"events {first} to {last} are"


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    raise TypeError(f"an event cannot hold a {type(value).__name__}")
