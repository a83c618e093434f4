from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sem_curate.embed.pipeline import Batch, Lane, Source, embed_images, embed_stream
from sem_curate.embed.store import VectorStore


class MeanEncoder:
    """A shipped peer of the real encoders: the vector tells which image it came from."""

    supports_text = False
    batch = 32
    takes_mask = False

    def __init__(self, key: str, dim: int = 3) -> None:
        self.id, self.key, self.dim = f"fake:{key}", key, dim
        self.provenance = {"id": self.id, "key": key}
        self.batches: list[int] = []

    def preprocess(self, image: np.ndarray) -> np.ndarray:
        return np.asarray(image, np.float32)[None]

    def embed_images(self, batch: np.ndarray) -> np.ndarray:
        self.batches.append(len(batch))
        angle = batch.mean(axis=(1, 2, 3))
        return np.stack([np.cos(angle), np.sin(angle), *[np.zeros_like(angle)] * (self.dim - 2)], 1).astype(np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise NotImplementedError


class Reader:
    """Reads image ``/N`` as a grey image of level N; knows how often it was asked."""

    def __init__(self, broken: frozenset[str] = frozenset()) -> None:
        self.broken, self.seen = broken, list[str]()

    def __call__(self, path: str) -> np.ndarray:
        self.seen.append(path)
        if path in self.broken:
            raise OSError(f"{path} is cut off")
        return np.full((4, 4), float(path[1:]), np.float32)


def lanes_in(folder: Path, *dims: int) -> list[Lane]:
    encoders = [MeanEncoder(f"e{dim}", dim) for dim in dims]
    return [Lane(encoder, VectorStore(folder / encoder.key, dim=encoder.dim)) for encoder in encoders]


def sources(count: int) -> list[Source]:
    return [Source(f"h{number}", f"/{number}") for number in range(count)]


def test_one_decode_serves_every_encoder(tmp_path: Path) -> None:
    lanes, read = lanes_in(tmp_path, 3, 5), Reader()
    batches = list(embed_stream(sources(10), lanes, read=read, batch=4))
    assert [len(batch.done) for batch in batches] == [4, 4, 2]
    assert sorted(read.seen) == sorted(source.path for source in sources(10))
    for lane in lanes:
        vectors, found = lane.store.get([f"h{number}" for number in range(10)])
        assert found.all()
        np.testing.assert_allclose(vectors[:, 0], np.cos(np.arange(10)), atol=1e-6)


def test_known_content_is_not_decoded_again(tmp_path: Path) -> None:
    lanes, read = lanes_in(tmp_path, 3), Reader()
    list(embed_stream(sources(6), lanes, read=read, batch=4))
    read.seen.clear()
    again = list(embed_stream(sources(8), lanes, read=read, batch=4))
    assert sorted(read.seen) == ["/6", "/7"]
    assert sum(batch.computed for batch in again) == 2
    assert sum(len(batch.done) for batch in again) == 8


def test_a_new_encoder_computes_only_its_own_vectors(tmp_path: Path) -> None:
    first, second = lanes_in(tmp_path, 3, 5)
    list(embed_stream(sources(4), [first], read=Reader()))
    first.encoder.batches.clear()  # type: ignore[attr-defined]
    list(embed_stream(sources(4), [first, second], read=Reader()))
    assert first.encoder.batches == []  # type: ignore[attr-defined]
    assert len(second.store) == 4


def test_broken_images_are_skipped_with_their_reason(tmp_path: Path) -> None:
    lanes = lanes_in(tmp_path, 3)
    batches = list(embed_stream(sources(6), lanes, read=Reader(frozenset({"/1", "/4"})), batch=3))
    skipped = [item for batch in batches for item in batch.skipped]
    assert [(item.path, item.reason) for item in skipped] == [("/1", "/1 is cut off"), ("/4", "/4 is cut off")]
    assert lanes[0].store.missing([f"h{number}" for number in range(6)]) == ["h1", "h4"]


def test_repeated_content_is_decoded_once_and_reported_for_each(tmp_path: Path) -> None:
    read = Reader()
    twins = [Source("same", "/1"), Source("same", "/2"), Source("other", "/3")]
    (batch,) = embed_stream(twins, lanes_in(tmp_path, 3), read=read)
    assert sorted(read.seen) == ["/1", "/3"]
    assert batch == Batch(done=tuple(twins), computed=2, skipped=())


def test_a_copy_in_a_later_batch_waits_for_the_first(tmp_path: Path) -> None:
    read = Reader(frozenset({"/1"}))
    copies = [*(Source("good", path) for path in ("/2", "/3", "/4")), Source("broken", "/1"), Source("broken", "/5")]
    batches = list(embed_stream(copies, lanes_in(tmp_path, 3), read=read, batch=1))
    assert sorted(read.seen)[:2] == ["/1", "/2"]
    assert [(len(batch.done), batch.computed) for batch in batches[:3]] == [(1, 1), (1, 0), (1, 0)]
    assert batches[3].skipped[0].reason == batches[4].skipped[0].reason == "/1 is cut off"


def test_memory_is_bounded_by_look_ahead(tmp_path: Path) -> None:
    taken: list[str] = []

    def endless() -> object:
        for number in range(10**9):
            taken.append(f"/{number}")
            yield Source(f"h{number}", f"/{number}")

    stream = embed_stream(endless(), lanes_in(tmp_path, 3), read=Reader(), batch=4)  # type: ignore[arg-type]
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(taken) <= 4 * 3


def test_stopping_early_then_resuming_completes(tmp_path: Path) -> None:
    lanes, read = lanes_in(tmp_path, 3), Reader()
    stream = embed_stream(sources(20), lanes, read=read, batch=4)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(lanes[0].store) == 4
    list(embed_stream(sources(20), lanes, read=read, batch=4))
    assert len(lanes[0].store) == 20


def test_embed_images_reports_what_it_covers() -> None:
    encoder = MeanEncoder("e", 3)
    parts = list(embed_images(["/1", "/2", "/3"], encoder, read=Reader(frozenset({"/2"})), batch=2))
    assert [paths for paths, _, _ in parts] == [["/1"], ["/3"]]
    np.testing.assert_allclose(np.concatenate([v for _, v, _ in parts])[:, 0], np.cos([1, 3]), atol=1e-6)
    assert [item.path for _, _, refused in parts for item in refused] == ["/2"]


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_streams(tmp_path: Path, count: int) -> None:
    assert sum(batch.computed for batch in embed_stream(sources(count), lanes_in(tmp_path, 3), read=Reader())) == count
