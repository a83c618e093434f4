"""``sem-curate train quality`` on a real database, with measures by hand: every answer is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sem_curate import schema

pytestmark = pytest.mark.fiftyone

GOOD = dict(
    sharpness=2.0, spectral_centroid=0.2, noise_sigma=0.01, snr=10.0, contrast=0.6, saturation_low=0.0,
    saturation_high=0.0, charging=0.0, drift=0.0, contour_completeness=1.0, frame_cut=0.0, particle_area=0.3,
    other_particles=0.0, info_bar=0.0, scale_bar_px=0.0, overlay=0.0,
)  # fmt: skip
PARTICLES = 40
TASTE = 1.4  # octaves: she calls blur from here on; the rules from 0.7


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    """Forty particles of two views between blurred and sharp, measures by hand."""
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.quality import judging

    rng = np.random.default_rng(0)
    names = [f"P{index:02d}" for index in range(PARTICLES)]
    for at, name in enumerate(names):
        for view in ("view1", "view2"):
            picture = np.full((24, 24), at + (100 if view == "view2" else 0), np.uint8)
            cv2.imwrite(str(tmp_path / f"{name}_{view}.png"), picture)
    ingest(tmp_path, dataset_name, views=("view1", "view2"))
    ds = dataset.load_dataset(dataset_name)
    found = dataset.read_views(ds, names, ())
    measured = {
        view["_id"]: {**GOOD, "sharpness": float(rng.uniform(0.2, 2.4)), "snr": float(rng.uniform(4, 12))}
        for views in found.values()
        for view in views.values()
    }
    dataset.write_views(ds, measured, clear_pending=schema.STAGES)
    judging.rejudge(ds)
    return ds


def views_of(ds: Any) -> dict[tuple[str, str], dict[str, Any]]:
    from sem_curate import dataset

    names = [f"P{index:02d}" for index in range(PARTICLES)]
    fields = (schema.QUALITY_TAGS, schema.TAGS_BY, schema.QUALITY, "sharpness")
    return {
        (name, view): {key: row.get(key) for key in fields}
        for name, views in dataset.read_views(ds, names, fields).items()
        for view, row in views.items()
    }


def correct(ds: Any, wrong: float, *, last: int = 30) -> None:
    """Correct both views of the first particles; blur below ``wrong`` octaves."""
    from sem_curate.review.tags import correct_many

    views = views_of(ds)
    for tags, chosen in (
        ({"add": ["blur"]}, lambda row: row["sharpness"] < wrong),
        ({"remove": ["blur"]}, lambda row: row["sharpness"] >= wrong),
    ):
        some = [key for key, row in views.items() if key[0] < f"P{last:02d}" and chosen(row)]
        correct_many(ds, some, by="sato", request_id=f"{ds.name}-{tags}", **tags)
        confirm(ds, some)


def confirm(ds: Any, keys: list[tuple[str, str]]) -> None:
    from sem_curate.review.tags import correct_tags

    views = views_of(ds)
    for name, view in keys:
        if views[name, view][schema.TAGS_BY] is None:
            tags = views[name, view][schema.QUALITY_TAGS] or []
            correct_tags(ds, name, view, tags, by="sato", request_id=f"{ds.name}-{name}-{view}")


def command(ds: Any, *words: str, code: int = 0) -> str:
    from click.testing import CliRunner

    from sem_curate.cli import cli

    result = CliRunner().invoke(cli, ["train", "quality", "--dataset", ds.name, "--by", "sato", *words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_corrections_teach_the_views_nobody_looked_at_and_the_rules_come_back(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import quality_models

    before = views_of(ds)
    correct(ds, TASTE)
    corrected = views_of(ds)
    result = json.loads(command(ds, "--json", "--reason", "first try"))
    assert (result["views"], result["particles"], result["adopted"], result["version"]) == (60, 30, ["blur"], 1)
    after = views_of(ds)
    others = [key for key in after if key[0] >= "P30"]
    right = [("blur" in (after[key][schema.QUALITY_TAGS] or [])) == (after[key]["sharpness"] < TASTE) for key in others]
    assert np.mean(right) >= 0.85
    assert any(after[key][schema.QUALITY] < before[key][schema.QUALITY] - 0.05 for key in others)
    for key in set(after) - set(others):  # a person's word stands, whatever the model thinks
        assert all(after[key][name] == corrected[key][name] for name in (schema.QUALITY_TAGS, schema.TAGS_BY))
    assert "the rules decide" in command(ds, "--revert")
    assert {key: views_of(ds)[key] for key in others} == {key: before[key] for key in others}
    assert "model 1 is in force" in command(ds, "--use", "1")
    assert views_of(ds) == after
    log = quality_models.activations(dataset.dataset_id(ds))
    assert [entry["version"] for entry in log] == [1, None, 1]
    assert log[0]["reason"] == "first try"
    command(ds, "--use", "9", code=1)
    command(ds, "--use", "1", "--revert", code=2)


def test_corrections_that_agree_with_the_rules_are_said_to_teach_nothing(ds: Any) -> None:
    correct(ds, 0.7)
    said = command(ds)
    assert "60 corrected views of 30 particles" in said
    assert "nothing adopted" in said
    assert "the rules decide" in said


def test_too_few_corrections_are_counted_in_words(ds: Any) -> None:
    correct(ds, TASTE, last=2)
    said = command(ds)
    assert "4 corrected views of 2 particles" in said
    assert "'blur' needs 8 views with and 8 without; has" in said
    assert views_of(ds)["P39", "view1"][schema.TAGS_BY] is None


def test_undone_corrections_and_replaced_images_teach_nothing(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.quality import teaching
    from sem_curate.review import run as review

    correct(ds, TASTE, last=2)
    assert review.undo(ds, by="sato", request_id="u") is not None
    assert len(teaching.gather(ds).particles) == 3
    found = dataset.read_views(ds, ["P00"], ())["P00"]
    dataset.write_views(ds, {view["_id"]: {schema.CONTENT_HASH: "new"} for view in found.values()})
    left = teaching.gather(ds)
    assert (len(left.particles) + left.passed_over, left.passed_over) == (3, 2)
