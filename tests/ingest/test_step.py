"""What a batch writes, without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sem_curate import schema
from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.plan import Found, plan
from sem_curate.ingest.prepare import Prepared
from sem_curate.ingest.readers import ImageInfo
from sem_curate.ingest.step import Rules, Step, as_held
from sem_curate.ingest.vendor import VendorInfo

RULES = Rules(
    ("view1", "view2", "view3"),
    (schema.N_VIEWS, schema.DECISION, schema.MANIFEST_LABEL),
    {"lot": ("lot", "string"), "mag": (schema.MAGNIFICATION, "float")},
)


def view_file(particle: str, view: str, **metadata: str) -> ViewFile:
    return ViewFile(Path(f"/{particle}_{view}.png"), particle, view, metadata)


def step(files: list[ViewFile], held: dict[str, dict[str, dict[str, Any]]], refused: tuple[str, ...] = ()) -> Step:
    grouped: dict[str, list[ViewFile]] = {}
    for file in files:
        grouped.setdefault(file.particle_id, []).append(file)
    result = Step(RULES, grouped, held, plan([Found(file, "9:9") for file in files], as_held(held)))
    for found in result.plan.to_read:
        if found.file.path.name not in refused:
            vendor = VendorInfo(voltage_kv=5.0, magnification=10.0)
            info = ImageInfo("PNG", 4, 6, 8)
            result.prepared[found.slot] = Prepared(found, found.file.path, "new", 9, info, None, vendor, ())
    return result


def held(view: str, **values: Any) -> dict[str, Any]:
    path = f"/P-1_{view}.png"
    own = {"_id": f"s-{view}", schema.PRESENT: True, schema.SOURCE_PATH: path, "filepath": path}
    return {**own, schema.SOURCE_STAT: "9:9", schema.CONTENT_HASH: "old", schema.N_VIEWS: 1, **values}


def test_new_particle() -> None:
    one = step([view_file("P-1", "view1", lot="A", mag="500"), view_file("P-1", "view2")], {})
    first, second = one.additions()
    assert (first[schema.N_VIEWS], first[schema.DECISION]) == (2, "undecided")
    assert (first["lot"], first[schema.MAGNIFICATION], first[schema.VOLTAGE_KV]) == ("A", 500.0, 5.0)
    assert second[schema.MAGNIFICATION] == 10.0
    assert (first[schema.PENDING], second[schema.PENDING]) == (["quality", "embed", "propose"], ["quality", "embed"])
    assert list(one.placeholders()) == []
    assert (one.updates(), one.repairs(), one.needs_proposal()) == ({}, {}, [])


def test_a_particle_without_a_readable_image_is_not_created() -> None:
    one = step([view_file("P-1", "view2")], {}, refused=("P-1_view2.png",))
    assert list(one.additions()) == list(one.placeholders()) == []
    assert one.tally()["particles"] == 0


def test_a_refused_anchor_gets_a_placeholder() -> None:
    one = step([view_file("P-1", "view1", lot="A"), view_file("P-1", "view2")], {}, refused=("P-1_view1.png",))
    (stand_in,) = one.placeholders()
    assert (stand_in[schema.PRESENT], stand_in[schema.N_VIEWS], stand_in["lot"]) == (False, 1, "A")


def test_an_anchor_lost_in_a_kill_is_made_good() -> None:
    one = step([view_file("P-1", "view2")], {"P-1": {"view2": held("view2")}})
    assert one.plan.to_read == ()
    assert [values[schema.VIEW] for values in one.placeholders()] == [schema.DEFAULT_VIEWS[0]]


def test_a_late_view_is_told_to_its_siblings() -> None:
    known = {"P-1": {"view1": held("view1", decision="confirmed")}}
    one = step([view_file("P-1", "view1"), view_file("P-1", "view3")], known)
    (late,) = one.additions()
    assert (late[schema.DECISION], late[schema.N_VIEWS]) == ("confirmed", 2)
    assert one.repairs() == {"P-1": {schema.N_VIEWS: 2}}
    assert one.needs_proposal() == ["P-1"]


def test_a_moved_file_is_not_computed_again() -> None:
    known = {"P-1": {"view1": held("view1", source_path="/old.png", content_hash="new")}}
    one = step([view_file("P-1", "view1")], known)
    assert one.updates() == {
        "s-view1": {"filepath": "/P-1_view1.png", schema.SOURCE_PATH: "/P-1_view1.png", schema.SOURCE_STAT: "9:9"}
    }
    assert one.needs_proposal() == []
    assert one.tally()["views_moved"] == 1


def test_changed_pixels_void_what_was_computed() -> None:
    one = step([view_file("P-1", "view1")], {"P-1": {"view1": held("view1", source_stat="1:1", quality=0.9)}})
    (values,) = one.updates().values()
    assert values[schema.QUALITY] is None
    assert all(values[measure] is None for measure in schema.MEASURES)
    assert one.needs_proposal() == ["P-1"]


def test_a_disagreement_left_by_a_kill_is_seen() -> None:
    known = {"P-1": {"view1": held("view1", n_views=1), "view2": held("view2", n_views=2)}}
    one = step([view_file("P-1", "view1"), view_file("P-1", "view2")], known)
    assert one.repairs() == {"P-1": {schema.N_VIEWS: 2}}
    assert one.needs_proposal() == ["P-1"]
