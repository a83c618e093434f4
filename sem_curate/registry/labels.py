"""Labels: an immutable id below, versioned names and definitions above.

Every change goes through :mod:`label_log`; what is allowed stands in :mod:`label_plans`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sem_curate.errors import InputError, NameClashError, UnknownLabelError, did_you_mean
from sem_curate.registry import label_log, label_model, label_plans
from sem_curate.registry.label_model import DEPRECATED, MERGED, LabelView
from sem_curate.registry.names import is_japanese, name_key

__all__ = ["LabelView", "by_ids", "change", "choosable", "create", "find", "find_or_create", "get", "in_catalogue",
           "new_label", "plan", "rename"]  # fmt: skip


def create(
    catalogue: str,
    name: str = "",
    *,
    name_ja: str = "",
    name_en: str = "",
    definition_ja: str = "",
    definition_en: str = "",
    synonyms_ja: Iterable[str] = (),
    synonyms_en: Iterable[str] = (),
    by: str,
    reason: str = "",
) -> LabelView:
    """Create a label in a catalogue.

    Args:
        catalogue: labels of one catalogue have different names.
        name: a name in either language; stored as Japanese when it holds kana or kanji.
        name_ja: the Japanese display name.
        name_en: the English display name.
        definition_ja: what belongs to it, in Japanese.
        definition_en: what belongs to it, in English.
        synonyms_ja: other Japanese words for it.
        synonyms_en: other English words for it.
        by: who creates it.
        reason: why.

    Raises:
        InputError: when no name is given.
        NameClashError: when an active label of the catalogue already uses a name.
    """
    label = new_label(
        name, name_ja=name_ja, name_en=name_en, definition_ja=definition_ja, definition_en=definition_en,
        synonyms_ja=tuple(synonyms_ja), synonyms_en=tuple(synonyms_en),
    )  # fmt: skip
    label_log.commit(catalogue, lambda labels: label_plans.create(labels, label), by=by, reason=reason)
    return get(label.label_id)


def new_label(name: str = "", *, name_ja: str = "", name_en: str = "", **described: Any) -> LabelView:
    """Return a label with an id of its own, not stored yet; ``name`` is taken for the language it is written in."""
    return LabelView(
        f"lbl_{uuid.uuid4().hex[:12]}",
        name_ja or (name if is_japanese(name) else ""),
        name_en or ("" if is_japanese(name) else name),
        **described,
    )


def rename(
    label_id: str, *, name_ja: str | None = None, name_en: str | None = None, by: str, reason: str = ""
) -> LabelView:
    """Give a label a new display name: a new version; the id, decisions and vectors stay as they are.

    Raises:
        UnknownLabelError: no such label.
        NameClashError: the name is taken.
    """
    wanted = {"name_ja": name_ja, "name_en": name_en}
    change(_catalogue_of(label_id), "rename", label_id, wanted, by=by, reason=reason)
    return get(label_id)


def change(
    catalogue: str, kind: str, label_id: str, wanted: Mapping[str, Any], *, by: str, reason: str = "",
    request_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Record one change of labels and apply it to the registry; see :func:`plan` for what it may be.

    Returns:
        The change, see ``label_log.changes``.
    """
    if not by.strip():
        raise InputError("a change of labels needs the name of who makes it; set SEM_CURATE_REVIEWER or give --by")
    # The parts of a split get their ids once, however often the change is planned.
    ready = _with_parts(wanted) if kind == label_plans.SPLIT_UP else wanted
    return label_log.commit(
        catalogue, lambda labels: plan(labels, kind, label_id, ready), by=by, reason=reason, request_id=request_id
    )


def plan(labels: Mapping[str, LabelView], kind: str, label_id: str, wanted: Mapping[str, Any]) -> label_plans.Plan:
    """Plan one change without making it.

    Args:
        labels: the catalogue, from ``label_log.catalogue``.
        kind: ``"rename"`` (``name_ja``, ``name_en``), ``"redefine"`` (what ``label_plans.DESCRIBING`` names),
            ``"merge"`` (``into``: the other label; this one is read as that), ``"split"`` (``parts``: what the new
            labels are called and mean, each perhaps with ``masters``), ``"deprecate"``, ``"restore"`` or
            ``"rollback"`` (``change_id``).
        label_id: which label.
        wanted: what is wanted, by the names above.

    Raises:
        InputError: the kind is unknown or makes no sense here.
        NameClashError: a name is taken.
    """
    if kind == label_plans.RENAME:
        return label_plans.rename(labels, label_id, name_ja=wanted.get("name_ja"), name_en=wanted.get("name_en"))
    if kind == label_plans.REDEFINE:
        return label_plans.redefine(labels, label_id, wanted)
    if kind == label_plans.MERGE:
        return label_plans.merge(labels, [label_id], str(wanted["into"]))
    if kind == label_plans.SPLIT_UP:
        parts = _with_parts(wanted)["parts"]
        masters = {particle: part["label"].label_id for part in parts for particle in part.get("masters", ())}
        return label_plans.split(labels, label_id, [part["label"] for part in parts], masters)
    if kind == label_plans.ROLLBACK:
        return label_log.plan_rollback(labels, str(wanted["change_id"]))
    if kind in (label_plans.DEPRECATE, label_plans.RESTORE):
        return {"deprecate": label_plans.deprecate, "restore": label_plans.restore}[kind](labels, label_id)
    raise InputError(f"there is no change '{kind}' of a label; known: {', '.join(label_plans.KINDS)}")


def _with_parts(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"parts": [part if "label" in part else _part(part) for part in wanted["parts"]]}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    described = {key: value for key, value in part.items() if key != "masters"}
    for key in ("synonyms_ja", "synonyms_en"):
        if key in described:
            described[key] = tuple(described[key])
    return {"label": new_label(**described), "masters": tuple(part.get("masters", ()))}


def get(label_id: str) -> LabelView:
    """Return a label by its own id, whatever became of it.

    Raises:
        UnknownLabelError: no such label.
    """
    return _get(label_id)


def choosable(label_id: str) -> LabelView:
    """Return the label that an id is read as now, when it can be chosen for a new decision.

    Raises:
        UnknownLabelError: no such label.
        InputError: it is deprecated, split or withdrawn.
    """
    labels = label_log.by_id([label_id])
    label = labels.get(label_model.resolve(labels, label_id))
    if label is None:
        raise _unknown(label_id)
    if not label.active:
        raise InputError(f"label '{label.both_names}' is {label.status}; choose another one")
    return label


def find(catalogue: str, name_or_id: str) -> LabelView:
    """Return the label with this id, or the active one of this name; merged ones give what they were merged into.

    Raises:
        UnknownLabelError: with the closest known name.
    """
    labels = label_log.catalogue(catalogue)
    if name_or_id in labels:
        return labels[label_model.resolve(labels, name_or_id)]
    key = name_key(name_or_id)
    for status in ("active", DEPRECATED, MERGED):
        named = [label for label in labels.values() if label.status == status and key in label_model.keys(label)]
        if named:
            return labels[label_model.resolve(labels, named[-1].label_id)]
    known = [view.name(language) for view in labels.values() if view.active for language in ("ja", "en")]
    raise UnknownLabelError(
        f"there is no label '{name_or_id}' in catalogue '{catalogue}'.{did_you_mean(name_or_id, known)} "
        f"Known: {', '.join(dict.fromkeys(known)) or 'none yet'}"
    )


def find_or_create(catalogue: str, name_or_id: str, *, by: str) -> LabelView:
    """Return the label with this id or name; a new name becomes a new label."""
    try:
        return find(catalogue, name_or_id)
    except UnknownLabelError:
        if name_or_id.startswith("lbl_"):
            raise
    try:
        return create(catalogue, name_or_id, by=by)
    except NameClashError:  # another process created it in between
        return find(catalogue, name_or_id)


def in_catalogue(catalogue: str, *, statuses: Sequence[str] = ("active",)) -> list[LabelView]:
    """Return the labels of a catalogue, oldest first; by default those that can be chosen."""
    return [label for label in label_log.catalogue(catalogue).values() if label.status in statuses]


def by_ids(label_ids: Iterable[str]) -> dict[str, LabelView]:
    """Return ``{label_id: label}`` for the ids that exist; a merged id gives the label that it is read as now."""
    wanted = set(label_ids)
    labels = label_log.by_id(wanted)
    return {label_id: labels[label_model.resolve(labels, label_id)] for label_id in wanted if label_id in labels}


def read_as(label_ids: Iterable[str | None]) -> dict[str, str]:
    """Return ``{label_id: id that it is read as now}`` for the ids that exist."""
    return {key: label.label_id for key, label in by_ids({key for key in label_ids if key}).items()}


def _get(label_id: str) -> LabelView:
    found = label_log.by_id([label_id])
    if label_id not in found:
        raise _unknown(label_id)
    return found[label_id]


def _unknown(label_id: str) -> UnknownLabelError:
    return UnknownLabelError(f"there is no label with id '{label_id}'; list them with: sem-curate labels list")


def _catalogue_of(label_id: str) -> str:
    _get(label_id)
    return label_log.catalogue_of(label_id)
