"""The stable identity of a dataset: survives deletion, re-creation under the same name, and renaming."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mongoengine.errors import NotUniqueError

from sem_curate.registry.connection import connect
from sem_curate.registry.documents import (
    AuditDraw,
    CertificateRecord,
    DatasetRecord,
    Event,
    Export,
    IntegratorModel,
    MasterSet,
    QualityModel,
    Receipt,
    ReviewBundle,
    ensure_indexes,
)


@dataclass(frozen=True)
class DatasetIdentity:
    """What the rest of the package sees of a dataset's record."""

    dataset_id: str
    name: str
    catalogue: str
    views: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


def open_record(name: str, *, views: Sequence[str], catalogue: str | None = None) -> DatasetIdentity:
    """Return the record of the dataset called ``name``, creating it the first time.

    A dataset that was deleted and ingested again gets its old id back, and with it its history.
    """
    connect()
    ensure_indexes()
    record = DatasetRecord.objects(name=name).first()
    if record is None:
        record = DatasetRecord(
            dataset_id=f"ds_{uuid.uuid4().hex[:12]}",
            name=name,
            catalogue=catalogue or name,
            views=list(views),
        )
        try:
            record.save(force_insert=True)
        except NotUniqueError:  # another process was faster
            record = DatasetRecord.objects.get(name=name)
    else:
        # The mirror is new although the history is old: let it be written again.
        Event.objects(dataset_id=record.dataset_id, mirrored=True).update(set__mirrored=False)
        record.views = list(views)
        record.save()
    return _identity(record)


def get_record(dataset_id: str, *, name: str | None = None) -> DatasetIdentity:
    """Return a record by id; a changed dataset name is taken over."""
    connect()
    record = DatasetRecord.objects.get(dataset_id=dataset_id)
    if name is not None and record.name != name:
        record.name = name
        record.save()
    return _identity(record)


def change_settings(dataset_id: str, settings: Mapping[str, Any]) -> None:
    """Store settings key by key; other keys stay."""
    connect()
    changes = {f"settings.{key}": value for key, value in settings.items()}
    DatasetRecord._get_collection().update_one({"_id": dataset_id}, {"$set": changes})


def forget(dataset_id: str) -> None:
    """Delete all that is known of a dataset, its history too, for good. For demos and tests."""
    connect()
    ours = (
        Event, Receipt, MasterSet, QualityModel, IntegratorModel, AuditDraw, CertificateRecord, Export, ReviewBundle,
        DatasetRecord,
    )  # fmt: skip
    for document in ours:
        document.objects(dataset_id=dataset_id).delete()


def _identity(record: DatasetRecord) -> DatasetIdentity:
    return DatasetIdentity(
        record.dataset_id, record.name, record.catalogue, tuple(record.views), dict(record.settings or {})
    )
