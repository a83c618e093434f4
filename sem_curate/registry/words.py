"""What every label of a catalogue is and was called, for search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sem_curate.registry import label_log, label_model
from sem_curate.registry.documents import Label
from sem_curate.registry.label_model import LabelView

SHOWN = (label_model.ACTIVE, label_model.DEPRECATED, label_model.SPLIT)


def with_former_names(catalogue: str) -> list[tuple[LabelView, tuple[str, ...]]]:
    """Return each label that people may name, and what it and those merged into it were called before.

    A name that it had while it meant something else is none of them.
    """
    known = label_log.catalogue(catalogue)
    rows = Label._get_collection().find({"catalogue": catalogue}, {"versions": 1})
    versions: dict[str, Sequence[Mapping[str, Any]]] = {row["_id"]: row["versions"] for row in rows}
    found = []
    for label in known.values():
        if label.status in SHOWN:
            ids = label_model.aliases(known, label.label_id)
            names = [name for one in ids for name in _names(known[one], versions.get(one, ()))]
            own = (label.name_ja, label.name_en)
            found.append((label, tuple(dict.fromkeys(name for name in names if name and name not in own))))
    return found


def _names(label: LabelView, versions: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [label.name_ja, label.name_en]
    for number, values in enumerate(versions, start=1):
        view = label_model.from_content(label.label_id, number, values)
        if _same_words_meaning(view, label):
            names += [view.name_ja, view.name_en]
    return names


def _same_words_meaning(view: LabelView, label: LabelView) -> bool:
    # Not its status: a name from before a merge, split or deprecation is still a name for it.
    return (view.definition_ja, view.definition_en) == (label.definition_ja, label.definition_en)
