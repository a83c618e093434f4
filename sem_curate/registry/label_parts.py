"""Reading what people type about parts of a label and picked particles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sem_curate.registry import labels
from sem_curate.registry.names import is_japanese


def parts_of_lines(text: str) -> list[dict[str, Any]]:
    r"""Read the parts of a split, one a line: a name, or "name: definition".

    >>> parts_of_lines("long needle: above 10\n短針")
    [{'name': 'long needle', 'definition_en': 'above 10'}, {'name': '短針'}]
    """
    parts: list[dict[str, Any]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, definition = line.replace("：", ":").partition(":")
        part: dict[str, Any] = {"name": name.strip()}
        if definition.strip():
            part["definition_ja" if is_japanese(definition) else "definition_en"] = definition.strip()
        parts.append(part)
    return parts


def with_picked(label_id: str, particle_ids: Iterable[str], role: str | None, note: str = "") -> list[dict[str, str]]:
    """Return a label's picked particles with some added or replaced, or taken out with ``role=None``."""
    chosen = list(dict.fromkeys(particle_ids))
    kept = [asdict(row) for row in labels.get(label_id).picked if row.particle_id not in chosen]
    return kept + [{"particle_id": one, "role": role, "note": note} for one in chosen if role]
