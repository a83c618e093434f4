"""Who is looking at what: a claim on a particle that runs out by itself, so that two reviewers get different ones.

A claim keeps nobody from deciding; it only orders the queue. What protects a decision is its number in the particle's
history. Times are the server's, so reviewers' clocks do not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final

from mongoengine import DateTimeField, Document, StringField
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from sem_curate.registry.connection import ALIAS, connect
from sem_curate.registry.documents import DatasetRecord

SECONDS: Final = 300.0  # as long as somebody may look at one particle before others get it, too
SWEPT_AFTER: Final = 86_400  # seconds until the server removes claims that ran out


class Lease(Document):
    """One claim. Its id names the dataset and the particle, so that there is one at most."""

    lease_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    particle_id = StringField(required=True)
    by = StringField(required=True)
    until = DateTimeField(required=True)
    meta = {  # noqa: RUF012 - mongoengine reads it as it is
        "db_alias": ALIAS,
        "collection": "semc_leases",
        "indexes": [
            {"fields": ["dataset_id", "until"]},
            {"fields": ["until"], "expireAfterSeconds": SWEPT_AFTER},
        ],
    }


def claim(dataset_id: str, particle_id: str, *, by: str, seconds: float | None = None) -> str:
    """Claim a particle, or extend one's own claim; returns who holds it now: ``by``, or whoever was first.

    Args:
        dataset_id: whose.
        particle_id: which particle.
        by: the reviewer.
        seconds: until the claim runs out; default the dataset's ``lease_seconds``, else :data:`SECONDS`.
    """
    _ready()
    lasting = _lasting(dataset_id) if seconds is None else seconds
    me = {"$literal": by}  # a name may begin with "$"
    over = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
    mine = {"$or": [over, {"$eq": ["$by", me]}]}
    later = {"$add": ["$$NOW", round(lasting * 1000)]}
    change = {
        "dataset_id": {"$literal": dataset_id},
        "particle_id": {"$literal": particle_id},
        "by": {"$cond": [mine, me, "$by"]},
        "until": {"$cond": [mine, later, "$until"]},
    }
    for _ in range(3):  # two upserts of the same new id: one of them is told to try again
        try:
            held = Lease._get_collection().find_one_and_update(
                {"_id": f"{dataset_id}\0{particle_id}"}, [{"$set": change}], upsert=True,
                return_document=ReturnDocument.AFTER,
            )  # fmt: skip
            return str(held["by"])
        except DuplicateKeyError:
            continue
    return ""


def release(dataset_id: str, *, by: str, particles: Collection[str] | None = None, but: str | None = None) -> None:
    """Give up one's own claims: on the given particles, or on all ``but`` one."""
    _ready()
    query: dict[str, Any] = {"dataset_id": dataset_id, "by": by}
    if particles is not None:
        query["particle_id"] = {"$in": list(particles)}
    elif but is not None:
        query["particle_id"] = {"$ne": but}
    Lease._get_collection().delete_many(query)


def held(dataset_id: str, *, by: str | None = None) -> Mapping[str, str]:
    """Return ``{particle_id: reviewer}`` of the claims that have not run out; those of ``by`` are left out."""
    _ready()
    query = {"dataset_id": dataset_id, "by": {"$ne": by}, "$expr": {"$gt": ["$until", "$$NOW"]}}
    return {row["particle_id"]: row["by"] for row in Lease._get_collection().find(query)}


def _lasting(dataset_id: str) -> float:
    record = DatasetRecord._get_collection().find_one({"_id": dataset_id}, {"settings.lease_seconds": 1}) or {}
    return float((record.get("settings") or {}).get("lease_seconds") or SECONDS)


def _ready() -> None:
    connect()
    _indexed()


@cache
def _indexed() -> None:
    document: Any = Lease
    document.ensure_indexes()
