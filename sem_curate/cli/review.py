"""``sem-curate review``: the queue from the terminal."""

from __future__ import annotations

import uuid
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option


@click.group("review")
def command() -> None:
    """Show the queue; decide, correct tags and undo. Reviewing with pictures happens in the App: sem-curate app."""


@command.command("queue")
@dataset_option
@click.option(
    "--queue",
    default="review",
    show_default=True,
    help="review, unknown, auto, skipped, audit, second, bundles or all.",
)
@reviewer_option
@output.json_option
def queue_command(dataset_name: str, queue: str, by: str | None, as_json: bool) -> None:
    """Show how much is left and the next particle; with --by, claim it for that reviewer for a while."""
    ds = open_dataset(dataset_name)
    from sem_curate.review import run as review
    from sem_curate.review import sharing

    # Whose word is still wanted depends on who asks.
    who = reviewer(by) if by or queue == sharing.SECOND else None
    result = {"counts": review.counts(ds), "next": review.next_card(ds, queue=queue, by=who)}
    output.emit(result, as_json=as_json, text=lambda: _queue_text(result))


@command.command("decide")
@dataset_option
@reviewer_option
@click.argument("particle_id")
@click.argument("action", type=click.Choice(["accept", "label", "unknown", "skip"]))
@click.option("--label", default=None, help="Label name or id, with the action 'label'.")
@output.json_option
def decide(dataset_name: str, by: str | None, particle_id: str, action: str, label: str | None, as_json: bool) -> None:
    """Decide one particle."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import run as review

    label_id = labels.find(dataset.record(ds).catalogue, label).label_id if label else None
    result = review.decide(
        ds, particle_id, action, by=reviewer(by), request_id=uuid.uuid4().hex, label_id=label_id, source="cli"
    )
    output.emit(result, as_json=as_json, text=lambda: f"{particle_id}: {result['decision']}{_named(result['card'])}")


@command.command("reviewers")
@dataset_option
@click.argument("number", type=int, required=False)
@output.json_option
def reviewers_command(dataset_name: str, number: int | None, as_json: bool) -> None:
    """Show or set how many reviewers must agree on a boundary sample, independently of each other; 1 is the default.

    Boundary samples have close candidates. Who is asked next does not see what the others said; when they differ,
    further ones are asked. They stand in the queue "second".
    """
    ds = open_dataset(dataset_name)
    from sem_curate.review import sharing

    if number is not None:
        sharing.set_wanted(ds, number)
    found = sharing.standing(ds)
    output.emit(found, as_json=as_json, text=lambda: several_text(found))


@command.command("undo")
@dataset_option
@reviewer_option
@output.json_option
def undo(dataset_name: str, by: str | None, as_json: bool) -> None:
    """Take back your newest decision or tag correction that still stands; of a bulk action, all of it."""
    ds = open_dataset(dataset_name)
    from sem_curate.review import run as review

    result = review.undo(ds, by=reviewer(by), request_id=uuid.uuid4().hex)
    output.emit(result or {"undone": None}, as_json=as_json, text=lambda: _undone(result))


@command.command("tags")
@dataset_option
@reviewer_option
@click.argument("particle_id")
@click.argument("view")
@click.option("--set", "given", default=None, metavar="TAGS", help="The complete list, e.g. blur,noise; '' for none.")
@click.option("--add", multiple=True, metavar="TAG", help="A tag that is missing; can be repeated.")
@click.option("--remove", multiple=True, metavar="TAG", help="A tag that is wrong; can be repeated.")
@click.option("--ok", is_flag=True, help="The tags are right as they are: that teaches, too.")
@output.json_option
def tags_command(
    dataset_name: str, by: str | None, particle_id: str, view: str, given: str | None, add: tuple[str, ...],
    remove: tuple[str, ...], ok: bool, as_json: bool,
) -> None:  # fmt: skip
    """Correct the quality tags of VIEW of PARTICLE_ID, or confirm them with --ok."""
    if (given is not None) + bool(add or remove) + ok != 1:
        raise click.UsageError("give one of --set TAGS, --add and --remove TAG, or --ok")
    ds = open_dataset(dataset_name)
    from sem_curate import schema
    from sem_curate.review import actions
    from sem_curate.review import tags as corrections

    if given is not None:
        chosen = actions.checked_tags(name.strip() for name in given.split(",") if name.strip())
    else:
        shown = corrections.shown_view(ds, particle_id, view)
        chosen = actions.changed_tags(shown.get(schema.QUALITY_TAGS) or [], add, remove)
    result = corrections.correct_tags(
        ds, particle_id, view, chosen, by=reviewer(by), request_id=uuid.uuid4().hex, source="cli"
    )
    output.emit(result, as_json=as_json, text=lambda: _tags_text(result["card"], view))


def several_text(found: dict[str, int]) -> str:
    """Return what came of asking several reviewers, in a line."""
    if found["wanted"] < 2:
        return "one reviewer's word is enough for a boundary sample"
    return (
        f"boundary samples are asked of {found['wanted']} reviewers: {found['agree']} agreed on, "
        f"{found['waiting']} wait for another one, on {found['disagree']} they disagree"
    )


def _undone(result: dict[str, Any] | None) -> str:
    if result is None:
        return "nothing to undo"
    if result["count"] > 1 or result["kept"]:
        what = "tag corrections" if result["view"] else "decisions"
        kept = f"; {result['kept']} stay, because somebody else changed them since" if result["kept"] else ""
        return f"{result['count']} {what} taken back, which were made together{kept}"
    if result["view"]:
        return _tags_text(result["card"], result["view"])
    return f"{result['particle_id']} is {result['card']['decision']} again"


def _tags_text(card: dict[str, Any], view: str) -> str:
    found = next(row for row in card["views"] if row["view"] == view)
    tags = ", ".join(tag["code"] for tag in found["tags"]) or "no tags"
    return f"{card['particle_id']} {view}: {tags}"


def _queue_text(result: dict[str, Any]) -> str:
    card = result["next"]
    counts = ", ".join(f"{count} {name}" for name, count in result["counts"].items())
    if card is None:
        return f"{counts}\nThe queue is empty."
    proposal = card["proposal"]
    shown = _both(proposal) if proposal else "no proposal"
    return f"{counts}\nnext: {card['particle_id']}: {shown} ({', '.join(row['en'] for row in card['reasons'])})"


def _named(card: dict[str, Any]) -> str:
    return f" {_both(card['label'])}" if card["label"] else ""


def _both(label: dict[str, Any]) -> str:
    return " / ".join(dict.fromkeys((label["name_ja"], label["name_en"])))
