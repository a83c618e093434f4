"""Self-distillation: material, steps, resuming, and own images."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.training import checkpoint, dino, dino_command, distil_loop, textures, whiten
from sem_curate.embed.training.distil import DistilConfig, nt_xent
from sem_curate.embed.training.material import Source, held_out, pick, read_folder
from sem_curate.embed.training.tracking import tracker
from sem_curate.errors import EncoderError, InputError, SetupError, UnknownEncoderError

TINY = DistilConfig(steps=4, batch=8, sizes=((1.0, 32),), prototypes=32, mixed=False)


@pytest.fixture(scope="module")
def surfaces() -> np.ndarray:
    return textures.texture_set(16, seed=3, views=3, size=48)


@pytest.fixture(scope="module")
def sources(surfaces: np.ndarray) -> list[Source]:
    return [Source("textures", surfaces), Source("known", surfaces, family=np.arange(16))]


@pytest.fixture(scope="module")
def trained(sources: list[Source], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    dino.train(sources, folder, TINY)
    return folder


def write_images(folder: Path, images: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"p{number:02d}.png"), image)


@pytest.mark.parametrize("kind", list(textures.KINDS))
def test_every_kind_of_surface_is_drawn_repeatably_and_is_not_flat(kind: str) -> None:
    for number in range(4):
        rng = np.random.default_rng(number)
        recipe = textures.Recipe(kind, float(rng.uniform(4, 36)), rng.random(8), 3.0, 0.5, 0.5, 0.7)
        first, again = (textures.realise(recipe, np.random.default_rng(9), 64) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert first.shape == (64, 64)
        assert (first >= 0).all()
        assert (first <= 1).all()
    assert first.std() > 0.01


def test_a_texture_depends_on_its_index_only(surfaces: np.ndarray) -> None:
    np.testing.assert_array_equal(textures.texture(3, 5, views=3, size=48), surfaces[5])
    assert len({image.tobytes() for image in surfaces.reshape(-1, 48, 48)}) == 48


def test_realisations_of_one_surface_are_more_alike_than_two_surfaces() -> None:
    spectra = np.log1p(np.abs(np.fft.fft2(textures.texture_set(40, seed=1, views=2, size=64)[:, :, :, :], axes=(2, 3))))
    apart = np.abs(spectra[:, 0] - spectra[:, 1]).mean()
    others = np.abs(spectra[:, 0] - np.roll(spectra[:, 1], 1, axis=0)).mean()
    assert apart < 0.9 * others


@given(seed=st.integers(0, 1000), size=st.integers(2, 40))
@settings(max_examples=30, deadline=None)
def test_batches_hold_two_views_of_things_that_are_not_held_out(seed: int, size: int) -> None:
    labelled = np.arange(40 * 3, dtype=np.uint8).reshape(40, 3, 1, 1)
    sources = [Source("a", labelled, family=np.arange(40)), Source("b", labelled + 120, share=2.0)]
    batch = pick(sources, size, np.random.default_rng(seed))
    first, second = (view[:, 0, 0].astype(int) for view in (batch.first, batch.second))
    assert (first // 3 == second // 3).all()
    assert (first != second).all()
    assert len(set(first // 3)) == len(first)
    known = batch.family >= 0
    assert (batch.family[known] == first[known] // 3).all()
    assert not known[first >= 120].any()
    exam = held_out(sources).first[:, 0, 0]
    assert not set(exam // 3) & set(first // 3)


def test_too_few_things_are_refused(surfaces: np.ndarray) -> None:
    with pytest.raises(InputError, match="at least 8 different things"):
        Source("few", surfaces[:7])


def test_a_folder_of_images_is_read_and_unreadable_ones_are_counted(surfaces: np.ndarray, tmp_path: Path) -> None:
    write_images(tmp_path / "own" / "deep", surfaces[:, 0])
    (tmp_path / "own" / "broken.png").write_bytes(b"no image")
    images, failed = read_folder(tmp_path / "own", tmp_path / "own.npy", size=32)
    assert (images.shape, failed) == ((16, 1, 32, 32), 1)


def test_a_manifest_says_what_belongs_together(surfaces: np.ndarray, tmp_path: Path) -> None:
    write_images(tmp_path, surfaces[:, 0])
    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "particle_id"])
        writer.writerows([f"p{number:02d}.png", f"P{min(number, 8)}"] for number in range(10))
    images, _ = read_folder(tmp_path, tmp_path / "own.npy", size=48)
    assert images.shape == (9, 2, 48, 48)
    np.testing.assert_array_equal(images[0, 0], images[0, 1])
    assert (images[8, 0] != images[8, 1]).any()


@pytest.mark.parametrize("count", [0, 7])
def test_a_folder_with_too_little_is_refused(surfaces: np.ndarray, tmp_path: Path, count: int) -> None:
    write_images(tmp_path / "own", surfaces[:count, 0])
    with pytest.raises(InputError, match="at least 8 images"):
        read_folder(tmp_path / "own", tmp_path / "own.npy", size=32)


def test_a_manifest_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file\nx.png\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns filepath and particle_id"):
        read_folder(tmp_path, tmp_path / "own.npy", size=32)


def test_the_result_is_an_encoder_with_a_card(trained: Path) -> None:
    encoder = get_encoder(f"trained:{trained}")
    assert (encoder.dim, encoder.supports_text) == (dino.DIM, False)
    card = (trained / "README.md").read_text(encoding="utf-8")
    assert "16 textures with 3 views each" in card
    assert "arXiv:2104.14294" in card
    assert not (trained / checkpoint.NAME).exists()


class _CutOffError(Exception):
    pass


def test_a_run_that_was_cut_off_ends_as_one_that_was_not(sources: list[Source], trained: Path, tmp_path: Path) -> None:
    config = DistilConfig(**{**vars(TINY), "checkpoint_minutes": 0.0})
    seen: list[str] = []

    def stop(done: int, total: int | None, text: str = "") -> None:
        seen.append(text)
        if len(seen) == 3:
            raise _CutOffError

    with pytest.raises(_CutOffError):
        dino.train(sources, tmp_path, config, progress=stop)
    assert checkpoint.facts(tmp_path)["standing"]["steps"] == 2
    torch.rand(3)
    assert dino.train(sources, tmp_path, config)["steps"] == 4
    whole, resumed = (load_file(str(folder / "model.safetensors")) for folder in (trained, tmp_path))
    assert whole.keys() == resumed.keys()
    for name in whole:
        torch.testing.assert_close(whole[name], resumed[name], rtol=0, atol=0)


def test_a_checkpoint_of_other_settings_is_refused(sources: list[Source], tmp_path: Path) -> None:
    config = DistilConfig(**{**vars(TINY), "checkpoint_minutes": 0.0})
    with pytest.raises(_CutOffError):
        dino.train(sources, tmp_path, config, progress=_raise_at_second())
    with pytest.raises(EncoderError, match=r"other settings \(settings\).*same ones"):
        dino.train(sources, tmp_path, DistilConfig(**{**vars(TINY), "learning_rate": 1e-4}))


def _raise_at_second():
    calls: list[int] = []

    def stop(done: int, total: int | None, text: str = "") -> None:
        calls.append(done)
        if len(calls) == 2:
            raise _CutOffError

    return stop


def test_a_damaged_checkpoint_is_named(sources: list[Source], tmp_path: Path) -> None:
    (tmp_path / checkpoint.NAME).write_bytes(b"\x10" * 64)
    with pytest.raises(EncoderError, match="delete it to start afresh"):
        dino.train(sources, tmp_path, TINY)


def test_training_stops_early_when_the_held_out_figure_stalls(sources: list[Source], tmp_path: Path) -> None:
    config = DistilConfig(**{**vars(TINY), "steps": 60, "check_every": 1, "patience": 3, "learning_rate": 1e-9})
    noted: list[float] = []
    facts = dino.train(sources, tmp_path, config, track=lambda step, measured: noted.append(measured["held_out"]))
    assert 4 <= facts["steps"] < 60
    assert max(noted[-3:]) <= max(noted[:-3])


def test_retrieval_by_hand() -> None:
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert distil_loop.retrieval(first, first) == 1
    assert distil_loop.retrieval(first, first[[1, 0, 2]]) == pytest.approx(1 / 3)


def test_going_on_keeps_what_was_learnt(sources: list[Source], trained: Path) -> None:
    begin = dino.beginning(trained)
    state = load_file(str(trained / "model.safetensors"))
    torch.testing.assert_close(begin.build().conv1[0].weight, state["conv1.0.weight"].float())  # type: ignore[index, union-attr]
    assert begin.facts["steps"] == 4


@pytest.mark.parametrize(("name", "side"), [("vit_tiny_patch16_224", False), ("test_resnet", True)])
def test_starting_from_a_timm_checkpoint(sources: list[Source], tmp_path: Path, name: str, side: bool) -> None:
    torch.manual_seed(0)
    save_file(timm.create_model(name, num_classes=0).state_dict(), str(tmp_path / "own.safetensors"))
    start = f"timm:{name}@{tmp_path / 'own.safetensors'}"
    begin = dino.beginning(start)
    assert dino.takes_other_sizes(begin) is side
    config = DistilConfig(**{**vars(TINY), "steps": 1, "sizes": ((1.0, begin.size),), "small_crops": side})
    dino.train(sources, tmp_path / "out", config, start=start)
    encoder = get_encoder(f"trained:{tmp_path / 'out'}")
    assert encoder.dim == begin.model["dim"]
    again = dino.beginning(tmp_path / "out")
    assert again.build().state_dict().keys() == begin.build().state_dict().keys()


def test_a_pooling_cannot_be_trained() -> None:
    with pytest.raises(UnknownEncoderError, match="cannot be trained"):
        dino.beginning("timm:test_vit#pool=mask")


def test_a_text_encoder_is_no_start() -> None:
    from sem_curate.embed import bundled

    with pytest.raises(EncoderError, match="holds no image encoder"):
        dino.beginning(bundled.FOLDER / "sem-clip")


def test_nt_xent_prefers_partners() -> None:
    vectors = torch.eye(4).repeat(2, 1)
    assert float(nt_xent(vectors, 0.2)) < float(nt_xent(vectors[torch.randperm(8)], 0.2)) + 1e-6


@given(seed=st.integers(0, 1000), shrink=st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_the_closing_layer_mutes_what_differs_between_views(seed: int, shrink: float) -> None:
    rng = np.random.default_rng(seed)
    things, views = rng.normal(size=(60, 1, 6)), rng.normal(size=(60, 3, 6)) * np.array([5, 1, 1, 1, 1, 0.1])
    features = (things + views + 3).astype(np.float32)
    weight, bias = whiten.within(features, shrink=shrink)
    closed = features @ weight.T + bias
    np.testing.assert_allclose(closed.reshape(-1, 6).mean(0), 0, atol=1e-3)
    assert np.isfinite(closed).all()

    def noise(block: np.ndarray) -> float:
        return float(((block - block.mean(1, keepdims=True)) ** 2).sum() / ((block - block.mean((0, 1))) ** 2).sum())

    assert noise(closed) < noise(features)


def test_the_command_trains_on_own_images(surfaces: np.ndarray, tmp_path: Path) -> None:
    write_images(tmp_path / "own", surfaces[:, 0])
    result = dino_command.run(
        out=tmp_path / "out",
        images=tmp_path / "own",
        start="bundled:sem-dino",
        steps=2,
        batch=4,
        data=tmp_path / "kept",
    )
    assert result["own images"] == 16
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert config["training"]["settings"]["learning_rate"] == dino_command.RATE_FROM_START
    assert config["training"]["started_from"]["steps"] > 0
    assert get_encoder(f"trained:{tmp_path / 'out'}").dim == dino.DIM


def test_the_command_reuses_what_it_rendered(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "particles": 16,
        "textures": 8,
        "views": 2,
        "steps": 1,
        "batch": 4,
        "data": tmp_path / "kept",
    }
    dino_command.run(out=tmp_path / "a", **given)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npy")}
    dino_command.run(out=tmp_path / "b", **given)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npy")}
    with pytest.raises(InputError, match="holds 16 particles with 2 views, not 24"):
        dino_command.run(out=tmp_path / "c", **{**given, "particles": 24})


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        dino_command.run(out=tmp_path, particles=0, textures=0)


def test_a_missing_tracker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SetupError, match="mlflow-skinny"), tracker("file:./x", {}):
        pass
