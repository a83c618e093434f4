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


def embed_stream(
    sources: Iterable[Source], lanes: Sequence[Lane], *, read: Read, batch: int = BATCH, workers: int = 2
) -> Iterator[Batch]:
    """Embed a stream of images, yielding after each batch is safely stored.

    Stopping at any time loses at most the batches under way; starting again skips what is stored.

    Args:
        sources: consumed lazily; images of the same content are computed once.
        lanes: encoders with their stores.
        read: path -> (H, W) grey image; an exception becomes the reason of a skip.
        batch: images per network call.
        workers: decoding threads.

    Yields:
        One `Batch` per ``batch`` sources, in their order.
    """
    queue: deque[tuple[list[Source], list[Future[_Decoded]]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for chunk in _chunks(sources, batch):
                queue.append((chunk, _submit(pool, chunk, lanes, read)))
                if len(queue) > AHEAD:
                    yield _finish(*queue.popleft(), lanes)
            while queue:
                yield _finish(*queue.popleft(), lanes)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def embed_images(
    paths: Sequence[str], encoder: Encoder, *, read: Read, batch: int = BATCH, workers: int = 2
) -> Iterator[tuple[list[str], Floats, list[Skipped]]]:
    """Embed image files without storing anything.

    Yields:
        Per batch: the B paths that were embedded, their (B, D) vectors, and what was skipped.
    """
    sources = [Source(path, path) for path in paths]
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(sources, batch):
            decoded = [job.result() for job in [pool.submit(_decode, s, (encoder,), read) for s in chunk]]
            good = [item for item in decoded if not item.reason]
            vectors = np.zeros((0, encoder.dim), np.float32)
            if good:
                vectors = encoder.embed_images(np.stack([item.inputs[encoder.key] for item in good]))
            yield [item.source.path for item in good], vectors, _reasons(decoded)


def _chunks(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    remaining = iter(sources)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _submit(
    pool: ThreadPoolExecutor, chunk: Sequence[Source], lanes: Sequence[Lane], read: Read
) -> list[Future[_Decoded]]:
    """Start decoding the images that some encoder has not seen."""
    hashes = [source.content_hash for source in chunk]
    needed = {lane.encoder.key: set(lane.store.missing(hashes)) for lane in lanes}
    jobs = []
    for source in {source.content_hash: source for source in reversed(chunk)}.values():
        wanting = [lane.encoder for lane in lanes if source.content_hash in needed[lane.encoder.key]]
        if wanting:
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


def _finish(chunk: list[Source], jobs: Sequence[Future[_Decoded]], lanes: Sequence[Lane]) -> Batch:
    decoded = [job.result() for job in jobs]
    for lane in lanes:
        mine = [item for item in decoded if lane.encoder.key in item.inputs]
        if mine:
            vectors = lane.encoder.embed_images(np.stack([item.inputs[lane.encoder.key] for item in mine]))
            lane.store.append([item.source.content_hash for item in mine], vectors)
    reasons = {item.source.content_hash: item.reason for item in decoded if item.reason}
    return Batch(
        done=tuple(source for source in chunk if source.content_hash not in reasons),
        computed=len(decoded) - len(reasons),
        skipped=tuple(Skipped(s.path, reasons[s.content_hash]) for s in chunk if s.content_hash in reasons),
    )


def _reasons(decoded: Sequence[_Decoded]) -> list[Skipped]:
    return [Skipped(item.source.path, item.reason) for item in decoded if item.reason]
