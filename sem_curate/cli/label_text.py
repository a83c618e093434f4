"""How labels, their changes and dry runs read on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sem_curate.cli import output

SHOWN = 10  # particles named in a dry run on the terminal; --json has more


def dry_run(tried: Mapping[str, Any]) -> str:
    """Return a dry run in a few lines."""
    lines = [f"{tried['kind']}:"]
    before = {row["label_id"]: row for row in tried["before"]}
    for row in tried["after"]:
        old = before.get(row["label_id"])
        lines.append(f"  {_called(old) if old else '(new)'} -> {_called(row)}")
    lines.append(
        f"decided particles {tried['particles']} (people {tried['by_people']}, auto {tried['auto']}), masters "
        f"{tried['masters']}, proposals {tried['proposals']}, in the queue {tried['queue']}, "
        f"exports {len(tried['exports'])}"
    )
    lines += [f"  export: {one['what']} {one['path']}" for one in tried["exports"][:SHOWN]]
    lines += nearest(tried["nearest"])
    stale = [what for what in ("embeddings", "heads", "certificates") if not tried["valid"][what]]
    lines.append(f"no longer valid: {', '.join(stale)}" if stale else "embeddings, heads and certificates stay valid")
    return "\n".join(lines)


def nearest(found: Mapping[str, Any]) -> list[str]:
    """Return the part of a dry run about proposals."""
    if not found["looked_at"]:
        return ["nearest labels: none would change"]
    lines = [
        f"nearest label would change: {found['count']} of {found['looked_at']} looked at ({found['of']} particles); "
        f"another state only: {found['other_state']}"
    ]
    lines += [f"  {move['from']} -> {move['to']}: {move['particles']}" for move in found["moves"][:SHOWN]]
    named = [one["particle_id"] for one in found["changed"] if one["from"] != one["to"]][:SHOWN]
    return [*lines, f"  e.g. {', '.join(named)}"] if named else lines


def made(result: Mapping[str, Any]) -> str:
    """Return what a change did."""
    change = result["change"]
    return (
        f"{change['kind']} recorded as {change['change_id']} by {change['by']}; {result['samples']} samples follow "
        f"({result['seconds']:.1f} s). Take it back with: sem-curate labels rollback {change['change_id']}"
    )


def history(changes: Sequence[Mapping[str, Any]]) -> str:
    """Return the changes as a table, oldest first."""
    rows = [
        (
            one["seq"], one["at"][:19], one["kind"], one["by"], one["change_id"],
            "rolled back" if one.get("undone_by") else "", one["reason"],
        )
        for one in changes
    ]  # fmt: skip
    return output.table(("#", "at", "change", "by", "id", "", "reason"), rows)


def bundles(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what there is to review again."""
    rows = [(one["bundle_id"], one["suggested_name"] or "", one["left"], len(one["particles"]), one["particles"][0])
            for one in found]  # fmt: skip
    return output.table(("bundle", "suggested", "left", "particles", "first"), rows)


def card(found: Mapping[str, Any]) -> str:
    """Return a label card."""
    lines = [f"{found['name_ja']} / {found['name_en']}  [{found['label_id']}, v{found['version']}, {found['status']}]"]
    for key in ("definition_ja", "definition_en"):
        lines += [f"{key}: {found[key]}"] if found[key] else []
    for key in ("synonyms_ja", "synonyms_en", "templates_ja", "templates_en"):
        lines += [f"{key}: {', '.join(found[key])}"] if found[key] else []
    lines += [f"{row['role']}: {row['particle_id']} {row['note']}".rstrip() for row in found["picked"]]
    lines.append(", ".join(f"{key} {value}" for key, value in found["counts"].items()))
    rows = [
        (row["version"], row["at"][:10], row["by"], row["decisions"], _number(row["shift"]), _number(row["agreement"]))
        for row in found["timeline"]["versions"]
    ]
    lines.append(output.table(("version", "since", "by", "decisions", "shift", "agreement"), rows))
    if found["timeline"]["outdated"]:
        lines.append(
            f"{found['timeline']['outdated']} particles were decided under an older meaning and would not match: "
            "sem-curate labels bundles --why drift"
        )
    return "\n".join(lines)


def sets(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the master sets as a table."""
    rows = [
        (
            one["version"], one["at"][:19], one["by"], one["masters"], one["content_hash"][:12],
            "pinned" if one["pinned"] else "in force" if one["in_force"] else "", one["reason"],
        )
        for one in found
    ]  # fmt: skip
    return output.table(("set", "at", "by", "masters", "hash", "", "reason"), rows)


def compared(found: Mapping[str, Any]) -> str:
    """Return how two master sets differ."""
    lines = [f"master set {found['before']} -> {found['after']}:"]
    for what in ("added", "removed", "relabelled"):
        named = ", ".join(row["particle_id"] for row in found[what][:SHOWN])
        lines.append(f"  {what} {len(found[what])}" + (f": {named}" if named else ""))
    return "\n".join([*lines, *nearest(found["proposals"])])


def _called(row: Mapping[str, Any]) -> str:
    return f"{row['name']} (v{row['version']}, {row['status']})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
