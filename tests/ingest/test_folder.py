from __future__ import annotations

import os
from pathlib import Path

import pytest

from sem_curate.errors import InputError
from sem_curate.ingest.listing import SourceListing
from sem_curate.ingest.sources import own_root, read_source
from sem_curate.schema import DEFAULT_VIEWS


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def slots(listing: SourceListing) -> list[tuple[str, str, str]]:
    return [(file.path.name, file.particle_id, file.view) for file in listing.files]


def scan(folder: Path, **options: object) -> SourceListing:
    return read_source(folder, DEFAULT_VIEWS, **options)  # type: ignore[arg-type]


def test_flat_folder(tmp_path: Path) -> None:
    touch(tmp_path, "P-2_view1.PNG", "P-1_2.tif", "P-1_V-1.jpeg", 'P "3" é_1.bmp', "粒子_4.png")
    assert slots(scan(tmp_path)) == [
        ('P "3" é_1.bmp', 'P "3" é', "view1"),
        ("P-1_2.tif", "P-1", "view2"),
        ("P-1_V-1.jpeg", "P-1", "view1"),
        ("P-2_view1.PNG", "P-2", "view1"),
        ("粒子_4.png", "粒子", "view4"),
    ]


def test_one_folder_per_particle(tmp_path: Path) -> None:
    touch(tmp_path, "P-1/view1.png", "P-1/view_2.png", "lot/P 2/3.png", "P-1/extra/P-9_1.png")
    assert {(particle, view) for _, particle, view in slots(scan(tmp_path))} == {
        ("P-1", "view1"),
        ("P-1", "view2"),
        ("P 2", "view3"),
        ("P-9", "view1"),
    }


def test_a_misspelt_view_in_a_particle_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "P-1/view1.png", "P-1/veiw2.png")
    (problem,) = scan(tmp_path).problems
    assert (problem.particle_id, problem.view, problem.code) == ("P-1", "veiw2", "unknown_view")
    assert "Did you mean 'view2'?" in problem.reason


def test_names_that_do_not_fit(tmp_path: Path) -> None:
    touch(tmp_path, "overview.png", "P-1_side.png", " _1.png", "P-1_1.png", "old_1.gif", "P-3_2.dm3")
    listing = scan(tmp_path)
    assert slots(listing) == [("P-1_1.png", "P-1", "view1")]
    assert {(Path(problem.path).name, problem.code) for problem in listing.problems} == {
        ("overview.png", "no_match"),
        ("P-1_side.png", "unknown_view"),
        (" _1.png", "empty_particle_id"),
        ("old_1.gif", "unsupported"),
        ("P-3_2.dm3", "unsupported"),
    }
    assert all(problem.severity == "refused" for problem in listing.problems)


def test_other_files_are_only_counted(tmp_path: Path) -> None:
    touch(tmp_path, "P-1_1.tif", "P-1_1.txt", "Thumbs.db", ".hidden.png", ".cache/P-2_1.png", "other.csv", "notes")
    listing = scan(tmp_path)
    assert slots(listing) == [("P-1_1.tif", "P-1", "view1")]
    assert listing.problems == ()
    assert listing.ignored == 6


def test_own_pattern_with_metadata(tmp_path: Path) -> None:
    touch(tmp_path, "L1/P-1-2.raw", "L1/P-1-3.png")
    listing = scan(tmp_path, pattern="{lot}/{particle_id}-{view}.raw")
    assert slots(listing) == [("P-1-2.raw", "P-1", "view2")]
    assert listing.files[0].metadata == {"lot": "L1"}
    assert listing.columns == {"lot": "string"}
    assert [problem.code for problem in listing.problems] == ["no_match"]


def test_a_folder_per_label(tmp_path: Path) -> None:
    touch(tmp_path, "球状/P-1_2.png")
    listing = scan(tmp_path, pattern="{label}/{particle_id}_{view}.{ext}")
    assert (listing.files[0].label, listing.files[0].metadata) == ("球状", {})


def test_a_loop_of_links_is_left(tmp_path: Path) -> None:
    touch(tmp_path, "a/P-1_1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    listing = scan(tmp_path)
    assert slots(listing) == [("P-1_1.png", "P-1", "view1")]
    assert {(Path(problem.path).name, problem.code, problem.severity) for problem in listing.problems} == {
        ("again", "symlink_loop", "notice"),
        ("self", "symlink_loop", "notice"),
    }


def test_a_real_folder_is_named_by_its_own_path(tmp_path: Path) -> None:
    touch(tmp_path, "z_real/P-1_1.png")
    (tmp_path / "a_link").symlink_to(tmp_path / "z_real")
    assert scan(tmp_path).files[0].path == tmp_path / "z_real" / "P-1_1.png"


def test_links_to_outside_are_refused_unless_allowed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    touch(inside, "P-1_1.png")
    touch(outside, "secret_1.png", "deep/P-2_1.png")
    (inside / "P-9_1.png").symlink_to(outside / "secret_1.png")
    (inside / "linked").symlink_to(outside / "deep")
    listing = scan(inside)
    assert slots(listing) == [("P-1_1.png", "P-1", "view1")]
    assert {(Path(problem.path).name, problem.code) for problem in listing.problems} == {
        ("P-9_1.png", "outside_roots"),
        ("linked", "outside_roots"),
    }
    assert all("--root" in problem.reason for problem in listing.problems)
    allowed = scan(inside, roots=[outside])
    assert {particle for _, particle, _ in slots(allowed)} == {"P-1", "P-2", "P-9"}
    assert allowed.problems == ()


def test_the_source_may_itself_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "real", "P-1_1.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert scan(tmp_path / "link").files[0].path == tmp_path / "link" / "P-1_1.png"
    assert own_root(tmp_path / "link") == (tmp_path / "real").resolve()


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/P\xff_1.png"))).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only valid text")
    (problem,) = scan(tmp_path).problems
    assert problem.code == "bad_name"
    problem.path.encode("utf-8")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_reported(tmp_path: Path) -> None:
    touch(tmp_path, "open/P-1_1.png", "shut/P-2_1.png")
    (tmp_path / "shut").chmod(0)
    try:
        listing = scan(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o755)
    assert slots(listing) == [("P-1_1.png", "P-1", "view1")]
    (problem,) = listing.problems
    assert (Path(problem.path).name, problem.code) == ("shut", "permission")


def test_a_folder_that_fails_to_list_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "open/P-1_1.png", "shut/P-2_1.png")
    real = os.scandir

    def scandir(folder: Path) -> object:
        if Path(folder).name == "shut":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = scan(tmp_path)
    assert slots(listing) == [("P-1_1.png", "P-1", "view1")]
    (problem,) = listing.problems
    assert (problem.code, problem.severity) == ("permission", "refused")


def test_the_data_folder_is_never_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    touch(tmp_path, "P-1_1.png", "home/display/P-2_1.png")
    assert slots(scan(tmp_path)) == [("P-1_1.png", "P-1", "view1")]


def test_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder or file"):
        scan(tmp_path / "nowhere")
