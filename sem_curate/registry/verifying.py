"""Checking a dataset's history against its hash chain."""

from __future__ import annotations

from typing import Any

from sem_curate.errors import InputError
from sem_curate.registry import appending, chain
from sem_curate.registry.chain import Findings, Head
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import DatasetRecord, Event, ensure_indexes


def verify(dataset_id: str, *, expected: str | None = None) -> dict[str, Any]:
    """Walk along the whole chain; when it is whole, note its head.

    Args:
        dataset_id: whose history.
        expected: a head that was noted elsewhere, ``number:hash``.

    Returns:
        ``{"ok", "events", "linked", "sealed", "head", "wrong", "problems"}``: ``sealed`` events are older than the
        chain and covered by its first link; ``problems`` are the first of ``wrong``.

    Raises:
        InputError: ``expected`` is no head.
    """
    connect()
    ensure_indexes()
    known = _known(dataset_id, expected)
    found = chain.walk(appending.linked_rows(dataset_id), known)
    sealed = _check_older(dataset_id, found)
    if not found.wrong and found.head.number:
        appending.note_head(dataset_id, found.head)
    return {
        "ok": not found.wrong, "events": found.links + sealed, "linked": found.links, "sealed": sealed,
        "head": str(found.head), "wrong": found.wrong, "problems": found.problems,
    }  # fmt: skip


def head(dataset_id: str) -> str:
    """Return the newest link as ``number:hash``, to be kept elsewhere."""
    connect()
    ensure_indexes()
    return str(appending.head_of(dataset_id))


def _known(dataset_id: str, expected: str | None) -> dict[int, str]:
    record = DatasetRecord._get_collection().find_one({"_id": dataset_id}, {"chain_head": 1}) or {}
    noted = record.get("chain_head") or {}
    known = {int(noted["number"]): str(noted["hash"])} if noted else {}
    if expected is not None:
        wanted = _parse(expected)
        known[wanted.number] = wanted.hash
    return known


def _parse(text: str) -> Head:
    number, _, hash_ = text.strip().partition(":")
    if not number.isdigit() or int(number) < 1 or len(hash_) != 64:
        raise InputError(
            f"'{text}' is no head of a history; it looks like 42:<64 hexadecimal digits>, as printed by: "
            "sem-curate doctor --dataset NAME --verify-history"
        )
    return Head(int(number), hash_.lower())


def _check_older(dataset_id: str, found: Findings) -> int:
    """Compare the events from before the chain with what its first link says about them; returns how many there are."""
    count, digest = chain.digest(appending.unlinked_rows(dataset_id))
    seal = Event._get_collection().find_one({"_id": f"seal:{dataset_id}"}) or {}
    details = seal.get("details") or {"count": 0, "digest": chain.digest(())[1]}
    if found.links == 0:  # nothing was stored since the chain came: the next event seals these
        return count
    if count != details["count"]:
        found.report(f"there are {count} events outside the chain, but {details['count']} were sealed")
    elif digest != details["digest"]:
        found.report(f"one of the {count} events from before the chain was changed")
    return count
