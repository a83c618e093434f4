"""The label registry in FiftyOne's own places: a taxonomy, the classes of a dataset and the colours of the App.

Part of the mirror: whatever stands there can be made again from the registry. Annotation schemas of the label fields
are left alone on purpose: what is edited through them in the App would go past the history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import fiftyone as fo
from fiftyone.core.annotation.nodes import Node
from fiftyone.core.ontology import Taxonomy, delete_ontology, load_ontology

from sem_curate import schema
from sem_curate.registry import exported
from sem_curate.registry.label_model import LabelView

FIELDS: Final = (schema.LABEL, schema.PROPOSAL)
COLOURS: Final = "label_colours"  # in the dataset's info: the colours that we wrote
TRIES: Final = 3
RACES: Final = ("NotUniqueError", "DuplicateKeyError", "ValueError")  # what FiftyOne calls a version that exists


def follow(ds: fo.Dataset, catalogue: str, labels: Mapping[str, LabelView], *, language: str, seq: int) -> None:
    """Make classes, colours and taxonomy show the labels as they are.

    Args:
        ds: one of our datasets.
        catalogue: of its labels.
        labels: ``label_log.catalogue`` of it.
        language: of display names in this dataset's fields, "ja" or "en".
        seq: number of the newest change, for the description of the taxonomy.
    """
    _show(ds, labels, language)
    save_taxonomy(catalogue, labels, language=language, seq=seq)


def taxonomy_name(catalogue: str, language: str) -> str:
    """Return the name under which FiftyOne keeps the labels of a catalogue.

    FiftyOne tells names apart by their ASCII letters and digits only, so a hash of the catalogue's name is in it.
    """
    digest = hashlib.sha256(catalogue.encode()).hexdigest()[:8]
    return f"{catalogue} labels {language} {digest}"


def save_taxonomy(catalogue: str, labels: Mapping[str, LabelView], *, language: str, seq: int) -> bool:
    """Save the labels as a new version of their taxonomy, if they differ from its newest version; tells whether."""
    name, root = taxonomy_name(catalogue, language), exported.tree(labels, catalogue, language)
    for attempt in range(TRIES):
        try:
            if _newest(name) == root:
                return False
            Taxonomy(name, Node.from_dict(root), f"label change {seq} of catalogue {catalogue}").save(overwrite=True)
            return True
        except Exception as error:
            # Another process saved the same version in the same moment.
            if attempt == TRIES - 1 or type(error).__name__ not in RACES:
                raise
    return False


def forget(catalogue: str) -> None:
    """Delete the taxonomies of a catalogue, every version. For benchmarks."""
    for name in (taxonomy_name(catalogue, language) for language in ("ja", "en")):
        if _newest(name) is not None:
            delete_ontology(name, force=True)


def _newest(name: str) -> dict[str, Any] | None:
    try:
        found = load_ontology(name)
    except ValueError:
        return None
    return dict(found.root.to_dict()) if isinstance(found, Taxonomy) else None


def _show(ds: fo.Dataset, labels: Mapping[str, LabelView], language: str) -> None:
    ds.reload()  # somebody may have changed colours in the App
    names = exported.class_names(labels, language)
    classes = {**ds.classes, **dict.fromkeys(FIELDS, names)}
    info = ds.info[schema.INFO_KEY]
    before, wanted = dict(info.get(COLOURS) or {}), exported.colours(labels, language)
    scheme = ds.app_config.color_scheme
    if before != wanted or (wanted and scheme is None):
        scheme = scheme or fo.ColorScheme(color_by="value")
        scheme.fields = exported.with_colours(scheme.fields or [], FIELDS, wanted, before)
        ds.app_config.color_scheme = scheme
        ds.info[schema.INFO_KEY] = {**info, COLOURS: wanted}
    elif classes == ds.classes:
        return
    ds.classes = classes
    ds.save()
