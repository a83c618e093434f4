from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from sem_curate.cli.train import command
from sem_curate.embed.training import drift, drift_lessons
from sem_curate.embed.training.drift_net import Network, to_onnx
from sem_curate.embed.training.loop import TrainConfig
from sem_curate.errors import InputError
from sem_curate.quality.drift import WEIGHTS
from sem_curate.rendering import render_views
from sem_curate.rendering.view import develop, render_signal, stream

SHORT = TrainConfig(steps=3, batch=4)


@pytest.fixture(scope="module")
def signals() -> list[drift_lessons.Signal]:
    return drift_lessons.render_signals(2, seed=drift.FIRST_SEED)


def test_a_developed_signal_is_the_rendered_view() -> None:
    seed, slot = 3_300_000, 2
    image, body, condition, shot = render_signal(seed, slot, 96)
    rng = stream(seed, 1, slot)
    rng.uniform(size=3), rng.uniform(size=3)
    view = render_views(seed, ["view3"], size=96).views["view3"]
    assert view is not None
    _, grey, lines = develop(rng, image, body, condition, replace(shot, drift=0.0))
    assert (grey.shape, grey.dtype, lines) == ((96, 96), np.uint8, None)
    # Noise is drawn anew; what lies under it is the same.
    rows = 96 - view.truth.info_bar_px
    blurred = [cv2.GaussianBlur(one[:rows].astype(np.float32), (0, 0), 3) for one in (grey, view.image)]
    assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.97


def test_lessons_are_repeatable_and_say_what_was_done(signals: list[drift_lessons.Signal]) -> None:
    first, again = ([drift_lessons.lesson(rng, signals) for _ in range(30)]
                    for rng in (np.random.default_rng(0), np.random.default_rng(0)))  # fmt: skip
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.tilts, same.tilts)
        assert one.tilts.shape == (12, 64, 32)
        assert one.pixels.shape == (16, 64, 64)
        assert np.isfinite(one.tilts).all()
        assert np.isfinite(one.pixels).all()
        assert (one.deviation > 0) == (one.drift > drift.MOVED)
        assert one.held.sum() in (58, 64)
        assert not one.steps[one.held == 0].any()
    still = [one.drift <= drift.ABSENT for one in first]
    assert 0.2 < np.mean(still) < 0.8


def test_shear_and_bend_cannot_be_seen() -> None:
    at = np.linspace(-1, 1, 256, dtype=np.float32)
    steps, deviation = drift_lessons.visible(30 * at + 8 * at**2)
    assert np.abs(steps[:-1]).max() < 0.1
    assert deviation < 0.1
    steps, deviation = drift_lessons.visible(np.where(at > 0.1, 5, 0).astype(np.float32))
    assert int(steps.argmax()) == int(np.argmax(at > 0.1)) // 4
    assert deviation > 0.5


def test_onnx_computes_what_torch_computes() -> None:
    torch.manual_seed(0)
    network = Network()
    network(torch.randn(4, 12, 64, 32), torch.randn(4, 16, 64, 64))  # moves the running means off their start
    content = to_onnx(network.eval())
    assert content == to_onnx(network)
    tilts, pixels = torch.randn(1, 12, 64, 32), torch.randn(1, 16, 64, 64)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    net.setInput(tilts.numpy(), "tilts")
    net.setInput(pixels.numpy(), "pixels")
    with torch.no_grad():
        seen = network(tilts, pixels)
    np.testing.assert_allclose(net.forward("drift").ravel(), [seen.logit.item(), seen.size.item()], atol=1e-4)


def test_a_short_training_writes_weights_a_card_and_where_to_go_on(
    signals: list[drift_lessons.Signal], tmp_path: Path
) -> None:
    assert drift.train(signals, tmp_path / "a", SHORT, facts={"particles": 2}).steps == 3
    card = json.loads((tmp_path / "a" / "drift.json").read_text())
    assert (card["particles"], card["steps"], card["lessons"]) == (2, 3, 12)
    for folder in ("b", "c"):
        drift.train(signals, tmp_path / folder, SHORT, facts={}, start=tmp_path / "a")
    written = [(tmp_path / folder / WEIGHTS.name).read_bytes() for folder in "abc"]
    assert written[1] == written[2] != written[0]


def test_training_learns(signals: list[drift_lessons.Signal]) -> None:
    rng = np.random.default_rng(1)
    lessons = [drift_lessons.lesson(rng, signals) for _ in range(12)]
    torch.manual_seed(0)
    network = Network()
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = drift.loss(network, lessons)
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_no_training_to_go_on_from(signals: list[drift_lessons.Signal], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no drift\.safetensors"):
        drift.train(signals, tmp_path / "out", SHORT, facts={}, start=tmp_path)


def test_the_command_trains(tmp_path: Path) -> None:
    options = ["--particles", "2", "--steps", "1", "--batch", "4", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(command, ["drift", *options])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["steps"] == 1
    assert (tmp_path / WEIGHTS.name).is_file()
