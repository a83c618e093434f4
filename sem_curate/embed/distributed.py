"""Spread batches over Ray workers, on this machine or on a cluster (``RAY_ADDRESS``); needs the extra ``ray``.

The driver cuts the same batches as the local path and alone writes the store; workers decode and compute. So every
worker must see the images under the same paths, and be able to load the same encoder: a worker whose encoder has
another key refuses to work.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.pipeline import Batch, Lane, Read, Skipped, Source, batch_for, chunks, embed_images
from sem_curate.errors import EncoderError, SetupError
from sem_curate.ingest.readers import read_grey
from sem_curate.parallel import available_cores

INSTALL: Final = "install it with: pip install 'sem-curate[ray]'"
Rows = dict[str, Any]  # a Ray batch: column name -> array


class Worker:
    """Lives in a Ray actor: loads the encoder once, then embeds one batch of files per call."""

    def __init__(self, name: str, key: str, batch: int, read: Read) -> None:
        """Load the encoder.

        Raises:
            EncoderError: when this machine's encoder is not the driver's.
        """
        self._encoder, self._batch, self._read = get_encoder(name), batch, read
        if self._encoder.key != key:
            raise EncoderError(
                f"worker {os.uname().nodename} has '{self._encoder.key}' under the name '{name}', the driver '{key}'; "
                f"give every machine the same weights and the same version of sem-curate"
            )

    def __call__(self, rows: Rows) -> Rows:
        """Embed the batch of each row: ``work`` is JSON in, ``done`` is JSON and ``vectors`` bytes out."""
        done, vectors = list[str](), list[bytes]()
        for work in rows["work"]:
            paths = json.loads(str(work))
            kept, block, skipped = next(embed_images(paths, self._encoder, read=self._read, batch=self._batch))
            done.append(json.dumps({"kept": kept, "skipped": {item.path: item.reason for item in skipped}}))
            vectors.append(np.asarray(block, "<f4").tobytes())
        return {"done": np.array(done, object), "vectors": np.array(vectors, object)}


def ray_stream(
    sources: Iterable[Source],
    lane: Lane,
    *,
    batch: int | None = None,
    workers: int | None = None,
    read: Read = read_grey,
) -> Iterator[Batch]:
    """Embed a stream of images on Ray; what it yields and stores is what ``pipeline.embed_stream`` does.

    Args:
        sources: images without masks; their paths (not their pixels) are all held by the driver.
        lane: encoder with its store.
        batch: images per network call; by default what suits the encoder.
        workers: actors, each with its own encoder and one core; by default the cores of this machine.
        read: path -> (H, W) grey image, callable on the workers.

    Raises:
        SetupError: Ray is not installed.
    """
    size = batch or batch_for([lane.encoder])
    planned: set[str] = set()
    plan = [(chunk, _unknown(chunk, lane, planned)) for chunk in chunks(sources, size)]
    work = [json.dumps([source.path for source in unknown]) for _, unknown in plan if unknown]
    if not work:
        yield from (_batch(chunk, [], {}) for chunk, _ in plan)
        return
    with _cluster() as data:
        results = _results(data, work, lane, size, workers or available_cores(), read)
        reasons: dict[str, str] = {}  # by content, of all batches: a copy of a broken file is broken too
        for chunk, unknown in plan:
            fresh = _settle(unknown, lane, next(results), reasons) if unknown else []
            yield _batch(chunk, fresh, reasons)
        next(results, None)  # lets Ray close its stream before the cluster goes


def _unknown(chunk: Sequence[Source], lane: Lane, planned: set[str]) -> list[Source]:
    """Return the first source of each content that the store lacks and that no earlier batch computes."""
    missing = set(lane.store.missing([source.content_hash for source in chunk]))
    first = {source.content_hash: source for source in reversed(chunk)}
    unknown = [source for source in first.values() if source.content_hash in missing - planned]
    planned.update(source.content_hash for source in unknown)
    return unknown


def _results(data: Any, work: Sequence[str], lane: Lane, size: int, workers: int, read: Read) -> Iterator[Rows]:
    data.DataContext.get_current().execution_options.preserve_order = True
    embedded = data.from_items([{"work": item} for item in work], override_num_blocks=len(work)).map_batches(
        Worker,
        fn_constructor_args=(lane.encoder.id, lane.encoder.key, size, read),
        batch_size=1,
        num_cpus=1,
        compute=data.ActorPoolStrategy(size=min(workers, len(work))),
    )
    rows: Iterator[Rows] = iter(embedded.iter_rows())
    return rows


def _settle(unknown: Sequence[Source], lane: Lane, row: Rows, reasons: dict[str, str]) -> list[str]:
    """Store what a worker computed; returns its hashes, and puts why others failed into ``reasons``."""
    told = json.loads(row["done"])
    by_path = {source.path: source.content_hash for source in unknown}
    hashes = [by_path[path] for path in told["kept"]]
    lane.store.append(hashes, np.frombuffer(row["vectors"], "<f4").reshape(len(hashes), lane.encoder.dim))
    reasons.update({by_path[path]: reason for path, reason in told["skipped"].items()})
    return hashes


def _batch(chunk: Sequence[Source], fresh: Sequence[str], reasons: Mapping[str, str]) -> Batch:
    return Batch(
        done=tuple(source for source in chunk if source.content_hash not in reasons),
        computed=len(fresh),
        skipped=tuple(Skipped(s.path, reasons[s.content_hash]) for s in chunk if s.content_hash in reasons),
        fresh=tuple(fresh),
    )


@contextmanager
def _cluster() -> Iterator[Any]:
    """Use the cluster of this process or of ``RAY_ADDRESS``; else start one here and stop it afterwards."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SetupError(f"embedding on several workers needs Ray; {INSTALL}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own progress is enough
    ours = not ray.is_initialized()
    if ours:
        # Only a local cluster is ours to bind: to this machine alone.
        local = {} if os.environ.get("RAY_ADDRESS") else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **local)
    try:
        yield ray.data
    finally:
        if ours:
            ray.shutdown()
