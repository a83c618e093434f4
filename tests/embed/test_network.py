"""What a torch encoder does when memory runs out, and that half precision stays close."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sem_curate.embed import hardware
from sem_curate.embed.network import TorchEncoder
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError


class Cramped(torch.nn.Module):
    """A network on a device with memory for only so many images."""

    def __init__(self, room: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(64, 5)
        self.room, self.calls = room, list[int]()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(batch))
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        answer: torch.Tensor = self.layer(batch.flatten(1))
        return answer


def encoder_of(network: torch.nn.Module) -> TorchEncoder:
    return TorchEncoder("test:net", network, Preprocessing(8, 8, (0.5,), (0.25,)), images=network)


def batch_of(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 1, 8, 8)).astype(np.float32)


def test_out_of_memory_halves_the_batch_and_loses_no_image() -> None:
    cramped, roomy = Cramped(5), Cramped(1000)
    encoder = encoder_of(cramped)
    np.testing.assert_allclose(
        encoder.embed_images(batch_of(20)), encoder_of(roomy).embed_images(batch_of(20)), atol=1e-6
    )
    assert cramped.calls[1:] == [20, 10, 5, 5, 5, 5]
    cramped.calls.clear()
    encoder.embed_images(batch_of(20))
    assert max(cramped.calls) == 5  # it has learnt


def test_no_room_for_one_image_is_an_error_with_a_remedy() -> None:
    network = Cramped(1)
    encoder = encoder_of(network)
    network.room = 0
    with pytest.raises(EncoderError, match="even with one image; choose a smaller network"):
        encoder.embed_images(batch_of(3))


def test_half_precision_is_close_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    full = encoder_of(Cramped(100))
    monkeypatch.setenv(hardware.PRECISION, "half")
    half = encoder_of(Cramped(100))
    vectors = full.embed_images(batch_of(9)), half.embed_images(batch_of(9))
    assert not np.array_equal(*vectors)
    assert (vectors[0] * vectors[1]).sum(axis=1).min() > 0.999
    assert (full.provenance["precision"], half.provenance["precision"]) == ("float32", "bfloat16")
    assert full.key == half.key


def test_provenance_tells_weights_and_preprocessing_apart() -> None:
    first, second = encoder_of(Cramped(9)), encoder_of(Cramped(9))
    torch.nn.init.zeros_(second._model.layer.bias)  # type: ignore[arg-type, union-attr]
    third = TorchEncoder("test:net", Cramped(9), Preprocessing(8, 8, (0.4,), (0.25,)), images=Cramped(9))
    changed = encoder_of(second._model)
    assert first.provenance["weights"] == third.provenance["weights"] != changed.provenance["weights"]
    assert first.provenance["preprocessing_hash"] == changed.provenance["preprocessing_hash"]
    assert first.provenance["preprocessing_hash"] != third.provenance["preprocessing_hash"]
