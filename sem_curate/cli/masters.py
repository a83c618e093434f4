"""``sem-curate masters``: register, list and remove master particles."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import click

from sem_curate.cli import label_text, output
from sem_curate.cli.common import dataset_option, open_dataset, reviewer, reviewer_option
from sem_curate.errors import InputError


@click.group("masters")
def command() -> None:
    """Register, list, compare and export masters. Every change is a new, numbered master set."""


@command.command("register")
@dataset_option
@reviewer_option
@click.argument("particles", nargs=-1)
@click.option("--label", default=None, help="Label (name or id) of the given PARTICLES; a new name makes a new label.")
@click.option("--csv", "table", type=click.Path(exists=True, dir_okay=False), help="CSV with particle_id and label.")
@click.option(
    "--from-manifest", type=int, default=None, metavar="N", help="Take N labelled particles per manifest label."
)
@click.option("--reason", default="")
@output.json_option
def register(
    dataset_name: str,
    by: str | None,
    particles: tuple[str, ...],
    label: str | None,
    table: str | None,
    from_manifest: int | None,
    reason: str,
    as_json: bool,
) -> None:
    """Register PARTICLES as masters of a label, or read them from a CSV or from the manifest's own labels."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide.run import register_masters

    chosen = _chosen(ds, particles, label, table, from_manifest)
    result = register_masters(ds, chosen, by=reviewer(by), reason=reason)
    output.emit(
        result,
        as_json=as_json,
        text=lambda: f"master set {result['version']}: {result['masters']} masters ({result['added']} new)",
    )


@command.command("remove")
@dataset_option
@reviewer_option
@click.argument("particles", nargs=-1, required=True)
@click.option("--reason", default="")
@output.json_option
def remove(dataset_name: str, by: str | None, particles: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Stop using PARTICLES as masters; their decisions stay."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide.run import remove_masters

    output.emit(remove_masters(ds, particles, by=reviewer(by), reason=reason), as_json=as_json)


@command.command("replace")
@dataset_option
@reviewer_option
@click.option("--csv", "table", type=click.Path(exists=True, dir_okay=False), required=True, help="particle_id, label.")
@click.option("--reason", default="")
@output.json_option
def replace(dataset_name: str, by: str | None, table: str, reason: str, as_json: bool) -> None:
    """Make the particles of a CSV the only masters, in one new master set."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import master_sets

    result = master_sets.replace(ds, _from_csv(Path(table)), by=reviewer(by), reason=reason)
    output.emit(result, as_json=as_json)


@command.command("list")
@dataset_option
@click.option("--version", type=int, default=None, help="Another master set than the one in force.")
@click.option("--sets", "show_sets", is_flag=True, help="The master sets themselves, newest first.")
@output.json_option
def list_masters(dataset_name: str, version: int | None, show_sets: bool, as_json: bool) -> None:
    """List the master set in force, another one, or all sets."""
    ds = open_dataset(dataset_name)
    from sem_curate import dataset
    from sem_curate.decide import master_sets
    from sem_curate.registry import labels, masters

    if show_sets:
        found = master_sets.sets(ds)
        output.emit({"sets": found}, as_json=as_json, text=lambda: label_text.sets(found))
        return
    identity = dataset.dataset_id(ds)
    snapshot = masters.in_force(identity) if version is None else masters.at_version(identity, version)
    names = labels.by_ids(snapshot.masters.values())
    rows = sorted((names[label_id].name(), particle_id) for particle_id, label_id in snapshot.masters.items())
    result = {"version": snapshot.version, "masters": dict(snapshot.masters)}
    output.emit(result, as_json=as_json, text=lambda: output.table(("label", "particle"), rows))


@command.command("health")
@dataset_option
@output.json_option
def health(dataset_name: str, as_json: bool) -> None:
    """Show how well each master serves, and which to retire, photograph again or add."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide.health_run import masters_health

    result = masters_health(ds)
    output.emit(result, as_json=as_json, text=lambda: _health(result))


def _health(result: dict[str, Any]) -> str:
    def two(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    rows = [
        (
            row["particle_id"], row["name_ja"], f"{row['drives']:.1%}", f"{row['reversals']}/{row['decided']}",
            two(row["sibling"]), f"{two(row['rival'])} {row['rival_ja'] or ''}".strip(), f"{row['changed']:.1%}",
            "-" if row["gain"] is None else f"{100 * row['gain']:+.1f}", row["suggestion"]["en"],
        )
        for row in result["masters"]
    ]  # fmt: skip
    heads = ("master", "label", "drives", "reversed", "sibling", "rival", "changes", "points without", "suggestion")
    labels = [
        (
            row["name_ja"], row["masters"], two(row["recall"]),
            ", ".join(item["particle_id"] for item in row["promote"]) or "-",
        )
        for row in result["labels"]
    ]  # fmt: skip
    lines = [
        output.table(heads, rows),
        "",
        output.table(("label", "masters", "recall", "particles to promote"), labels),
        f"on {result['particles']} particles, {result['decided']} of them confirmed by people",
    ]
    if result["without_view"]:
        count, example = len(result["without_view"]), result["without_view"][0]
        lines.append(f"{count} masters have no usable view (e.g. '{example}'); photograph them again or remove them")
    return "\n".join(lines)


@command.command("compare")
@dataset_option
@click.argument("before", type=int)
@click.argument("after", type=int)
@output.json_option
def compare(dataset_name: str, before: int, after: int, as_json: bool) -> None:
    """Compare two master sets: masters added and removed, and the proposals that would differ."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import master_sets

    found = master_sets.compare(ds, before, after)
    output.emit(found, as_json=as_json, text=lambda: label_text.compared(found))


@command.command("pin")
@dataset_option
@reviewer_option
@click.argument("version", required=False, type=int)
@click.option("--newest", is_flag=True, help="Unpin: use the newest set.")
@click.option("--reason", default="")
@output.json_option
def pin(dataset_name: str, by: str | None, version: int | None, newest: bool, reason: str, as_json: bool) -> None:
    """Let proposals use master set VERSION, whatever is registered later."""
    if newest == (version is not None):
        raise InputError("give the VERSION to pin, or --newest")
    ds = open_dataset(dataset_name)
    from sem_curate.decide import master_sets

    output.emit(master_sets.pin(ds, version, by=reviewer(by), reason=reason), as_json=as_json)


@command.command("export")
@dataset_option
@reviewer_option
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--version", type=int, default=None, help="Another master set than the one in force.")
@click.option("--references", is_flag=True, help="Name the images instead of copying them.")
@output.json_option
def export(
    dataset_name: str, by: str | None, folder: Path, version: int | None, references: bool, as_json: bool
) -> None:
    """Write a master set to FOLDER: json, csv and images. The same set gives the same bytes, so DVC can track it."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import master_sets

    found = master_sets.export(ds, folder, by=reviewer(by), version=version, copy_images=not references)
    output.emit(found, as_json=as_json)


@command.command("import")
@dataset_option
@reviewer_option
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", "only", is_flag=True, help="Make them the only masters.")
@click.option("--reason", default="")
@output.json_option
def import_(dataset_name: str, by: str | None, folder: Path, only: bool, reason: str, as_json: bool) -> None:
    """Register the masters of an exported FOLDER, under labels of the same id or name."""
    ds = open_dataset(dataset_name)
    from sem_curate.decide import master_sets

    output.emit(master_sets.load(ds, folder, by=reviewer(by), reason=reason, only=only), as_json=as_json)


def _chosen(
    ds: Any, particles: tuple[str, ...], label: str | None, table: str | None, from_manifest: int | None
) -> dict[str, list[str]]:
    given = [bool(particles), table is not None, from_manifest is not None]
    if sum(given) != 1:
        raise InputError("give either PARTICLES with --label, or --csv FILE, or --from-manifest N")
    if table is not None:
        return _from_csv(Path(table))
    if from_manifest is not None:
        return _from_manifest(ds, from_manifest)
    if not label:
        raise InputError("name the label of these particles with --label")
    return {label: list(particles)}


def _from_csv(path: Path) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = {"particle_id", "label"} - set(reader.fieldnames or ())
        if missing:
            raise InputError(f"'{path}' lacks the column {' and '.join(sorted(missing))}")
        for row in reader:
            if row["particle_id"] and row["label"]:
                chosen.setdefault(row["label"].strip(), []).append(row["particle_id"].strip())
    return chosen


def _from_manifest(ds: Any, per_label: int) -> dict[str, list[str]]:
    from sem_curate import dataset, schema

    chosen: dict[str, list[str]] = {}
    rows = dataset.find_particles(
        ds, {schema.MANIFEST_LABEL: {"$nin": [None, ""]}}, (schema.MANIFEST_LABEL,), sort=f"{schema.GROUP}._id"
    )
    for row in rows:
        taken = chosen.setdefault(row[schema.MANIFEST_LABEL], [])
        if len(taken) < per_label:
            taken.append(row[schema.PARTICLE_ID])
    if not chosen:
        raise InputError("the manifest had no label column; name masters with --csv or in the App")
    return chosen
