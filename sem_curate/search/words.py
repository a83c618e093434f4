"""The words for a dataset's labels, read from the registry for each query: a rename counts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sem_curate import dataset, schema
from sem_curate.registry import label_log, label_model, words
from sem_curate.search.vocabulary import Entry, Match, Vocabulary


def vocabulary_of(ds: Any) -> Vocabulary:
    """Return the words for the labels of a dataset; none for a dataset that is not ours."""
    if not dataset.is_ours(ds):
        return Vocabulary()
    return Vocabulary(tuple(
        Entry(
            label.label_id, tuple(name for name in (label.name_ja, label.name_en) if name),
            (*label.synonyms_ja, *label.synonyms_en), former, label.templates_ja, label.templates_en,
        )
        for label, former in words.with_former_names(dataset.record(ds).catalogue)
    ))  # fmt: skip


def described(ds: Any, named: Sequence[Match]) -> list[dict[str, Any]]:
    """Return the labels that a query names, with how many particles are decided as each."""
    if not named:
        return []
    known = label_log.catalogue(dataset.record(ds).catalogue)
    found = []
    for match in named:
        label = known[match.entry.label_id]
        ids = label_model.aliases(known, label.label_id)
        decided = dataset.count_particles(ds, {f"{schema.LABEL}.label_id": {"$in": ids}})
        found.append({
            "label_id": label.label_id, "name_ja": label.name("ja"), "name_en": label.name("en"),
            "written": match.written, "former": match.former, "words": list(match.entry.words), "decided": decided,
        })  # fmt: skip
    return found
