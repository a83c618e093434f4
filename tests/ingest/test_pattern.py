from __future__ import annotations

import pytest

from sem_curate.errors import InputError
from sem_curate.ingest.pattern import DEFAULT, compile_pattern

NAMES = ("view1", "view2", "BSE_top")


@pytest.mark.parametrize(
    ("name", "particle", "view"),
    [
        ("P-1_1.png", "P-1", "1"),
        ("P_1_view1.png", "P_1", "view1"),
        ("P_1_view_1.png", "P_1", "view_1"),
        ("lot7_P_03_V-2.TIF", "lot7_P_03", "V-2"),
        ("P_BSE_top.png", "P", "BSE_top"),
        ("P_bse_TOP.png", "P", "bse_TOP"),
        ("粒子 1_2.png", "粒子 1", "2"),
        ("a.b_1.png", "a.b", "1"),
        ("P_side.png", "P", "side"),
        ("_1.png", "", "1"),
        ("deep/down/P-1_1.png", "P-1", "1"),
    ],
)
def test_default_pattern(name: str, particle: str, view: str) -> None:
    found = compile_pattern(DEFAULT, NAMES).match(name)
    assert found is not None
    assert (found["particle_id"], found["view"]) == (particle, view)


@pytest.mark.parametrize("name", ["P-1.png", "overview.png", "P_1", "_.png"])
def test_other_names_do_not_fit(name: str) -> None:
    assert compile_pattern(DEFAULT, NAMES).match(name) is None


def test_another_separator() -> None:
    found = compile_pattern("{particle_id}-{view}.{ext}", NAMES).match("lot-7-view2.png")
    assert found is not None
    assert (found["particle_id"], found["view"]) == ("lot-7", "view2")


def test_folders_and_further_placeholders_become_metadata() -> None:
    pattern = compile_pattern("{lot}/{particle_id}/img_{view}.tif", NAMES)
    assert pattern.match("L1/P-1/img_2.tif") == {"lot": "L1", "particle_id": "P-1", "view": "2"}
    assert pattern.match("x/L1/P-1/img_2.tif") is None


@pytest.mark.parametrize("text", ["{particle_id}.png", "{view}.png", "{particle_id}{particle_id}_{view}", "plain"])
def test_a_needed_placeholder_must_stand_there_once(text: str) -> None:
    with pytest.raises(InputError, match="exactly once"):
        compile_pattern(text, NAMES)


@pytest.mark.parametrize("name", ["decision", "quality", "filepath"])
def test_placeholders_never_overwrite_our_fields(name: str) -> None:
    with pytest.raises(InputError, match="field of its own"):
        compile_pattern("{" + name + "}/{particle_id}_{view}.{ext}", NAMES)


def test_repeated_placeholder() -> None:
    with pytest.raises(InputError, match="repeats"):
        compile_pattern("{lot}_{lot}_{particle_id}_{view}.{ext}", NAMES)
