"""Creating and opening datasets, and what identifies them and their particles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import fiftyone as fo

from sem_curate import layout, schema
from sem_curate.errors import InputError, did_you_mean
from sem_curate.registry import datasets


def create_dataset(
    name: str, *, views: Sequence[str] = schema.DEFAULT_VIEWS, catalogue: str | None = None
) -> fo.Dataset:
    """Create an empty grouped dataset with every field, slice and index declared.

    Args:
        name: dataset name.
        views: slice names in display order; the first is the anchor.
        catalogue: which label catalogue it shares; by default its own.

    Raises:
        InputError: when the dataset exists, or view names are empty or repeated.
    """
    if fo.dataset_exists(name):
        raise InputError(f"dataset '{name}' already exists; load it, or choose another name")
    if not views or len(set(views)) != len(views):
        raise InputError(f"view names must be given and different; got {list(views)}")
    record = datasets.open_record(name, views=views, catalogue=catalogue)
    # Under another name until complete: a process killed in between must not leave half a dataset that blocks the name.
    ds = fo.Dataset(f"{name} (unfinished)", overwrite=True)
    ds.add_group_field(schema.GROUP, default=views[0])
    for view in views:
        ds.add_group_slice(view, "image")
    layout.apply(ds)
    ds.info[schema.INFO_KEY] = {"id": record.dataset_id, "views": list(views), "schema": 1}
    ds.save()
    ds.persistent = True
    ds.name = name
    return ds


def load_dataset(name: str) -> fo.Dataset:
    """Load a dataset that this package created.

    Raises:
        InputError: when there is none of that name, or it is not ours.
    """
    if not fo.dataset_exists(name):
        raise InputError(
            f"there is no dataset '{name}'.{did_you_mean(name, fo.list_datasets())} "
            "Create it with: sem-curate ingest FOLDER --dataset NAME"
        )
    ds = fo.load_dataset(name)
    dataset_id(ds)
    return ds


def is_ours(ds: fo.Dataset) -> bool:
    """Tell whether this package created the dataset."""
    return schema.INFO_KEY in ds.info


def dataset_id(ds: fo.Dataset) -> str:
    """Return the stable id under which the registry knows this dataset."""
    if not is_ours(ds):
        raise InputError(
            f"dataset '{ds.name}' was not created by sem_curate; ingest its images with: "
            "sem-curate ingest FOLDER --dataset NAME"
        )
    return str(ds.info[schema.INFO_KEY]["id"])


def record(ds: fo.Dataset) -> datasets.DatasetIdentity:
    """Return the registry's record of this dataset (catalogue, settings)."""
    return datasets.get_record(dataset_id(ds), name=ds.name)


def view_names(ds: fo.Dataset) -> tuple[str, ...]:
    """Return the view names in display order."""
    dataset_id(ds)
    return tuple(ds.info[schema.INFO_KEY]["views"])


def anchor(ds: fo.Dataset) -> str:
    """Return the view that every particle has, as a placeholder if need be."""
    return view_names(ds)[0]


def anchors(ds: fo.Dataset) -> fo.DatasetView:
    """Return one sample per particle, whatever slice is active in the App."""
    return ds.select_group_slices(anchor(ds))


def flat(ds: fo.Dataset) -> fo.DatasetView:
    """Return all views of all particles as one flat collection."""
    return ds.select_group_slices(list(view_names(ds)))


def encoder_keys(ds: fo.Dataset) -> dict[str, str]:
    """Return the vector keys in use, by lane: ``{"dino": key, "vlm": key}``; empty before embedding."""
    return dict(ds.info[schema.INFO_KEY].get("encoder_keys", {}))


def set_encoder_keys(ds: fo.Dataset, keys: Mapping[str, str]) -> None:
    """Record which vectors are in use, by lane."""
    ds.info[schema.INFO_KEY] = {**ds.info[schema.INFO_KEY], "encoder_keys": dict(keys)}
    ds.save()


def group_id(dataset_identity: str, particle_id: str) -> str:
    """Return the group id of a particle, derived from its name.

    Late views therefore join their particle without a lookup, and two ingests that race agree.

    >>> group_id("ds_1", "P-1") == group_id("ds_1", "P-1") != group_id("ds_1", "P-2")
    True
    """
    return hashlib.blake2b(f"{dataset_identity}\0{particle_id}".encode(), digest_size=12).hexdigest()
