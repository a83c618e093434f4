from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from sem_curate.errors import SetupError
from sem_curate.ingest.fingerprint import content_hash, stat_key
from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.plan import Found
from sem_curate.ingest.prepare import Prepared, prepare, prepare_all
from sem_curate.ingest.problems import Problem
from sem_curate.ingest.readers import ImageInfo


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def found(path: Path) -> Found:
    return Found(ViewFile(path, "P-1", "view2"), stat_key(path))


def taken(path: Path) -> Prepared:
    result = prepare(found(path))
    assert isinstance(result, Prepared)
    return result


def test_what_a_browser_shows_stays_where_it_is(write_image, home: Path) -> None:
    path = write_image("粒 1.png")
    result = taken(path)
    assert result.filepath == path
    assert result.mapping is None
    assert result.content_hash == content_hash(path.read_bytes())
    assert result.info == ImageInfo("PNG", 24, 32, 8)
    assert result.notices == ()
    assert not home.exists()


def test_a_tiff_gets_a_copy_and_its_sidecar_is_read(write_image, home: Path) -> None:
    path = write_image("a.tif", kind="TIFF", pixels=np.arange(900, dtype=np.uint16).reshape(30, 30))
    path.with_suffix(".txt").write_text("$CM_FORMAT 01 20\n$CM_ACCEL_VOLT 15.00\n$CM_MAG 5000\n")
    result = taken(path)
    assert result.filepath.is_relative_to(home)
    assert "percentile" in (result.mapping or "")
    assert (result.vendor.voltage_kv, result.vendor.magnification) == (15.0, 5000.0)


def test_another_format_under_the_name_is_taken_with_a_notice(write_image) -> None:
    result = taken(write_image("a.jpg", kind="PNG"))
    (notice,) = result.notices
    assert (notice.code, notice.severity) == ("wrong_extension", "notice")
    assert "PNG" in notice.reason


def test_further_pages_are_mentioned(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 9, 9), np.uint8), photometric="minisblack")
    (notice,) = taken(tmp_path / "a.tif").notices
    assert notice.code == "multi_page"
    assert "3 images" in notice.reason


def test_a_bad_file_is_a_problem_with_its_slot(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"garbage")
    problem = prepare(found(path))
    assert isinstance(problem, Problem)
    assert (problem.path, problem.particle_id, problem.view) == (str(path), "P-1", "view2")
    assert problem.code == "not_image"


def test_a_full_disk_is_no_fault_of_the_file(write_image, home: Path) -> None:
    home.write_text("in the way")
    with pytest.raises(SetupError, match="display copy"):
        prepare(found(write_image("a.tif", kind="TIFF")))


def test_order_is_kept(write_image) -> None:
    items = [found(write_image(f"{number}.png", seed=number)) for number in range(12)]
    assert [result.found for result in prepare_all(items)] == items  # type: ignore[union-attr]
