"""Correcting tags on a real database: history, fields, quality, undo, rebuild, and a process that dies in between."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sem_curate import schema
from sem_curate.errors import ConflictError, InputError

pytestmark = pytest.mark.fiftyone

SHOWN = (
    schema.QUALITY, schema.QUALITY_TAGS, schema.MEASURED_TAGS, schema.TAGS_BY, schema.USABLE, schema.RECOMMENDED_VIEW,
    schema.DECISION, schema.PENDING,
)  # fmt: skip


GOOD = dict(
    sharpness=2.0, spectral_centroid=0.2, noise_sigma=0.01, snr=10.0, contrast=0.6, saturation_low=0.0,
    saturation_high=0.0, charging=0.0, drift=0.0, contour_completeness=1.0, frame_cut=0.0, particle_area=0.3,
    other_particles=0.0, info_bar=0.0, scale_bar_px=0.0, overlay=0.0,
)  # fmt: skip
MEASURED = {("P1", "view1"): {}, ("P1", "view2"): {"sharpness": 0.3}, ("P2", "view1"): {}}


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    """Two particles of two views, with measures by hand; P2 lacks view2, and view2 of P1 is blurred."""
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.quality import judging

    for at, (particle_id, view) in enumerate(MEASURED):
        cv2.imwrite(str(tmp_path / f"{particle_id}_{view}.png"), np.full((24, 24), 50 + at, np.uint8))
    ingest(tmp_path, dataset_name, views=("view1", "view2"))
    ds = dataset.load_dataset(dataset_name)
    ids = {key: dataset.read_views(ds, [key[0]], ())[key[0]][key[1]]["_id"] for key in MEASURED}
    dataset.write_views(
        ds, {ids[key]: {**GOOD, **other} for key, other in MEASURED.items()}, clear_pending=schema.STAGES
    )
    dataset.write_particles(ds, {"P1": {}, "P2": {}}, clear_pending=schema.STAGES)
    judging.rejudge(ds)
    dataset.write_particles(ds, {"P1": {}, "P2": {}}, clear_pending=schema.STAGES)
    return ds


def read(ds: Any, particle_id: str = "P1") -> dict[str, dict[str, Any]]:
    from sem_curate import dataset

    views = dataset.read_views(ds, [particle_id], SHOWN)[particle_id]
    return {name: {key: view.get(key) for key in SHOWN} for name, view in views.items()}


def correct(ds: Any, *tags: str, particle_id: str = "P1", view: str = "view1", **values: Any) -> dict[str, Any]:
    from sem_curate.review.tags import correct_tags

    given = {"by": "sato", "request_id": f"r-{ds.name}"} | values
    return correct_tags(ds, particle_id, view, tags, **given)


def undo(ds: Any, by: str = "sato", request_id: str = "u1") -> Any:
    from sem_curate.review import run as review

    return review.undo(ds, by=by, request_id=request_id)


def test_a_correction_changes_tags_and_quality_and_undo_brings_back_what_was_measured(ds: Any) -> None:
    before = read(ds)
    assert before["view1"][schema.RECOMMENDED_VIEW] == "view1"
    done = correct(ds, "no_particle")
    after = read(ds)
    assert done["card"]["seq"] == 1
    assert after["view1"][schema.QUALITY_TAGS] == ["no_particle"]
    assert (after["view1"][schema.TAGS_BY], after["view1"][schema.USABLE]) == ("sato", False)
    assert after["view1"][schema.MEASURED_TAGS] == before["view1"][schema.QUALITY_TAGS]
    assert after["view1"][schema.QUALITY] == 0
    assert after["view1"][schema.RECOMMENDED_VIEW] == "view2"
    assert after["view2"][schema.QUALITY] == before["view2"][schema.QUALITY]
    assert "propose" in after["view1"][schema.PENDING]
    assert after["view1"][schema.DECISION] == before["view1"][schema.DECISION]
    undone = undo(ds)
    assert (undone["particle_id"], undone["view"]) == ("P1", "view1")
    again = read(ds)
    for name in before:
        assert {**again[name], schema.PENDING: None} == {**before[name], schema.PENDING: None}
    assert undo(ds, request_id="u2") is None


def test_the_same_request_twice_is_one_correction(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import history

    first, again = correct(ds, "noise"), correct(ds, "noise", "blur")
    assert first["event_id"] == again["event_id"]
    assert read(ds)["view1"][schema.QUALITY_TAGS] == ["noise"]
    assert len(history.of_particles(dataset.dataset_id(ds), ["P1"])["P1"]) == 1


def test_confirming_what_was_measured_is_kept_as_a_persons_word(ds: Any) -> None:
    measured = read(ds)["view2"][schema.QUALITY_TAGS]
    assert "blur" in measured
    correct(ds, *measured, view="view2")
    assert read(ds)["view2"][schema.TAGS_BY] == "sato"
    assert read(ds)["view2"][schema.QUALITY_TAGS] == measured


def test_of_two_reviewers_the_second_is_told(ds: Any) -> None:
    correct(ds, "noise", by="ito", request_id="a", seen_seq=0)
    with pytest.raises(ConflictError, match="by ito"):
        correct(ds, "blur", request_id="b", seen_seq=0)
    correct(ds, "blur", request_id="b", seen_seq=1)
    with pytest.raises(ConflictError, match="changed by sato"):
        undo(ds, by="ito")
    assert undo(ds)["view"] == "view1"
    assert (read(ds)["view1"][schema.QUALITY_TAGS], read(ds)["view1"][schema.TAGS_BY]) == (["noise"], "ito")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"particle_id": "P9"}, "no particle 'P9'"),
        ({"view": "veiw1"}, "Did you mean 'view1'"),
        ({"particle_id": "P2", "view": "view2"}, "has no image"),
    ],
)
def test_corrections_of_nothing_are_refused(ds: Any, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        correct(ds, "blur", **values)


def test_a_decision_and_a_correction_do_not_disturb_each_other(ds: Any) -> None:
    from sem_curate.registry import history
    from sem_curate.review import run as review

    correct(ds, "noise")
    review.decide(ds, "P1", "unknown", by="ito", request_id="d", seen_seq=1)
    assert read(ds)["view1"][schema.QUALITY_TAGS] == ["noise"]
    undo(ds)
    assert read(ds)["view1"][schema.DECISION] == schema.UNKNOWN
    state = history.states(ds.info[schema.INFO_KEY]["id"], ["P1"])["P1"]
    assert not state.reopened


def test_measuring_again_keeps_the_correction_but_a_new_image_ends_it(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.quality.run import run_quality

    correct(ds, "noise")
    dataset.mark_pending(ds, ("quality",))
    run_quality(ds)
    assert read(ds)["view1"][schema.QUALITY_TAGS] == ["noise"]
    sample_id = dataset.read_views(ds, ["P1"], ())["P1"]["view1"]["_id"]
    dataset.write_views(ds, {sample_id: {schema.CONTENT_HASH: "another"}})
    dataset.mark_pending(ds, ("quality",))
    run_quality(ds)
    assert read(ds)["view1"][schema.TAGS_BY] is None
    assert "noise" not in read(ds)["view1"][schema.QUALITY_TAGS]


def test_rebuild_corrects_fields_that_say_something_else(ds: Any) -> None:
    from sem_curate import dataset, mirror

    correct(ds, "noise")
    wanted = {key: read(ds, key) for key in ("P1", "P2")}
    ids = {key: dataset.read_views(ds, [key], ())[key]["view1"]["_id"] for key in wanted}
    dataset.write_views(
        ds,
        {
            ids["P1"]: {schema.QUALITY_TAGS: ["drift"], schema.TAGS_BY: None, schema.QUALITY: 0.1},
            ids["P2"]: {schema.QUALITY_TAGS: ["blur"], schema.TAGS_BY: "nobody"},
        },
    )
    assert mirror.rebuild(ds)["corrected"] == 2
    assert {key: without_pending(read(ds, key)) for key in wanted} == {
        key: without_pending(views) for key, views in wanted.items()
    }
    assert mirror.rebuild(ds)["corrected"] == 0


def without_pending(views: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {**view, schema.PENDING: None} for name, view in views.items()}


def test_many_views_at_once(ds: Any) -> None:
    from sem_curate.review.tags import correct_many

    views = [("P1", "view1"), ("P1", "view2"), ("P2", "view1"), ("P2", "view2"), ("P9", "view1")]
    done = correct_many(ds, views, by="sato", request_id="m", add=["blur"])
    assert (done["in"], done["corrected"], done["unchanged"], done["skipped"]) == (5, 2, 1, 2)
    assert "has no image" in done["example"]
    assert read(ds)["view1"][schema.QUALITY_TAGS] == ["blur"]
    again = correct_many(ds, views, by="sato", request_id="m", add=["blur"])
    assert (again["corrected"], again["unchanged"]) == (0, 3)
    undone = undo(ds)
    assert (undone["count"], undone["kept"], undone["view"]) == (2, 0, "view1")
    assert {read(ds, key)["view1"][schema.TAGS_BY] for key in ("P1", "P2")} == {None}
    assert undo(ds)["count"] == 2  # the same request changes nothing more
    assert undo(ds, request_id="u2") is None
    assert correct_many(ds, views, by="sato", request_id="m", add=["blur"])["corrected"] == 0
    with pytest.raises(InputError, match="at least one tag"):
        correct_many(ds, views, by="sato", request_id="n")


def test_undo_of_a_bulk_leaves_what_others_changed_and_goes_on_to_older_actions(ds: Any) -> None:
    from sem_curate.review.tags import correct_many

    correct(ds, "drift", view="view2")
    both = [("P1", "view1"), ("P2", "view1")]
    correct_many(ds, both, by="sato", request_id="m", add=["noise"])
    correct(ds, "charging", particle_id="P2", by="ito", request_id="i")
    undone = undo(ds)
    assert (undone["particle_id"], undone["count"], undone["kept"]) == ("P1", 1, 1)
    assert read(ds, "P1")["view1"][schema.TAGS_BY] is None
    assert read(ds, "P2")["view1"][schema.QUALITY_TAGS] == ["charging"]
    with pytest.raises(ConflictError, match="changed by ito"):
        undo(ds, request_id="u2")
    undo(ds, by="ito", request_id="u3")
    assert undo(ds, request_id="u4")["particle_id"] == "P2"
    assert (undo(ds, request_id="u5")["view"], undo(ds, request_id="u6")) == ("view2", None)


def test_undo_reaches_back_behind_many_actions_that_were_taken_back(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate.review import undoing

    monkeypatch.setattr(undoing, "PAGE", 2)
    for number in range(8):
        correct(ds, "noise", request_id=f"r{number}")
    assert [undo(ds, request_id=f"u{number}") is not None for number in range(9)] == [True] * 8 + [False]


def test_the_command_line_corrects_confirms_and_undoes(ds: Any) -> None:
    from click.testing import CliRunner

    from sem_curate.cli import cli

    def said(*words: str) -> str:
        result = CliRunner().invoke(cli, ["review", *words, "--dataset", ds.name, "--by", "sato"])
        assert result.exit_code == 0, result.output
        return result.output.strip()

    assert said("tags", "P1", "view1", "--set", "noise,blur") == "P1 view1: blur, noise"
    assert said("tags", "P1", "view1", "--remove", "noise", "--add", "drift") == "P1 view1: blur, drift"
    assert said("tags", "P1", "view1", "--ok") == "P1 view1: blur, drift"
    assert said("undo") == "P1 view1: blur, drift"
    assert said("undo") == "P1 view1: blur, noise"
    assert said("tags", "P1", "view1", "--set", "") == "P1 view1: no tags"
    wrong = CliRunner().invoke(cli, ["review", "tags", "P1", "view1", "--ok", "--add", "blur", "--dataset", ds.name])
    assert wrong.exit_code == 2


KILLED = """
    import importlib, os, signal, sys
    module, name = sys.argv[2].split(":")
    owner = importlib.import_module(module)
    setattr(owner, name, lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL))
    from sem_curate import dataset
    from sem_curate.review.tags import correct_tags

    correct_tags(dataset.load_dataset(sys.argv[1]), "P1", "view1", ["no_particle"], by="sato", request_id="r1")
"""


@pytest.mark.parametrize(
    "moment",
    [
        "sem_curate.mirror:refresh",
        "sem_curate.quality.judging:rejudge",
        "sem_curate.quality.judging:write_recommended",
        "sem_curate.dataset:write_views",
        "sem_curate.registry.history:mark_mirrored",
    ],
)
def test_a_correction_survives_kill_9_and_its_fields_catch_up(ds: Any, moment: str) -> None:
    from sem_curate import mirror

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), ds.name, moment], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    mirror.catch_up(ds)
    found = read(ds)
    assert (found["view1"][schema.QUALITY_TAGS], found["view1"][schema.TAGS_BY]) == (["no_particle"], "sato")
    assert (found["view1"][schema.QUALITY], found["view1"][schema.RECOMMENDED_VIEW]) == (0, "view2")
    assert "propose" in found["view1"][schema.PENDING]
    assert mirror.catch_up(ds) == 0
    assert mirror.rebuild(ds)["corrected"] == 0


KILLED_IN_A_BULK_UNDO = """
    import os, signal, sys
    from sem_curate import mirror
    from sem_curate.registry import history

    store = history.append_many
    def some(events, identity):
        if sys.argv[2] == "half":
            store(events[:1], identity)
        elif sys.argv[2] == "all":
            store(events, identity)
        os.kill(os.getpid(), signal.SIGKILL)
    history.append_many = some
    from sem_curate import dataset
    from sem_curate.review import run

    run.undo(dataset.load_dataset(sys.argv[1]), by="sato", request_id="u")
"""


@pytest.mark.parametrize("stored", ["none", "half", "all"])
@pytest.mark.parametrize("again", ["u", "another"])
def test_undo_of_a_bulk_is_finished_after_kill_9(ds: Any, stored: str, again: str) -> None:
    from sem_curate import mirror
    from sem_curate.review.tags import correct_many

    before = {key: without_pending(read(ds, key)) for key in ("P1", "P2")}
    correct_many(ds, [("P1", "view1"), ("P1", "view2"), ("P2", "view1")], by="sato", request_id="m", add=["noise"])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_IN_A_BULK_UNDO), ds.name, stored], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    mirror.catch_up(ds)
    undone = undo(ds, request_id=again)
    left = {"none": 3, "half": 2, "all": 0}[stored]
    assert (undone["count"] if undone else 0) == (3 if again == "u" else left)
    assert {key: without_pending(read(ds, key)) for key in before} == before
    assert mirror.rebuild(ds)["corrected"] == 0
    assert undo(ds, request_id="at last") is None
