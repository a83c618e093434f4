from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed.encoders import get_encoder
from sem_curate.errors import EncoderError, StateError

pytestmark = pytest.mark.fiftyone

VIEWS = ("view1", "view2")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tiny") / "vit.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(path))
    return f"timm:test_vit@{path}"


@pytest.fixture
def ds(dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Five particles of two views; P4 lacks its anchor view, and P3's second image repeats its first."""
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate.ingest.run import ingest

    rng = np.random.default_rng(0)
    for particle in range(5):
        for view in VIEWS:
            if (particle, view) == (4, "view1"):
                continue
            image = rng.integers(0, 255, (40, 40)).astype(np.uint8)
            if (particle, view) == (3, "view2"):
                image = cv2.imread(str(tmp_path / "images" / "P3_view1.png"), cv2.IMREAD_GRAYSCALE)
            (tmp_path / "images").mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / "images" / f"P{particle}_{view}.png"), image)
    ingest(tmp_path / "images", dataset_name, views=VIEWS, roots=[tmp_path])
    from sem_curate.dataset import load_dataset

    return load_dataset(dataset_name)


def test_embedding_then_reading_whole_particles(ds: object, tiny: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import BRAIN_KEY, embed_dataset, particle_vectors
    from sem_curate.ingest.readers import read_grey

    summary = embed_dataset(ds, [tiny])
    assert (summary.views, summary.computed, summary.skipped) == (9, 8, ())
    assert dataset.count_pending(ds)["embed"] == 0  # type: ignore[arg-type]
    encoder = get_encoder(tiny)
    assert dataset.encoder_keys(ds) == {"dino": encoder.key}  # type: ignore[arg-type]
    vectors, present = particle_vectors(ds, encoder.key, ["P4", "P0"])
    assert vectors.shape == (2, 2, encoder.dim)
    assert present.tolist() == [[False, True], [True, True]]
    image = read_grey(tmp_path / "images" / "P0_view2.png")
    np.testing.assert_allclose(vectors[1, 1], encoder.embed_images(encoder.preprocess(image)[None])[0], atol=1e-5)
    ds.clear_cache()  # type: ignore[attr-defined]
    assert ds.load_brain_results(BRAIN_KEY).summary["computed"] == 8  # type: ignore[attr-defined]


def test_a_second_run_has_nothing_to_do_and_lost_progress_costs_nothing(ds: object, tiny: str) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import embed_dataset

    embed_dataset(ds, [tiny])
    assert embed_dataset(ds).views == 0  # the encoders in use are remembered
    dataset.mark_pending(ds, ["embed"])  # type: ignore[arg-type]
    again = embed_dataset(ds)
    assert (again.views, again.computed) == (9, 0)


def test_limit_leaves_the_rest_pending(ds: object, tiny: str) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import embed_dataset

    seen: list[tuple[int, int | None]] = []
    embed_dataset(ds, [tiny], limit=4, progress=lambda done, total, text="": seen.append((done, total)))
    assert dataset.count_pending(ds)["embed"] == 5  # type: ignore[arg-type]
    assert seen[-1] == (4, 4)
    assert embed_dataset(ds, [tiny]).views == 5


def test_an_unreadable_image_is_reported_and_stays_pending(ds: object, tiny: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import embed_dataset, particle_vectors

    (tmp_path / "images" / "P1_view1.png").write_bytes(b"")
    summary = embed_dataset(ds, [tiny])
    assert [Path(item.path).name for item in summary.skipped] == ["P1_view1.png"]
    assert "empty" in summary.skipped[0].reason
    assert dataset.count_pending(ds)["embed"] == 1  # type: ignore[arg-type]
    assert particle_vectors(ds, summary.keys["dino"], ["P1"])[1].tolist() == [[False, True]]


def test_another_encoder_makes_everything_due_again(ds: object, tiny: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import embed_dataset

    first = embed_dataset(ds, [tiny])
    torch.manual_seed(1)
    save_file(timm.create_model("test_vit", pretrained=False).state_dict(), str(tmp_path / "other.safetensors"))
    second = embed_dataset(ds, [f"timm:test_vit@{tmp_path / 'other.safetensors'}"])
    assert second.views == 9
    assert second.keys != first.keys
    assert dataset.count_pending(ds)["propose"] == 5  # type: ignore[arg-type]


def test_failing_encoder_changes_nothing(ds: object, tiny: str) -> None:
    from sem_curate import dataset
    from sem_curate.embed.run import embed_dataset

    with pytest.raises(EncoderError, match="1 encoders have no lane"):
        embed_dataset(ds, [tiny, tiny])
    with pytest.raises(EncoderError):
        embed_dataset(ds, [tiny, "timm:resnet10t"])
    assert dataset.encoder_keys(ds) == {}  # type: ignore[arg-type]
    assert dataset.count_pending(ds)["embed"] == 9  # type: ignore[arg-type]


def test_asking_for_what_is_not_there(ds: object, tiny: str) -> None:
    from sem_curate.embed.run import embed_dataset, particle_vectors

    with pytest.raises(StateError, match="run the embed stage first"):
        particle_vectors(ds, "nobody-123", ["P0"])
    key = embed_dataset(ds, [tiny]).keys["dino"]
    with pytest.raises(StateError, match=r"1 of 2 particles are not in .* 'P9'"):
        particle_vectors(ds, key, ["P0", "P9"])


def test_run_classes_keep_their_dotted_names() -> None:
    from sem_curate.embed import run

    assert run.EmbedConfig.__module__ + "." + run.EmbedConfig.__qualname__ == "sem_curate.embed.run.EmbedConfig"
    assert isinstance(run.EmbedConfig().build(), run.Embed)


def test_masks_of_the_quality_stage_reach_the_encoder(ds: object, tiny: str, tmp_path: Path) -> None:
    from sem_curate import dataset, schema
    from sem_curate.embed.run import embed_dataset, particle_vectors
    from sem_curate.ingest.readers import read_grey
    from sem_curate.quality.measures import inspect

    views = dataset.read_views(ds, ["P0", "P1"], ())  # type: ignore[arg-type]
    mask = np.zeros((20, 20), bool)
    mask[2:8, 3:9] = True
    known, waiting = views["P0"]["view2"]["_id"], views["P1"]["view2"]["_id"]
    stored = {schema.PARTICLE_MASK: dataset.segmentation(mask)}
    dataset.write_views(ds, {known: stored}, clear_pending=(schema.STAGE_QUALITY,))  # type: ignore[arg-type]
    dataset.write_views(ds, {waiting: stored})  # type: ignore[arg-type]
    summary = embed_dataset(ds, [f"{tiny}#pool=mask"])
    assert (summary.views, summary.skipped) == (9, ())
    encoder = get_encoder(f"{tiny}#pool=mask")
    vectors, _ = particle_vectors(ds, encoder.key, ["P0", "P1"])
    for row, (name, expected) in enumerate((("P0", mask), ("P1", None))):
        image = read_grey(tmp_path / "images" / f"{name}_view2.png")
        used = inspect(image).mask if expected is None else expected
        wanted = encoder.embed_images(encoder.preprocess(image, used)[None])[0]
        np.testing.assert_allclose(vectors[row, 1], wanted, atol=1e-5)
    assert embed_dataset(ds, [tiny]).computed == 8  # another pooling is another encoder


def test_images_that_look_different_are_reported(
    dataset_name: str, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate.cli.status import _status, _text
    from sem_curate.dataset import load_dataset
    from sem_curate.embed.run import embed_dataset
    from sem_curate.ingest.run import ingest

    rng = np.random.default_rng(0)
    for folder, count, smooth in (("first", 40, 0), ("same", 12, 0), ("other", 12, 6)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            image = rng.integers(0, 255, (40, 40)).astype(np.uint8)
            image = cv2.GaussianBlur(image, (0, 0), smooth) if smooth else image
            cv2.imwrite(str(tmp_path / folder / f"{folder}{number}_view1.png"), image)
    runs = []
    for folder in ("first", "same", "other"):
        ingest(tmp_path / folder, dataset_name, views=("view1",), roots=[tmp_path])
        runs.append(embed_dataset(load_dataset(dataset_name), [tiny]).shifts)
    assert runs[0] == ()
    assert [[found["flagged"] for found in run] for run in runs[1:]] == [[False], [True]]
    assert embed_dataset(load_dataset(dataset_name)).shifts == ()  # nothing new, nothing tested...
    status = _status(load_dataset(dataset_name))
    assert status["shifts"][0]["flagged"]  # ...and still shown
    assert "different from before: view1 on an unnamed instrument: 12 new images" in _text(status)
