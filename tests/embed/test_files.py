from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed import files, npz
from sem_curate.embed.encoders import Encoder, get_encoder
from sem_curate.embed.store import VectorStore
from sem_curate.errors import InputError, StateError


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tiny") / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(path))
    return f"timm:test_vit@{path}"


@pytest.fixture
def encoder(checkpoint: str) -> Encoder:
    return get_encoder(checkpoint)


def write(folder: Path, count: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = [str(folder / f"{number:03d}.png") for number in range(count)]
    for path in paths:
        cv2.imwrite(path, rng.integers(0, 255, (24, 30)).astype(np.uint8))
    return paths


def test_the_npz_says_what_it_holds(tmp_path: Path, encoder: Encoder) -> None:
    paths = write(tmp_path / "粒子", 5)
    Path(paths[2]).write_bytes(b"")
    result = files.embed_files(paths, encoder, VectorStore(tmp_path / "s", dim=encoder.dim), tmp_path / "out" / "v")
    assert (result.embedded, result.computed, result.out.name) == (4, 4, "v.npz")
    with np.load(result.out) as saved:
        assert saved["filepath"].tolist() == [path for path in paths if path != paths[2]]
        assert saved["vectors"].shape == (4, encoder.dim)
        assert (saved["skipped"].tolist(), str(saved["key"])) == ([paths[2]], encoder.key)
        assert "empty" in str(saved["reason"][0])
        assert str(saved["weights"]) == encoder.provenance["weights"]
        assert '"height": 160' in str(saved["preprocessing"])


def test_known_content_is_not_embedded_again_under_any_name(tmp_path: Path, encoder: Encoder) -> None:
    store = VectorStore(tmp_path / "s", dim=encoder.dim)
    first = files.embed_files(write(tmp_path / "a", 5), encoder, store, tmp_path / "1.npz")
    again = files.embed_files(write(tmp_path / "b", 6), encoder, store, tmp_path / "2.npz")
    assert (first.computed, again.embedded, again.computed) == (5, 6, 1)
    with np.load(first.out) as one, np.load(again.out) as two:
        np.testing.assert_array_equal(one["vectors"], two["vectors"][:5])


def test_nothing_readable_still_gives_an_npz_with_reasons(tmp_path: Path, encoder: Encoder) -> None:
    result = files.embed_files(
        [str(tmp_path / "gone.png")], encoder, VectorStore(tmp_path / "s", dim=64), tmp_path / "n"
    )
    with np.load(result.out) as saved:
        assert saved["vectors"].shape == (0, 64)
        assert saved["skipped"].size == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from sem_curate.embed import files
from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.store import VectorStore
name, folder, images = sys.argv[1:4]
encoder = get_encoder(name)
def die(done, skipped):
    if done >= 16:
        os.kill(os.getpid(), signal.SIGKILL)
paths = sorted(str(path) for path in Path(images).iterdir())
engine = lambda sources, lane: files.local(sources, lane, batch=8)
store = VectorStore(Path(folder), dim=encoder.dim)
files.embed_files(paths, encoder, store, Path(folder) / "v.npz", engine=engine, progress=die)
"""


def test_killed_and_started_again_is_the_same_to_the_bit(tmp_path: Path, encoder: Encoder) -> None:
    paths = write(tmp_path / "images", 44)
    killed = subprocess.run([sys.executable, "-c", KILLED, encoder.id, str(tmp_path / "k"), str(tmp_path / "images")])
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "k" / "v.npz").exists()

    def run(folder: str) -> files.FilesEmbedded:
        store = VectorStore(tmp_path / folder, dim=encoder.dim)
        return files.embed_files(
            paths, encoder, store, tmp_path / folder / "v.npz", engine=lambda s, lane: files.local(s, lane, batch=8)
        )

    resumed, whole = run("k"), run("w")
    assert resumed.computed == 44 - 16
    with np.load(resumed.out) as one, np.load(whole.out) as other:
        assert one["vectors"].tobytes() == other["vectors"].tobytes()
        assert one["filepath"].tolist() == other["filepath"].tolist()


def test_vectors_of_another_encoder_are_not_replaced_by_accident(tmp_path: Path, encoder: Encoder) -> None:
    result = files.embed_files(
        write(tmp_path / "a", 2), encoder, VectorStore(tmp_path / "s", dim=64), tmp_path / "v.npz"
    )
    npz.check_target(result.out, encoder.key, encoder.dim)
    with pytest.raises(InputError, match=r"length 64 from .* must not be mixed: choose another --out, or --overwrite"):
        npz.check_target(result.out, "another-123", 12)
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(InputError, match="holds no vectors of ours"):
        npz.check_target(tmp_path / "text.npz", encoder.key, 64)


def test_a_store_refuses_other_weights_and_other_preprocessing(tmp_path: Path, encoder: Encoder) -> None:
    VectorStore(tmp_path, dim=encoder.dim, meta=encoder.provenance)
    VectorStore(tmp_path, dim=encoder.dim, meta={**encoder.provenance, "id": "another path, same network"})
    for field, what in (("weights", "weights"), ("preprocessing_hash", "preprocessing"), ("key", "encoder")):
        with pytest.raises(StateError, match=f"made with other {what} .* delete the folder and embed again"):
            VectorStore(tmp_path, dim=encoder.dim, meta={**encoder.provenance, field: "00"})


def test_a_large_run_is_written_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Encoder) -> None:
    monkeypatch.setattr(npz, "ROWS", 3)
    paths = write(tmp_path / "a", 8)
    store = VectorStore(tmp_path / "s", dim=encoder.dim)
    result = files.embed_files(paths, encoder, store, tmp_path / "v.npz")
    with np.load(result.out) as saved:
        assert saved["filepath"].tolist() == paths
        alone = encoder.embed_images(
            np.stack([encoder.preprocess(cv2.imread(path, cv2.IMREAD_UNCHANGED)) for path in paths])
        )
        np.testing.assert_allclose(saved["vectors"], alone, atol=1e-5)
    assert os.listdir(tmp_path).count(".v.part.npz") == 0
