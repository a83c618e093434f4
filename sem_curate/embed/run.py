"""The embed stage on a FiftyOne dataset: pending views in, vector files out, a brain run that says with what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import fiftyone.core.brain as fob

from sem_curate import dataset, schema
from sem_curate.arrays import Bools, Floats
from sem_curate.embed import store
from sem_curate.embed.encoders import DEFAULTS, Encoder, get_encoder
from sem_curate.embed.pipeline import Batch, Lane, Skipped, Source, embed_stream
from sem_curate.embed.shift import Condition, describe
from sem_curate.embed.watch import Watch, latest
from sem_curate.errors import EncoderError, StateError
from sem_curate.ingest.readers import read_grey
from sem_curate.progress import Progress, silent
from sem_curate.quality.judging import condition

BRAIN_KEY = schema.BRAIN_KEYS[schema.STAGE_EMBED]
# Reasons kept in the run; the summary always counts all of them.
REASONS_KEPT = 100
CONDITION_FIELDS = (schema.VIEW, schema.INSTRUMENT, schema.MAGNIFICATION)


@dataclass(frozen=True)
class EmbedSummary:
    """What one embedding run did; counts are views."""

    views: int  # waited for vectors
    computed: int  # decoded and embedded now; the rest was known by content
    skipped: tuple[Skipped, ...]  # stay pending, so that the next run tries them again
    encoders: tuple[str, ...]
    keys: dict[str, str]  # lane ("dino" decides, "vlm" supports) -> vector key
    shifts: tuple[dict[str, Any], ...] = ()  # how new images compare with what their imaging condition showed before

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return asdict(self)


class EmbedConfig(fob.BrainMethodConfig):
    """Which encoders made the vectors. FiftyOne stores this class by its dotted name: do not move it."""

    def __init__(self, encoders: Sequence[str] = (), keys: dict[str, str] | None = None, **kwargs: Any) -> None:
        """Hold the encoder names and the vector keys by lane; other arguments are FiftyOne's own."""
        super().__init__(**kwargs)
        self.encoders = list(encoders)
        self.keys = dict(keys or {})

    @property
    def type(self) -> str:
        """FiftyOne's run type."""
        return "sem_embed"

    @property
    def method(self) -> str:
        """FiftyOne's run method."""
        return "content-hash-cache"


class Embed(fob.BrainMethod):
    """Owns no fields: vectors live in files that other datasets share by content."""

    def ensure_requirements(self) -> None:
        """Need nothing beyond the package."""

    def get_fields(self, samples: Any, brain_key: str) -> list[str]:
        """Return no fields."""
        return []

    def cleanup(self, samples: Any, brain_key: str) -> None:
        """Keep the vectors: another dataset with the same images uses them."""


class EmbedResults(fob.BrainResults):
    """Counts of the latest run; the vectors are in the files named by ``config.keys``."""

    def __init__(
        self, samples: Any, config: EmbedConfig, brain_key: str, summary: dict[str, Any] | None = None,
        backend: Embed | None = None,
    ) -> None:  # fmt: skip
        """Hold the summary of the run."""
        super().__init__(samples, config, brain_key, backend=backend)
        self.summary = summary

    @classmethod
    def _from_dict(cls, d: dict[str, Any], samples: Any, config: EmbedConfig, key: str) -> EmbedResults:
        return cls(samples, config, key, summary=d.get("summary"))


def embed_dataset(
    ds: Any, encoders: Sequence[str] | None = None, *, progress: Progress = silent, limit: int | None = None
) -> EmbedSummary:
    """Give every pending view its vectors, decoding each image once for all encoders.

    Interrupted at any time it loses only the batches under way. Views of known content cost nothing. When the
    encoders change, every view becomes pending again first.

    Args:
        ds: a dataset of ours.
        encoders: the image encoder that decides, then optionally one that also reads text; by default the
            encoders in use, or the bundled ones.
        progress: called after each batch.
        limit: at most this many views; the rest stays pending.

    Returns:
        What was done. Skipped views are listed with reasons and stay pending.

    Raises:
        EncoderError: an encoder cannot be loaded; nothing was changed.
    """
    loaded = [get_encoder(name) for name in encoders or encoders_in_use(ds)]
    keys = lane_keys(loaded)
    lanes = [
        Lane(encoder, store.open_store(encoder.key, dim=encoder.dim, meta=encoder.provenance)) for encoder in loaded
    ]
    _switch(ds, keys)
    waiting = dataset.count_pending(ds)[schema.STAGE_EMBED]
    total = waiting if limit is None else min(limit, waiting)
    computed, views, skipped = 0, 0, list[Skipped]()
    watch = Watch(lanes[0].store, dataset.dataset_id(ds))
    for batch in _batches(ds, lanes, limit, watch):
        computed, views = computed + batch.computed, views + len(batch.done) + len(batch.skipped)
        skipped.extend(batch.skipped)
        progress(views, total, f"{len(skipped)} skipped" if skipped else "")
    shifts = tuple(describe(found) for found in watch.finish())
    summary = EmbedSummary(views, computed, tuple(skipped), tuple(encoder.id for encoder in loaded), keys, shifts)
    _save_run(ds, summary)
    return summary


def embed_particles(ds: Any, encoder: str, particle_ids: Sequence[str], *, progress: Progress = silent) -> str:
    """Give some particles vectors of an encoder that is not in use, to compare it; the dataset is not changed.

    Args:
        ds: a dataset of ours.
        encoder: name of the encoder.
        particle_ids: which; unknown ones are passed over.
        progress: counts views.

    Returns:
        The key of the vectors. Views that cannot be read have none.

    Raises:
        EncoderError: the encoder cannot be loaded.
    """
    loaded = get_encoder(encoder)
    lane = Lane(loaded, store.open_store(loaded.key, dim=loaded.dim, meta=loaded.provenance))
    fields = (schema.CONTENT_HASH, schema.SOURCE_PATH, schema.PRESENT, schema.PARTICLE_MASK)
    found = dataset.read_views(ds, particle_ids, fields)
    views = [view for particle in found.values() for view in particle.values() if dataset.content_hash(view)]
    sources = (
        Source(
            view[schema.CONTENT_HASH],
            view[schema.SOURCE_PATH],
            dataset.mask_of(view.get(schema.PARTICLE_MASK)) if loaded.takes_mask else None,
        )
        for view in views
    )
    done = 0
    for batch in embed_stream(sources, [lane], read=read_grey):
        done += len(batch.done) + len(batch.skipped)
        progress(done, len(views), "")
    return loaded.key


def lane_keys(encoders: Sequence[Encoder]) -> dict[str, str]:
    """Return ``{"dino": key, "vlm": key}``: the first encoder decides, the first that reads text supports.

    Raises:
        EncoderError: when there is no encoder, or more than one lane can use.
    """
    if not encoders:
        raise EncoderError("no encoder given; name one that decides and perhaps one that reads text")
    readers = [encoder for encoder in encoders if encoder.supports_text]
    extra = [encoder.id for encoder in encoders[1:] if encoder not in readers[:1]]
    if extra:
        raise EncoderError(
            f"{len(extra)} encoders have no lane (e.g. '{extra[0]}'); give one image and one text encoder"
        )
    return {"dino": encoders[0].key, **({"vlm": readers[0].key} if readers else {})}


def particle_vectors(ds: Any, encoder_key: str, particle_ids: Sequence[str]) -> tuple[Floats, Bools]:
    """Return the view vectors of particles, in the order asked.

    Args:
        ds: a dataset of ours.
        encoder_key: which vectors, see ``dataset.encoder_keys``.
        particle_ids: N particle ids.

    Returns:
        (N, V, D) float32 with V = the dataset's views in display order, zero where absent, and (N, V) bool.
        A view counts as present when its image exists and was embedded.

    Raises:
        StateError: nothing was embedded with this key, or a particle id is unknown.
    """
    rows = dataset.read_views(ds, particle_ids, (schema.CONTENT_HASH, schema.PRESENT))
    unknown = [particle_id for particle_id in particle_ids if particle_id not in rows]
    if unknown:
        raise StateError(
            f"{len(unknown)} of {len(particle_ids)} particles are not in '{ds.name}' (e.g. '{unknown[0]}')"
        )
    views = dataset.view_names(ds)
    hashes = [[dataset.content_hash(rows[particle_id].get(view)) for view in views] for particle_id in particle_ids]
    return store.gather(store.open_store(encoder_key), hashes)


def shifts(ds: Any) -> list[dict[str, Any]]:
    """Return the latest comparison of each imaging condition of a dataset with what it showed before.

    Returns:
        JSON values as in ``shift.Shift``, with ``flagged``; those first. Empty before a second run.
    """
    key = dataset.encoder_keys(ds).get("dino")
    return latest(store.open_store(key), dataset.dataset_id(ds)) if key else []


def encoders_in_use(ds: Any) -> Sequence[str]:
    """Return the image encoder and, where there is one, the text encoder; the defaults before the first run."""
    if BRAIN_KEY in ds.list_brain_runs():
        return tuple(ds.get_brain_info(BRAIN_KEY).config.encoders) or DEFAULTS
    return DEFAULTS


def _switch(ds: Any, keys: dict[str, str]) -> None:
    """Make ``keys`` the vectors in use; with other ones before, every view and proposal is due again."""
    before = dataset.encoder_keys(ds)
    if before == keys:
        return
    if before:
        dataset.mark_pending(ds, (schema.STAGE_EMBED, schema.STAGE_PROPOSE))
    dataset.set_encoder_keys(ds, keys)


def _batches(ds: Any, lanes: Sequence[Lane], limit: int | None, watch: Watch) -> Iterator[Batch]:
    """Embed and clear pending views, one page of the database at a time."""
    left = limit
    for rows in dataset.pending_views(ds, schema.STAGE_EMBED):
        page = rows if left is None else rows[:left]
        left = None if left is None else left - len(page)
        conditions = _conditions(ds, page)
        for batch in _embed_page(ds, page, lanes, read_grey):
            watch.add(batch.fresh, conditions)
            yield batch
        if left == 0:
            return


def _embed_page(
    ds: Any, rows: Sequence[dataset.ViewRow], lanes: Sequence[Lane], read: Callable[[str], Any]
) -> Iterator[Batch]:
    samples: dict[str, list[str]] = {}
    for row in rows:
        samples.setdefault(row.content_hash, []).append(row.sample_id)
    unhashed = tuple(
        Skipped(row.source_path, "has no content hash; ingest it again") for row in rows if not row.content_hash
    )
    if unhashed:
        yield Batch(done=(), computed=0, skipped=unhashed)
    masks = _masks(ds, rows) if any(lane.encoder.takes_mask for lane in lanes) else {}
    sources = (Source(row.content_hash, row.source_path, masks.get(row.sample_id)) for row in rows if row.content_hash)
    for batch in embed_stream(sources, lanes, read=read):
        done = dict.fromkeys(source.content_hash for source in batch.done)
        updates: dict[str, dict[str, Any]] = {sample: {} for content in done for sample in samples[content]}
        dataset.write_views(ds, updates, clear_pending=(schema.STAGE_EMBED,))
        yield batch


def _conditions(ds: Any, rows: Sequence[dataset.ViewRow]) -> dict[str, Condition]:
    """Return the imaging condition of each content."""
    found = dataset.read_views(ds, sorted({row.particle_id for row in rows}), CONDITION_FIELDS)
    return {row.content_hash: condition(found[row.particle_id][row.view]) for row in rows if row.content_hash}


def _masks(ds: Any, rows: Sequence[dataset.ViewRow]) -> dict[str, Bools]:
    """Return the particle masks of the views that the quality stage has seen, by sample id."""
    fields = (schema.PARTICLE_MASK, schema.PENDING)
    found = dataset.read_views(ds, sorted({row.particle_id for row in rows}), fields)
    views = (view for particle in found.values() for view in particle.values())
    # A mask of a view that waits for the quality stage belongs to an earlier image or to earlier rules.
    current = (view for view in views if schema.STAGE_QUALITY not in (view.get(schema.PENDING) or ()))
    masks = ((view["_id"], dataset.mask_of(view.get(schema.PARTICLE_MASK))) for view in current)
    return {sample_id: mask for sample_id, mask in masks if mask is not None and mask.size}


def _save_run(ds: Any, summary: EmbedSummary) -> None:
    """Register the finished run; before this point a crash leaves the earlier run in place."""
    kept = {**summary.as_dict(), "skipped_count": len(summary.skipped)}
    kept["skipped"] = kept["skipped"][:REASONS_KEPT]
    method = EmbedConfig(encoders=summary.encoders, keys=summary.keys).build()
    method.register_run(ds, BRAIN_KEY, overwrite=True, cleanup=False)
    method.save_run_results(ds, BRAIN_KEY, EmbedResults(ds, method.config, BRAIN_KEY, kept, backend=method))
