"""``sem-curate labels``: see and change labels; every change can be tried first and taken back."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import label_text, output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option
from sem_curate.cli.labels_options import change_options, part_of


@click.group("labels")
def command() -> None:
    """See and change labels. The id below a name never changes; every change can be rolled back."""


@command.command("list")
@dataset_option
@click.option("--all", "everything", is_flag=True, help="Deprecated, merged and split ones as well.")
@click.option("--search", default="", help="Only those with this text in a name, synonym or definition.")
@output.json_option
def list_labels(dataset_name: str, everything: bool, search: str, as_json: bool) -> None:
    """List the labels of a dataset's catalogue."""
    from sem_curate.registry import label_log, label_model

    every = label_log.catalogue(_catalogue(dataset_name)).values()
    shown = [label for label in every if label.active or (everything and label.status != label_model.WITHDRAWN)]
    found = label_model.matching(shown, search)
    rows = [(label.label_id, label.name_ja, label.name_en, label.version, label.status) for label in found]
    output.emit(
        {"labels": [label_model.as_json(label) for label in found]},
        as_json=as_json,
        text=lambda: output.table(("id", "日本語", "English", "version", "status"), rows),
    )


@command.command("show")
@dataset_option
@click.argument("label")
@output.json_option
def show(dataset_name: str, label: str, as_json: bool) -> None:
    """Show the card of LABEL (name or id): definition, synonyms, examples, counts, drift."""
    ds = open_dataset(dataset_name)
    from sem_curate.review import label_cards

    card = label_cards.card(ds, _id(dataset_name, label))
    output.emit(card, as_json=as_json, text=lambda: label_text.card(card))


@command.command("add")
@dataset_option
@reviewer_option
@click.option("--ja", default="", help="Japanese name.")
@click.option("--en", default="", help="English name.")
@click.option("--definition-ja", default="")
@click.option("--definition-en", default="")
@output.json_option
def add(dataset_name: str, by: str | None, ja: str, en: str, as_json: bool, **definitions: str) -> None:
    """Add a label."""
    from sem_curate.registry import label_model, labels

    label = labels.create(_catalogue(dataset_name), name_ja=ja, name_en=en, by=reviewer(by), **definitions)
    output.emit(
        label_model.as_json(label),
        as_json=as_json,
        text=lambda: f"added {label.label_id}: {label.name('ja')} / {label.name()}",
    )


@command.command("rename")
@click.argument("label")
@click.option("--ja", default=None, help="New Japanese name.")
@click.option("--en", default=None, help="New English name.")
@change_options
def rename(label: str, ja: str | None, en: str | None, **how: Any) -> int:
    """Give LABEL (name or id) a new name. Decisions and vectors stay as they are."""
    return _change("rename", label, {"name_ja": ja, "name_en": en}, **how)


@command.command("redefine")
@click.argument("label")
@click.option("--definition-ja", default=None)
@click.option("--definition-en", default=None)
@click.option("--synonym-ja", "synonyms_ja", multiple=True, help="Replaces the list; can be repeated.")
@click.option("--synonym-en", "synonyms_en", multiple=True)
@click.option("--template-ja", "templates_ja", multiple=True, help="Search phrase with {} for the name.")
@click.option("--template-en", "templates_en", multiple=True)
@click.option("--colour", default=None, help="#RRGGBB.")
@click.option("--hotkey", default=None, help="One character.")
@click.option("--parent", default=None, help="Label (name or id) above; '' for none.")
@change_options
def redefine(label: str, parent: str | None, **how: Any) -> int:
    """Change what LABEL means or how it is searched and shown."""
    from sem_curate.registry.label_plans import DESCRIBING

    asked: dict[str, Any] = {key: how.pop(key) for key in DESCRIBING if key in how}
    given = {key: value for key, value in asked.items() if value not in (None, ())}
    if parent is not None:
        given["parent"] = _id(how["dataset_name"], parent) if parent else None
    return _change("redefine", label, given, **how)


@command.command("pick")
@click.argument("label")
@click.argument("particles", nargs=-1, required=True)
@click.option("--role", type=click.Choice(["example", "counter", "borderline", "none"]), default="example")
@click.option("--note", default="")
@change_options
def pick(label: str, particles: tuple[str, ...], role: str, note: str, **how: Any) -> int:
    """Show PARTICLES on the card of LABEL as examples, counter-examples or borderline cases."""
    from sem_curate.registry.label_parts import with_picked

    chosen = with_picked(_id(how["dataset_name"], label), particles, None if role == "none" else role, note)
    return _change("redefine", label, {"picked": chosen}, **how)


@command.command("merge")
@click.argument("label")
@click.option("--into", required=True, help="Label (name or id) that LABEL is read as from now on.")
@change_options
def merge(label: str, into: str, **how: Any) -> int:
    """Read LABEL as another one. Both ids stay, so that this can be taken back."""
    return _change("merge", label, {"into": _id(how["dataset_name"], into)}, **how)


@command.command("split")
@click.argument("label")
@click.option(
    "--part", "parts", multiple=True, required=True,
    help="A new label: NAME, or 'ja=..;en=..;definition_ja=..;definition_en=..;masters=P-1,P-2'. At least two.",
)  # fmt: skip
@change_options
def split(label: str, parts: tuple[str, ...], **how: Any) -> int:
    """Replace LABEL by parts. What was decided as it is reviewed again, see: labels bundles."""
    return _change("split", label, {"parts": [part_of(part) for part in parts]}, **how)


@command.command("deprecate")
@click.argument("label")
@change_options
def deprecate(label: str, **how: Any) -> int:
    """Hide LABEL from new decisions and proposals; old decisions stay."""
    return _change("deprecate", label, {}, **how)


@command.command("restore")
@click.argument("label")
@change_options
def restore(label: str, **how: Any) -> int:
    """Use a deprecated LABEL again."""
    return _change("restore", label, {}, **how)


@command.command("rollback")
@click.argument("change_id")
@change_options
def rollback(change_id: str, **how: Any) -> int:
    """Take a change back (its id: labels history), exactly; rolling that back does it again."""
    from sem_curate.registry import label_log

    open_dataset(how["dataset_name"])
    about = label_log.get(change_id)["label_id"]
    return _change("rollback", about, {"change_id": change_id}, **how)


@command.command("history")
@dataset_option
@click.argument("label", required=False)
@output.json_option
def history(dataset_name: str, label: str | None, as_json: bool) -> None:
    """List the changes of all labels, or of LABEL."""
    from sem_curate.registry import label_log

    about = _id(dataset_name, label) if label else None
    found = label_log.changes(_catalogue(dataset_name), label_id=about)
    output.emit({"changes": found}, as_json=as_json, text=lambda: label_text.history(found))


@command.command("bundles")
@dataset_option
@click.argument("label")
@click.option("--why", type=click.Choice(["split", "drift"]), default="split", show_default=True)
@output.json_option
def bundles(dataset_name: str, label: str, why: str, as_json: bool) -> None:
    """List what to review again after LABEL was split, or because its definition changed."""
    ds = open_dataset(dataset_name)
    from sem_curate.review import relabel_bundles

    found = relabel_bundles.bundles(ds, _id(dataset_name, label, inactive=True), why=why)
    output.emit({"bundles": found}, as_json=as_json, text=lambda: label_text.bundles(found))


def _change(
    kind: str, label: str, wanted: dict[str, Any], *, dataset_name: str, by: str | None, reason: str, dry: bool,
    yes: bool, as_json: bool,
) -> int:  # fmt: skip
    ds = open_dataset(dataset_name)
    from sem_curate.review import relabel

    label_id = _id(dataset_name, label, inactive=True)
    tried = relabel.dry_run(ds, kind, label_id, wanted) if dry or not yes else None
    if dry:
        output.emit(tried or {}, as_json=as_json, text=lambda: label_text.dry_run(tried or {}))
        return output.OK
    if tried is not None:
        click.echo(label_text.dry_run(tried), err=as_json)
        if not click.confirm("Change it?", err=as_json):
            return output.FAILED
    made = relabel.apply(ds, kind, label_id, wanted, by=reviewer(by), reason=reason)
    output.emit(made, as_json=as_json, text=lambda: label_text.made(made))
    return output.OK


def _id(dataset_name: str, label: str, *, inactive: bool = False) -> str:
    """Return the id of a label given by name or id; ``inactive``: an id stands for itself, whatever it is read as."""
    from sem_curate.registry import label_log, labels

    catalogue = _catalogue(dataset_name)
    known = label_log.catalogue(catalogue)
    if inactive and label in known:
        return label
    if inactive and (named := [one.label_id for one in known.values() if label in (one.name_ja, one.name_en)]):
        return next((one for one in named if known[one].active), named[-1])
    return labels.find(catalogue, label).label_id


def _catalogue(dataset_name: str) -> str:
    ds = open_dataset(dataset_name)
    from sem_curate import dataset

    return dataset.record(ds).catalogue
