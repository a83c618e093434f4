"""``sem-curate history``: who decided what, when; taking any of it back; handing it on."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import Command, dataset_option, open_dataset, reviewer, reviewer_option
from sem_curate.errors import InputError

KINDS = "decide, tag, undo, label, master, import, audit, certificate or seal"


@click.group("history")
def command() -> None:
    """Show, export and take back what was decided. Nothing in the history is ever changed: an undo is an event too."""


def _filters(decorated: Command) -> Command:
    for option in (
        click.option("--until", metavar="TIME", help="Up to here; a date includes its whole day."),
        click.option("--since", metavar="TIME", help="From here on, e.g. 2026-11-01 or 2026-11-01T09:30+09:00."),
        click.option("--label", default=None, help="Only decisions for this label (name or id)."),
        click.option("--kind", "kinds", multiple=True, help=f"{KINDS}; repeatable."),
        click.option("--by", default=None, help="Only of this reviewer."),
        click.option("--particle", "particles", multiple=True, help="Only of this particle; repeatable."),
    ):
        decorated = option(decorated)
    return decorated


@command.command("list")
@dataset_option
@_filters
@click.option("--limit", default=50, show_default=True, help="How many of the newest; 0 for all.")
@output.json_option
def list_command(dataset_name: str, limit: int, as_json: bool, **asked: Any) -> None:
    """List events, newest first."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.registry import export, listing

    identity, chosen = dataset.dataset_id(ds), _chosen(ds, **asked)
    found = list(listing.events(identity, chosen, limit=limit))
    names = _names(found)
    rows = [export.event_row(event, names) for event in found]
    total = listing.count(identity, chosen)
    result = {"events": rows, "shown": len(rows), "of": total}
    output.emit(result, as_json=as_json, text=lambda: _table(rows, total))


@command.command("show")
@dataset_option
@click.argument("event_id")
@output.json_option
def show(dataset_name: str, event_id: str, as_json: bool) -> None:
    """Show one event: what it changed, whether it stands, and who took it back."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.registry import export, history, listing

    identity = dataset.dataset_id(ds)
    event = history.get(identity, event_id)
    if event is None:
        raise InputError(f"there is no event '{event_id}'; list them with: sem-curate history list --dataset NAME")
    output.emit({**export.event_row(event, _names([event])), **listing.story(identity, event)}, as_json=as_json)


@command.command("undo")
@dataset_option
@reviewer_option
@click.argument("event_id")
@output.json_option
def undo(dataset_name: str, by: str | None, event_id: str, as_json: bool) -> None:
    """Take back any event, of whomever: a decision, a bulk, a label or master change, or an undo."""
    ds = open_dataset(dataset_name)
    from sem_curate.review import run as review

    result = review.undo_event(ds, event_id, by=reviewer(by), request_id=uuid.uuid4().hex)
    kept = f"; {result['kept']} stay, because somebody else changed them since" if result["kept"] else ""
    output.emit(result, as_json=as_json, text=lambda: f"{result['count']} taken back: event {result['event_id']}{kept}")


@command.command("export")
@dataset_option
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@_filters
@click.option("--as-of", metavar="TIME", help="Instead: the state of every particle at that time, one row each.")
@output.json_option
def export_command(dataset_name: str, path: Path, as_of: str | None, as_json: bool, **asked: Any) -> None:
    """Write the history to PATH: .csv, .jsonl or .parquet."""
    ds = open_dataset(dataset_name)
    if as_of is not None:
        if any(asked.values()):
            raise click.UsageError("--as-of is about all particles; leave the other filters out")
        written = _export_states(ds, path, _moment(as_of, end=True))
    else:
        written = _export_events(ds, path, asked)
    output.emit({"path": str(path), "rows": written}, as_json=as_json, text=lambda: f"{written} rows in {path}")


@command.command("as-of")
@dataset_option
@click.argument("time")
@click.option("--limit", default=50, show_default=True, help="How many particles to show; 0 for all.")
@output.json_option
def as_of_command(dataset_name: str, time: str, limit: int, as_json: bool) -> None:
    """Show every particle's decision as it was at TIME; a date means its end."""
    ds = open_dataset(dataset_name)
    rows = list(_state_rows(ds, _moment(time, end=True)))
    shown = rows[:limit] if limit else rows
    result = {"particles": shown, "shown": len(shown), "of": len(rows)}
    columns = ("particle_id", "decision", "name_ja", "name_en", "by", "at")
    output.emit(
        result, as_json=as_json,
        text=lambda: output.table(columns, [[row[name] for name in columns] for row in shown])
        + f"\n{len(shown)} of {len(rows)} particles",
    )  # fmt: skip


def _export_events(ds: Any, path: Path, asked: dict[str, Any]) -> int:
    from sem_curate import dataset
    from sem_curate.registry import export, labels, listing, records

    identity = dataset.dataset_id(ds)
    names: dict[str, str] = {}

    def row(event: Any) -> dict[str, Any]:
        if event.label_id and event.label_id not in names:
            found = labels.by_ids([event.label_id])
            names[event.label_id] = found[event.label_id].name("ja") if event.label_id in found else ""
        return export.event_row(event, names)

    events = listing.events(identity, _chosen(ds, **asked), newest_first=False)
    written = export.write(path, export.EVENT_COLUMNS, (row(event) for event in events))
    records.note_export(identity, "history", str(path.absolute()), names, by=reviewer(None))
    return written


def _export_states(ds: Any, path: Path, moment: datetime) -> int:
    from sem_curate.registry import export

    return export.write(path, export.STATE_COLUMNS, _state_rows(ds, moment))


def _state_rows(ds: Any, moment: datetime) -> Any:
    from sem_curate import dataset
    from sem_curate.registry import export, labels, listing

    identity = dataset.dataset_id(ds)
    known = labels.in_catalogue(dataset.record(ds).catalogue, statuses=("active", "deprecated", "merged", "split"))
    names = listing.names_as_of(identity, [label.label_id for label in known], moment)
    for particle_id, state in listing.as_of(identity, moment):
        yield export.state_row(particle_id, state, names)


def _chosen(
    ds: Any, particles: tuple[str, ...], by: str | None, kinds: tuple[str, ...], label: str | None, since: str | None,
    until: str | None,
) -> Any:  # fmt: skip
    from sem_curate import dataset
    from sem_curate.registry import labels, listing

    unknown = [kind for kind in kinds if kind not in listing.KINDS]
    if unknown:
        raise InputError(f"there is no kind '{unknown[0]}'; known: {', '.join(listing.KINDS)}")
    label_id = labels.find(dataset.record(ds).catalogue, label).label_id if label else None
    first = _moment(since) if since else None
    last = _moment(until, end=True) if until else None
    return listing.Filter(particles, by, kinds, label_id, None, first, last)


def _moment(text: str, *, end: bool = False) -> datetime:
    """Return a time with its zone, by default the machine's; with ``end`` a date means the end of its day."""
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"'{text}' is no time; write 2026-11-01 or 2026-11-01T09:30+09:00") from None
    if end and len(text.strip()) == len("2026-11-01"):
        given += timedelta(days=1)
    return given if given.tzinfo else given.astimezone()


def _names(events: Any) -> dict[str, str]:
    from sem_curate.registry import labels

    found = labels.by_ids({event.label_id for event in events if event.label_id})
    return {label_id: label.name("ja") for label_id, label in found.items()}


def _table(rows: list[dict[str, Any]], total: int) -> str:
    columns = ("at", "by", "kind", "particle_id", "what", "event_id")
    lines = [[*(row[name] for name in columns[:4]), _what(row), row["event_id"]] for row in rows]
    return f"{output.table(columns, lines)}\n{len(rows)} of {total} events"


def _what(row: dict[str, Any]) -> str:
    if row["kind"] == "undo":
        return f"takes back {row['undoes']}"
    if row["kind"] == "tag":
        return f"{row['view']}: {row['tags']}"
    return " ".join(str(part) for part in (row["decision"], row["label"], row["note"]) if part)
