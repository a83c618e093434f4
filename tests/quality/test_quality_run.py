from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest
from quality_images import disc

from sem_curate import schema
from sem_curate.errors import InputError

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    """Three particles of two views; P2 lacks its anchor view, P3's second view is blurred."""
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    images = {
        "P1_view1": disc(seed=1),
        "P1_view2": disc(seed=2, centre=(0.05, 0.5)),
        "P2_view2": disc(seed=3),
        "P3_view1": disc(seed=4),
        "P3_view2": disc(seed=5, blur=6),
    }
    for name, image in images.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    ingest(tmp_path, dataset_name, views=("view1", "view2"))
    return dataset.load_dataset(dataset_name)


FIELDS = (
    schema.QUALITY,
    schema.QUALITY_BASIS,
    schema.RECOMMENDED_WHY,
    schema.QUALITY_TAGS,
    schema.USABLE,
    schema.PENDING,
    schema.RECOMMENDED_VIEW,
    *schema.MEASURES,
)


def read(ds: Any) -> dict[str, dict[str, dict[str, Any]]]:
    from sem_curate import dataset

    found = dataset.read_views(ds, ["P1", "P2", "P3"], FIELDS)
    return {key: {view: {f: row.get(f) for f in FIELDS} for view, row in views.items()} for key, views in found.items()}


def test_quality_is_written_and_pending_cleared(ds: Any) -> None:
    from sem_curate.quality.run import run_quality

    seen: list[tuple[int, int | None]] = []
    summary = run_quality(ds, progress=lambda done, total, text="": seen.append((done, total)), workers=2)
    assert (summary["in"], summary["out"], summary["skipped"], summary["example"]) == (5, 5, 0, None)
    assert summary["basis"] == {"prior": 5, "rank": 0}  # too few views of a condition for ranks
    assert seen == [(5, 5)]
    rows = read(ds)
    assert rows["P1"]["view1"][schema.QUALITY_TAGS] == []
    assert rows["P1"]["view2"][schema.QUALITY_TAGS] == ["contour_missing", "frame_cut"]
    assert rows["P3"]["view2"][schema.QUALITY_TAGS] == ["blur"]
    assert rows["P3"]["view2"][schema.QUALITY] < 0.4 < rows["P3"]["view1"][schema.QUALITY]
    for view in (rows["P1"]["view1"], rows["P2"]["view2"]):
        assert view[schema.USABLE] is True
        assert "quality" not in view[schema.PENDING]
        assert all(isinstance(view[name], float) for name in schema.MEASURES)


def test_recommended_view_is_on_every_slice_and_never_a_placeholder(ds: Any) -> None:
    from sem_curate.quality.run import run_quality

    run_quality(ds)
    rows = read(ds)
    chosen = {key: {view[schema.RECOMMENDED_VIEW] for view in views.values()} for key, views in rows.items()}
    assert chosen == {"P1": {"view1"}, "P2": {"view2"}, "P3": {"view1"}}
    assert rows["P2"]["view1"][schema.QUALITY] is None  # the placeholder was not measured


def test_running_again_changes_nothing(ds: Any) -> None:
    from sem_curate.quality.run import run_quality

    run_quality(ds)
    before = read(ds)
    assert run_quality(ds)["in"] == 0
    assert read(ds) == before


def test_an_unreadable_file_is_counted_and_stops_nothing(ds: Any, tmp_path: Path) -> None:
    from sem_curate.quality.run import run_quality

    (tmp_path / "P1_view1.png").unlink()
    (tmp_path / "P3_view1.png").write_bytes(b"no image")
    summary = run_quality(ds)
    assert (summary["in"], summary["out"], summary["skipped"]) == (5, 3, 2)
    assert ".png: " in summary["example"]
    rows = read(ds)
    for key in ("P1", "P3"):
        view = rows[key]["view1"]
        assert (view[schema.QUALITY], view[schema.USABLE], view[schema.QUALITY_TAGS]) == (0.0, False, ["unreadable"])
        assert view["sharpness"] is None
        assert view[schema.RECOMMENDED_VIEW] == "view2"
        assert "quality" not in view[schema.PENDING]


def test_a_crash_before_the_last_write_leaves_work_pending(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate import dataset
    from sem_curate.quality import run

    def crash(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run.dataset, "write_particles", crash)
    with pytest.raises(KeyboardInterrupt):
        run.run_quality(ds)
    assert dataset.count_pending(ds)["quality"] == 5
    monkeypatch.undo()
    assert run.run_quality(ds)["in"] == 5
    assert read(ds)["P1"]["view1"][schema.RECOMMENDED_VIEW] == "view1"


def test_ranks_join_in_when_a_condition_is_large_enough(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate import dataset
    from sem_curate.quality import gate, judging, run

    run.run_quality(ds)
    before = read(ds)
    monkeypatch.setattr(gate, "MIN_GROUP", 3)  # view2 has three views, view1 two
    judging.scales_path(ds).unlink()
    dataset.mark_pending(ds, ("quality",), ["P1"])
    assert run.run_quality(ds)["basis"] == {"prior": 2, "rank": 3}
    after = read(ds)
    assert after["P3"]["view2"][schema.QUALITY] < before["P3"]["view2"][schema.QUALITY]
    assert after["P3"]["view2"][schema.QUALITY] < min(after[key]["view2"][schema.QUALITY] for key in ("P1", "P2"))
    assert after["P1"]["view1"] == before["P1"]["view1"]
    assert after["P3"]["view2"][schema.QUALITY_BASIS] == "rank"
    assert after["P3"]["view1"][schema.QUALITY_BASIS] == "prior"


def test_between_doublings_only_new_views_are_judged(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.quality.run import run_quality

    assert run_quality(ds)["basis"] == {"prior": 5, "rank": 0}
    before = read(ds)
    dataset.mark_pending(ds, ("quality",), ["P1"])
    again = run_quality(ds)
    assert (again["in"], again["basis"]) == (2, {})  # the scales stand
    assert read(ds) == before


def test_the_brain_run_tells_and_its_removal_deletes_no_field(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.quality.run import BRAIN_KEY, QualityConfig, run_quality

    run_quality(ds)
    dataset.write_particles(ds, {"P1": {schema.DECISION: "confirmed"}})
    run_quality(ds)  # saving the run again must not clean up after the first
    before = read(ds)
    ds.clear_cache()
    results = ds.load_brain_results(BRAIN_KEY)
    assert results.summary["in"] == 5
    assert isinstance(results.config, QualityConfig)
    ds.delete_brain_run(BRAIN_KEY)
    after = read(ds)
    assert after["P1"]["view1"][schema.QUALITY] == before["P1"]["view1"][schema.QUALITY]
    assert dataset.read_views(ds, ["P1"], [schema.DECISION])["P1"]["view1"][schema.DECISION] == "confirmed"
    assert dataset.count_pending(ds)["quality"] == 5  # measured again by the next run


def test_the_config_refuses_unknown_settings() -> None:
    from sem_curate.quality.run import QualityConfig

    with pytest.raises(InputError, match=r"1 unknown quality settings \(e.g. 'min_grup'\). Did you mean 'min_group'\?"):
        QualityConfig(min_grup=3)


def test_the_mask_lies_over_the_whole_file_and_a_known_bar_is_left_out(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.quality.run import run_quality

    rows = dataset.read_views(ds, ["P1"], ["filepath"])["P1"]
    dataset.write_views(ds, {rows["view1"]["_id"]: {schema.INFO_BAR_ROWS: 40}})
    run_quality(ds)
    view = dataset.read_views(ds, ["P1"], [schema.PARTICLE_MASK, "info_bar"])["P1"]["view1"]
    mask = dataset.mask_of(view[schema.PARTICLE_MASK])
    image = cv2.imread(rows["view1"]["filepath"], cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert max(mask.shape) <= 128
    assert mask.shape[0] / mask.shape[1] == pytest.approx(image.shape[0] / image.shape[1], rel=0.02)
    assert mask.any()
    assert not mask[-int(40 / image.shape[0] * mask.shape[0]) :].any()
    assert view["info_bar"] == pytest.approx(40 / image.shape[0])
    assert next(iter(ds.select_group_slices("view1").match({"particle_id": "P1"}))).particle_mask.mask.any()


def test_fields_that_an_older_dataset_lacks_are_declared_when_they_are_needed(ds: Any) -> None:
    from sem_curate.quality.run import run_quality

    ds.delete_sample_fields([schema.MEASURED_TAGS, schema.PARTICLE_MASK, schema.RECOMMENDED_WHY, "overlay"])
    assert run_quality(ds)["out"] == 5
    assert {schema.MEASURED_TAGS, schema.PARTICLE_MASK, "overlay"} <= set(ds.get_field_schema())


def test_rejudging_needs_no_pixels_and_says_what_it_changed(ds: Any, tmp_path: Path) -> None:
    from sem_curate.quality import judging
    from sem_curate.quality.learned import TagModel
    from sem_curate.quality.run import run_quality

    run_quality(ds)
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert judging.rejudge(ds).changed == 0
    count = len(schema.MEASURES)
    always = TagModel(
        schema.MEASURES, (None,) * count, (0.0,) * count, (1.0,) * count, {"blur": (0.0,) * count + (4.0,)}
    )
    outcome = judging.rejudge(ds, judge=judging.Judge(model=always))
    assert (outcome.views, outcome.changed) == (5, 4)  # P3 view2 is blurred already
    assert outcome.particles_to_propose >= 2
    assert all("blur" in views["view2"][schema.QUALITY_TAGS] for views in read(ds).values())
    back = judging.rejudge(ds, ["P1"])
    assert (back.views, back.changed) == (2, 2)
