from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sem_curate.embed.training import reader, scenes
from sem_curate.embed.training.loop import TrainConfig
from sem_curate.embed.training.reader_net import Network, to_onnx
from sem_curate.errors import InputError
from sem_curate.quality.reader import CARD, SIDE, WEIGHTS, _unshuffle

SHORT = TrainConfig(steps=3, batch=4, size=32, early_size=32)


@pytest.fixture(scope="module")
def shots() -> list[scenes.Shot]:
    return scenes.render_shots(4, seed=reader.FIRST_SEED)


def test_rendering_is_repeatable(shots: list[scenes.Shot]) -> None:
    again = scenes.render_shots(2, seed=reader.FIRST_SEED)
    np.testing.assert_array_equal(again[3].image, shots[3].image)
    np.testing.assert_array_equal(again[3].labels, shots[3].labels)


def test_scenes_are_lessons(shots: list[scenes.Shot]) -> None:
    rng = np.random.default_rng(0)
    made = [scenes.scene(rng, shots, 64) for _ in range(60)]
    for one in made:
        assert one.image.shape == one.particle.shape == one.others.shape == (64, 64)
        assert np.isfinite(one.image).all()
        assert not (one.particle & one.others).any()
    assert np.mean([one.particle.any() for one in made]) > 0.9
    assert any(one.others.mean() > 0.05 for one in made)
    cut = [one.particle[[0, -1]].any() or one.particle[:, [0, -1]].any() for one in made]
    assert 0.2 < np.mean(cut) < 0.9


def test_onnx_computes_what_torch_computes() -> None:
    torch.manual_seed(0)
    network = Network()
    network(torch.rand(4, 1, SIDE, SIDE))  # moves the running means off their start
    content = to_onnx(network.eval())
    assert content == to_onnx(network)
    image = np.random.default_rng(0).random((1, 1, SIDE, SIDE), np.float32)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    net.setInput(image)
    maps, charging = net.forward(["maps", "charging"])
    with torch.no_grad():
        expected, numbers = network(torch.from_numpy(image))
    np.testing.assert_allclose(_unshuffle(maps[0]), expected[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(charging.ravel(), numbers.numpy(), atol=1e-5)


def test_a_short_training_writes_weights_a_card_and_where_to_go_on(shots: list[scenes.Shot], tmp_path: Path) -> None:
    assert reader.train(shots, tmp_path / "a", SHORT, facts={"particles": 4}).steps == 3
    card = json.loads((tmp_path / "a" / CARD).read_text())
    assert (card["particles"], card["steps"], card["scenes"]) == (4, 3, 12)
    assert (tmp_path / "a" / WEIGHTS.name).stat().st_size < 3_000_000
    reader.train(shots, tmp_path / "b", SHORT, facts={}, start=tmp_path / "a")
    reader.train(shots, tmp_path / "c", SHORT, facts={}, start=tmp_path / "a")
    assert (tmp_path / "b" / WEIGHTS.name).read_bytes() == (tmp_path / "c" / WEIGHTS.name).read_bytes()
    assert (tmp_path / "b" / WEIGHTS.name).read_bytes() != (tmp_path / "a" / WEIGHTS.name).read_bytes()


def test_no_training_to_go_on_from(shots: list[scenes.Shot], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no reader\.safetensors"):
        reader.train(shots, tmp_path / "out", SHORT, facts={}, start=tmp_path)
