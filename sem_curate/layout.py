"""What a dataset of ours looks like to FiftyOne: field types, indexes, the App's sidebar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import fiftyone as fo

from sem_curate import schema

FIELD_TYPES: dict[str, Any] = {
    schema.PARTICLE_ID: fo.StringField,
    schema.VIEW: fo.StringField,
    schema.PRESENT: fo.BooleanField,
    schema.PENDING: (fo.ListField, fo.StringField),
    schema.SOURCE_PATH: fo.StringField,
    schema.SOURCE_STAT: fo.StringField,
    schema.CONTENT_HASH: fo.StringField,
    schema.DISPLAY_MAPPING: fo.StringField,
    schema.PIXEL_SIZE_NM: fo.FloatField,
    schema.VOLTAGE_KV: fo.FloatField,
    schema.DETECTOR: fo.StringField,
    schema.MAGNIFICATION: fo.FloatField,
    schema.INSTRUMENT: fo.StringField,
    schema.BIT_DEPTH: fo.IntField,
    schema.INFO_BAR_ROWS: fo.IntField,
    schema.PIXEL_SIZE_FROM: fo.StringField,
    schema.QUALITY: fo.FloatField,
    schema.QUALITY_TAGS: (fo.ListField, fo.StringField),
    schema.MEASURED_TAGS: (fo.ListField, fo.StringField),
    schema.TAGS_BY: fo.StringField,
    schema.QUALITY_BASIS: fo.StringField,
    schema.PARTICLE_MASK: fo.Segmentation,
    schema.SECOND_OPINION: (fo.ListField, fo.StringField),
    schema.DISPUTED_TAGS: (fo.ListField, fo.StringField),
    schema.USABLE: fo.BooleanField,
    schema.VIEW_WEIGHT: fo.FloatField,
    **{measure: fo.FloatField for measure in schema.MEASURES},
    schema.N_VIEWS: fo.IntField,
    schema.MANIFEST_LABEL: fo.StringField,
    schema.LABEL: fo.Classification,
    schema.DECISION: fo.StringField,
    schema.DECIDED_BY: fo.StringField,
    schema.DECIDED_AT: fo.DateTimeField,
    schema.PROPOSAL: fo.Classification,
    schema.PROPOSAL_STATE: fo.StringField,
    schema.CONFIDENCE_RANK: fo.FloatField,
    schema.MARGIN: fo.FloatField,
    schema.KNOWNNESS: fo.FloatField,
    schema.REVIEW_REASONS: (fo.ListField, fo.StringField),
    schema.REVIEW_PRIORITY: fo.FloatField,
    schema.MASTER_OF: fo.StringField,
    schema.MASTER_SET_VERSION: fo.IntField,
    schema.RECEIPT_ID: fo.StringField,
    schema.RECOMMENDED_VIEW: fo.StringField,
    schema.RECOMMENDED_WHY: fo.StringField,
    schema.RETAKE_VIEW: fo.StringField,
    schema.VIEW_CONTRIBUTION: fo.FloatField,
    schema.VIEW_REMOVAL: fo.FloatField,
    schema.AGREEMENT: fo.FloatField,
    schema.ENTROPY: fo.FloatField,
    schema.ONE_VIEW: fo.StringField,
    schema.STALE: fo.BooleanField,
    schema.AUDIT: fo.StringField,
    schema.AUDIT_ORDER: fo.IntField,
    schema.REVIEWERS: fo.StringField,
    schema.BUNDLE: fo.StringField,
    schema.BUNDLE_ORDER: fo.IntField,
}

# Values that belong to the particle and are repeated on each of its slices.
PARTICLE_FIELDS = (
    schema.N_VIEWS, schema.MANIFEST_LABEL, schema.LABEL, schema.DECISION, schema.DECIDED_BY, schema.DECIDED_AT,
    schema.PROPOSAL, schema.PROPOSAL_STATE, schema.CONFIDENCE_RANK, schema.MARGIN, schema.KNOWNNESS,
    schema.REVIEW_REASONS, schema.REVIEW_PRIORITY, schema.MASTER_OF, schema.MASTER_SET_VERSION,
    schema.RECEIPT_ID, schema.RECOMMENDED_VIEW, schema.RECOMMENDED_WHY, schema.RETAKE_VIEW,
    schema.AGREEMENT, schema.ENTROPY, schema.ONE_VIEW, schema.STALE,
    schema.AUDIT, schema.AUDIT_ORDER, schema.REVIEWERS, schema.BUNDLE, schema.BUNDLE_ORDER,
)  # fmt: skip

# How the App's sidebar lists our fields: what reviewers filter by first, bookkeeping last and folded.
SIDEBAR: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    (
        "decision",
        True,
        (
            schema.LABEL, schema.DECISION, schema.PROPOSAL, schema.PROPOSAL_STATE, schema.REVIEW_REASONS,
            schema.MASTER_OF, schema.CONFIDENCE_RANK, schema.MARGIN, schema.KNOWNNESS, schema.AGREEMENT,
            schema.ENTROPY, schema.ONE_VIEW, schema.STALE, schema.DECIDED_BY, schema.DECIDED_AT,
            schema.AUDIT, schema.REVIEWERS,
        ),
    ),
    (
        "particle",
        True,
        (
            schema.PARTICLE_ID, schema.N_VIEWS, schema.MANIFEST_LABEL, schema.RECOMMENDED_VIEW, schema.RECOMMENDED_WHY,
            schema.RETAKE_VIEW,
        ),
    ),
    (
        "view",
        True,
        (
            schema.VIEW, schema.PRESENT, schema.QUALITY, schema.QUALITY_TAGS, schema.USABLE, schema.VIEW_WEIGHT,
            schema.VIEW_CONTRIBUTION, schema.VIEW_REMOVAL,
            schema.PARTICLE_MASK, schema.TAGS_BY, schema.DISPUTED_TAGS, schema.SECOND_OPINION,
        ),
    ),
    (
        "instrument",
        False,
        (
            schema.INSTRUMENT, schema.DETECTOR, schema.VOLTAGE_KV, schema.MAGNIFICATION, schema.PIXEL_SIZE_NM,
            schema.BIT_DEPTH, schema.PIXEL_SIZE_FROM, schema.INFO_BAR_ROWS,
        ),
    ),
    ("measures", False, (*schema.MEASURES, schema.MEASURED_TAGS, schema.QUALITY_BASIS)),
    (
        "bookkeeping",
        False,
        (
            "id", "filepath", "created_at", "last_modified_at", schema.PENDING, schema.SOURCE_PATH, schema.SOURCE_STAT,
            schema.CONTENT_HASH, schema.DISPLAY_MAPPING, schema.MASTER_SET_VERSION, schema.RECEIPT_ID,
            schema.REVIEW_PRIORITY, schema.AUDIT_ORDER, schema.BUNDLE, schema.BUNDLE_ORDER, schema.GROUP,
        ),
    ),
)  # fmt: skip

INDEXES: tuple[Sequence[tuple[str, int]], ...] = (
    ((schema.PENDING, 1), ("_id", 1)),
    (
        (f"{schema.GROUP}.name", 1),
        (schema.DECISION, 1),
        (schema.PROPOSAL_STATE, 1),
        (schema.REVIEW_PRIORITY, 1),
    ),
)


# Counts for the panel are read from these keys alone, on one sample per particle: without reading any sample, 100,000
# particles take a twentieth of a second.
COUNTED: tuple[str, ...] = (
    f"{schema.GROUP}.name", schema.PROPOSAL_STATE, schema.DECISION, schema.AUDIT, schema.MASTER_OF,
    schema.MASTER_SET_VERSION, schema.KNOWNNESS, schema.CONFIDENCE_RANK,
)  # fmt: skip

# Few particles carry these fields; their queues must not look at the others.
PARTIAL_INDEXES: dict[str, Sequence[str]] = {
    schema.AUDIT: (schema.AUDIT, schema.AUDIT_ORDER),
    schema.BUNDLE: (schema.BUNDLE_ORDER,),
    schema.REVIEWERS: (schema.REVIEWERS,),
}


def apply(ds: fo.Dataset) -> None:
    """Declare every field, create the indexes and arrange the sidebar of a new dataset."""
    declare(ds, FIELD_TYPES)
    _create_indexes(ds)
    # A mask over every picture would hide what reviewers look at; one click in the sidebar shows it.
    ds.app_config.active_fields = fo.ActiveFields(paths=[schema.LABEL, schema.PROPOSAL])
    ds.app_config.sidebar_groups = [
        fo.SidebarGroupDocument(name="tags"),
        *(fo.SidebarGroupDocument(name=name, paths=list(names), expanded=open_) for name, open_, names in SIDEBAR),
    ]
    ds.save()


def declare(ds: fo.Dataset, names: Iterable[str]) -> None:
    """Declare some of our fields on a dataset."""
    for name in names:
        kind = FIELD_TYPES[name]
        if kind is fo.Classification:
            ds.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
            ds.add_sample_field(f"{name}.label_id", fo.StringField)
        elif kind is fo.Segmentation:
            ds.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=kind)
        elif isinstance(kind, tuple):
            ds.add_sample_field(name, kind[0], subfield=kind[1])
        else:
            ds.add_sample_field(name, kind)
        if name in PARTIAL_INDEXES:
            ds._sample_collection.create_index(
                [(key, 1) for key in PARTIAL_INDEXES[name]], partialFilterExpression={name: {"$type": "string"}}
            )


def _create_indexes(ds: fo.Dataset) -> None:
    # FiftyOne accepts two samples on one slice of one group; this index does not.
    ds._sample_collection.create_index([(schema.PARTICLE_ID, 1), (schema.VIEW, 1)], unique=True)
    for index in INDEXES:
        ds._sample_collection.create_index(list(index))
    ds.create_index(f"{schema.LABEL}.label")
    ds.create_index(f"{schema.PROPOSAL}.label")
    index_particles(ds, ds.default_group_slice)


def index_particles(ds: fo.Dataset, anchor: str) -> None:
    """Create the indexes over one sample per particle; datasets of older versions get them with the next proposals.

    Args:
        ds: the dataset.
        anchor: the view that every particle has.
    """
    particles = {f"{schema.GROUP}.name": anchor}
    ds._sample_collection.create_index(
        [(key, 1) for key in COUNTED], name="sem_curate_counted", partialFilterExpression=particles
    )
    # The newest decisions, whoever made how many before.
    ds._sample_collection.create_index(
        [
            (key, 1)
            for key in (f"{schema.GROUP}.name", schema.DECISION, schema.MASTER_OF, schema.DECIDED_AT, "_id")
        ],
        name="sem_curate_decided", partialFilterExpression=particles,
    )  # fmt: skip
    # Few particles have retake advice.
    ds._sample_collection.create_index(
        [(f"{schema.GROUP}.name", 1), (schema.REVIEW_PRIORITY, 1)], name="sem_curate_retake",
        partialFilterExpression={**particles, schema.RETAKE_VIEW: {"$type": "string"}},
    )  # fmt: skip
