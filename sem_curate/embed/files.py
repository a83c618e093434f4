"""Embed image files that belong to no dataset: through the same store as datasets, into one npz."""

from __future__ import annotations

import json
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sem_curate.arrays import Floats
from sem_curate.embed import npz
from sem_curate.embed.encoders import DEFAULT_IMAGE, Encoder, get_encoder
from sem_curate.embed.listing import SUFFIXES, image_files
from sem_curate.embed.pipeline import Batch, Lane, Read, Skipped, Source, embed_stream
from sem_curate.embed.store import VectorStore, open_store
from sem_curate.errors import InputError
from sem_curate.ingest.fingerprint import content_hash
from sem_curate.ingest.readers import read_bytes, read_grey
from sem_curate.progress import Progress, silent

HASHED_AHEAD: Final = 64  # files; two batches
Engine = Callable[[Iterable[Source], Lane], Iterator[Batch]]


@dataclass(frozen=True)
class FilesEmbedded:
    """What became of a run over files; every file is embedded or skipped."""

    out: Path
    encoder: str
    key: str
    dim: int
    embedded: int
    computed: int  # decoded and embedded now; the rest was known by content
    skipped: tuple[Skipped, ...]


def local(
    sources: Iterable[Source], lane: Lane, *, batch: int | None = None, read: Read = read_grey
) -> Iterator[Batch]:
    """Embed on this machine."""
    return embed_stream(sources, [lane], read=read, batch=batch)


def embed(
    paths: Sequence[str],
    out: str | Path,
    *,
    encoder: str = DEFAULT_IMAGE,
    cache: bool = True,
    overwrite: bool = False,
    engine: Engine = local,
    progress: Progress = silent,
) -> FilesEmbedded:
    """Embed any images with any encoder into an npz; no dataset needed.

    Args:
        paths: files, folders, patterns and lists, see ``listing.image_files``.
        out: the npz with ``filepath`` and ``vectors``; see ``npz.write``.
        encoder: name of the encoder.
        cache: use and extend the vectors of this installation, so that known content is not embedded again.
        overwrite: replace a file that holds vectors of another encoder.
        engine: :func:`local`, or ``distributed.ray_stream``.
        progress: called after each batch.

    Raises:
        InputError: no images there, or ``out`` holds vectors of another encoder.
        EncoderError: the encoder cannot be loaded.
    """
    total = sum(1 for _ in image_files(paths))
    if not total:
        known = ", ".join(SUFFIXES)
        raise InputError(f"no images at {len(paths)} paths (e.g. '{(*paths, '')[0]}'); known types: {known}")
    loaded = get_encoder(encoder)
    if not overwrite:
        npz.check_target(Path(out), loaded.key, loaded.dim)
    with _store(loaded, cache) as store:
        return embed_files(
            image_files(paths), loaded, store, Path(out), engine=engine,
            progress=lambda done, bad: progress(done + bad, total, f"{bad} skipped" if bad else ""),
        )  # fmt: skip


@contextmanager
def _store(encoder: Encoder, cache: bool) -> Iterator[VectorStore]:
    if cache:
        yield open_store(encoder.key, dim=encoder.dim, meta=encoder.provenance)
        return
    with tempfile.TemporaryDirectory(prefix="sem-curate-") as folder:
        yield VectorStore(Path(folder), dim=encoder.dim, meta=encoder.provenance)


def embed_files(
    files: Iterable[str],
    encoder: Encoder,
    store: VectorStore,
    out: Path,
    *,
    engine: Engine = local,
    progress: Callable[[int, int], None] = lambda done, skipped: None,
) -> FilesEmbedded:
    """Embed files into an npz; content that the store knows is not embedded again.

    A killed run has lost the batches under way and no more: started again, it goes on from there. Memory does not
    grow with the number of files, but for the reasons of skipped ones.

    Args:
        files: paths, consumed lazily.
        encoder: makes the vectors.
        store: keeps them by content.
        out: the npz.
        engine: where batches are computed.
        progress: told after each batch how many files are embedded and how many skipped.
    """
    skipped: list[Skipped] = []
    kept, computed, longest = 0, 0, 1
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        for batch in engine(_sources(files, skipped), Lane(encoder, store)):
            computed += batch.computed
            skipped.extend(batch.skipped)
            kept += len(batch.done)
            for source in batch.done:
                longest = max(longest, len(source.path))
                spool.write(json.dumps([source.path, source.content_hash]) + "\n")
            progress(kept, len(skipped))
        written = npz.write(
            out, count=kept, dim=encoder.dim, longest=longest, paths=_paths(spool), vectors=_vectors(spool, store),
            provenance=encoder.provenance, skipped=[(item.path, item.reason) for item in skipped],
        )  # fmt: skip
    return FilesEmbedded(written, encoder.id, encoder.key, encoder.dim, kept, computed, tuple(skipped))


def _paths(spool: IO[str]) -> Iterator[list[str]]:
    return ([path for path, _ in block] for block in npz.blocks(spool))


def _vectors(spool: IO[str], store: VectorStore) -> Iterator[Floats]:
    return (store.get([content for _, content in block])[0] for block in npz.blocks(spool))


def _sources(files: Iterable[str], skipped: list[Skipped]) -> Iterator[Source]:
    """Hash files a little ahead of who takes them; what cannot be read is put on ``skipped``."""
    waiting: deque[Future[Source | Skipped]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as pool:
        for path in files:
            waiting.append(pool.submit(_hashed, path))
            if len(waiting) >= HASHED_AHEAD:
                yield from _settle(waiting.popleft().result(), skipped)
        while waiting:
            yield from _settle(waiting.popleft().result(), skipped)


def _hashed(path: str) -> Source | Skipped:
    try:
        return Source(content_hash(read_bytes(path)), path)
    except Exception as error:  # a file that cannot be read is reported, the others go on
        return Skipped(path, str(error) or type(error).__name__)


def _settle(item: Source | Skipped, skipped: list[Skipped]) -> Iterator[Source]:
    if isinstance(item, Skipped):
        skipped.append(item)
    else:
        yield item


def as_dict(result: FilesEmbedded) -> dict[str, Any]:
    """Return the result as JSON values."""
    return {
        "out": str(result.out),
        "encoder": result.encoder,
        "key": result.key,
        "dim": result.dim,
        "embedded": result.embedded,
        "computed": result.computed,
        "known": result.embedded - result.computed,
        "skipped": [{"filepath": item.path, "reason": item.reason} for item in result.skipped],
    }
