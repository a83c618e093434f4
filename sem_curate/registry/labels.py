"""Labels: an immutable id below, versioned names and definitions above."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from mongoengine.errors import NotUniqueError

from sem_curate.errors import ConflictError, InputError, NameClashError, UnknownLabelError, did_you_mean
from sem_curate.registry.connection import connect
from sem_curate.registry.documents import Label, LabelVersion, ensure_indexes
from sem_curate.registry.names import is_japanese, name_key


@dataclass(frozen=True)
class LabelView:
    """One label as people see it now."""

    label_id: str
    name_ja: str
    name_en: str
    definition_ja: str = ""
    definition_en: str = ""
    synonyms_ja: tuple[str, ...] = ()
    synonyms_en: tuple[str, ...] = ()
    version: int = 1
    active: bool = True

    def name(self, language: str = "en") -> str:
        """Return the display name in ``"ja"`` or ``"en"``, falling back to the other language."""
        return (self.name_ja or self.name_en) if language == "ja" else (self.name_en or self.name_ja)


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
    connect()
    ensure_indexes()
    version = LabelVersion(
        version=1,
        name_ja=(name_ja or (name if is_japanese(name) else "")).strip(),
        name_en=(name_en or ("" if is_japanese(name) else name)).strip(),
        definition_ja=definition_ja,
        definition_en=definition_en,
        synonyms_ja=list(synonyms_ja),
        synonyms_en=list(synonyms_en),
        by=by,
        reason=reason,
    )
    label = Label(label_id=f"lbl_{uuid.uuid4().hex[:12]}", catalogue=catalogue, versions=[version])
    label.name_keys = _keys(version)
    try:
        label.save(force_insert=True)
    except NotUniqueError:
        raise _clash(catalogue, label.name_keys) from None
    return _view(label)


def rename(
    label_id: str, *, name_ja: str | None = None, name_en: str | None = None, by: str, reason: str = ""
) -> LabelView:
    """Give a label a new display name: a new version; the id, decisions and vectors stay as they are.

    Raises:
        UnknownLabelError: no such label.
        NameClashError: the name is taken.
        ConflictError: somebody else changed the label in the same moment.
    """
    connect()
    label = _get(label_id)
    old = label.versions[-1]
    fields = {name: old[name] for name in LabelVersion._fields if name not in ("version", "by", "at", "reason")}
    fields["name_ja"] = old.name_ja if name_ja is None else name_ja.strip()
    fields["name_en"] = old.name_en if name_en is None else name_en.strip()
    new = LabelVersion(version=old.version + 1, by=by, reason=reason, **fields)
    try:
        won = Label.objects(label_id=label_id, rev=label.rev).update_one(
            push__versions=new, set__name_keys=_keys(new), inc__rev=1
        )
    except NotUniqueError:
        raise _clash(label.catalogue, _keys(new), other_than=label_id) from None
    if not won:
        raise ConflictError(f"label '{old.name_en or old.name_ja}' was changed by somebody else; look at it again")
    return _view(_get(label_id))


def get(label_id: str) -> LabelView:
    """Return a label by id, active or not.

    Raises:
        UnknownLabelError: no such label.
    """
    connect()
    return _view(_get(label_id))


def find(catalogue: str, name_or_id: str) -> LabelView:
    """Return the active label with this id or name.

    Raises:
        UnknownLabelError: with the closest known name.
    """
    connect()
    label = (
        Label.objects(label_id=name_or_id, catalogue=catalogue).first()
        or Label.objects(catalogue=catalogue, active=True, name_keys=name_key(name_or_id)).first()
    )
    if label is None:
        known = [view.name(language) for view in in_catalogue(catalogue) for language in ("ja", "en")]
        raise UnknownLabelError(
            f"there is no label '{name_or_id}' in catalogue '{catalogue}'.{did_you_mean(name_or_id, known)} "
            f"Known: {', '.join(dict.fromkeys(known)) or 'none yet'}"
        )
    return _view(label)


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


def in_catalogue(catalogue: str) -> list[LabelView]:
    """Return the active labels of a catalogue, oldest first."""
    connect()
    found = sorted(Label.objects(catalogue=catalogue, active=True), key=lambda label: label.versions[0].at)
    return [_view(label) for label in found]


def by_ids(label_ids: Iterable[str]) -> dict[str, LabelView]:
    """Return ``{label_id: label}`` for the ids that exist."""
    connect()
    return {label.label_id: _view(label) for label in Label.objects(label_id__in=list(set(label_ids)))}


def _get(label_id: str) -> Label:
    label: Label | None = Label.objects(label_id=label_id).first()
    if label is None:
        raise UnknownLabelError(f"there is no label with id '{label_id}'; list them with: sem-curate labels list")
    return label


def _keys(version: LabelVersion) -> list[str]:
    keys = sorted({name_key(name) for name in (version.name_ja, version.name_en) if name_key(name)})
    if not keys:
        raise InputError("a label needs a name in Japanese or English")
    return keys


def _clash(catalogue: str, keys: list[str], *, other_than: str = "") -> NameClashError:
    taken = Label.objects(catalogue=catalogue, active=True, name_keys__in=keys, label_id__ne=other_than).first()
    view = _view(taken) if taken else None
    name = f"'{view.name('ja')} / {view.name('en')}' ({view.label_id})" if view else "another label"
    return NameClashError(f"the name is already used by {name}; choose another name, or use that label")


def _view(label: Label) -> LabelView:
    newest = label.versions[-1]
    return LabelView(
        label_id=label.label_id,
        name_ja=newest.name_ja,
        name_en=newest.name_en,
        definition_ja=newest.definition_ja,
        definition_en=newest.definition_en,
        synonyms_ja=tuple(newest.synonyms_ja),
        synonyms_en=tuple(newest.synonyms_en),
        version=newest.version,
        active=label.active,
    )
