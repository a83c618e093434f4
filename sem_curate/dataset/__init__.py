"""The FiftyOne edge: how particles and views are created, read and written.

Everything that touches FiftyOne's private collection stands in this folder, so that a FiftyOne update has one place
to break. Two facts shape it (checked on FiftyOne 1.22):

* every stage, count and filter of a grouped dataset sees only the *active slice*, and the App changes that slice;
  so no function here relies on it, and particle values are repeated on every slice;
* a group without its default slice is invisible; so the anchor view always exists, as a placeholder if need be.
"""

from __future__ import annotations

from sem_curate.dataset.finding import (
    aggregate_views,
    count_by,
    count_particles,
    each_found,
    find_particles,
    newest_sample,
    particle_values,
    particles_after,
    particles_with_view,
    sample_particle_ids,
)
from sem_curate.dataset.opening import (
    anchor,
    anchors,
    create_dataset,
    dataset_id,
    encoder_keys,
    flat,
    group_id,
    is_ours,
    load_dataset,
    record,
    set_encoder_keys,
    view_names,
)
from sem_curate.dataset.reading import (
    ViewRow,
    best_images,
    chunks,
    content_hash,
    count_pending,
    each_particle,
    group_ids_of,
    particle_ids_of,
    pending_particles,
    pending_views,
    read_views,
    views_of,
)
from sem_curate.dataset.writing import (
    classification,
    mark_pending,
    mark_stale,
    mask_of,
    rename_label,
    segmentation,
    write_particles,
    write_views,
)

__all__ = [
    "ViewRow",
    "aggregate_views",
    "anchor",
    "anchors",
    "best_images",
    "chunks",
    "classification",
    "content_hash",
    "count_by",
    "count_particles",
    "count_pending",
    "create_dataset",
    "dataset_id",
    "each_found",
    "each_particle",
    "encoder_keys",
    "find_particles",
    "flat",
    "group_id",
    "group_ids_of",
    "is_ours",
    "load_dataset",
    "mark_pending",
    "mark_stale",
    "mask_of",
    "newest_sample",
    "particle_ids_of",
    "particle_values",
    "particles_after",
    "particles_with_view",
    "pending_particles",
    "pending_views",
    "read_views",
    "record",
    "rename_label",
    "sample_particle_ids",
    "segmentation",
    "set_encoder_keys",
    "view_names",
    "views_of",
    "write_particles",
    "write_views",
]
