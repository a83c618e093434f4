from __future__ import annotations

from pathlib import Path

import pytest

from sem_curate.embed.listing import image_files
from sem_curate.errors import InputError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b/2.PNG", "b/1.tif", "a.jpg", "notes.txt", "b/deep/[1].bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def names(root: Path, *given: str) -> list[str]:
    return [str(Path(path).relative_to(root)) for path in image_files(given)]


def test_a_folder_gives_all_images_below_in_one_order(tree: Path) -> None:
    assert names(tree, str(tree)) == ["a.jpg", "b/1.tif", "b/2.PNG", "b/deep/[1].bmp"]


def test_patterns_reach_into_folders(tree: Path) -> None:
    assert names(tree, str(tree / "**" / "*.tif")) == ["b/1.tif"]
    assert names(tree, str(tree / "b" / "*")) == ["b/1.tif", "b/2.PNG"]


def test_a_file_may_look_like_a_pattern_and_have_any_suffix(tree: Path) -> None:
    assert names(tree, str(tree / "b/deep/[1].bmp"), str(tree / "notes.txt")) == ["b/deep/[1].bmp", "notes.txt"]


def test_overlapping_arguments_name_a_file_once(tree: Path) -> None:
    assert names(tree, str(tree / "a.jpg"), str(tree), str(tree / "b")) == [
        "a.jpg", "b/1.tif", "b/2.PNG", "b/deep/[1].bmp",
    ]  # fmt: skip


def test_a_list_is_relative_to_itself_and_keeps_what_is_missing(tree: Path) -> None:
    (tree / "list.txt").write_text("\ufeff# two files\nb/1.tif\n\n  a.jpg \ngone.png\nb/1.tif\n", encoding="utf-8")
    assert names(tree, f"@{tree / 'list.txt'}") == ["b/1.tif", "a.jpg", "gone.png"]


def test_links_in_circles_end(tree: Path) -> None:
    (tree / "b" / "loop").symlink_to(tree)
    assert len(names(tree, str(tree))) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gone.png", "no file or folder 'gone.png'"),
        ("@gone.txt", "no list 'gone.txt'"),
        ("gone/*.png", r"no file matches 'gone/\*.png'"),
    ],
)
def test_what_is_not_there_is_named(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(image_files([given]))
