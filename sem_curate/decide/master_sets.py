"""Master sets of a dataset: replace, compare, pin, write to a folder that DVC can track, read from one.

The folder holds the same bytes for the same set and words, wherever and whenever it is written: rows are sorted,
nothing in it depends on the clock. Images are copied under their content hash, or only named where they lie.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sem_curate import dataset, mirror, schema
from sem_curate.decide import enroll, what_if
from sem_curate.decide.impact import compare_masters, flips_json
from sem_curate.errors import InputError
from sem_curate.registry import label_log, label_model, labels, masters, records
from sem_curate.registry.masters import MasterSetView

FORMAT: Final = 1
SET: Final = "masters.json"
TABLE: Final = "masters.csv"
IMAGES: Final = "images.csv"
FOLDER: Final = "images"
FIELDS: Final = (schema.CONTENT_HASH, schema.PRESENT, schema.SOURCE_PATH)


def sets(ds: Any) -> list[dict[str, Any]]:
    """Return every snapshot, newest first.

    Returns:
        ``[{"version", "at", "by", "reason", "content_hash", "masters", "pinned", "in_force"}]``.
    """
    identity = dataset.dataset_id(ds)
    pinned, now = masters.pinned(identity), masters.in_force(identity).version
    return [
        {
            "version": one.version, "at": one.at.isoformat() if one.at else "", "by": one.by, "reason": one.reason,
            "content_hash": one.content_hash, "masters": len(one.masters), "pinned": one.version == pinned,
            "in_force": one.version == now,
        }
        for one in reversed(masters.every(identity))
    ]  # fmt: skip


def compare(ds: Any, before: int, after: int) -> dict[str, Any]:
    """Compare two snapshots: which masters differ, and which proposals would.

    Args:
        ds: one of our datasets.
        before: number of a snapshot; 0 is the empty set.
        after: number of another one.

    Returns:
        ``{"before", "after", "added", "removed", "relabelled", "proposals": {"looked_at", "of", "count",
        "other_state", "moves", "changed"}}``.

    Raises:
        InputError: there is no such snapshot.
    """
    record = dataset.record(ds)
    one, other = (_snapshot(record.dataset_id, number) for number in (before, after))
    known = label_log.catalogue(record.catalogue)
    found = what_if.compare(ds, *(masters.read_as(snapshot, known).masters for snapshot in (one, other)))
    spoken = mirror.language(ds)
    names = {label_id: label.name(spoken) for label_id, label in known.items()}
    return {
        "before": before,
        "after": after,
        **compare_masters(one.masters, other.masters),
        "proposals": {"looked_at": found.looked_at, "of": found.of, **flips_json(found.changed, names)},
    }


def pin(ds: Any, version: int | None, *, by: str, reason: str = "") -> dict[str, Any]:
    """Let proposals use one snapshot whatever is registered later; None lets them use the newest again."""
    identity = dataset.dataset_id(ds)
    snapshot = masters.pin(identity, version, by=by, reason=reason)
    mirror.mark_masters(ds)
    return {"in_force": snapshot.version, "pinned": masters.pinned(identity), "masters": len(snapshot.masters)}


def replace(ds: Any, particles_by_label: Mapping[str, Sequence[str]], *, by: str, reason: str = "") -> dict[str, Any]:
    """Make these the only masters, in one new snapshot; decisions made with the others stay.

    Returns:
        ``{"version", "added", "removed", "labels", "masters"}``.
    """
    return enroll.register_masters(ds, particles_by_label, by=by, reason=reason, only=True)


def export(ds: Any, folder: Path, *, by: str, version: int | None = None, copy_images: bool = True) -> dict[str, Any]:
    """Write a snapshot to a folder: the same set gives the same bytes.

    Args:
        ds: one of our datasets.
        folder: created; what an earlier export left there is replaced.
        by: who, for the note that labels were given away.
        version: a snapshot; by default the one in force.
        copy_images: False writes only where the images lie and their hashes.

    Returns:
        ``{"folder", "version", "masters", "labels", "images", "content_hash"}``.
    """
    record = dataset.record(ds)
    snapshot = masters.in_force(record.dataset_id) if version is None else _snapshot(record.dataset_id, version)
    if not snapshot.masters:
        raise InputError("there are no masters to export; register some first")
    known = label_log.by_id(snapshot.masters.values())
    folder.mkdir(parents=True, exist_ok=True)
    images = _images(ds, sorted(snapshot.masters))
    if copy_images:
        _copy(images, folder / FOLDER)
    _write(folder / SET, json.dumps(_description(snapshot, known), ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    _write(folder / TABLE, _table(("particle_id", "label_id", "label_ja", "label_en"), _rows(snapshot, known)))
    listed = [
        (row["particle_id"], row["view"], row["content_hash"],
         f"{FOLDER}/{row['file']}" if copy_images else row["source_path"])
        for row in images
    ]  # fmt: skip
    _write(folder / IMAGES, _table(("particle_id", "view", "content_hash", "path"), listed))
    ids, hash_ = set(snapshot.masters.values()), snapshot.content_hash
    records.note_export(record.dataset_id, f"master set {snapshot.version}", str(folder), ids, by=by, hash_=hash_)
    return {"folder": str(folder), "version": snapshot.version, "masters": len(snapshot.masters), "labels": len(ids),
            "images": len(images), "content_hash": hash_}  # fmt: skip


def load(ds: Any, folder: Path, *, by: str, reason: str = "", only: bool = False) -> dict[str, Any]:
    """Register the masters of an exported folder, under labels of the same id or name; missing labels are made.

    Args:
        ds: has the particles.
        folder: written by :func:`export`.
        by: who.
        reason: why.
        only: make these the only masters.

    Raises:
        InputError: no such folder, a damaged one, or particles that the dataset does not have.
    """
    described = _read(folder)
    record = dataset.record(ds)
    by_id = {
        entry["label_id"]: _label_for(record.catalogue, entry, by=by, reason=reason) for entry in described["labels"]
    }
    chosen: dict[str, list[str]] = {}
    for row in described["masters"]:
        chosen.setdefault(by_id[row["label_id"]], []).append(row["particle_id"])
    return enroll.register_masters(ds, chosen, by=by, reason=reason or f"from '{folder.name}'", only=only)


def _snapshot(identity: str, version: int) -> MasterSetView:
    known = [one.version for one in masters.every(identity)]
    if version not in (0, *known):
        raise InputError(f"there is no master set {version}; known: {', '.join(map(str, known)) or 'none yet'}")
    return masters.at_version(identity, version)


def _description(snapshot: MasterSetView, known: Mapping[str, label_model.LabelView]) -> dict[str, Any]:
    ids = sorted(set(snapshot.masters.values()))
    rows = [{"particle_id": key, "label_id": label_id} for key, label_id in sorted(snapshot.masters.items())]
    said = [label_model.as_json(known[one]) for one in ids if one in known]
    return {"format": FORMAT, "version": snapshot.version, "content_hash": snapshot.content_hash, "labels": said,
            "masters": rows}  # fmt: skip


def _rows(snapshot: MasterSetView, known: Mapping[str, label_model.LabelView]) -> list[tuple[str, str, str, str]]:
    blank = label_model.LabelView("", "", "")
    return [
        (key, label_id, known.get(label_id, blank).name_ja, known.get(label_id, blank).name_en)
        for key, label_id in sorted(snapshot.masters.items())
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _images(ds: Any, particles: Sequence[str]) -> list[dict[str, str]]:
    """Return the user's own file behind each present view, by particle and view."""
    found = []
    views = dataset.read_views(ds, particles, FIELDS)
    for particle_id in particles:
        for name in dataset.view_names(ds):
            view = views.get(particle_id, {}).get(name, {})
            if content := dataset.content_hash(view):
                source = str(view.get(schema.SOURCE_PATH) or view["filepath"])
                # Only the hash names the file: a particle's name may hold what a path must not.
                file = f"{hashlib.sha256(content.encode()).hexdigest()[:32]}{Path(source).suffix.lower()}"
                found.append({"particle_id": particle_id, "view": name, "content_hash": content, "source_path": source,
                              "file": file})  # fmt: skip
    return found


def _copy(images: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Make a folder hold exactly these images; what is there already is not read again."""
    missing = [row["source_path"] for row in images if not Path(row["source_path"]).is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(images)} images of masters are gone (e.g. '{missing[0]}'); "
            "export without images, or put them back"
        )
    folder.mkdir(exist_ok=True)
    wanted = {row["file"]: row["source_path"] for row in images}
    for old in folder.iterdir():
        if old.name not in wanted and old.is_file():
            old.unlink()
    for name, source in wanted.items():
        if not (folder / name).exists():
            temporary = folder / f".{name}.{os.getpid()}"
            shutil.copyfile(source, temporary)
            temporary.replace(folder / name)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def _read(folder: Path) -> dict[str, Any]:
    path = folder / SET
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = sorted((row["particle_id"], row["label_id"]) for row in found["masters"])
        named = {entry["label_id"] for entry in found["labels"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"'{path}' cannot be read as a master set ({error}); write it with: masters export") from error
    hashed = masters.content_hash(dict(rows))
    if hashed != found.get("content_hash") or {label_id for _, label_id in rows} - named:
        raise InputError(f"'{path}' was changed after it was written: its content hash does not fit; export it again")
    return found


def _label_for(catalogue: str, entry: Mapping[str, Any], *, by: str, reason: str) -> str:
    """Return the id of the label of this catalogue with the same id, or one of the same names; else make it."""
    known = label_log.catalogue(catalogue)
    if entry["label_id"] in known:
        return str(entry["label_id"])
    told = label_model.from_content(entry["label_id"], 1, entry)
    same = [
        label for label in known.values() if label.active and set(label_model.keys(label)) & set(label_model.keys(told))
    ]
    if same:
        return same[0].label_id
    words = ("name_ja", "name_en", "definition_ja", "definition_en", "synonyms_ja", "synonyms_en")
    return labels.create(catalogue, **{key: getattr(told, key) for key in words}, by=by, reason=reason).label_id
