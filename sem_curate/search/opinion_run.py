"""Second opinions on a FiftyOne dataset: stored text-image vectors in, two tag lists per view out.

No image is read. A view without an opinion has None in the field; that is the only bookkeeping, so a killed run simply
leaves views for the next one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate import dataset, paths, schema
from sem_curate.embed import store
from sem_curate.embed.encoders import get_encoder
from sem_curate.errors import EncoderError
from sem_curate.registry import masters
from sem_curate.search import opinion
from sem_curate.search.opinion import Frozen

BATCH: Final = 1000  # particles at a time
SAMPLE: Final = 4096  # particles behind what is usual: bounded, whatever the dataset
FIELDS: Final = (
    schema.CONTENT_HASH, schema.PRESENT, schema.QUALITY, schema.QUALITY_TAGS, schema.TAGS_BY, schema.SECOND_OPINION,
    schema.DISPUTED_TAGS,
)  # fmt: skip
ARRAYS: Final = ("directions", "centre", "spread", "sees", "denies")


def second_opinions(ds: Any) -> dict[str, Any]:
    """Give every measured and embedded view the text-image model's opinion on its quality.

    New views cost what they are; when the dataset has doubled, what is usual is taken anew and with it all opinions.
    Particles with a new contradiction are proposed again. Quality, tags and labels stay as they are.

    Returns:
        ``{"views", "disputed", "notice"}``: views looked at now, those of them with a contradiction, and why there are
        no opinions, or None. A dataset without text-image vectors has no opinions.
    """
    key = dataset.encoder_keys(ds).get("vlm")
    summary: dict[str, Any] = {"views": 0, "disputed": 0, "notice": None}
    if key is None:
        return summary
    generation = int(np.log2(max(dataset.count_particles(ds), 1)))
    before, vectors = _load(_path(ds, key)), store.open_store(key)
    anew = before is None or before.generation != generation
    try:
        frozen = _refreeze(ds, vectors, before, generation) if before is None or anew else before
    except EncoderError as error:  # an opinion that cannot be had must not keep the proposals waiting
        return {**summary, "notice": str(error)}
    for particle_ids in _batches(ds, anew):
        views, disputed = _opine(ds, vectors, frozen, particle_ids)
        summary["views"] += views
        summary["disputed"] += disputed
    if anew:
        _save(frozen, _path(ds, key))  # last: an interrupted pass over everything is repeated
    return summary


def _batches(ds: Any, everything: bool) -> Iterator[Sequence[str]]:
    """Yield particles that have views without an opinion, or tags that may have changed since."""
    if everything:
        yield from dataset.each_particle(ds, batch=BATCH)
        return
    where = {schema.PRESENT: True, schema.SECOND_OPINION: None, schema.QUALITY: {"$ne": None}}
    new = set(dataset.particles_with_view(ds, where))
    yield from dataset.chunks(sorted(new), BATCH)
    if masters.current(dataset.dataset_id(ds)).masters:  # without any, proposals wait forever
        for waiting in dataset.pending_particles(ds, schema.STAGE_PROPOSE, batch=BATCH):
            yield [particle_id for particle_id in waiting if particle_id not in new]


def _opine(ds: Any, vectors: store.VectorStore, frozen: Frozen, particle_ids: Sequence[str]) -> tuple[int, int]:
    """Write the opinions on some particles; returns how many views were looked at and how many are disputed."""
    names = dataset.view_names(ds)
    rows = dataset.read_views(ds, particle_ids, FIELDS)
    slots = [[rows[particle_id].get(name) or {} for name in names] for particle_id in particle_ids]
    found, present = store.gather(vectors, [[dataset.content_hash(row) for row in line] for line in slots])
    surprise = frozen.surprise(found)
    looked, disputed, updates, again = 0, 0, dict[str, dict[str, Any]](), set[str]()
    for i, slot in np.argwhere(present):
        row = slots[i][slot]
        if row.get(schema.QUALITY) is None:
            continue  # without tags there is nothing to contradict; the quality stage comes first
        formed = frozen.opinion(slot, surprise[i, slot], row.get(schema.QUALITY_TAGS) or ())
        # A person looked at this view after the model did: there is nothing left to dispute.
        contradicted = [] if row.get(schema.TAGS_BY) else list(formed.disputed)
        values = {schema.SECOND_OPINION: list(formed.seen), schema.DISPUTED_TAGS: contradicted}
        looked, disputed = looked + 1, disputed + bool(values[schema.DISPUTED_TAGS])
        if any(row.get(field) != value for field, value in values.items()):
            updates[row["_id"]] = values
        if (row.get(schema.DISPUTED_TAGS) or []) != values[schema.DISPUTED_TAGS]:
            again.add(particle_ids[i])
    if again:  # before the fields: a kill in between only proposes again
        dataset.mark_pending(ds, (schema.STAGE_PROPOSE,), sorted(again))
    dataset.write_views(ds, updates)
    return looked, disputed


def _refreeze(ds: Any, vectors: store.VectorStore, before: Frozen | None, generation: int) -> Frozen:
    """Take anew what is usual; the prompts are embedded only the first time, because that loads the model."""
    along = before.directions if before else opinion.directions(get_encoder(str(vectors.meta["id"])))
    names = dataset.view_names(ds)
    chosen = dataset.sample_particle_ids(ds, SAMPLE)
    rows = dataset.read_views(ds, chosen, (schema.CONTENT_HASH, schema.PRESENT, schema.QUALITY_TAGS))
    slots = [[rows[particle_id].get(name) or {} for name in names] for particle_id in chosen]
    found, present = store.gather(vectors, [[dataset.content_hash(row) for row in line] for line in slots])
    tagged = [[[tag in (row.get(schema.QUALITY_TAGS) or ()) for tag in opinion.TAGS] for row in line] for line in slots]
    shape = (*present.shape, len(opinion.TAGS))
    return opinion.freeze(along, found, present, np.array(tagged, np.bool_).reshape(shape), generation)


def _path(ds: Any, encoder_key: str) -> Path:
    return paths.home() / "references" / dataset.dataset_id(ds) / f"opinion-{encoder_key}.npz"


def _load(path: Path) -> Frozen | None:
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as stored:
        if int(stored["version"]) != opinion.VERSION:
            return None
        arrays = {name: stored[name] for name in ARRAYS}
        return Frozen(**arrays, generation=int(stored["generation"]))


def _save(frozen: Frozen, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    arrays: dict[str, Any] = {name: getattr(frozen, name) for name in ARRAYS}
    arrays |= {"generation": np.int64(frozen.generation), "version": np.int64(opinion.VERSION)}
    np.savez(temporary, **arrays)
    os.replace(temporary, path)
