from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.preprocess import stretch
from sem_curate.embed.training import data, dino, loop
from sem_curate.embed.training.augment import GLOBAL_CROP, LOCAL_CROP, Strength, augment, stretch_batch
from sem_curate.embed.training.distil import DistilConfig, nt_xent
from sem_curate.embed.training.material import Source
from sem_curate.errors import EncoderError, InputError

SMALL = loop.TrainConfig(steps=3, batch=8, size=32, early_size=32)


@pytest.fixture(scope="module")
def examples() -> data.TrainingSet:
    return data._render_chunk(range(16), seed=3, views=2, size=32)


@pytest.fixture(scope="module")
def sem_dino(examples: data.TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dino")
    config = DistilConfig(steps=3, batch=8, sizes=((1.0, 32),), prototypes=32)
    assert dino.train([Source("particles", examples.images, family=examples.family)], folder, config)["steps"] == 3
    return folder


def test_rendering_is_repeatable_and_does_not_depend_on_the_count(examples: data.TrainingSet) -> None:
    again = data.render_set(4, seed=3, views=2, size=32)
    np.testing.assert_array_equal(again.images, examples.images[:4])
    assert again.texts == examples.texts[:4]


def test_every_view_has_captions_in_both_languages(examples: data.TrainingSet) -> None:
    for views in examples.texts:
        for texts in views:
            assert all(len(texts[language]) >= 4 for language in ("ja", "en"))
            assert any(ord(letter) > 0x3000 for letter in "".join(texts["ja"]))


def test_saving_and_loading_a_set(examples: data.TrainingSet, tmp_path: Path) -> None:
    data.save(examples, tmp_path)
    again = data.load(tmp_path)
    np.testing.assert_array_equal(again.images, examples.images)
    assert (again.texts, again.family.tolist()) == (examples.texts, examples.family.tolist())


def test_no_set_here(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no training set"):
        data.load(tmp_path)


@pytest.mark.parametrize("numbers", [(1, 3, 1), (16, 1, 1), (16, 7, 1), (16, 3, 0)])
def test_impossible_sets_are_refused(numbers: tuple[int, int, int]) -> None:
    count, views, workers = numbers
    with pytest.raises(InputError, match="at least 2 particles, 2 to 6 views and 1 worker"):
        data.render_set(count, seed=0, views=views, workers=workers)


def test_a_trained_image_encoder_loads_as_float16_on_disk(sem_dino: Path, examples: data.TrainingSet) -> None:
    encoder = get_encoder(f"trained:{sem_dino}")
    assert (encoder.dim, encoder.supports_text) == (dino.DIM, False)
    vectors = encoder.embed_images(np.stack([encoder.preprocess(image) for image in examples.images[:2, 0]]))
    assert np.isfinite(vectors).all()
    parameters = sum(t.numel() for t in torch.nn.Module.state_dict(encoder._model).values())  # type: ignore[attr-defined]
    assert (sem_dino / "model.safetensors").stat().st_size < 2.2 * parameters
    card = (sem_dino / "README.md").read_text(encoding="utf-8")
    assert "16 particles with 2 views each" in card
    assert "cross-entropy" in card


def test_starting_from_another_network_is_refused(examples: data.TrainingSet, sem_dino: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"conv.weight": torch.zeros(2, 2)}, str(tmp_path / "model.safetensors"))
    (tmp_path / "config.json").write_bytes((sem_dino / "config.json").read_bytes())
    with pytest.raises(EncoderError, match="do not fit the network"):
        dino.train([Source("particles", examples.images)], tmp_path / "out", DistilConfig(steps=1), start=tmp_path)


def test_nt_xent_by_hand() -> None:
    vectors = functional.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.2], [0.1, 1.0]]), dim=1)
    expected = 0.0
    for row in range(4):
        partner = (row + 2) % 4
        similarities = torch.stack([vectors[row] @ vectors[other] / 0.2 for other in range(4) if other != row])
        expected += float(torch.logsumexp(similarities, 0) - vectors[row] @ vectors[partner] / 0.2) / 4
    assert float(nt_xent(vectors, 0.2)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("strength", [Strength(), GLOBAL_CROP, LOCAL_CROP])
def test_augmentation_is_repeatable_and_bounded(examples: data.TrainingSet, strength: Strength) -> None:
    images = torch.from_numpy(examples.images[:, 0])
    first, second = (augment(images, 24, strength, torch.Generator().manual_seed(5)) for _ in range(2))
    assert first.shape == (16, 1, 24, 24)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert first.equal(second)


def test_batch_stretch_is_what_inference_does() -> None:
    image = np.random.default_rng(0).normal(100, 20, (96, 96)).astype(np.float32)
    batch = stretch_batch(torch.from_numpy(image)[None, None])[0, 0].numpy()
    assert np.abs(batch - stretch(image)).mean() < 0.02


def test_batches_cover_everything_once_per_epoch() -> None:
    batches = list(itertools.islice(loop.batches(10, 5, np.random.default_rng(0)), 2))
    assert sorted(np.concatenate(batches).tolist()) == list(range(10))


class _Masked(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2, 2))
        self.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1), persistent=False)


def test_averaging_keeps_masks_of_minus_infinity() -> None:
    model = _Masked()
    averaged, outcome = loop.run(
        model, lambda size: (model.weight**2).sum(), loop.TrainConfig(steps=20, batch=4), lambda *given: None
    )
    assert outcome.steps == 20
    assert averaged.mask.equal(model.mask)  # type: ignore[operator]
    assert 0 < float(averaged.weight.detach().mean()) < 1  # type: ignore[operator]


def test_divergence_stops_the_training() -> None:
    model = _Masked()
    with pytest.raises(EncoderError, match="training diverged at step 1"):
        loop.run(model, lambda size: model.weight.sum() * torch.nan, SMALL, lambda *given: None)


def test_impossible_budgets_are_refused() -> None:
    with pytest.raises(InputError, match="minutes > 0"):
        loop.TrainConfig(minutes=0)
