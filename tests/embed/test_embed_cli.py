from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from sem_curate.cli import embed, output, train
from sem_curate.embed.encoders import get_encoder
from sem_curate.errors import InputError


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(tmp_path / "vit.safetensors"))
    return f"timm:test_vit@{tmp_path / 'vit.safetensors'}"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images" / "deep"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(folder / "b.png"), rng.integers(0, 255, (30, 40)).astype(np.uint8))
    cv2.imwrite(str(folder / "a.tif"), rng.integers(0, 65535, (30, 40)).astype(np.uint16))
    (folder / "notes.txt").write_text("not an image", encoding="utf-8")
    return tmp_path / "images"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(embed.command, [str(item) for item in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.stdout


def test_a_folder_becomes_an_npz(images: Path, tiny: str, tmp_path: Path) -> None:
    code, printed = run(images, "--encoder", tiny, "--out", tmp_path / "out.npz", "--json")
    assert code == output.OK
    assert json.loads(printed)["embedded"] == 2
    with np.load(tmp_path / "out.npz") as saved:
        assert [Path(name).name for name in saved["filepath"]] == ["a.tif", "b.png"]
        assert saved["vectors"].shape == (2, get_encoder(tiny).dim)
        np.testing.assert_allclose(np.linalg.norm(saved["vectors"], axis=1), 1, atol=1e-5)
        assert str(saved["encoder"]) == tiny


def test_broken_images_are_listed_and_the_rest_is_kept(images: Path, tiny: str, tmp_path: Path) -> None:
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, printed = run(images, "--encoder", tiny, "--out", tmp_path / "out", "--json")
    assert code == output.PARTIAL
    report = json.loads(printed)
    assert [Path(item["filepath"]).name for item in report["skipped"]] == ["broken.png"]
    assert np.load(report["out"])["vectors"].shape[0] == 2


def test_no_images(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no images at 1 paths .* known types"):
        run(tmp_path / "empty", "--encoder", tiny, "--out", tmp_path / "x.npz")


def test_training_from_the_command_line(tmp_path: Path) -> None:
    arguments = ["--particles", "16", "--views", "2", "--steps", "2", "--batch", "8", "--json"]
    renders = ["--data", str(tmp_path / "renders")]
    for kind, extra in (("dino", ["--textures", "8"]), ("clip", ["--start", str(tmp_path / "dino")])):
        result = CliRunner().invoke(
            train.command, [kind, *arguments, *renders, *extra, "--out", str(tmp_path / kind)], catch_exceptions=False
        )
        assert json.loads(result.stdout)["steps"] >= 1
    assert get_encoder(f"trained:{tmp_path / 'clip'}").supports_text


def test_lists_patterns_and_a_second_run(images: Path, tiny: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("images/deep/b.png\nimages/gone.png\n", encoding="utf-8")
    given = (f"@{tmp_path / 'list.txt'}", images / "**" / "*.tif", "--encoder", tiny, "--out", tmp_path / "o.npz")
    code, printed = run(*given, "--json")
    first = json.loads(printed)
    assert (code, first["embedded"], first["skipped"][0]["reason"]) == (
        output.PARTIAL, 2, "there is no such file; check the path, or remove the row",
    )  # fmt: skip
    _, printed = run(*given)
    assert "computed 0, known before 2, skipped 1" in printed
    _, printed = run(*given, "--no-cache", "--json")
    assert json.loads(printed)["computed"] == 2


def test_a_file_of_another_encoder_is_kept(images: Path, tiny: str, tmp_path: Path) -> None:
    run(images, "--encoder", tiny, "--out", tmp_path / "o.npz", "--json")
    with pytest.raises(InputError, match="must not be mixed"):
        run(images, "--encoder", f"{tiny}#pool=avg", "--out", tmp_path / "o.npz")
    code, _ = run(images, "--encoder", f"{tiny}#pool=avg", "--out", tmp_path / "o.npz", "--overwrite")
    assert code == output.OK
