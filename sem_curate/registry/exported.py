"""The labels in the words of FiftyOne: a tree of classes, the list of those in force, and their colours. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sem_curate.registry.label_model import ACTIVE, DEPRECATED, LabelView, resolve

KEPT: Final = (ACTIVE, DEPRECATED)
BY_LABEL: Final = "label"  # the attribute of a Classification by whose value FiftyOne chooses a colour


def class_names(labels: Mapping[str, LabelView], language: str) -> list[str]:
    """Return the display names of the labels in force, in the order they were made."""
    return list(dict.fromkeys(label.name(language) for label in labels.values() if label.active))


def colours(labels: Mapping[str, LabelView], language: str) -> dict[str, str]:
    """Return ``{display name: "#RRGGBB"}`` of labels that have a colour and can stand on a sample."""
    found: dict[str, str] = {}
    for key in labels:
        label = labels[resolve(labels, key)]
        if label.colour:
            found.setdefault(label.name(language), label.colour)
    return found


def tree(labels: Mapping[str, LabelView], catalogue: str, language: str) -> dict[str, Any]:
    """Return the labels as FiftyOne's taxonomy node: parents above children, deprecated ones marked.

    Merged, split and withdrawn labels are no classes any more. A taxonomy needs unique names: of two labels of the same
    name the active one stays.
    """
    kept = sorted((label for label in labels.values() if label.status in KEPT), key=lambda label: not label.active)
    title = f"SEM Curate: {catalogue}"
    names = {title}
    nodes: dict[str, dict[str, Any]] = {}
    for label in kept:
        name = label.name(language)
        if name not in names:
            names.add(name)
            nodes[label.label_id] = _node(label, name, language)
    top: list[dict[str, Any]] = []
    for label_id, node in nodes.items():
        above = _above(labels, nodes, label_id)
        (top if above is None else nodes[above].setdefault("values", [])).append(node)
    return {"name": title, "can_select": False, "values": top}


def with_colours(
    entries: Sequence[Mapping[str, Any]], paths: Sequence[str], wanted: Mapping[str, str], ours: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return a colour scheme's fields with our colours in it; what users set for other values and fields stays.

    Args:
        entries: the scheme's fields as FiftyOne stores them.
        paths: the fields that show labels.
        wanted: ``{display name: colour}`` now.
        ours: the same, as it was written the last time: a colour that a user changed since then is the user's.
    """
    by_path = {str(entry.get("path")): dict(entry) for entry in entries}
    for path in paths:
        entry = by_path.get(path, {"path": path})
        values = [row for row in entry.get("valueColors") or [] if not _is_ours(row, ours)]
        taken = {row.get("value") for row in values}
        values += [{"value": name, "color": colour} for name, colour in wanted.items() if name not in taken]
        if values or path in by_path:
            by_path[path] = {"colorByAttribute": BY_LABEL, **entry, "valueColors": values}
    return list(by_path.values())


def _node(label: LabelView, name: str, language: str) -> dict[str, Any]:
    said = " | ".join(part for part in (label.both_names, label.definition(language), label.label_id) if part)
    return {"name": name, "description": said, **({} if label.active else {"deprecated": True})}


def _above(labels: Mapping[str, LabelView], nodes: Mapping[str, Any], label_id: str) -> str | None:
    """Return the nearest parent that has a node; None at the top, and where parents go in a circle."""
    seen = {label_id}
    parent = labels[label_id].parent
    while parent is not None and parent in labels:
        parent = resolve(labels, parent)
        if parent in seen:
            return None
        seen.add(parent)
        if parent in nodes:
            return None if _circle(labels, parent) else parent
        parent = labels[parent].parent
    return None


def _circle(labels: Mapping[str, LabelView], label_id: str) -> bool:
    seen: set[str] = set()
    at: str | None = label_id
    while at is not None and at in labels:
        if at in seen:
            return True
        seen.add(at)
        parent = labels[at].parent
        at = resolve(labels, parent) if parent is not None else None
    return False


def _is_ours(row: Mapping[str, Any], ours: Mapping[str, str]) -> bool:
    name = row.get("value")
    return isinstance(name, str) and name in ours and ours[name] == row.get("color")
