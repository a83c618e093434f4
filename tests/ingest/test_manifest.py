from __future__ import annotations

from pathlib import Path

import pytest

from sem_curate.errors import InputError
from sem_curate.ingest.listing import SourceListing
from sem_curate.ingest.sources import read_source
from sem_curate.schema import DEFAULT_VIEWS

TABLE = "filepath,particle_id,view,label,lot,mag\nimg/a.png,P-1,1,球状,007,1000\nimg/b.png,P-1,View_2,,,2000.5\n"


def read(folder: Path, text: str | bytes, **options: object) -> SourceListing:
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_source(path, DEFAULT_VIEWS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_writing_of_a_table(tmp_path: Path, encoding: str, ending: str, delimiter: str) -> None:
    listing = read(tmp_path, TABLE.replace("\n", ending).replace(",", delimiter).encode(encoding))
    first, second = listing.files
    assert (first.path, first.particle_id, first.view, first.label) == (
        tmp_path / "img" / "a.png", "P-1", "view1", "球状",
    )  # fmt: skip
    assert first.metadata == {"lot": "007", "mag": "1000"}
    assert (second.view, second.label, second.metadata) == ("view2", None, {"mag": "2000.5"})
    assert listing.columns == {"lot": "string", "mag": "float"}
    assert listing.problems == ()


def test_quotes_spaces_and_commas_in_cells(tmp_path: Path) -> None:
    text = 'filepath,particle_id,view\n"say ""hi"", 粒.png"," P 1 ",1\n\n,,\n'
    (file,) = read(tmp_path, text).files
    assert file.path == tmp_path / 'say "hi", 粒.png'
    assert file.particle_id == "P 1"


def test_every_bad_row_is_reported_and_the_others_stay(tmp_path: Path) -> None:
    rows = "a.png,,1\n,P-1,2\nb.png,P-1,veiw3\n../c.png,P-2,1\n/etc/passwd,P-3,1\nd.png,P-4,1\nshort.png\n"
    listing = read(tmp_path, "filepath,particle_id,view\n" + rows)
    assert [file.particle_id for file in listing.files] == ["P-4"]
    assert [(problem.path, problem.code) for problem in listing.problems] == [
        ("a.png", "empty_particle_id"),
        (f"{tmp_path}/manifest.csv, line 3", "missing"),
        ("b.png", "unknown_view"),
        ("../c.png", "outside_roots"),
        ("/etc/passwd", "outside_roots"),
        ("short.png", "empty_particle_id"),
    ]


def test_names_that_the_file_system_refuses(tmp_path: Path) -> None:
    listing = read(tmp_path, f"filepath,particle_id,view\n{'x' * 5000}\\a.png,P-1,1\n{'y' * 300}.png,P-2,1\n")
    assert [file.particle_id for file in listing.files] == ["P-1", "P-2"]


def test_further_roots(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    text = f"filepath,particle_id,view\n{outside}/a.png,P-1,1\n"
    assert read(inside, text).files == ()
    assert len(read(inside, text, roots=[outside]).files) == 1


def test_windows_paths(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(b"x")
    (file,) = read(tmp_path, "filepath,particle_id,view\nimg\\a.png,P-1,1\n").files
    assert file.path == tmp_path / "img" / "a.png"


def test_missing_columns_are_listed(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"lacks 2 .*'filepath'.*filepath, particle_id, view.*Did you mean 'file_path'"
    ):
        read(tmp_path, "file_path,particle,view\na,b,1\n")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\r", b"\xff\xfe\xff", b"\x80\x81\xfd\xfe\xff", bytes(range(256))]
)
def test_a_binary_manifest_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"not a text file|lacks"):
        read(tmp_path, data)


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks 3"):
        read(tmp_path, b"")


def test_repeated_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'lot' more than once"):
        read(tmp_path, "filepath,particle_id,view,lot,lot\n")


def test_reserved_columns_are_renamed_with_a_notice(tmp_path: Path) -> None:
    listing = read(tmp_path, "filepath,particle_id,view,quality\na.png,P-1,1,0.5\n")
    assert listing.files[0].metadata == {"meta_quality": "0.5"}
    (problem,) = listing.problems
    assert (problem.code, problem.severity) == ("column_renamed", "notice")


def test_a_manifest_takes_no_pattern(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs no pattern"):
        read(tmp_path, TABLE, pattern="{particle_id}_{view}.png")


def test_a_broken_table_is_refused(tmp_path: Path) -> None:
    huge = "filepath,particle_id,view\n" + '"' + "x" * 200_000 + '",P,1\n'
    with pytest.raises(InputError, match="not a CSV table"):
        read(tmp_path, huge)


def test_a_folder_is_read_by_its_own_manifest_unless_a_pattern_is_given(tmp_path: Path) -> None:
    (tmp_path / "P-9_view3.png").touch()
    by_file = read(tmp_path, TABLE)
    by_folder = read_source(tmp_path, DEFAULT_VIEWS)
    assert by_folder.files == by_file.files
    assert [(problem.code, problem.severity) for problem in by_folder.problems] == [("manifest_used", "notice")]
    by_name = read_source(tmp_path, DEFAULT_VIEWS, pattern="{particle_id}_{view}.{ext}")
    assert [(file.particle_id, file.view) for file in by_name.files] == [("P-9", "view3")]
