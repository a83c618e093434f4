"""What a label is, and how the ids of merged, split and withdrawn labels are read. Pure: no database, no FiftyOne."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sem_curate.errors import InputError
from sem_curate.registry.names import name_key

ACTIVE: Final = "active"
DEPRECATED: Final = "deprecated"  # hidden for new decisions, valid on old ones
MERGED: Final = "merged"  # its id is read as ``merged_into``
SPLIT: Final = "split"  # its particles wait for review; its parts are ``split_into``
WITHDRAWN: Final = "withdrawn"  # its making was rolled back; its id is read as ``split_from``, if it had one
STATUSES: Final = (ACTIVE, DEPRECATED, MERGED, SPLIT, WITHDRAWN)

EXAMPLE: Final = "example"
COUNTER: Final = "counter"
BORDERLINE: Final = "borderline"
ROLES: Final = (EXAMPLE, COUNTER, BORDERLINE)

MAX_NAME: Final = 500  # characters
# What a change of these says about a particle: a rename does not make an old decision doubtful, a definition does.
MEANING: Final = ("definition_ja", "definition_en", "status", "merged_into", "split_into", "parent")


@dataclass(frozen=True)
class Picked:
    """A particle that shows what belongs to a label (``"example"``), what does not, or what is on the border."""

    particle_id: str
    role: str = EXAMPLE
    note: str = ""


@dataclass(frozen=True)
class LabelView:
    """One label as people see it now.

    ``version`` counts the contents this label ever had; a rollback puts an earlier version in force again.
    ``split_masters`` holds ``(particle_id, label_id)``: which part each master of a split label went to.
    """

    label_id: str
    name_ja: str
    name_en: str
    definition_ja: str = ""
    definition_en: str = ""
    synonyms_ja: tuple[str, ...] = ()
    synonyms_en: tuple[str, ...] = ()
    version: int = 1
    templates_ja: tuple[str, ...] = ()
    templates_en: tuple[str, ...] = ()
    colour: str = ""
    hotkey: str = ""
    parent: str | None = None
    picked: tuple[Picked, ...] = ()
    status: str = ACTIVE
    merged_into: str | None = None
    split_into: tuple[str, ...] = ()
    split_from: str | None = None
    split_masters: tuple[tuple[str, str], ...] = ()

    @property
    def active(self) -> bool:
        """Tell whether it can be chosen for new decisions."""
        return self.status == ACTIVE

    def name(self, language: str = "en") -> str:
        """Return the display name in ``"ja"`` or ``"en"``, falling back to the other language."""
        return (self.name_ja or self.name_en) if language == "ja" else (self.name_en or self.name_ja)

    def definition(self, language: str = "en") -> str:
        """Return the definition in ``"ja"`` or ``"en"``, falling back to the other language."""
        first, second = self.definition_en, self.definition_ja
        return (second or first) if language == "ja" else (first or second)

    @property
    def both_names(self) -> str:
        """Return "Japanese / English", or the only name."""
        return " / ".join(dict.fromkeys(name for name in (self.name_ja, self.name_en) if name))


CONTENT: Final = tuple(field.name for field in fields(LabelView) if field.name not in ("label_id", "version"))


def content(label: LabelView) -> dict[str, Any]:
    """Return what a version of a label holds, as JSON values.

    >>> content(LabelView("l", "", "rod"))["name_en"]
    'rod'
    """
    values = {key: value for key, value in asdict(label).items() if key in CONTENT}
    found: dict[str, Any] = json.loads(json.dumps(values, ensure_ascii=False))
    # Particle ids are values, never keys: a key may not hold "$" or ".".
    return found


def from_content(label_id: str, version: int, values: Mapping[str, Any]) -> LabelView:
    """Return the label that :func:`content` described; fields of newer or older versions are ignored or empty."""
    known = {key: _frozen(key, values[key]) for key in CONTENT if values.get(key) is not None}
    return LabelView(label_id, known.pop("name_ja", ""), known.pop("name_en", ""), version=version, **known)


def _frozen(key: str, value: Any) -> Any:
    if key == "picked":
        return tuple(Picked(row["particle_id"], row["role"], row.get("note") or "") for row in value)
    if key == "split_masters":
        return tuple((row[0], row[1]) for row in value)
    return tuple(value) if isinstance(value, (list, tuple)) else value


def content_hash(values: Mapping[str, Any]) -> str:
    """Return the hash of a version's content: equal contents, equal hashes."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def keys(label: LabelView) -> list[str]:
    """Return the forms under which this label's names are compared.

    Raises:
        InputError: no name at all, or one that is too long.
    """
    longest = max(len(label.name_ja), len(label.name_en))
    if longest > MAX_NAME:
        raise InputError(f"a label name has {longest} characters; {MAX_NAME} are the most")
    found = sorted({name_key(name) for name in (label.name_ja, label.name_en) if name_key(name)})
    if not found:
        raise InputError("a label needs a name in Japanese or English")
    return found


def resolve(labels: Mapping[str, LabelView], label_id: str) -> str:
    """Return the id that a stored id stands for now: merged and withdrawn labels are read as another one.

    >>> kept, gone = LabelView("a", "", "rod"), LabelView("b", "", "bar", status=MERGED, merged_into="a")
    >>> resolve({"a": kept, "b": gone}, "b")
    'a'
    """
    seen: set[str] = set()
    while label_id in labels and label_id not in seen:
        seen.add(label_id)
        label = labels[label_id]
        onward = (
            label.merged_into if label.status == MERGED else label.split_from if label.status == WITHDRAWN else None
        )
        if onward is None:
            break
        label_id = onward
    return label_id


def aliases(labels: Mapping[str, LabelView], label_id: str) -> list[str]:
    """Return every id that is read as ``label_id``, itself included."""
    return sorted({label_id, *(other for other in labels if resolve(labels, other) == label_id)})


def master_label(labels: Mapping[str, LabelView], particle_id: str, label_id: str) -> str | None:
    """Return the label that a master stands for now, or None when it stands for none.

    A master of a merged label stands for what it was merged into, one of a split label for the part it was given to,
    one of a deprecated label for nothing: nothing new should be proposed for it.
    """
    for _ in range(len(labels) + 1):
        label_id = resolve(labels, label_id)
        label = labels.get(label_id)
        if label is None or label.status != SPLIT:
            break
        part = dict(label.split_masters).get(particle_id)
        if part is None:
            return None
        label_id = part
    label = labels.get(label_id)
    return label_id if label is None or label.status == ACTIVE else None


def same_meaning(one: LabelView, other: LabelView) -> bool:
    """Tell whether a decision made under one version needs no second look under the other."""
    return all(getattr(one, name) == getattr(other, name) for name in MEANING)


def matching(labels: Iterable[LabelView], text: str) -> list[LabelView]:
    """Return the labels whose name, synonym or definition holds ``text``, names first."""
    wanted = name_key(text)
    if not wanted:
        return list(labels)
    found = [(rank, index, label) for index, label in enumerate(labels) if (rank := _rank(label, wanted)) is not None]
    return [label for _, _, label in sorted(found, key=lambda row: row[:2])]


def _rank(label: LabelView, wanted: str) -> int | None:
    names = [name_key(name) for name in (label.name_ja, label.name_en)]
    others = [name_key(name) for name in (*label.synonyms_ja, *label.synonyms_en)]
    texts = [name_key(label.definition_ja), name_key(label.definition_en)]
    groups = ([name == wanted for name in names], [wanted in name for name in names],
              [wanted in name for name in others], [wanted in text for text in texts])  # fmt: skip
    return next((rank for rank, group in enumerate(groups) if any(group)), None)


def as_json(label: LabelView) -> dict[str, Any]:
    """Return a label as JSON values, for the command line and the panel."""
    return {"label_id": label.label_id, "version": label.version, "active": label.active, **content(label)}
