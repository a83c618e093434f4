"""Search and the similarity index on a real dataset, with the bundled text encoder and simulated particles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sem_curate.errors import InputError, StateError
from sem_curate.rendering.render import render_views

pytestmark = pytest.mark.fiftyone

FAMILIES = ("sphere", "needle", "dendrite", "porous")
VIEWS = ("view1", "view2", "view3")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five simulated particles per family, three views each; the first sphere lacks its anchor view."""
    folder = tmp_path_factory.mktemp("renders")
    for family in FAMILIES:
        for number in range(5):
            particle = render_views(7000 + number, list(VIEWS), size=96, family=family)
            for view in VIEWS:
                shown = particle.views[view]
                if shown is not None and (family, number, view) != ("sphere", 0, "view1"):
                    cv2.imwrite(str(folder / f"{family}-{number}_{view}.png"), shown.image)
    return folder


@pytest.fixture
def ds(dataset_name: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    from sem_curate.dataset import load_dataset
    from sem_curate.ingest.run import ingest

    ingest(images, dataset_name, views=VIEWS, roots=[images])
    return load_dataset(dataset_name)


@pytest.fixture
def embedded(ds: Any) -> Any:
    from sem_curate.embed.run import embed_dataset

    embed_dataset(ds, ["bundled:sem-clip"])
    return ds


def found(result: dict[str, Any], count: int) -> list[str]:
    return [hit["particle_id"].split("-")[0] for hit in result["hits"][:count]]


@pytest.mark.parametrize(("text", "family"), [("針状", "needle"), ("dendritic", "dendrite"), ("球状", "sphere")])
def test_words_find_their_particles(embedded: Any, text: str, family: str) -> None:
    from sem_curate.search.run import search

    result = search(embedded, text, k=10)
    assert result["encoder"] == "bundled:sem-clip"
    assert found(result, 5).count(family) >= 3
    first = result["hits"][0]
    assert Path(first["filepath"]).is_file()
    assert first["best_view"] in VIEWS
    assert [hit["z"] for hit in result["hits"]] == sorted((hit["z"] for hit in result["hits"]), reverse=True)


def test_all_particles_are_reachable_even_without_their_anchor_view(embedded: Any) -> None:
    from sem_curate.search.run import search

    result = search(embedded, "sphere", k=100)
    assert len(result["hits"]) == 20
    lacking = next(hit for hit in result["hits"] if hit["particle_id"] == "sphere-0")
    assert lacking["best_view"] != "view1"


def test_a_negative_moves_its_particles_down(embedded: Any) -> None:
    from sem_curate.search.run import search

    def place(text: str) -> float:
        """Mean place of the porous particles, the second best match of "rounded"."""
        names = found(search(embedded, text, k=20), 20)
        return float(np.mean([at for at, name in enumerate(names) if name == "porous"]))

    assert place("rounded without porous") > place("rounded") + 2


def test_empty_and_impossible_queries(embedded: Any) -> None:
    from sem_curate.search.run import search

    with pytest.raises(InputError, match="the query is empty"):
        search(embedded, "  ")
    with pytest.raises(InputError, match="k must be between 1 and"):
        search(embedded, "sphere", k=0)


def test_searching_before_embedding(ds: Any) -> None:
    from sem_curate.search.run import build_index, search

    for step in (lambda: search(ds, "sphere"), lambda: build_index(ds)):
        with pytest.raises(StateError, match=r"no vectors that can be compared with text.*--stage embed"):
            step()


def test_index_answers_prompts_in_this_session_and_after_reloading(embedded: Any) -> None:
    import fiftyone as fo

    from sem_curate.search.run import BRAIN_KEY, build_index

    assert build_index(embedded) == {"particles": 20, "added": 20, "removed": 0}
    info = next(embedded.get_brain_info(key) for key in embedded.list_brain_runs(type="similarity"))
    assert info.config.supports_prompts
    index = embedded.load_brain_results(BRAIN_KEY)
    assert index.supports_prompts
    before = embedded.sort_by_similarity("needle-like", k=5, brain_key=BRAIN_KEY).values("particle_id")
    embedded.clear_cache()
    name = embedded.name
    again = fo.load_dataset(name)
    again.reload()
    after = again.sort_by_similarity("needle-like", k=5, brain_key=BRAIN_KEY).values("particle_id")
    assert before == after
    assert sum(item.startswith("needle") for item in after) >= 3


def test_index_is_brought_up_to_date_incrementally(embedded: Any, images: Path, tmp_path: Path) -> None:
    from sem_curate.embed.run import embed_dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.search.run import build_index

    build_index(embedded)
    assert build_index(embedded) == {"particles": 20, "added": 0, "removed": 0}
    more = tmp_path / "more"
    more.mkdir()
    for view in VIEWS:
        shown = render_views(99, [view], size=96, family="cube").views[view]
        assert shown is not None
        cv2.imwrite(str(more / f"late_{view}.png"), shown.image)
    ingest(more, embedded.name, views=VIEWS, roots=[more])
    embed_dataset(embedded)
    assert build_index(embedded) == {"particles": 21, "added": 1, "removed": 0}


def test_ids_views_and_reverse_queries(embedded: Any) -> None:
    from sem_curate import dataset
    from sem_curate.search.run import BRAIN_KEY, build_index

    build_index(embedded)
    index = embedded.load_brain_results(BRAIN_KEY)
    anchors = dataset.anchors(embedded)
    wanted = str(anchors.first().id)
    ids, _, dists = index._kneighbors(query=wanted, k=20, return_dists=True)
    assert ids[0] == wanted
    assert dists[0] == pytest.approx(0, abs=1e-5)
    assert dists == sorted(dists)
    far, _ = index._kneighbors(query=wanted, k=20, reverse=True)
    assert far[-1] == wanted
    few = anchors.limit(4)
    with index.use_view(few):
        near, _ = index._kneighbors(query=wanted, k=10)
        assert set(near) == {str(item) for item in few.values("id")}
    both, _ = index._kneighbors(query=ids[:2], k=2, aggregation="mean")
    assert set(both) == set(ids[:2])
    other = str(embedded.select_group_slices("view2").first().id)
    with pytest.raises(InputError, match=r"1 samples are not in the index .* one sample per particle"):
        index._kneighbors(query=other, k=3)


def test_vectors_can_be_read_replaced_and_removed(embedded: Any) -> None:
    from sem_curate.search.run import BRAIN_KEY, build_index

    build_index(embedded)
    index = embedded.load_brain_results(BRAIN_KEY)
    vectors, ids, labels = index.get_embeddings()
    assert (vectors.shape, labels) == ((20, 128), None)
    index.add_to_index(-vectors[:1], ids[:1])
    np.testing.assert_allclose(index.get_embeddings([ids[0]])[0], -vectors[:1], atol=1e-6)
    with pytest.raises(ValueError, match="1 sample ids are already indexed"):
        index.add_to_index(vectors[:1], ids[:1], overwrite=False, allow_existing=False)
    with pytest.raises(ValueError, match="vectors of length 128; got 3"):
        index.add_to_index(np.ones((1, 3), np.float32), ["5f0000000000000000000000"])
    index.remove_from_index([ids[0]])
    assert index.total_index_size == 19
    embedded.clear_cache()
    assert embedded.load_brain_results(BRAIN_KEY).total_index_size == 19


def test_deleting_the_run_removes_its_file(embedded: Any) -> None:
    from sem_curate.search.run import BRAIN_KEY, build_index

    build_index(embedded)
    path = Path(embedded.get_brain_info(BRAIN_KEY).config.index_path)
    assert path.is_file()
    embedded.delete_brain_run(BRAIN_KEY)
    assert not path.exists()


def test_backend_is_known_by_name_and_pinned() -> None:
    import fiftyone.brain as fb

    from sem_curate.search import backend

    assert (
        fb.brain_config.similarity_backends["faiss"]["config_cls"] == "sem_curate.search.backend.FaissSimilarityConfig"
    )
    assert isinstance(backend.FaissSimilarityConfig().build(), backend.FaissSimilarity)


def test_compute_similarity_with_our_backend_and_given_vectors(ds: Any, tmp_path: Path) -> None:
    import fiftyone.brain as fb

    from sem_curate import dataset
    from sem_curate.search import backend

    samples = dataset.anchors(ds)
    vectors = np.random.default_rng(0).normal(size=(len(samples), 8)).astype(np.float32)
    index = fb.compute_similarity(
        samples, embeddings=vectors, backend=backend.NAME, brain_key="own", index_path=str(tmp_path / "own.npz")
    )
    ids = samples.values("id")
    near, _ = index._kneighbors(query=ids[3], k=1)
    assert near == [ids[3]]


def test_a_label_is_found_at_once_under_its_old_and_its_new_name(embedded: Any) -> None:
    from sem_curate import dataset, schema
    from sem_curate.embed.encoders import get_encoder
    from sem_curate.registry import labels
    from sem_curate.review import relabel
    from sem_curate.review import run as review
    from sem_curate.search.run import BRAIN_KEY, build_index, search
    from sem_curate.search.text import Query, encode
    from sem_curate.search.words import vocabulary_of

    catalogue = dataset.record(embedded).catalogue
    label = labels.create(catalogue, name_en="needle-like", name_ja="針状", synonyms_en=("acicular",), by="sato")
    review.decide(embedded, "needle-0", "label", label_id=label.label_id, by="sato", request_id=f"d{embedded.name}")
    jargon = "X-7 型 $.<b>🔬</b>"
    plain = vocabulary_of(embedded)
    build_index(embedded)
    relabel.apply(embedded, "rename", label.label_id, {"name_en": jargon, "name_ja": jargon}, by="ito")
    result = search(embedded, jargon, k=20)
    assert found(result, 5).count("needle") >= 4
    # The text model knows only what it was called before.
    encoder = get_encoder(result["encoder"])
    wanted, bare, read = (
        encode(Query(words, words), encoder, known).positive
        for words, known in (("needle-like", plain), (jargon, plain), (jargon, vocabulary_of(embedded)))
    )
    assert float(read @ wanted) > 0.8 > float(bare @ wanted)
    assert result["negatives"] == []
    (named,) = result["labels"]
    assert (named["label_id"], named["name_ja"], named["former"], named["decided"]) == (
        label.label_id, jargon, False, 1,
    )  # fmt: skip
    old = search(embedded, "needle-like", k=20)
    assert (old["labels"][0]["written"], old["labels"][0]["former"]) == ("needle-like", True)
    assert found(old, 5).count("needle") >= 4
    shown = {hit["particle_id"]: hit["label"] for hit in old["hits"]}
    assert (shown["needle-0"], shown["needle-1"]) == (jargon, None)
    # The App's own search box reads labels in the same way.
    embedded.clear_cache()
    view = embedded.select_group_slices("view1").sort_by_similarity(jargon, k=5, brain_key=BRAIN_KEY)
    assert [name.split("-")[0] for name in view.values(schema.PARTICLE_ID)].count("needle") >= 3


def test_synonyms_of_a_merged_label_and_another_meaning(embedded: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import relabel
    from sem_curate.search.words import vocabulary_of

    catalogue = dataset.record(embedded).catalogue
    rod = labels.create(catalogue, "棒状", by="sato")
    stick = labels.create(catalogue, "stick", synonyms_en=("twig",), by="sato")
    relabel.apply(embedded, "merge", stick.label_id, {"into": rod.label_id}, by="sato")
    for word in ("stick", "twig", "棒状"):
        assert [match.entry.label_id for match in vocabulary_of(embedded).match(word)] == [rod.label_id]
    relabel.apply(embedded, "rename", rod.label_id, {"name_ja": "柱状"}, by="sato")
    assert vocabulary_of(embedded).match("棒状")[0].former
    relabel.apply(embedded, "redefine", rod.label_id, {"definition_ja": "太いもの"}, by="sato")
    assert vocabulary_of(embedded).match("棒状") == []  # it was called so when it meant something else
