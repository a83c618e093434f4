"""Receipts again: propose against the frozen references that they name, and compare every stored value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fiftyone as fo

from sem_curate import dataset, paths, schema
from sem_curate.decide import account, adopted, confirming, explain, receipts, reference
from sem_curate.decide.batches import read_batch
from sem_curate.decide.reference import Reference
from sem_curate.errors import StateError
from sem_curate.progress import Progress, silent
from sem_curate.registry import history

BATCH = 1024
SHOWN = 20  # differing receipts that are explained


def folder(identity: str) -> Path:
    """Return where the frozen references of a dataset are kept."""
    return paths.home() / "references" / identity


def load_reference(identity: str, reference_id: str) -> Reference:
    """Return a frozen reference with the integrator that it names.

    Raises:
        StateError: a file is gone, damaged, or of another version.
    """
    path = folder(identity) / f"{reference_id}.npz"
    return reference.load(path, adopted.named(identity, reference.integrator_of(path)))


def replay(ds: fo.Dataset, particle_id: str, receipt_id: str) -> dict[str, Any]:
    """Propose for one particle again, against the frozen reference that its receipt names.

    Returns:
        ``{"receipt_id", "replayed_id", "same", "content"}``; ``same`` when every stored value came out again, bit for
        bit. A view, quality or setting that changed since gives another receipt.

    Raises:
        StateError: the receipt or its frozen reference is gone.
    """
    content = history.get_receipt(receipt_id)
    if content is None:
        raise StateError(f"receipt '{receipt_id}' is not in the history; run: sem-curate receipt show {particle_id}")
    replayed = _again(ds, {particle_id: content}, _opened(ds, content))[particle_id]
    again = receipts.receipt(dataset.dataset_id(ds), particle_id, replayed)
    same = again["receipt_id"] == receipt_id
    return {"receipt_id": receipt_id, "replayed_id": again["receipt_id"], "same": same, "content": replayed}


def replay_all(ds: fo.Dataset, *, progress: Progress = silent) -> dict[str, Any]:
    """Replay the current receipt of every particle.

    Returns:
        ``{"receipts", "same", "different", "examples", "cannot", "why"}``: counts, up to twenty
        ``{"particle_id", "receipt_id", "changes"}``, how many could not be replayed, and why the first could not.
    """
    identity = dataset.dataset_id(ds)
    summary: dict[str, Any] = {"receipts": 0, "same": 0, "different": 0, "examples": [], "cannot": 0, "why": ""}
    opened: dict[str, Reference] = {}
    total = dataset.count_particles(ds, {schema.RECEIPT_ID: {"$ne": None}})
    for particle_ids in dataset.each_particle(ds, batch=BATCH):
        rows = dataset.find_particles(ds, {schema.PARTICLE_ID: {"$in": particle_ids}}, (schema.RECEIPT_ID,))
        current = {row[schema.PARTICLE_ID]: row[schema.RECEIPT_ID] for row in rows if row.get(schema.RECEIPT_ID)}
        stored = history.get_receipts(list(current.values()))
        summary["receipts"] += len(current)
        for reference_id, members in _by_reference(current, stored).items():
            try:
                if reference_id not in opened:
                    opened[reference_id] = _opened(ds, stored[current[members[0]]])
                contents = {key: stored[current[key]] for key in members}
                replayed = _again(ds, contents, opened[reference_id])
            except (KeyError, StateError) as error:
                summary["cannot"] += len(members)
                summary["why"] = summary["why"] or _why(error)
                continue
            for key in members:
                again = receipts.receipt(identity, key, replayed[key])["receipt_id"]
                one = {"particle_id": key, "receipt_id": current[key]}
                _count(summary, one, again == current[key], contents[key], replayed[key])
        progress(summary["receipts"], total, "receipts")
    return summary


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, StateError) else "made by an older version of sem_curate; propose again"


def _count(
    summary: dict[str, Any], one: Mapping[str, str], same: bool, old: Mapping[str, Any], new: Mapping[str, Any]
) -> None:
    summary["same" if same else "different"] += 1
    if not same and len(summary["examples"]) < SHOWN:
        summary["examples"].append({**one, "changes": explain.changes(old, new)})


def _by_reference(current: Mapping[str, str], stored: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for particle_id, receipt_id in current.items():
        groups.setdefault(str(stored.get(receipt_id, {}).get("reference_id")), []).append(particle_id)
    return groups


def _opened(ds: fo.Dataset, content: Mapping[str, Any]) -> Reference:
    identity = dataset.dataset_id(ds)
    path = folder(identity) / f"{content['reference_id']}.npz"
    if not path.exists():
        raise StateError(
            f"the frozen reference {content['reference_id']} is gone from '{path.parent}'; propose again with: "
            f"sem-curate run --dataset '{ds.name}' --stage propose"
        )
    if any(key not in content for key in account.GIVEN):
        raise StateError("the receipt was made by an older version of sem_curate; propose again")
    return load_reference(identity, content["reference_id"])


def _again(ds: fo.Dataset, stored: Mapping[str, Mapping[str, Any]], frozen: Reference) -> dict[str, dict[str, Any]]:
    """Return the contents of receipts that one reference gives now for particles, under each receipt's own terms."""
    found: dict[str, dict[str, Any]] = {}
    for members in _alike(stored):
        given = {key: stored[members[0]][key] for key in account.GIVEN}
        batch, _ = read_batch(ds, given["encoder_key"], members)
        made = account.contents(batch, frozen, dataset.view_names(ds), confirming.from_dict(given), given)
        for key, content in zip(members, made, strict=True):
            found[key] = account.with_versions(content, stored[key]["label_versions"])
    return found


def _alike(stored: Mapping[str, Mapping[str, Any]]) -> Iterable[list[str]]:
    groups: dict[str, list[str]] = {}
    for particle_id, content in stored.items():
        groups.setdefault(repr([content[key] for key in account.GIVEN]), []).append(particle_id)
    return groups.values()
