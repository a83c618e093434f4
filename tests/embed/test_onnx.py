"""Exports are run for real, by ONNX Runtime; the text reader and other files must not pass for an encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from sem_curate.cli import export as cli
from sem_curate.cli import output
from sem_curate.embed import onnx_encoder, onnx_export
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.errors import EncoderError, InputError, SetupError
from sem_curate.rendering import render_views

pytest.importorskip("onnxruntime", reason="extra 'onnx' is not installed")

TINY_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(folder / "vit.safetensors"))
    local = folder / "clip"
    local.mkdir()
    state = open_clip.CLIP(**TINY_CLIP).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(local / "open_clip_model.safetensors"))
    entry = {"model_cfg": TINY_CLIP, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (local / "open_clip_config.json").write_text(json.dumps(entry), encoding="utf-8")
    vit = f"timm:test_vit@{folder / 'vit.safetensors'}"
    return {"vit": vit, "vit-mask": f"{vit}#pool=mask", "clip": f"open_clip:tiny/{local}", "cnn": "bundled:sem-dino"}


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    rendered = [view for seed in (1, 2) for view in render_views(seed, size=96).views.values()]
    return [view.image for view in rendered if view is not None]


@pytest.fixture(scope="module")
def exported(names: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Encoder]:
    folder = tmp_path_factory.mktemp("exported")
    return {
        kind: get_encoder(f"onnx:{onnx_export.export(get_encoder(name), folder / kind)}")
        for kind, name in names.items()
    }


@pytest.mark.parametrize("kind", ["vit", "vit-mask", "clip", "cnn"])
def test_onnx_runtime_gives_the_vectors_of_torch(
    kind: str, names: dict[str, str], exported: dict[str, Encoder], images: list[np.ndarray]
) -> None:
    loss = onnx_export.compare(get_encoder(names[kind]), exported[kind], images)
    assert loss.cosine_min >= 0.9999
    assert loss.images == len(images) > 8


@pytest.mark.parametrize("kind", ["vit", "vit-mask", "clip", "cnn"])
def test_an_exported_encoder_honours_the_contract(
    kind: str, names: dict[str, str], exported: dict[str, Encoder], images: list[np.ndarray]
) -> None:
    encoder, original = exported[kind], get_encoder(names[kind])
    assert (encoder.dim, encoder.takes_mask, encoder.supports_text) == (original.dim, original.takes_mask, False)
    np.testing.assert_array_equal(encoder.preprocess(images[0]), original.preprocess(images[0]))
    batch = np.stack([encoder.preprocess(image) for image in images[:5]])
    vectors = encoder.embed_images(batch)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[3], encoder.embed_images(batch[3:4])[0], atol=1e-5)
    assert encoder.embed_images(batch[:0]).shape == (0, encoder.dim)
    assert encoder.key != original.key  # not the same bits, so not the same store
    with pytest.raises(EncoderError, match="takes batches of shape"):
        encoder.embed_images(np.zeros((1, 7, 5, 5), np.float32))
    with pytest.raises(EncoderError, match="reads images only"):
        encoder.embed_texts(["needle"])


def test_exporting_leaves_the_original_usable(names: dict[str, str], exported: dict[str, Encoder]) -> None:
    original = get_encoder(names["vit"])
    assert original.embed_images(original.preprocess(np.eye(50, dtype=np.uint8))[None]).shape == (1, original.dim)


def test_eight_bits_are_smaller_close_and_another_encoder(
    names: dict[str, str], exported: dict[str, Encoder], images: list[np.ndarray], tmp_path: Path
) -> None:
    original = get_encoder(names["vit"])
    path = onnx_export.export(original, tmp_path / "small.onnx", int8=True)
    small = get_encoder(f"onnx:{path}")
    loss = onnx_export.compare(original, small, images)
    assert 0.9 < loss.cosine_min < 1
    assert loss.cosine_min <= loss.cosine_mean <= 1
    full = Path(exported["vit"].id.removeprefix("onnx:"))
    assert onnx_export.megabytes(path) < 0.5 * onnx_export.megabytes(full)
    assert small.key != exported["vit"].key
    assert sorted(item.name for item in tmp_path.iterdir()) == ["small.onnx"]


def test_a_copy_of_the_file_keeps_its_vectors(exported: dict[str, Encoder], tmp_path: Path) -> None:
    path = Path(exported["vit"].id.removeprefix("onnx:"))
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert get_encoder(f"onnx:{copy}").key == exported["vit"].key


def test_what_is_no_encoder_is_refused(tmp_path: Path, exported: dict[str, Encoder]) -> None:
    with pytest.raises(EncoderError, match=r"no ONNX file .* sem-curate export onnx"):
        get_encoder(f"onnx:{tmp_path / 'gone.onnx'}")
    (tmp_path / "broken.onnx").write_bytes(b"hello")
    with pytest.raises(EncoderError, match="cannot be run"):
        get_encoder(f"onnx:{tmp_path / 'broken.onnx'}")
    import onnx

    model = onnx.load(exported["vit"].id.removeprefix("onnx:"))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(EncoderError, match="does not say how images are prepared"):
        get_encoder(f"onnx:{tmp_path / 'other.onnx'}")
    onnx.helper.set_model_props(model, {onnx_encoder.META: '{"preprocessing": {"mean": [0.5]}}'})
    onnx.save(model, str(tmp_path / "half.onnx"))
    with pytest.raises(EncoderError, match="describes its input wrongly"):
        get_encoder(f"onnx:{tmp_path / 'half.onnx'}")
    with pytest.raises(EncoderError, match="is an ONNX file already"):
        onnx_export.export(exported["vit"], tmp_path / "again.onnx")


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, exported: dict[str, Encoder]) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    get_encoder.cache_clear()
    with pytest.raises(SetupError, match=r"pip install 'sem-curate\[onnx\]'"):
        get_encoder(exported["vit"].id)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli.command, [str(item) for item in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.stdout


def test_the_command_prints_the_loss(names: dict[str, str], tmp_path: Path) -> None:
    code, printed = run("onnx", "--encoder", names["vit"], "--out", tmp_path / "a", "--json")
    found = json.loads(printed)
    assert (code, found["precision"], found["measured_on"]) == (output.OK, "float32", "simulated particles")
    assert found["loss"]["cosine_min"] >= 0.9999
    assert get_encoder(found["encoder"]).dim == 64
    code, printed = run("onnx", "--encoder", names["vit"], "--out", tmp_path / "b", "--int8")
    assert code == output.OK
    assert "int8" in printed
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="leave --check out"):
        run("onnx", "--encoder", names["vit"], "--out", tmp_path / "c", "--check", tmp_path / "empty")
