"""Search on a FiftyOne dataset: ranked particles for a text, and the similarity index that the App can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sem_curate import dataset, paths, schema
from sem_curate.arrays import Floats, unit_rows
from sem_curate.embed import store
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.errors import InputError, StateError
from sem_curate.progress import Progress, silent
from sem_curate.search import text
from sem_curate.search.backend import FaissSimilarityConfig
from sem_curate.search.rank import Block, Hit, rank
from sem_curate.search.words import described, vocabulary_of

BRAIN_KEY = schema.BRAIN_KEYS["search"]
# 1,000 particles of six 512-dimensional views are 12 MB: blocks of this size keep search small on any dataset.
BLOCK = 1000
MAX_K = 10_000


def search(ds: Any, query: str, *, k: int = 60, mode: str = "top2") -> dict[str, Any]:
    """Find the particles that fit a text, in Japanese or English; "without X" and 「Xでない」 count against.

    A query that names a label, by whatever name it has or had, is read as that label: all its words are asked together.

    Args:
        ds: an embedded dataset of ours.
        query: what to look for.
        k: hits wanted, 1 to 10,000.
        mode: "top2" (the two best views), "any" (the best one) or "overall" (all views).

    Returns:
        ``{"query", "positive", "negatives", "labels", "hits": [{"particle_id", "score", "z", "best_view", "filepath",
        "label"}], "encoder"}``, best first. ``score`` is a cosine, ``z`` a rank in standard deviations; neither is a
        probability. ``labels`` are those that the query names: ``[{"label_id", "name_ja", "name_en", "written",
        "former", "words", "decided"}]``; ``label`` is the display name of a decision in force.

    Raises:
        InputError: the query is empty or k out of range.
        StateError: the dataset has no vectors that text can be compared with.
    """
    if not 1 <= k <= MAX_K:
        raise InputError(f"k must be between 1 and {MAX_K}; got {k}")
    vocabulary = vocabulary_of(ds)
    parsed, named = text.understand(query, vocabulary)
    encoder, vectors = _text_lane(ds)
    hits = rank(_blocks(ds, vectors), text.encode(parsed, encoder, vocabulary), k=k, mode=mode)
    return {
        "query": query,
        "positive": parsed.positive,
        "negatives": list(parsed.negatives),
        "labels": described(ds, named),
        "hits": _describe(ds, hits),
        "encoder": encoder.id,
    }


def build_index(ds: Any, *, progress: Progress = silent) -> dict[str, int]:
    """Bring the App's similarity index up to date: one vector per particle, keyed by its anchor sample.

    Only particles whose vector is new or different are written. With another encoder the index is built anew.

    Args:
        ds: an embedded dataset of ours.
        progress: called with particles done.

    Returns:
        ``{"particles", "added", "removed"}``.

    Raises:
        StateError: the dataset has no vectors that text can be compared with.
    """
    encoder, vectors = _text_lane(ds)
    index = _open_index(ds, encoder)
    before = {str(sample_id): row for row, sample_id in enumerate(index.sample_ids)}
    old = index.get_embeddings()[0]
    ids: list[str] = []
    changed: list[tuple[str, Floats]] = []
    total = dataset.count_particles(ds)
    for block in _blocks(ds, vectors):
        means = unit_rows(np.where(block.present[:, :, None], block.vectors, 0).sum(axis=1))
        anchors = _anchor_ids(ds, block.ids)
        for particle_id, mean in zip(block.ids, means, strict=True):
            sample = anchors[particle_id]
            if not mean.any():
                continue  # nothing of it is embedded yet
            ids.append(sample)
            if sample not in before or not np.allclose(old[before[sample]], mean, atol=1e-6):
                changed.append((sample, mean))
        progress(len(ids), total)
    gone = sorted(set(before) - set(ids))
    if gone:
        index.remove_from_index(gone, reload=False)
    if changed:
        index.add_to_index(np.stack([mean for _, mean in changed]), [sample for sample, _ in changed])
    return {"particles": len(ids), "added": len(changed), "removed": len(gone)}


def _text_lane(ds: Any) -> tuple[Encoder, store.VectorStore]:
    """Return the encoder that reads text and its vectors, checked to belong together."""
    key = dataset.encoder_keys(ds).get("vlm")
    if key is None:
        raise StateError(
            f"dataset '{ds.name}' has no vectors that can be compared with text; "
            f"run: sem-curate run --dataset {ds.name} --stage embed"
        )
    vectors = store.open_store(key)
    encoder = get_encoder(str(vectors.meta["id"]))
    if encoder.key != key:
        raise StateError(
            f"encoder '{encoder.id}' has changed since dataset '{ds.name}' was embedded; "
            f"run: sem-curate run --dataset {ds.name} --stage embed"
        )
    return encoder, vectors


def _blocks(ds: Any, vectors: store.VectorStore) -> Iterator[Block]:
    """Yield all particles with their view vectors and qualities, a block at a time."""
    views = dataset.view_names(ds)
    names = [str(found[schema.PARTICLE_ID]) for found in dataset.find_particles(ds, {}, sort=schema.PARTICLE_ID)]
    for ids in dataset.chunks(names, BLOCK):
        rows = dataset.read_views(ds, ids, (schema.CONTENT_HASH, schema.PRESENT, schema.QUALITY))
        slots = [[rows[particle_id].get(view) or {} for view in views] for particle_id in ids]
        hashes = [[dataset.content_hash(row) for row in line] for line in slots]
        found, present = store.gather(vectors, hashes)
        quality = [
            [np.nan if row.get(schema.QUALITY) is None else row[schema.QUALITY] for row in line] for line in slots
        ]
        yield Block(ids, found, present, np.array(quality, np.float32))


def _describe(ds: Any, hits: Sequence[Hit]) -> list[dict[str, Any]]:
    views = dataset.view_names(ds)
    rows = dataset.read_views(ds, [hit.particle_id for hit in hits], (schema.LABEL,))
    return [
        {
            "particle_id": hit.particle_id,
            "score": round(hit.score, 4),
            "z": round(hit.z, 3),
            "best_view": views[hit.best_view],
            "filepath": rows[hit.particle_id][views[hit.best_view]]["filepath"],
            "label": (rows[hit.particle_id][views[hit.best_view]].get(schema.LABEL) or {}).get("label"),
        }
        for hit in hits
    ]


def _anchor_ids(ds: Any, particle_ids: Sequence[str]) -> dict[str, str]:
    anchor = dataset.anchor(ds)
    return {name: str(views[anchor]["_id"]) for name, views in dataset.read_views(ds, particle_ids, ()).items()}


def _open_index(ds: Any, encoder: Encoder) -> Any:
    """Load the index of this encoder, or register an empty one."""
    if BRAIN_KEY in ds.list_brain_runs():
        if ds.get_brain_info(BRAIN_KEY).config.encoder_key == encoder.key:
            index = ds.load_brain_results(BRAIN_KEY)
            if index is not None:
                return index
        ds.delete_brain_run(BRAIN_KEY)
    path = paths.home() / "search" / f"{dataset.dataset_id(ds)}-{encoder.key}.npz"
    path.unlink(missing_ok=True)
    method = FaissSimilarityConfig(index_path=str(path), prompt_model=encoder.id, encoder_key=encoder.key).build()
    samples = dataset.anchors(ds)
    method.register_run(samples, BRAIN_KEY, overwrite=False)
    index = method.initialize(samples, BRAIN_KEY)
    method.save_run_results(samples, BRAIN_KEY, index)
    return index
