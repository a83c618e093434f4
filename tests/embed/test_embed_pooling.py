"""Pooling inside the particle: what is outside must hardly matter, and vectors of two poolings must never mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from sem_curate.embed import timm_encoder
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.embed.pooling import split, weighted_mean
from sem_curate.embed.preprocess import letterbox, letterbox_mask
from sem_curate.errors import UnknownEncoderError
from sem_curate.quality.measures import inspect


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pooling") / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(path))
    return f"timm:test_vit@{path}"


def disc(side: int = 96, row: int = 30, column: int = 34, radius: int = 16) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    inside = np.hypot(rows - row, columns - column) < radius
    noise = np.random.default_rng(0).integers(0, 12, inside.shape)
    return np.where(inside, 190, 40).astype(np.uint8) + noise.astype(np.uint8)


def box(*bounds: int, side: int = 96) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[bounds[0] : bounds[1], bounds[2] : bounds[3]] = True
    return mask


def embed(encoder: Encoder, image: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    return encoder.embed_images(encoder.preprocess(image, mask)[None])[0]


def test_each_pooling_has_its_own_key(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [checkpoint, f"{checkpoint}#pool=avg", f"{checkpoint}#pool=mask"]
    keys = [get_encoder(name).key for name in names]
    assert len(set(keys)) == 3
    assert all(key.startswith("timm-test-vit-") and len(key) == len(keys[0]) for key in keys)
    monkeypatch.setattr(timm_encoder, "MASK_VERSION", 999)
    get_encoder.cache_clear()
    assert [get_encoder(name).key == key for name, key in zip(names, keys, strict=True)] == [True, True, False]
    get_encoder.cache_clear()


def test_an_empty_or_full_mask_is_the_mean_of_all_patches(checkpoint: str) -> None:
    masked, average = get_encoder(f"{checkpoint}#pool=mask"), get_encoder(f"{checkpoint}#pool=avg")
    expected = embed(average, disc())
    for mask in (np.zeros((12, 12), bool), np.ones((7, 5), bool)):
        np.testing.assert_allclose(embed(masked, disc(), mask), expected, atol=1e-5)
    assert not np.allclose(embed(masked, disc(), box(20, 40, 20, 40)), expected, atol=1e-3)


def test_without_a_mask_it_is_found_in_the_image(checkpoint: str) -> None:
    masked = get_encoder(f"{checkpoint}#pool=mask")
    found = inspect(disc()).mask
    assert 0 < found.mean() < 0.5
    np.testing.assert_array_equal(embed(masked, disc()), embed(masked, disc(), found))


def test_a_mask_of_one_pixel_still_gives_a_unit_vector(checkpoint: str) -> None:
    vector = embed(get_encoder(f"{checkpoint}#pool=mask"), disc(), box(50, 51, 50, 51))
    assert np.isfinite(vector).all()
    np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_masks_stay_with_their_images_in_a_batch(checkpoint: str) -> None:
    masked = get_encoder(f"{checkpoint}#pool=mask")
    inputs = np.stack(
        [masked.preprocess(disc(), box(*at)) for at in ((0, 30, 0, 30), (40, 90, 40, 90), (0, 96, 0, 20))]
    )
    order = [2, 0, 1]
    np.testing.assert_allclose(masked.embed_images(inputs[order]), masked.embed_images(inputs)[order], atol=1e-5)


def test_patch_tokens_come_from_their_own_place(checkpoint: str) -> None:
    """With tokens that see only their own patch, what lies outside the mask cannot reach the vector."""
    masked = get_encoder(f"{checkpoint}#pool=mask")
    network = masked._model  # type: ignore[attr-defined]
    blocks, network.blocks = network.blocks, torch.nn.Identity()
    try:
        inside = masked.preprocess(disc(160), box(32, 80, 48, 112, side=160))
        changed = inside.copy()
        changed[:-1, :32], changed[:-1, 80:] = 1.5, -1.5
        np.testing.assert_allclose(*(masked.embed_images(one[None]) for one in (inside, changed)), atol=1e-5)
        changed[:-1, 32:80, 48:112] *= -1
        assert not np.allclose(*(masked.embed_images(one[None]) for one in (inside, changed)), atol=1e-3)
    finally:
        network.blocks = blocks


def test_average_norms_that_come_after_pooling_are_kept(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = timm.create_model("test_vit", pretrained=False, global_pool="avg", num_classes=0)
    torch.nn.init.uniform_(model.fc_norm.weight)
    images = torch.rand(2, 3, *model.patch_embed.img_size)
    wrapped = timm_encoder._pooled("timm:test_vit#pool=avg", model, "avg")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model(images), dim=1).numpy()
    np.testing.assert_allclose(wrapped.embed_images(images.numpy()), expected, atol=1e-5)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(8, 64), st.integers(8, 64))
@settings(deadline=None, max_examples=50)
def test_mask_and_image_land_on_the_same_pixels(rows: int, columns: int, height: int, width: int) -> None:
    placed = letterbox_mask(np.ones((9, 11), bool), (rows, columns), height, width)
    image = np.full((rows, columns), 1.0, np.float32)
    image[0, :], image[-1, :], image[:, 0], image[:, -1] = 0, 0, 0, 0
    assert placed.shape == letterbox(image, height, width).shape
    assert set(np.unique(placed)) <= {0.0, 1.0}
    # The filled border of the image is the median of its rim, here 0: whatever is bright lies inside the mask.
    assert (letterbox(image, height, width)[placed == 0] == 0).all()


def test_weighted_mean_by_hand() -> None:
    tokens = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]]])
    pooled = weighted_mean(tokens, torch.tensor([[0.5, 1.5, 0.0]]))
    np.testing.assert_allclose(pooled.numpy(), [[0.25, 0.75]])


def test_names_are_split_at_the_last_mark() -> None:
    assert split("timm:x@/a#b/c.pth") == ("timm:x@/a#b/c.pth", "")
    assert split("timm:x@/a#b/c.pth#pool=avg") == ("timm:x@/a#b/c.pth", "avg")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:test_vit#pool=masks", r"no pooling is called 'masks'.* Did you mean 'mask'"),
        ("bundled:sem-dino#pool=mask", r"only vision transformers of 'timm:' offer"),
    ],
)
def test_poolings_that_do_not_exist_are_refused(name: str, message: str) -> None:
    with pytest.raises(UnknownEncoderError, match=message):
        get_encoder(name)


@pytest.mark.parametrize("architecture", ["test_efficientnet", "test_convnext"])
def test_networks_without_patch_tokens_are_refused(tmp_path: Path, architecture: str) -> None:
    path = tmp_path / "net.safetensors"
    save_file(timm.create_model(architecture, pretrained=False).state_dict(), str(path))
    with pytest.raises(UnknownEncoderError, match="this network has none of its own"):
        get_encoder(f"timm:{architecture}@{path}#pool=mask")


@pytest.mark.parametrize("architecture", ["vit_small_patch14_dinov2", "vit_small_patch16_dinov3"])
def test_dino_transformers_can_be_pooled(architecture: str) -> None:
    from sem_curate.embed.pooling import TokenPool, token_grid

    arguments = timm_encoder._dino_arguments(architecture)
    model = timm.create_model(architecture, pretrained=False, num_classes=0, **arguments).eval()
    grid = token_grid(model)
    assert grid == (16, 16)
    side = timm_encoder._preprocessing(model).height
    with torch.inference_mode():
        assert TokenPool(model, grid, "mask")(torch.rand(1, 4, side, side)).shape == (1, 384)
