"""Review bundles after a label was split or got another meaning, and its drift ledger, on a FiftyOne dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from sem_curate import dataset, mirror, schema
from sem_curate.arrays import Bools, Floats, unit_rows
from sem_curate.decide.batches import read_batch
from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.store import open_store
from sem_curate.errors import InputError
from sem_curate.registry import bundles as stored
from sem_curate.registry import history, label_log, label_model, masters
from sem_curate.registry.bundles import Bundle
from sem_curate.registry.fold import EventView
from sem_curate.registry.label_model import LabelView
from sem_curate.review import ledger, presort

LIMIT: Final = 20_000  # newest particles of a label that the ledger looks at
SPLIT: Final = "split"
DRIFT: Final = "drift"
WORDS: Final = ("name_ja", "name_en", "definition_ja", "definition_en")
NOBODY: Final = {"at": "", "by": "", "reason": "", "kind": "", "same_meaning": False, **dict.fromkeys(WORDS, "")}
TextEncoder = Callable[[Sequence[str]], Floats]


def bundles(ds: Any, label_id: str, *, why: str = SPLIT, texts: TextEncoder | None = None) -> list[dict[str, Any]]:
    """Return what to review again, in bundles that are judged alike; the same ones each time.

    Args:
        ds: one of our datasets.
        label_id: a label that was split (``why="split"``) or redefined (``why="drift"``).
        why: see above.
        texts: turns T sentences into (T, D) unit rows in the space of the text-image vectors; by default the encoder
            that the dataset was embedded with. Without one, the parts' masters say what belongs where.

    Returns:
        ``[{"bundle_id", "label_id", "why", "suggested", "suggested_name", "cluster", "particles", "left"}]``;
        ``left`` of the particles nobody decided again yet.

    Raises:
        InputError: the label was not split.
    """
    if why not in (SPLIT, DRIFT):
        raise InputError(f"bundles are made for '{SPLIT}' or '{DRIFT}'; got '{why}'")
    record = dataset.record(ds)
    known = label_log.catalogue(record.catalogue)
    label = known.get(label_id)
    if label is None or (why == SPLIT and label.status != label_model.SPLIT):
        raise InputError(f"label '{label.both_names if label else label_id}' was not split; nothing to review again")
    made_for = stored.occasion(record.dataset_id, label, why) or f"{why}:v{label.version}"
    found = stored.load(record.dataset_id, label_id, made_for)
    if found is None:
        make = _of_split if why == SPLIT else _of_drift
        found = make(ds, record.dataset_id, made_for, known, label, texts)
        stored.save(record.dataset_id, label_id, made_for, found)
        mirror.mark_bundles(ds)
    return _shown(ds, record.dataset_id, known, label_id, why, found)


def timeline(ds: Any, label_id: str) -> dict[str, Any]:
    """Return the drift ledger of a label.

    Returns:
        ``{"label_id", "in_force", "versions": [{"version", "at", "by", "reason", "name_ja", "name_en",
        "definition_ja", "definition_en", "same_meaning", "decisions", "shift", "agreement", "agreement_of"}],
        "outdated", "looked_at"}``. Version 0 stands for particles decided as another label that was merged into this
        one.
    """
    found = _decided(ds, label_id)
    rows = {row.version: row for row in ledger.timeline(
        [0, *(view.version for view in found.versions)], np.array(found.under, np.int64), found.vectors, found.known,
        found.agreed,
    )}  # fmt: skip
    said = _who_said(ds, label_id)
    shown = [
        {
            **NOBODY, **said.get(view.version, {}), **asdict(rows[view.version]),
            **{words: getattr(view, words) for words in WORDS},
            "same_meaning": label_model.same_meaning(view, found.label),
        }
        for view in found.versions
    ]  # fmt: skip
    if rows[0].decisions:
        shown.insert(0, {**NOBODY, **asdict(rows[0]), "kind": "merge"})
    doubtful = int(_doubtful(ds, found)[0].sum())
    return {"label_id": label_id, "in_force": found.label.version, "versions": shown, "outdated": doubtful,
            "looked_at": len(found.events)}  # fmt: skip


@dataclass(frozen=True)
class _Decided:
    """Particles decided as one label: N events in force, the version each saw, vectors, agreement with the proposal."""

    label: LabelView
    versions: list[LabelView]
    events: list[EventView]
    under: list[int]
    vectors: Floats
    known: Bools
    agreed: Floats


def _decided(ds: Any, label_id: str) -> _Decided:
    record = dataset.record(ds)
    known = label_log.catalogue(record.catalogue)
    ids = label_model.aliases(known, label_id)
    rows = dataset.find_particles(
        ds, {f"{schema.LABEL}.label_id": {"$in": ids}}, sort=schema.DECIDED_AT, limit=0
    )[-LIMIT:]  # fmt: skip
    chosen = [row[schema.PARTICLE_ID] for row in rows]
    events = [one for one in stored.standing(record.dataset_id, chosen).values() if one.label_id in ids]
    under = [(event.label_version or 1) if event.label_id == label_id else 0 for event in events]
    vectors, seen = _vectors(ds, [event.particle_id for event in events], "dino")
    receipts = history.get_receipts({event.receipt_id for event in events if event.receipt_id})
    agreed = np.array([_agreed(event, receipts, known, label_id) for event in events], np.float32)
    return _Decided(known[label_id], label_log.versions(label_id), events, under, vectors, seen, agreed)


def _agreed(event: EventView, receipts: Mapping[str, Any], known: Mapping[str, LabelView], label_id: str) -> float:
    receipt = receipts.get(event.receipt_id or "")
    if event.decision != schema.CONFIRMED or receipt is None or not receipt.get("label_id"):
        return float("nan")
    return float(label_model.resolve(known, receipt["label_id"]) == label_id)


def _doubtful(ds: Any, found: _Decided) -> tuple[Bools, list[int]]:
    """Return which of the particles decided under an older meaning are doubtful, and the rows of all of those."""
    present = {view.version for view in found.versions if label_model.same_meaning(view, found.label)}
    old = [row for row, version in enumerate(found.under) if version not in present and found.known[row]]
    new = [row for row, version in enumerate(found.under) if version in present and found.known[row]]
    if not old:
        return np.zeros(0, np.bool_), []
    doubtful, _ = ledger.outdated(found.vectors[old], found.vectors[new], _other_centres(ds, found.label.label_id))
    return doubtful, old


def _other_centres(ds: Any, label_id: str) -> Floats:
    record = dataset.record(ds)
    standing = masters.standing(record.dataset_id, record.catalogue).masters
    ids = sorted(standing)
    vectors, known = _vectors(ds, ids, "dino")
    names = np.array([standing[one] for one in ids])
    others = [one for one in sorted(set(names.tolist())) if one != label_id and (known & (names == one)).any()]
    centres = [vectors[known & (names == one)].mean(axis=0) for one in others]
    return unit_rows(np.stack(centres)) if centres else np.zeros((0, vectors.shape[1]), np.float32)


def _of_drift(
    ds: Any, dataset_id: str, made_for: str, known: Mapping[str, LabelView], label: LabelView,
    texts: TextEncoder | None,
) -> list[Bundle]:  # fmt: skip
    found = _decided(ds, label.label_id)
    doubtful, old = _doubtful(ds, found)
    rows = [row for row, bad in zip(old, doubtful, strict=True) if bad]
    nobody = np.full(len(rows), -1, np.int64)
    made = presort.groups(nobody, found.vectors[rows]) if rows else []
    events = [found.events[row] for row in rows]
    return [
        _bundle(dataset_id, label.label_id, made_for, order, None, group, events) for order, group in enumerate(made)
    ]


def _of_split(
    ds: Any, dataset_id: str, made_for: str, known: Mapping[str, LabelView], label: LabelView,
    texts: TextEncoder | None,
) -> list[Bundle]:  # fmt: skip
    ids = label_model.aliases(known, label.label_id)
    rows = dataset.find_particles(ds, {f"{schema.LABEL}.label_id": {"$in": ids}})
    found = stored.standing(dataset_id, [row[schema.PARTICLE_ID] for row in rows])
    events = [one for _, one in sorted(found.items()) if one.label_id in ids]
    if not events:
        return []
    chosen = [event.particle_id for event in events]
    parts = [known[part] for part in label.split_into]
    vectors, _ = _vectors(ds, chosen, "dino")
    part = _suggested(ds, chosen, vectors, label, parts, texts)
    return [
        _bundle(dataset_id, label.label_id, made_for, order, None if group.part < 0 else parts[group.part].label_id,
                group, events)
        for order, group in enumerate(presort.groups(part, vectors))
    ]  # fmt: skip


def _suggested(
    ds: Any, particles: Sequence[str], vectors: Floats, label: LabelView, parts: Sequence[LabelView],
    texts: TextEncoder | None,
) -> Any:  # fmt: skip
    """Return the part that each particle seems to belong to: by the parts' words, else by their masters, else -1."""
    images, known = _vectors(ds, particles, "vlm")
    encode = texts or _own_texts(ds)
    if encode is not None and known.any():
        return presort.suggest(images, np.stack([_part_vector(part, encode) for part in parts]), known)
    given = dict(label.split_masters)
    ids = sorted(given)
    own, there = _vectors(ds, ids, "dino")
    order = [part.label_id for part in parts]
    if not there.all() or set(given.values()) != set(order):
        return np.full(len(particles), -1, np.int64)
    nearest = (vectors @ own.T).argmax(axis=1)
    return np.array([order.index(given[ids[one]]) for one in nearest], np.int64)


def _part_vector(part: LabelView, encode: TextEncoder) -> Floats:
    words = presort.described(
        (part.name_en, part.name_ja, *part.synonyms_en, *part.synonyms_ja), (part.definition_en, part.definition_ja)
    )
    return unit_rows(np.asarray(encode(words)).mean(axis=0))


def _own_texts(ds: Any) -> TextEncoder | None:
    key = dataset.encoder_keys(ds).get("vlm")
    if not key:
        return None
    encoder = get_encoder(str(open_store(key).meta["id"]))
    return encoder.embed_texts if encoder.supports_text else None


def _vectors(ds: Any, particles: Sequence[str], lane: str) -> tuple[Floats, Bools]:
    """Return (N, D) unit rows of one lane, and which particles have one."""
    key = dataset.encoder_keys(ds).get(lane)
    if not key or not particles:
        return np.zeros((len(particles), 1), np.float32), np.zeros(len(particles), np.bool_)
    rows = []
    for part in dataset.chunks(list(particles), 1000):
        batch, _ = read_batch(ds, key, part)
        rows.append(presort.mean_rows(batch.vectors, batch.present))
    found = np.concatenate(rows)
    return found, np.asarray(found.any(axis=1), np.bool_)


def _bundle(
    dataset_id: str, label_id: str, made_for: str, order: int, suggested: str | None, group: presort.Group,
    events: Sequence[EventView],
) -> Bundle:  # fmt: skip
    chosen = [events[row] for row in group.rows]
    return Bundle(
        stored.bundle_id(dataset_id, label_id, made_for, order), suggested, group.cluster,
        tuple(event.particle_id for event in chosen), tuple(event.event_id for event in chosen),
    )  # fmt: skip


def _shown(
    ds: Any, dataset_id: str, known: Mapping[str, LabelView], label_id: str, why: str, found: Sequence[Bundle]
) -> list[dict[str, Any]]:
    now = stored.standing(dataset_id, [one for bundle in found for one in bundle.particles])
    spoken = mirror.language(ds)
    shown = []
    for bundle in found:
        pairs = zip(bundle.particles, bundle.events, strict=True)
        left = [one for one, event in pairs if one in now and now[one].event_id == event]
        suggested = known.get(bundle.suggested or "")
        name = suggested.name(spoken) if suggested else None
        shown.append({
            "bundle_id": bundle.bundle_id, "label_id": label_id, "why": why, "suggested": bundle.suggested,
            "suggested_name": name, "cluster": bundle.cluster, "particles": list(bundle.particles), "left": len(left),
            "waiting": left,
        })  # fmt: skip
    return shown


def _who_said(ds: Any, label_id: str) -> dict[int, dict[str, Any]]:
    """Return who made each version of a label, when, why and by which kind of change."""
    found: dict[int, dict[str, Any]] = {}
    for change in label_log.changes(dataset.record(ds).catalogue, label_id=label_id):
        for touched in change["touched"]:
            if touched["label_id"] == label_id and touched["after"] not in found:
                found[touched["after"]] = {key: change[key] for key in ("at", "by", "reason", "kind")}
    return found
