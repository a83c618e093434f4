"""The label registry in FiftyOne's own places, on a real database."""

from __future__ import annotations

from typing import Any

import pytest

from sem_curate import schema

pytestmark = pytest.mark.fiftyone
HOSTILE = '<b>$x.y</b> "粒子" 🔬'


@pytest.fixture
def ds(dataset_name: str) -> Any:
    from sem_curate import dataset
    from sem_curate.registry import datasets

    made = dataset.create_dataset(dataset_name, views=("view1",))
    datasets.change_settings(dataset.dataset_id(made), {"language": "en"})
    return made


def taxonomy(ds: Any) -> Any:
    from fiftyone.core.ontology import load_ontology

    from sem_curate import dataset, mirror, ontology

    return load_ontology(ontology.taxonomy_name(dataset.record(ds).catalogue, mirror.language(ds)))


def names(ds: Any) -> list[str]:
    return [node.name for node in taxonomy(ds).root.values or []]


def colours(ds: Any) -> dict[str, dict[str, str]]:
    ds.reload()
    scheme = ds.app_config.color_scheme
    fields = scheme.fields if scheme else []
    return {one["path"]: {row["value"]: row["color"] for row in one["valueColors"]} for one in fields}


def test_classes_colours_and_taxonomy_follow_every_change_and_its_rollback(ds: Any) -> None:
    import fiftyone as fo

    from sem_curate import dataset, mirror
    from sem_curate.registry import labels
    from sem_curate.review import relabel

    catalogue = dataset.record(ds).catalogue
    rod = labels.create(catalogue, name_en="rod", by="sato")
    plate = labels.create(catalogue, name_en="plate", by="sato")
    mirror.follow_labels(ds)
    assert (names(ds), taxonomy(ds).version) == (["rod", "plate"], 1)
    assert ds.classes == {schema.LABEL: ["rod", "plate"], schema.PROPOSAL: ["rod", "plate"]}
    assert colours(ds) == {}  # nobody gave one: FiftyOne's own colours stay

    def apply(kind: str, label: Any, **wanted: Any) -> str:
        made = relabel.apply(ds, kind, label.label_id, wanted, by="ito")["change"]
        return str(made["change_id"])

    apply("redefine", rod, colour="#ff0000")
    assert colours(ds) == {schema.LABEL: {"rod": "#ff0000"}, schema.PROPOSAL: {"rod": "#ff0000"}}
    assert ds.app_config.color_scheme.color_by == "value"
    renamed = apply("rename", rod, name_en=HOSTILE)
    assert names(ds) == [HOSTILE, "plate"]
    assert colours(ds)[schema.LABEL] == {HOSTILE: "#ff0000"}
    assert fo.load_dataset(ds.name).classes[schema.LABEL] == [HOSTILE, "plate"]
    before = taxonomy(ds).version
    mirror.rebuild(ds)
    assert taxonomy(ds).version == before  # nothing changed, so there is no new version
    merged = apply("merge", plate, into=rod.label_id)
    assert names(ds) == [HOSTILE]
    relabel.roll_back(ds, merged, by="ito")
    relabel.roll_back(ds, renamed, by="ito")
    assert names(ds) == ["rod", "plate"]
    assert colours(ds)[schema.LABEL] == {"rod": "#ff0000"}
    apply("deprecate", plate)
    assert ds.classes[schema.LABEL] == ["rod"]
    assert [node.deprecated for node in taxonomy(ds).root.values] == [False, True]


def test_repair_brings_them_back_and_leaves_what_users_chose(ds: Any) -> None:
    import fiftyone as fo

    from sem_curate import dataset, mirror
    from sem_curate.registry import labels
    from sem_curate.review import relabel

    catalogue = dataset.record(ds).catalogue
    rod = labels.create(catalogue, "rod", by="sato")
    relabel.apply(ds, "redefine", rod.label_id, {"colour": "#ff0000"}, by="sato")
    ds.classes = {"other": ["x"]}
    ds.app_config.color_scheme = None
    ds.save()
    taxonomy(ds).delete()
    mirror.rebuild(ds)
    assert (names(ds), ds.classes) == (["rod"], {"other": ["x"], schema.LABEL: ["rod"], schema.PROPOSAL: ["rod"]})
    assert colours(ds)[schema.PROPOSAL] == {"rod": "#ff0000"}
    ds.app_config.color_scheme = fo.ColorScheme(
        color_by="field", opacity=0.2, fields=[{"path": "label", "valueColors": [{"value": "rod", "color": "blue"}]}]
    )
    ds.save()
    relabel.apply(ds, "redefine", rod.label_id, {"colour": "#00ff00"}, by="sato")
    assert colours(ds) == {schema.LABEL: {"rod": "blue"}, schema.PROPOSAL: {"rod": "#00ff00"}}
    assert (ds.app_config.color_scheme.color_by, ds.app_config.color_scheme.opacity) == ("field", 0.2)


def test_the_apps_server_offers_the_taxonomy_and_two_catalogues_do_not_mix(ds: Any) -> None:
    import asyncio

    from fiftyone.server.routes import ontology as routes

    from sem_curate import dataset, mirror, ontology
    from sem_curate.registry import labels

    catalogue = dataset.record(ds).catalogue
    labels.create(catalogue, "rod", by="sato")
    mirror.follow_labels(ds)
    name = ontology.taxonomy_name(catalogue, mirror.language(ds))
    offered = asyncio.run(routes._list_ontology_summaries(type_filter="taxonomy", name_filter=None))
    assert name in str(offered)
    body, error = asyncio.run(routes._load_taxonomy_response(name, None, None))
    assert error is None
    assert "rod" in str(body)
    # FiftyOne compares ASCII letters only: of these two names nothing would be left to tell them apart.
    assert ontology.taxonomy_name("粉末", "ja") != ontology.taxonomy_name("針状", "ja")
    assert ontology.save_taxonomy("粉末", {}, language="ja", seq=0)
    assert not ontology.save_taxonomy("粉末", {}, language="ja", seq=0)
    ontology.forget("粉末")
    assert ontology.save_taxonomy("粉末", {}, language="ja", seq=0)
    ontology.forget("粉末")
