"""Local checkpoints as people download them: folders in the hub's format, of the networks meant for production."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed.encoders import get_encoder
from sem_curate.errors import EncoderError, UnknownEncoderError


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def hub_folder(folder: Path, architecture: str, **arguments: object) -> Path:
    """Write what ``timm.models.save_for_hf`` writes."""
    torch.manual_seed(0)
    model = timm.create_model(architecture, pretrained=False, **arguments)
    timm.models.save_for_hf(model, str(folder), model_args=arguments, safe_serialization=True)
    assert (folder / "model.safetensors").is_file()
    return folder


def embed(name: str) -> np.ndarray:
    encoder = get_encoder(name)
    image = np.random.default_rng(0).integers(0, 255, (60, 80)).astype(np.uint8)
    return encoder.embed_images(encoder.preprocess(image)[None])[0]


# Small images: what is tested is the layout of tokens and files, not the weights.
@pytest.mark.parametrize("architecture", ["vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2", "test_vit"])
def test_a_timm_folder_in_the_format_of_the_hub(architecture: str, tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "m", architecture)
    by_folder, by_name = f"timm:local-dir:{folder}", f"timm:{architecture}@{folder}"
    np.testing.assert_array_equal(embed(by_folder), embed(by_name))
    encoder = get_encoder(by_name)
    assert encoder.dim == timm.create_model(architecture, pretrained=False, num_classes=0).num_features
    assert encoder.provenance["preprocessing"]["height"] == (224 if "dinov2" in architecture else 160)


def test_dinov3_gives_its_class_token_and_pools_inside_masks(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "m", "vit_small_patch16_dinov3")
    token, average = get_encoder(f"timm:local-dir:{folder}"), get_encoder(f"timm:local-dir:{folder}#pool=avg")
    masked = get_encoder(f"timm:local-dir:{folder}#pool=mask")
    assert len({token.key, average.key, masked.key}) == 3
    image = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    model = timm.create_model("vit_small_patch16_dinov3", pretrained=False, num_classes=0, global_pool="token")
    state = {k: v for k, v in timm.models.load_state_dict(str(folder / "model.safetensors")).items() if "head" not in k}
    model.load_state_dict(state, strict=False)
    with torch.inference_mode():
        features = model.eval().forward_features(torch.from_numpy(token.preprocess(image)[None]))
    expected = torch.nn.functional.normalize(features[:, 0], dim=1).numpy()
    np.testing.assert_allclose(token.embed_images(token.preprocess(image)[None]), expected, atol=1e-4)
    whole = masked.embed_images(masked.preprocess(image, np.ones((64, 64), bool))[None])
    np.testing.assert_allclose(whole, average.embed_images(average.preprocess(image)[None]), atol=1e-4)


def test_open_clip_with_its_own_tokenizer_reads_text_from_a_folder(tmp_path: Path) -> None:
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    torch.manual_seed(0)
    state = open_clip.CLIP(**config).state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, str(tmp_path / "open_clip_model.safetensors"))
    entry = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(entry), encoding="utf-8")
    encoder = get_encoder(f"open_clip:local-dir:{tmp_path}")
    assert encoder.supports_text
    assert encoder.provenance["weights"] == get_encoder(f"open_clip:tiny/{tmp_path}").provenance["weights"]
    np.testing.assert_array_equal(embed(encoder.id), embed(f"open_clip:tiny/{tmp_path}"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "timm:vit_small_patch14_dinov2.lvd142m",
            r"https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m ",
        ),
        ("timm:hf-hub:nobody/nothing", r"check the name and the network, or download .*'timm:local-dir:/path"),
        (
            "open_clip:ViT-B-32-SigLIP2-256/webli",
            r"from https://huggingface.co/timm/ViT-B-32-SigLIP2-256 ",
        ),
        ("open_clip:local-dir:/no/such/folder", "there is no folder '/no/such/folder'"),
        ("timm:local-dir:/no/such/folder", r"'/no/such/folder' has no readable config\.json"),
    ],
)
def test_without_a_network_the_message_says_what_to_download_and_where_to_put_it(name: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        get_encoder(name)


def test_weights_of_a_larger_sister_are_refused(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "m", "vit_base_patch14_dinov2")
    with pytest.raises(EncoderError, match="holds a 'vit_base_patch14_dinov2', not a 'vit_small_patch14_dinov2'"):
        get_encoder(f"timm:vit_small_patch14_dinov2@{folder}")
    with pytest.raises(EncoderError, match="could not be loaded from checkpoint"):
        get_encoder(f"timm:vit_small_patch14_dinov2@{folder / 'model.safetensors'}")


def test_a_folder_of_an_unknown_network_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architecture": "vit_smal_patch14_dinov2"}', encoding="utf-8")
    with pytest.raises(UnknownEncoderError, match="Did you mean 'vit_small_patch14_dinov2'"):
        get_encoder(f"timm:local-dir:{tmp_path}")
