"""Images in, vectors stored: one decode per image for all encoders, decoding beside computing, bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.embed.encoders import Encoder
from sem_curate.embed.store import VectorStore
from sem_curate.parallel import available_cores

Read = Callable[[str], Image]

# Large enough to fill a CPU's caches with work, small enough that a killed run loses seconds.
BATCH = 32
# Batches decoded ahead: one being computed, one ready, one in the making.
AHEAD = 2


@dataclass(frozen=True)
class Source:
    """One image to embed; ``mask`` says where its particle is, None when nobody looked yet."""

    content_hash: str
    path: str
    mask: Bools | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Skipped:
    """One image without vectors, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """What became of one batch of sources."""

    done: tuple[Source, ...]  # now in every store, computed or known before
    computed: int  # images that were decoded and embedded
    skipped: tuple[Skipped, ...] = field(default=())
    fresh: tuple[str, ...] = field(default=(), compare=False)  # their content hashes, computed ones only


@dataclass(frozen=True)
class Lane:
    """One encoder and where its vectors go."""

    encoder: Encoder
    store: VectorStore


@dataclass(frozen=True)
class _Decoded:
    source: Source
    inputs: dict[str, Floats]  # encoder key -> (C, H, W)
    reason: str = ""


@dataclass
class _Flight:
    """Contents being decoded, so that a copy in a later batch waits for them, and why contents failed."""

    hashes: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    def land(self, decoded: Sequence[_Decoded]) -> None:
        for item in decoded:
            self.hashes.discard(item.source.content_hash)
            if item.reason:
                self.reasons[item.source.content_hash] = item.reason
            else:
                self.reasons.pop(item.source.content_hash, None)


Submit = Callable[[ThreadPoolExecutor, list[Source]], list[Future[_Decoded]]]


def embed_stream(
    sources: Iterable[Source],
    lanes: Sequence[Lane],
    *,
    read: Read,
    batch: int | None = None,
    workers: int | None = None,
) -> Iterator[Batch]:
    """Embed a stream of images, yielding after each batch is safely stored.

    Stopping at any time loses at most the batches under way; starting again skips what is stored. The same sources
    make the same batches, so that a run that was killed and started again stores the same bits.

    Args:
        sources: consumed lazily; images of the same content are computed once.
        lanes: encoders with their stores.
        read: path -> (H, W) grey image; an exception becomes the reason of a skip.
        batch: images per network call; by default what suits the most demanding encoder.
        workers: decoding threads; by default one per core that this process may use.

    Yields:
        One `Batch` per ``batch`` sources, in their order.
    """
    size = batch or batch_for([lane.encoder for lane in lanes])
    flight = _Flight()
    for chunk, decoded in _ahead(
        chunks(sources, size), lambda pool, part: _submit(pool, part, lanes, read, flight), workers
    ):
        yield _finish(chunk, decoded, lanes, flight)


def embed_images(
    paths: Iterable[str], encoder: Encoder, *, read: Read, batch: int | None = None, workers: int | None = None
) -> Iterator[tuple[list[str], Floats, list[Skipped]]]:
    """Embed image files without storing anything; arguments as in :func:`embed_stream`.

    Yields:
        Per batch: the B paths that were embedded, their (B, D) vectors, and what was skipped.
    """
    parts = chunks((Source(path, path) for path in paths), batch or batch_for([encoder]))
    for _, decoded in _ahead(
        parts, lambda pool, part: [pool.submit(_decode, source, (encoder,), read) for source in part], workers
    ):
        good = [item for item in decoded if not item.reason]
        yield [item.source.path for item in good], _vectors(encoder, good), _reasons(decoded)


def batch_for(encoders: Sequence[Encoder]) -> int:
    """Return the images per batch that suit the encoder with the largest inputs."""
    return min((encoder.batch for encoder in encoders), default=BATCH)


def _ahead(
    parts: Iterable[list[Source]], submit: Submit, workers: int | None
) -> Iterator[tuple[list[Source], list[_Decoded]]]:
    """Decode batches in threads, at most :data:`AHEAD` before the one that is asked for."""
    queue: deque[tuple[list[Source], list[Future[_Decoded]]]] = deque()
    threads = workers or available_cores()
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            for chunk in parts:
                queue.append((chunk, submit(pool, chunk)))
                if len(queue) > AHEAD:
                    yield _collect(queue)
            while queue:
                yield _collect(queue)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _collect(queue: deque[tuple[list[Source], list[Future[_Decoded]]]]) -> tuple[list[Source], list[_Decoded]]:
    chunk, jobs = queue.popleft()
    return chunk, [job.result() for job in jobs]


def chunks(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """Yield sources in lists of ``size``; the last may be shorter."""
    remaining = iter(sources)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _submit(
    pool: ThreadPoolExecutor, chunk: Sequence[Source], lanes: Sequence[Lane], read: Read, flight: _Flight
) -> list[Future[_Decoded]]:
    """Start decoding the images that some encoder has not seen and that are not on their way."""
    hashes = [source.content_hash for source in chunk]
    needed = {lane.encoder.key: set(lane.store.missing(hashes)) for lane in lanes}
    jobs = []
    for source in {source.content_hash: source for source in reversed(chunk)}.values():
        wanting = [lane.encoder for lane in lanes if source.content_hash in needed[lane.encoder.key]]
        if wanting and source.content_hash not in flight.hashes:
            flight.hashes.add(source.content_hash)
            jobs.append(pool.submit(_decode, source, wanting, read))
    return jobs


def _decode(source: Source, encoders: Sequence[Encoder], read: Read) -> _Decoded:
    try:
        image = read(source.path)
        return _Decoded(source, {encoder.key: _prepare(encoder, image, source.mask) for encoder in encoders})
    except Exception as error:  # one unreadable file must not stop a night's run; the reason is reported
        return _Decoded(source, {}, reason=str(error) or type(error).__name__)


def _prepare(encoder: Encoder, image: Image, mask: Bools | None) -> Floats:
    return encoder.preprocess(image, mask) if encoder.takes_mask else encoder.preprocess(image)


def _finish(chunk: list[Source], decoded: Sequence[_Decoded], lanes: Sequence[Lane], flight: _Flight) -> Batch:
    for lane in lanes:
        mine = [item for item in decoded if lane.encoder.key in item.inputs]
        if mine:
            lane.store.append([item.source.content_hash for item in mine], _vectors(lane.encoder, mine))
    flight.land(decoded)
    reasons = flight.reasons
    return Batch(
        done=tuple(source for source in chunk if source.content_hash not in reasons),
        computed=sum(not item.reason for item in decoded),
        skipped=tuple(Skipped(s.path, reasons[s.content_hash]) for s in chunk if s.content_hash in reasons),
        fresh=tuple(item.source.content_hash for item in decoded if not item.reason),
    )


def _vectors(encoder: Encoder, decoded: Sequence[_Decoded]) -> Floats:
    if not decoded:
        return np.zeros((0, encoder.dim), np.float32)
    return encoder.embed_images(np.stack([item.inputs[encoder.key] for item in decoded]))


def _reasons(decoded: Sequence[_Decoded]) -> list[Skipped]:
    return [Skipped(item.source.path, item.reason) for item in decoded if item.reason]
