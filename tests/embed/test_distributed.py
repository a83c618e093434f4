"""Two real Ray workers on this machine; skipped only where the extra is not installed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed import files
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.embed.store import VectorStore

ray = pytest.importorskip("ray", reason="extra 'ray' is not installed")

from sem_curate.embed import distributed  # noqa: E402
from sem_curate.errors import EncoderError, SetupError  # noqa: E402


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    path = tmp_path_factory.mktemp("tiny") / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(path))
    return get_encoder(f"timm:test_vit@{path}")


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """Eleven images, one broken, one a copy."""
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{number:02d}.png") for number in range(11)]
    for path in paths:
        cv2.imwrite(path, rng.integers(0, 255, (30, 40)).astype(np.uint8))
    Path(paths[3]).write_bytes(b"\x89PNG\r\n\x1a\n")
    Path(paths[9]).write_bytes(Path(paths[0]).read_bytes())
    return paths


@pytest.fixture(scope="module", autouse=True)
def _two_workers(tmp_path_factory: pytest.TempPathFactory) -> object:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield
    ray.shutdown()


def test_two_workers_do_what_one_process_does(encoder: Encoder, images: list[str], tmp_path: Path) -> None:
    results = {}
    for name, engine in (
        ("local", partial(files.local, batch=4)),
        ("ray", partial(distributed.ray_stream, batch=4, workers=2)),
    ):
        store = VectorStore(tmp_path / name, dim=encoder.dim)
        results[name] = files.embed_files(images, encoder, store, tmp_path / f"{name}.npz", engine=engine)
    one, other = results["local"], results["ray"]
    assert (one.embedded, one.computed, one.skipped) == (other.embedded, other.computed, other.skipped)
    assert (other.embedded, other.computed, len(other.skipped)) == (10, 9, 1)
    with np.load(one.out) as left, np.load(other.out) as right:
        assert left["filepath"].tolist() == right["filepath"].tolist()
        np.testing.assert_allclose(left["vectors"], right["vectors"], atol=1e-6)
        assert str(left["key"]) == str(right["key"])


def test_known_content_is_not_sent_again(encoder: Encoder, images: list[str], tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "s", dim=encoder.dim)
    engine = partial(distributed.ray_stream, batch=4, workers=2)
    files.embed_files(images[:6], encoder, store, tmp_path / "1.npz", engine=files.local)
    again = files.embed_files(images[:6], encoder, store, tmp_path / "2.npz", engine=engine)
    assert (again.computed, again.embedded) == (0, 5)
    more = files.embed_files(images, encoder, store, tmp_path / "3.npz", engine=engine)
    assert (more.computed, more.embedded, len(more.skipped)) == (4, 10, 1)


def test_a_worker_with_other_weights_refuses(encoder: Encoder) -> None:
    distributed.Worker(encoder.id, encoder.key, 4, files.read_grey)
    with pytest.raises(EncoderError, match=r"the driver 'other-key'; give every machine the same weights"):
        distributed.Worker(encoder.id, "other-key", 4, files.read_grey)


def test_without_ray_the_remedy_is_named(
    encoder: Encoder, images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    store = VectorStore(tmp_path / "s", dim=encoder.dim)
    with pytest.raises(SetupError, match=r"pip install 'sem-curate\[ray\]'"):
        files.embed_files(images, encoder, store, tmp_path / "v.npz", engine=distributed.ray_stream)
