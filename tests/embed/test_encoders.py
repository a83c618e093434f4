"""Every encoder honours one contract: the bundled ones, and random weights in the local files people will have."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed import bundled, timm_encoder
from sem_curate.embed.encoders import DEFAULTS, FAMILIES, Encoder, get_encoder
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError, UnknownEncoderError

TINY_TIMM = "test_vit"
TINY_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Names of encoders with random weights in every kind of local checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    vit = timm.create_model(TINY_TIMM, pretrained=False)
    save_file(vit.state_dict(), str(folder / "vit.safetensors"))
    torch.save(vit.state_dict(), folder / "vit.pth")
    hub = folder / "hub"
    hub.mkdir()
    save_file(vit.state_dict(), str(hub / "model.safetensors"))
    config = {"architecture": TINY_TIMM, "num_classes": 1000, "pretrained_cfg": vit.pretrained_cfg}
    (hub / "config.json").write_text(json.dumps(config), encoding="utf-8")
    clip = open_clip.CLIP(**TINY_CLIP)
    local = folder / "clip"
    local.mkdir()
    save_file({k: v.contiguous() for k, v in clip.state_dict().items()}, str(local / "open_clip_model.safetensors"))
    entry = {"model_cfg": TINY_CLIP, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (local / "open_clip_config.json").write_text(json.dumps(entry), encoding="utf-8")
    return {
        "timm-safetensors": f"timm:{TINY_TIMM}@{folder / 'vit.safetensors'}",
        "timm-pth": f"timm:{TINY_TIMM}@{folder / 'vit.pth'}",
        "timm-hub-folder": f"timm:{TINY_TIMM}@{hub}",
        "open-clip-folder": f"open_clip:tiny/{local}",
    }


@pytest.fixture(params=[*DEFAULTS, "timm-safetensors", "timm-pth", "timm-hub-folder", "open-clip-folder"])
def encoder(request: pytest.FixtureRequest, checkpoints: dict[str, str]) -> Encoder:
    return get_encoder(checkpoints.get(request.param, request.param))


def images(count: int = 3, dtype: str = "uint8") -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    blobs = []
    for _ in range(count):
        rows, columns = np.mgrid[:60, :80]
        disc = np.hypot(rows - rng.integers(20, 40), columns - rng.integers(20, 60)) < rng.integers(8, 18)
        blobs.append((30 + 180 * disc + rng.integers(0, 20, disc.shape)).astype(dtype))
    return blobs


def embed(encoder: Encoder, pictures: list[np.ndarray]) -> np.ndarray:
    return encoder.embed_images(np.stack([encoder.preprocess(picture) for picture in pictures]))


def test_vectors_are_unit_rows_of_the_promised_size(encoder: Encoder) -> None:
    vectors = embed(encoder, images())
    assert vectors.shape == (3, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_an_image_has_the_same_vector_in_any_batch(encoder: Encoder) -> None:
    pictures = images()
    together = embed(encoder, pictures)
    alone = np.concatenate([embed(encoder, [picture]) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_different_images_have_different_vectors(encoder: Encoder) -> None:
    rng = np.random.default_rng(1)
    flat, noisy = np.tile(np.arange(64, dtype=np.uint8), (64, 1)), rng.integers(0, 255, (64, 64)).astype(np.uint8)
    first, second = embed(encoder, [flat, noisy])
    assert float(first @ second) < 1 - 1e-4


def test_bit_depth_and_gain_do_not_matter(encoder: Encoder) -> None:
    shallow = images(1)[0]
    np.testing.assert_allclose(
        embed(encoder, [shallow]), embed(encoder, [shallow.astype(np.uint16) * 200 + 77]), atol=1e-3
    )


def test_an_empty_batch_gives_no_vectors(encoder: Encoder) -> None:
    shape = encoder.preprocess(images(1)[0]).shape
    assert encoder.embed_images(np.zeros((0, *shape), np.float32)).shape == (0, encoder.dim)


def test_a_wrong_batch_is_refused(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match="takes batches of shape"):
        encoder.embed_images(np.zeros((1, 5, 7, 7), np.float32))


def test_key_is_folder_safe_and_stable(encoder: Encoder) -> None:
    assert re.fullmatch(r"[a-z0-9-]+-[0-9a-f]{10}", encoder.key)
    get_encoder.cache_clear()
    assert get_encoder(encoder.id).key == encoder.key


def test_text_lives_in_the_same_space_or_is_refused(encoder: Encoder) -> None:
    if not encoder.supports_text:
        with pytest.raises(EncoderError, match="reads images only"):
            encoder.embed_texts(["needle"])
        return
    vectors = encoder.embed_texts(["needle-like particle", "球状", ""])
    assert vectors.shape == (3, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.embed_texts([]).shape == (0, encoder.dim)


def test_file_format_does_not_change_vectors_or_keys(checkpoints: dict[str, str]) -> None:
    found = [get_encoder(checkpoints[kind]) for kind in ("timm-safetensors", "timm-pth", "timm-hub-folder")]
    assert len({encoder.key for encoder in found}) == 1
    np.testing.assert_array_equal(embed(found[0], images()), embed(found[1], images()))


def test_other_weights_give_another_key(tmp_path: Path, checkpoints: dict[str, str]) -> None:
    torch.manual_seed(1)
    save_file(timm.create_model(TINY_TIMM, pretrained=False).state_dict(), str(tmp_path / "other.safetensors"))
    other = get_encoder(f"timm:{TINY_TIMM}@{tmp_path / 'other.safetensors'}")
    assert other.key != get_encoder(checkpoints["timm-safetensors"]).key


def test_weights_are_found_in_the_encoder_folder(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "encoders"
    folder.mkdir(parents=True)
    torch.manual_seed(2)
    save_file(timm.create_model(TINY_TIMM, pretrained=False).state_dict(), str(folder / f"{TINY_TIMM}.safetensors"))
    assert get_encoder(f"timm:{TINY_TIMM}").dim == 64


@pytest.mark.parametrize("name", ["vit_small_patch14_dinov2.lvd142m", "vit_small_patch16_dinov3.lvd1689m"])
def test_dino_vits_use_their_class_token_at_a_bearable_size(name: str) -> None:
    arguments = timm_encoder._dino_arguments(name)
    model = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
    assert model.global_pool == "token"
    assert timm.data.resolve_model_data_config(model)["input_size"][1] <= 256 or arguments["img_size"] == 224


def test_dinov2_preprocesses_at_the_size_it_was_built_for(tmp_path: Path) -> None:
    model = timm.create_model("vit_small_patch14_dinov2", pretrained=False, img_size=224, num_classes=0)
    assert timm_encoder._preprocessing(model).height == model.patch_embed.img_size[0] == 224


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bundled:sem-dinn", r"no bundled encoder .* Did you mean 'sem-dino'"),
        ("sem-dino", r"FAMILY:MODEL .* Did you mean 'bundled:sem-dino'"),
        ("tim:resnet10t", "no encoder is called 'tim:resnet10t'"),
        ("timm:", "no encoder is called 'timm:'"),
        ("timm:resnet10", r"has no model 'resnet10'.* Did you mean 'resnet10t'"),
        ("timm:resnet10t.c3_in2k", r"no weights tagged 'c3_in2k'"),
        ("open_clip:ViT-B-33/webli", r"no architecture 'ViT-B-33'.* Did you mean 'ViT-B-32'"),
        ("open_clip:ViT-B-32/laion2b_e17", r"neither a file, a folder nor one of \d+ weights .* Did you mean"),
    ],
)
def test_unknown_names_get_a_suggestion(name: str, message: str) -> None:
    with pytest.raises(UnknownEncoderError, match=message):
        get_encoder(name)


def test_missing_weights_say_what_to_put_where() -> None:
    with pytest.raises(
        EncoderError, match=r"could not be loaded .* 'timm:resnet10t@/path/to/model.safetensors'.*encoders"
    ):
        get_encoder("timm:resnet10t")


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"nowhere\.pth' of encoder .* does not exist"):
        get_encoder(f"timm:{TINY_TIMM}@{tmp_path / 'nowhere.pth'}")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"stem.weight": torch.zeros(3, 3)}, str(tmp_path / "wrong.safetensors"))
    with pytest.raises(EncoderError, match="could not be loaded from checkpoint"):
        get_encoder(f"timm:{TINY_TIMM}@{tmp_path / 'wrong.safetensors'}")


def test_hub_folder_of_another_architecture_is_refused(checkpoints: dict[str, str]) -> None:
    folder = checkpoints["timm-hub-folder"].partition("@")[2]
    with pytest.raises(EncoderError, match=f"holds a '{TINY_TIMM}', not a 'resnet10t'"):
        get_encoder(f"timm:resnet10t@{folder}")


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (open, ("/tmp/sem-curate-must-not-appear", "w"))


def test_pickled_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": _Bomb()}, tmp_path / "evil.pth")
    with pytest.raises(EncoderError, match="could not be loaded"):
        get_encoder(f"timm:{TINY_TIMM}@{tmp_path / 'evil.pth'}")
    assert not Path("/tmp/sem-curate-must-not-appear").exists()


def test_open_clip_folder_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"has no open_clip_config\.json"):
        get_encoder(f"open_clip:ViT-B-32/{tmp_path}")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "no readable config.json"),
        ({"kind": "audio"}, "names kind 'audio'"),
        ({"kind": "image"}, "does not describe an encoder"),
    ],
)
def test_broken_trained_folders_are_named(tmp_path: Path, config: dict[str, str] | None, message: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(EncoderError, match=message):
        get_encoder(f"trained:{tmp_path}")


def test_bundled_weights_missing_from_an_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    get_encoder.cache_clear()
    with pytest.raises(EncoderError, match=r"weights of 'bundled:sem-dino' are missing .* reinstall"):
        get_encoder("bundled:sem-dino")
    get_encoder.cache_clear()


def test_every_family_has_a_loader() -> None:
    import importlib

    for module in FAMILIES.values():
        assert callable(importlib.import_module(module).load)


def test_preprocessing_is_part_of_the_key() -> None:
    from sem_curate.embed.identity import encoder_key

    keys = {encoder_key("timm:x", Preprocessing(side, side, (0.5,), (0.2,)), "w") for side in (96, 128)}
    assert len(keys) == 2
