"""The documents of the registry. This room is the only one that speaks mongoengine.

A standalone mongod has no transactions: every change is one document, guarded by a unique index or a revision.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from typing import Any

from mongoengine import (
    BooleanField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    FloatField,
    IntField,
    ListField,
    StringField,
)

from sem_curate.registry.connection import ALIAS


def now() -> datetime:
    """Return the current time in UTC, cut to milliseconds as MongoDB stores it."""
    moment = datetime.now(timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class DatasetRecord(Document):
    """What outlives the FiftyOne dataset: its stable id, label catalogue, views and settings."""

    dataset_id = StringField(primary_key=True)
    name = StringField(required=True)
    catalogue = StringField(required=True)
    views = ListField(StringField(), required=True)
    settings = DictField()
    chain_head = DictField()  # {"number", "hash"}: how far the history's hash chain is known to reach
    created_at = DateTimeField(default=now)
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_datasets",
        "indexes": [{"fields": ["name"], "unique": True}],
    }


class LabelVersion(EmbeddedDocument):
    """One version of what people read: names, definitions, synonyms."""

    version = IntField(required=True)
    name_ja = StringField(default="")
    name_en = StringField(default="")
    definition_ja = StringField(default="")
    definition_en = StringField(default="")
    synonyms_ja = ListField(StringField())
    synonyms_en = ListField(StringField())
    templates_ja = ListField(StringField())
    templates_en = ListField(StringField())
    colour = StringField(default="")
    hotkey = StringField(default="")
    parent = StringField()
    picked = ListField(DictField())  # [{"particle_id", "role", "note"}]
    status = StringField(default="active")
    merged_into = StringField()
    split_into = ListField(StringField())
    split_from = StringField()
    split_masters = ListField(ListField(StringField()))  # [[particle_id, label_id]]
    change_id = StringField()
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")


class Label(Document):
    """A category. ``label_id`` never changes and is never reused; ``current`` is the version that people see.

    What stands here follows from the catalogue's :class:`LabelChange` documents.
    """

    label_id = StringField(primary_key=True)
    catalogue = StringField(required=True)
    active = BooleanField(default=True)
    name_keys = ListField(StringField())  # normalised names of the version in force
    rev = IntField(default=1)
    current = IntField()  # version in force, 0 = withdrawn; documents of older releases lack it: the newest
    applied_seq = IntField(default=0)  # newest change that stands in this document
    versions = EmbeddedDocumentListField(LabelVersion)
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_labels",
        "indexes": [
            {
                "fields": ["catalogue", "name_keys"],
                "unique": True,
                "partialFilterExpression": {"active": True},
            }
        ],
    }


class LabelChange(Document):
    """One change of a catalogue, whatever number of labels it touches: written first, then applied to the labels."""

    change_id = StringField(primary_key=True)
    catalogue = StringField(required=True)
    seq = IntField(required=True)  # 1, 2, 3 ... within a catalogue; the unique index decides a race
    kind = StringField(required=True)
    label_id = StringField(required=True)
    touched = ListField(DictField())  # [{"label_id", "before", "after", "content"}], versions; 0 = there is none
    details = DictField()
    undoes = StringField()
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")
    applied = BooleanField(default=False)  # bookkeeping only: have the labels and the histories caught up?
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_label_changes",
        "indexes": [
            {"fields": ["catalogue", "seq"], "unique": True},
            {"fields": ["applied"], "partialFilterExpression": {"applied": False}},
        ],
    }


class Export(Document):
    """That something was written for others, and which labels it names: a change of one of them makes it outdated."""

    dataset_id = StringField(required=True)
    what = StringField(required=True)
    path = StringField(required=True)
    label_ids = ListField(StringField())
    content_hash = StringField(default="")
    by = StringField(required=True)
    at = DateTimeField(default=now)
    meta = {"db_alias": ALIAS, "collection": "semc_exports", "indexes": [{"fields": ["dataset_id", "label_ids"]}]}


class ReviewBundle(Document):
    """Particles to review again together, because a label was split or means something else now."""

    bundle_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    label_id = StringField(required=True)
    made_for = StringField(required=True)  # the change, or the version of the label
    of = IntField(required=True)  # bundles of the same occasion
    order = IntField(required=True)
    place = IntField()  # among all bundles of the dataset, in the order of the queue
    suggested = StringField()
    cluster = IntField(required=True)
    particles = ListField(StringField())
    events = ListField(StringField())  # the decisions that are in doubt; whoever decides anew replaces them
    at = DateTimeField(default=now)
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_bundles",
        "indexes": [
            {"fields": ["dataset_id", "label_id", "made_for", "order"]},
            {"fields": ["dataset_id", "particles"]},
        ],
    }


class MasterSet(Document):
    """An immutable snapshot of which particles stand for which label."""

    dataset_id = StringField(required=True)
    version = IntField(required=True)
    masters = ListField(DictField())  # [{"label_id", "particle_id"}]
    content_hash = StringField(required=True)
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_master_sets",
        "indexes": [{"fields": ["dataset_id", "version"], "unique": True}],
    }


class QualityModel(Document):
    """An immutable model of a dataset's tag corrections; which one is in force stands in the dataset's settings."""

    dataset_id = StringField(required=True)
    version = IntField(required=True)
    content = DictField()
    figures = DictField()  # {tag: what the cross-validation found}
    adopted = ListField(StringField())
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_quality_models",
        "indexes": [{"fields": ["dataset_id", "version"], "unique": True}],
    }


class IntegratorModel(Document):
    """An immutable entry about a learned integrator; which one is in force stands in the dataset's settings."""

    dataset_id = StringField(required=True)
    version = IntField(required=True)
    rung = StringField(required=True)
    model = StringField(required=True)  # content hash; the folder of the model is named after it
    encoder_key = StringField(required=True)
    figures = DictField()  # the comparison that adopted it
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_integrators",
        "indexes": [{"fields": ["dataset_id", "version"], "unique": True}],
    }


class Event(Document):
    """One line of the append-only history. Its id is the caller's request id, so a retry cannot double it."""

    event_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    particle_id = StringField(required=True)
    seq = IntField(required=True)  # 1, 2, 3 ... within a particle; the unique index decides a race
    kind = StringField(
        required=True,
        choices=("decide", "undo", "tag", "label", "master", "import", "audit", "certificate", "seal"),
    )
    decision = StringField()
    label_id = StringField()
    label_version = IntField()  # version of the label that was decided
    master_set_version = IntField()  # in force at that moment
    undoes = StringField()
    view = StringField()  # of a tag correction, and of its undo
    tags = ListField(StringField(), default=None)  # the complete list that the reviewer says is right
    image = StringField()  # content hash of the pixels that were judged
    batch = StringField()  # shared by the events of one action on many
    by = StringField(required=True)
    at = DateTimeField(default=now)
    source = StringField(default="")
    receipt_id = StringField()
    seconds = FloatField()
    note = StringField()
    mirrored = BooleanField(default=False)  # bookkeeping only: have the FiftyOne fields caught up?
    previous = DictField()  # what was in force before
    details = DictField()
    chain = IntField()  # 1, 2, 3 ... within a dataset; events of older releases lack it
    hash = StringField()  # of the event and of the hash before it
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_events",
        "indexes": [
            {"fields": ["dataset_id", "particle_id", "seq"], "unique": True},
            {"fields": ["dataset_id", "by", "-at"]},
            {"fields": ["dataset_id", "mirrored"], "partialFilterExpression": {"mirrored": False}},
            {"fields": ["dataset_id", "kind"], "partialFilterExpression": {"kind": "tag"}},
            {"fields": ["dataset_id", "batch"], "partialFilterExpression": {"batch": {"$type": "string"}}},
            {"fields": ["dataset_id", "chain"], "unique": True, "partialFilterExpression": {"chain": {"$gt": 0}}},
            {"fields": ["dataset_id", "-at"]},
        ],
    }


class Receipt(Document):
    """Everything needed to explain one proposal. Its id is the hash of its content."""

    receipt_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    particle_id = StringField(required=True)
    content = DictField()
    first_at = DateTimeField(default=now)
    last_at = DateTimeField(default=now)  # the newest of a particle is its current proposal
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_receipts",
        "indexes": [{"fields": ["dataset_id", "particle_id", "-last_at"]}],
    }


class AuditDraw(Document):
    """One random draw of particles to audit. Who was drawn never changes; the verdicts are frozen when it closes."""

    draw_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    number = IntField(required=True)  # 1, 2, 3 ... within a dataset; the unique index decides a race
    seed = IntField(required=True)
    population = IntField(required=True)  # how many particles could have been drawn
    particle_ids = ListField(StringField(), required=True)  # in the order in which to judge them
    reference_id = StringField(default="")
    master_set_version = IntField(default=0)
    by = StringField(required=True)
    at = DateTimeField(default=now)
    closed_at = DateTimeField()
    closed_by = StringField()
    verdicts = ListField(DictField())  # [{"particle_id", "decision", "label_id", "event_id"}] once closed
    unnoted = ListField(StringField())  # bookkeeping only: what still lacks its event in the history
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_audit_draws",
        "indexes": [{"fields": ["dataset_id", "number"], "unique": True}],
    }


class CertificateRecord(Document):
    """One attempt to certify: its content never changes; status and log say what became of it."""

    record_id = StringField(primary_key=True)
    dataset_id = StringField(required=True)
    number = IntField(required=True)
    certificate_id = StringField(required=True)
    attempt = StringField(required=True)  # hash of what was asked: the same question again is not another look
    content = DictField(required=True)  # as decide.certificate gives it
    status = StringField(required=True)  # "active", "suspended", "revoked", or "not_certified"
    why = ListField(DictField())  # [{"code", "names"}] of the status in force
    log = ListField(DictField())  # every status it had: {"status", "why", "by", "at", "reason"}
    unnoted = ListField(IntField())  # bookkeeping only: entries of the log that still lack their event
    rev = IntField(default=1)
    delta = FloatField(required=True)  # promised; the test itself was held to its share of it
    look = IntField(required=True)
    draws = ListField(StringField())
    encoder_key = StringField(default="")
    master_set_version = IntField(default=0)
    production = DictField()  # {score name: sample of what was certified}, for the drift test
    shown = DictField()  # what a decision score means, by the same audits
    watched = StringField()  # newest sample that the drift test has seen
    by = StringField(required=True)
    at = DateTimeField(default=now)
    reason = StringField(default="")
    meta = {
        "db_alias": ALIAS,
        "collection": "semc_certificates",
        "indexes": [
            {"fields": ["dataset_id", "number"], "unique": True},
            {"fields": ["dataset_id", "attempt"], "unique": True},
        ],
    }


@cache
def ensure_indexes() -> None:
    """Create every index, once per process. Bulk writes go past mongoengine and rely on them."""
    document: Any
    ours = (
        DatasetRecord, Label, LabelChange, Export, ReviewBundle, MasterSet, QualityModel, IntegratorModel, Event,
        Receipt, AuditDraw, CertificateRecord,
    )  # fmt: skip
    for document in ours:
        document.ensure_indexes()
