"""Second opinions on a real dataset, with the bundled text-image encoder and simulated particles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

from sem_curate import schema
from sem_curate.quality.gate import MIN_GROUP
from sem_curate.rendering.render import render_views

pytestmark = pytest.mark.fiftyone

VIEWS = ("view1", "view2")
COUNT = MIN_GROUP + 4
IDS = [f"P-{number:02d}" for number in range(COUNT)]
FIELDS = (
    schema.PRESENT, schema.QUALITY, schema.QUALITY_TAGS, schema.SECOND_OPINION, schema.DISPUTED_TAGS, schema.PENDING,
)  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated particles of two views; the first lacks its anchor view."""
    folder = tmp_path_factory.mktemp("renders")
    for number, name in enumerate(IDS):
        particle = render_views(8000 + number, list(VIEWS), size=64)
        for view in VIEWS:
            shown = particle.views[view]
            if shown is not None and (number, view) != (0, "view1"):
                cv2.imwrite(str(folder / f"{name}_{view}.png"), shown.image)
    return folder


@pytest.fixture
def ds(dataset_name: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Embedded; every view is tagged as noisy, which the model can only believe of some."""
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate.dataset import load_dataset
    from sem_curate.embed.run import embed_dataset
    from sem_curate.ingest.run import ingest

    ingest(images, dataset_name, views=VIEWS, roots=[images])
    ds = load_dataset(dataset_name)
    embed_dataset(ds, ["bundled:sem-clip"])
    measured(ds, IDS)
    return ds


def measured(ds: Any, particle_ids: list[str], **fields: Any) -> None:
    from sem_curate import dataset

    found = dataset.read_views(ds, particle_ids, (schema.PRESENT,))
    values = {schema.QUALITY: 0.5, schema.QUALITY_TAGS: ["noise"], **fields}
    present = [view["_id"] for views in found.values() for view in views.values() if view[schema.PRESENT]]
    dataset.write_views(ds, dict.fromkeys(present, values), clear_pending=(schema.STAGE_QUALITY,))


def read(ds: Any) -> dict[tuple[str, str], dict[str, Any]]:
    from sem_curate import dataset

    found = dataset.read_views(ds, IDS, FIELDS)
    return {
        (key, name): {"_id": view["_id"], **{field: view.get(field) for field in FIELDS}}
        for key, views in found.items()
        for name, view in views.items()
    }


def done(ds: Any) -> dict[str, Any]:
    from sem_curate.search.opinion_run import second_opinions

    return second_opinions(ds)


def test_every_view_gets_an_opinion_and_nothing_else_changes(ds: Any) -> None:
    from sem_curate import dataset

    dataset.write_particles(ds, {key: {} for key in IDS}, clear_pending=(schema.STAGE_PROPOSE,))
    before, summary, after = read(ds), done(ds), read(ds)
    assert summary["views"] == 2 * COUNT - 1
    assert 0 < summary["disputed"] < summary["views"]
    assert summary["notice"] is None
    for key, view in after.items():
        assert isinstance(view[schema.SECOND_OPINION], list) == bool(view[schema.PRESENT])
        assert set(view[schema.DISPUTED_TAGS] or ()) <= {"noise", "charging"}
        for field in (schema.QUALITY, schema.QUALITY_TAGS):
            assert view[field] == before[key][field]
    disputed = {key for (key, _), view in after.items() if view[schema.DISPUTED_TAGS]}
    waiting = {key for (key, _), view in after.items() if schema.STAGE_PROPOSE in view[schema.PENDING]}
    assert waiting == disputed  # only they are proposed again


def test_only_new_views_are_looked_at(ds: Any) -> None:
    from sem_curate import dataset

    done(ds)
    before = read(ds)
    assert done(ds)["views"] == 0
    changed = before[IDS[3], "view2"]["_id"]
    dataset.write_views(ds, {changed: {schema.SECOND_OPINION: None}})
    assert done(ds)["views"] == 2  # the particle's views
    assert read(ds) == before


def test_an_unmeasured_view_waits_for_its_tags(ds: Any) -> None:
    from sem_curate import dataset

    view = read(ds)[IDS[3], "view2"]["_id"]
    dataset.write_views(ds, {view: {schema.QUALITY: None, schema.QUALITY_TAGS: []}})
    assert done(ds)["views"] == 2 * COUNT - 2
    assert read(ds)[IDS[3], "view2"][schema.SECOND_OPINION] is None
    measured(ds, IDS[3:4])
    assert done(ds)["views"] == 2


def test_a_person_has_the_last_word(ds: Any) -> None:
    done(ds)
    disputed = next(key for (key, _), view in read(ds).items() if view[schema.DISPUTED_TAGS])
    measured(ds, [disputed], **{schema.TAGS_BY: "sato", schema.SECOND_OPINION: None})
    done(ds)
    assert not any(view[schema.DISPUTED_TAGS] for (key, _), view in read(ds).items() if key == disputed)


def test_an_interrupted_pass_is_repeated_and_the_model_is_loaded_once(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate.search import opinion_run

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opinion_run, "_save", crash)
        with pytest.raises(KeyboardInterrupt):
            done(ds)
    before = read(ds)
    assert done(ds)["views"] == 2 * COUNT - 1
    assert read(ds) == before
    monkeypatch.setattr(opinion_run, "get_encoder", crash)
    monkeypatch.setattr(opinion_run.dataset, "count_particles", lambda *_: 10 * COUNT)
    assert done(ds)["views"] == 2 * COUNT - 1  # as if the dataset had doubled: all anew, without the model


def test_without_text_vectors_there_are_no_opinions(ds: Any) -> None:
    from sem_curate import dataset

    dataset.set_encoder_keys(ds, {"dino": dataset.encoder_keys(ds)["dino"]})
    assert done(ds) == {"views": 0, "disputed": 0, "notice": None}
    assert all(view[schema.SECOND_OPINION] is None for view in read(ds).values())
