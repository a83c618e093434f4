"""What a change of labels does, before it is done: a plan says which labels get which content. Pure.

A plan is made from the catalogue as it is, refuses what is not allowed, and can be shown (dry run) or recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sem_curate.errors import ConflictError, InputError, NameClashError, UnknownLabelError
from sem_curate.registry.label_model import (
    ACTIVE,
    DEPRECATED,
    MERGED,
    ROLES,
    SPLIT,
    WITHDRAWN,
    LabelView,
    Picked,
    keys,
    same_meaning,
)  # fmt: skip
from sem_curate.registry.names import name_key

CREATE: Final = "create"
RENAME: Final = "rename"
REDEFINE: Final = "redefine"
MERGE: Final = "merge"
SPLIT_UP: Final = "split"
DEPRECATE: Final = "deprecate"
RESTORE: Final = "restore"
ROLLBACK: Final = "rollback"
KINDS: Final = (CREATE, RENAME, REDEFINE, MERGE, SPLIT_UP, DEPRECATE, RESTORE, ROLLBACK)

# What redefine may change besides the names.
DESCRIBING: Final = (
    "definition_ja", "definition_en", "synonyms_ja", "synonyms_en", "templates_ja", "templates_en", "colour", "hotkey",
    "parent", "picked",
)  # fmt: skip
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
Catalogue = Mapping[str, LabelView]


@dataclass(frozen=True)
class Plan:
    """One change: ``after`` holds every touched label as it will be, ``label_id`` the one it is about.

    ``put_back`` is set by a rollback only: ``{label_id: version}`` that come into force again (0 = withdrawn).
    """

    kind: str
    label_id: str
    after: Mapping[str, LabelView]
    details: Mapping[str, Any] = field(default_factory=dict)
    put_back: Mapping[str, int] | None = None
    undoes: str | None = None


def create(labels: Catalogue, label: LabelView) -> Plan:
    """Plan a new label."""
    return _checked(labels, Plan(CREATE, label.label_id, {label.label_id: _tidy(label)}))


def rename(labels: Catalogue, label_id: str, *, name_ja: str | None = None, name_en: str | None = None) -> Plan:
    """Plan new display names; None keeps one."""
    old = _get(labels, label_id)
    new = _tidy(replace(
        old, name_ja=old.name_ja if name_ja is None else name_ja, name_en=old.name_en if name_en is None else name_en
    ))  # fmt: skip
    return _checked(labels, Plan(RENAME, label_id, {label_id: new}, {"from": old.both_names, "to": new.both_names}))


def redefine(labels: Catalogue, label_id: str, changes: Mapping[str, Any]) -> Plan:
    """Plan another definition, synonyms, prompt templates, colour, hotkey, parent or picked particles."""
    old = _get(labels, label_id)
    unknown = sorted(set(changes) - set(DESCRIBING))
    if unknown:
        raise InputError(f"a label has no '{unknown[0]}' to redefine; known: {', '.join(DESCRIBING)}")
    new = _tidy(replace(old, **{key: _value(key, value) for key, value in changes.items()}))
    _check_description(labels, new)
    changed = [key for key in DESCRIBING if getattr(old, key) != getattr(new, key)]
    if not changed:
        raise InputError(f"nothing would change on label '{old.both_names}'")
    details = {"changed": changed, "new_meaning": not same_meaning(old, new)}
    return _checked(labels, Plan(REDEFINE, label_id, {label_id: new}, details))


def merge(labels: Catalogue, sources: Sequence[str], target_id: str) -> Plan:
    """Plan to read ``sources`` as ``target``: both ids stay, and the names that go away become synonyms."""
    target = _active(labels, target_id)
    after: dict[str, LabelView] = {}
    ja, en = list(target.synonyms_ja), list(target.synonyms_en)
    for source_id in dict.fromkeys(sources):
        if source_id == target_id:
            raise InputError(f"label '{target.both_names}' cannot be merged into itself")
        source = _active(labels, source_id)
        after[source_id] = replace(source, status=MERGED, merged_into=target_id)
        ja += [source.name_ja, *source.synonyms_ja]
        en += [source.name_en, *source.synonyms_en]
    if not after:
        raise InputError("name at least one label to merge")
    after[target_id] = replace(target, synonyms_ja=_words(ja, target), synonyms_en=_words(en, target))
    # Children follow: a parent that is only an alias would be lost from sight.
    for child in labels.values():
        if child.parent in after and child.label_id not in after and child.status == ACTIVE:
            after[child.label_id] = replace(child, parent=target_id)
    merged = [labels[source].both_names for source in dict.fromkeys(sources)]
    return _checked(labels, Plan(MERGE, target_id, after, {"from": merged, "to": target.both_names}))


def split(labels: Catalogue, label_id: str, parts: Sequence[LabelView], masters: Mapping[str, str]) -> Plan:
    """Plan to replace a label by two or more parts; what was decided as it waits for review.

    Args:
        labels: the catalogue.
        label_id: what is split up.
        parts: the new labels, with ids that nobody has.
        masters: ``{particle_id: label_id of a part}`` for masters whose part is known.
    """
    source = _active(labels, label_id)
    ids = [part.label_id for part in parts]
    if len(ids) < 2:
        raise InputError("a label is split into two parts at least; to give it another name, rename it")
    if foreign := sorted(set(masters.values()) - set(ids)):
        raise InputError(f"masters are given to '{foreign[0]}', which is no part of the split")
    given = tuple(sorted(masters.items()))
    after = {part.label_id: _tidy(replace(part, split_from=label_id, parent=source.parent)) for part in parts}
    after[label_id] = replace(source, status=SPLIT, split_into=tuple(ids), split_masters=given)
    details = {"from": source.both_names, "to": [after[part].both_names for part in ids]}
    return _checked(labels, Plan(SPLIT_UP, label_id, after, details))


def deprecate(labels: Catalogue, label_id: str) -> Plan:
    """Plan to hide a label from new decisions and proposals; old decisions stay valid."""
    old = _active(labels, label_id)
    return Plan(DEPRECATE, label_id, {label_id: replace(old, status=DEPRECATED)}, {"from": old.both_names})


def restore(labels: Catalogue, label_id: str) -> Plan:
    """Plan to use a deprecated label again."""
    old = _get(labels, label_id)
    if old.status != DEPRECATED:
        raise InputError(f"label '{old.both_names}' is {old.status}, not deprecated; a merge or split is rolled back")
    plan = Plan(RESTORE, label_id, {label_id: replace(old, status=ACTIVE)}, {"to": old.both_names})
    return _checked(labels, plan)


def rollback(
    labels: Catalogue,
    change: Mapping[str, Any],
    later: Callable[[str], str | None],
    version_of: Callable[[str, int], LabelView],
) -> Plan:
    """Plan to put every label that a change touched back to the version before it.

    Args:
        labels: the catalogue, withdrawn labels included.
        change: the record of the change, see ``label_log``.
        later: says in words which later change touched a label, if one did.
        version_of: returns a label's earlier version.

    Raises:
        ConflictError: a label was changed again afterwards.
    """
    after: dict[str, LabelView] = {}
    back: dict[str, int] = {}
    for touched in change["touched"]:
        label_id, now = touched["label_id"], labels[touched["label_id"]]
        if (0 if now.status == WITHDRAWN else now.version) != touched["after"]:
            raise ConflictError(
                f"label '{now.both_names}' was changed again afterwards{later(label_id) or ''}; roll that back first"
            )
        back[label_id] = touched["before"]
        before = touched["before"]
        after[label_id] = version_of(label_id, before) if before else replace(now, status=WITHDRAWN)
    details = {"of": change["kind"], "change_id": change["change_id"]}
    return _checked(labels, Plan(ROLLBACK, change["label_id"], after, details, back, change["change_id"]))


def refuse_clash(labels: Catalogue, wanted: Iterable[LabelView]) -> None:
    """Refuse names that an active label has already, or that two of the wanted ones share.

    Raises:
        NameClashError: shows the other label.
    """
    taken: dict[str, LabelView] = {
        key: label for label in labels.values() if label.status == ACTIVE for key in keys(label)
    }
    for label in wanted:
        for key in keys(label):
            other = taken.setdefault(key, label)
            if other.label_id != label.label_id:
                raise NameClashError(
                    f"the name is already used by '{other.both_names}' ({other.label_id}); "
                    "choose another name, or use that label"
                )


def _checked(labels: Catalogue, plan: Plan) -> Plan:
    untouched = {key: label for key, label in labels.items() if key not in plan.after}
    refuse_clash(untouched, [label for label in plan.after.values() if label.status == ACTIVE])
    for label in plan.after.values():
        keys(label)
    return plan


def _get(labels: Catalogue, label_id: str) -> LabelView:
    if label_id not in labels or labels[label_id].status == WITHDRAWN:
        raise UnknownLabelError(f"there is no label with id '{label_id}'; list them with: sem-curate labels list")
    return labels[label_id]


def _active(labels: Catalogue, label_id: str) -> LabelView:
    label = _get(labels, label_id)
    if label.status != ACTIVE:
        raise InputError(f"label '{label.both_names}' is {label.status}; restore it or roll that change back first")
    return label


def _tidy(label: LabelView) -> LabelView:
    # One line: a name with a line break looks like two.
    return replace(label, name_ja=" ".join(label.name_ja.split()), name_en=" ".join(label.name_en.split()))


def _words(words: Iterable[str], label: LabelView) -> tuple[str, ...]:
    """Return the words that say something new, each spelling once."""
    own = {name_key(label.name_ja), name_key(label.name_en), ""}
    return tuple({name_key(word): word for word in words if name_key(word) not in own}.values())


def _value(key: str, value: Any) -> Any:
    if key == "parent":
        return value or None
    if key == "picked":
        return tuple(row if isinstance(row, Picked) else Picked(**row) for row in value)
    if key.startswith(("synonyms", "templates")):
        return tuple(dict.fromkeys(word.strip() for word in value if word.strip()))
    return str(value).strip()


def _check_description(labels: Catalogue, label: LabelView) -> None:
    if label.colour and not _COLOUR.fullmatch(label.colour):
        raise InputError(f"'{label.colour}' is no colour; write it as #RRGGBB, for example #1f77b4")
    if len(label.hotkey) > 1:
        raise InputError(f"a hotkey is one character; got '{label.hotkey}'")
    if wrong := [row.role for row in label.picked if row.role not in ROLES]:
        raise InputError(f"'{wrong[0]}' is no role of a picked particle; known: {', '.join(ROLES)}")
    if bad := [line for line in (*label.templates_ja, *label.templates_en) if line.count("{}") != 1]:
        raise InputError(f"a prompt template holds {{}} once, where the name goes; got '{bad[0]}'")
    _check_hotkey(labels, label)
    _check_parent(labels, label)


def _check_hotkey(labels: Catalogue, label: LabelView) -> None:
    for other in labels.values():
        same = label.hotkey and other.hotkey == label.hotkey
        if same and other.label_id != label.label_id and other.status == ACTIVE:
            raise NameClashError(f"the hotkey '{label.hotkey}' is already used by '{other.both_names}'")


def _check_parent(labels: Catalogue, label: LabelView) -> None:
    seen, above = {label.label_id}, label.parent
    while above is not None:
        if above in seen:
            raise InputError(f"label '{label.both_names}' would be its own ancestor; choose another parent")
        seen.add(above)
        above = _get(labels, above).parent
