"""``sem-curate status``: what is in a dataset and what is left to do."""

from __future__ import annotations

from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import open_dataset
from sem_curate.cli.review import several_text


@click.command("status")
@click.option("--dataset", "dataset_name", default=None, help="Dataset name; without it, list them all.")
@output.json_option
def command(dataset_name: str | None, as_json: bool) -> None:
    """Show counts, waiting work, masters and the newest decisions."""
    if dataset_name is None:
        names = _names()
        empty = "No datasets yet. Start with: sem-curate ingest FOLDER --dataset NAME"
        output.emit({"datasets": names}, as_json=as_json, text=lambda: "\n".join(names) or empty)
        return
    result = _status(open_dataset(dataset_name))
    output.emit(result, as_json=as_json, text=lambda: _text(result))


def _names() -> list[str]:
    from sem_curate.app.mongod import ensure_database

    ensure_database()
    import fiftyone as fo

    from sem_curate import dataset

    return [name for name in fo.list_datasets() if dataset.is_ours(fo.load_dataset(name))]


def _status(ds: Any) -> dict[str, Any]:
    from sem_curate import dataset, schema
    from sem_curate.embed.run import shifts
    from sem_curate.registry import history, masters
    from sem_curate.review import run as review
    from sem_curate.review import sharing

    identity = dataset.dataset_id(ds)
    snapshot = masters.in_force(identity)
    return {
        "dataset": ds.name,
        "counts": review.counts(ds),
        "views_per_particle": dataset.count_by(ds, schema.N_VIEWS),
        "pending": dataset.count_pending(ds),
        "encoder_keys": dataset.encoder_keys(ds),
        "shifts": shifts(ds),
        "master_set": {"version": snapshot.version, "masters": len(snapshot.masters)},
        "stale": dataset.count_particles(ds, {schema.STALE: True}),
        "unmirrored": len(history.unmirrored(identity)),
        "reviewers": sharing.standing(ds),
        "newest": _newest(identity),
    }


def _newest(identity: str) -> list[dict[str, Any]]:
    from sem_curate.registry import history, labels

    actions = history.newest(identity, limit=5)
    names = labels.by_ids({event.label_id for event, _ in actions if event.label_id})
    return [
        {
            "at": event.at,
            "by": event.by,
            "particle_id": event.particle_id,
            "decision": event.decision or event.kind,
            "label": names[event.label_id].name("ja") if event.label_id in names else None,
            "view": event.view,
            "tags": None if event.tags is None else list(event.tags),
            "together": together,
            "note": event.note,
        }
        for event, together in actions
    ]


def _action_text(row: dict[str, Any]) -> str:
    where = f"{row['particle_id']} {row['view']}" if row["view"] else row["particle_id"]
    if not row["particle_id"]:
        return f"{row['decision']}: {row['note'] or ''}".rstrip(": ")
    if row["together"] > 1:
        where = f"{where} and {row['together'] - 1} more"
    if row["decision"] == "undo":
        return f"{where}: {'tag correction' if row['view'] else 'decision'} taken back"
    if row["decision"] != "tag":
        return f"{where}: {' '.join(filter(None, (row['decision'], row['label'])))}"
    if row["together"] > 1:
        return f"{where}: tags corrected"
    return f"{where}: tags {', '.join(row['tags'] or ()) or 'none'}"


def _shift_text(found: dict[str, Any]) -> str:
    view, instrument, _ = found["condition"]
    return (
        f"different from before: {view} on {instrument or 'an unnamed instrument'}: {found['new']} new images, "
        f"in {found['farther']:.0%} of comparisons farther from what "
        f"{'it' if found['against'] == 'itself' else found['against']} showed before than usual; "
        f"look at some before trusting proposals"
    )


def _text(result: dict[str, Any]) -> str:
    lines = [
        output.table(("what", "particles"), result["counts"].items()),
        "",
        output.table(("views per particle", "particles"), sorted(result["views_per_particle"].items())),
        "",
        f"waiting: {', '.join(f'{stage} {count}' for stage, count in result['pending'].items())}",
        f"masters: {result['master_set']['masters']} (version {result['master_set']['version']})",
    ]
    if result["stale"]:
        lines.append(
            f"{result['stale']} proposals rest on former masters; propose again: sem-curate run --stage propose"
        )
    if result["reviewers"]["wanted"] > 1:
        lines.append(several_text(result["reviewers"]))
    lines += [_shift_text(found) for found in result["shifts"] if found["flagged"]]
    lines += [f"{row['at']:%Y-%m-%d %H:%M} {row['by']}: {_action_text(row)}" for row in result["newest"]]
    return "\n".join(lines)
