"""Labels change on a real dataset: registry, fields, proposals and history agree at every step."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sem_curate.errors import ConflictError, InputError, NameClashError, RegistryError

pytestmark = pytest.mark.fiftyone

NEEDLES = {f"P-needle-{index}" for index in range(4)}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("particles")


@pytest.fixture
def ds(dataset_name: str, small: Any, images: Path) -> Any:
    """Twelve particles, two masters of each of three labels."""
    return small.build(dataset_name, images)


@pytest.fixture
def ids(ds: Any) -> dict[str, str]:
    from sem_curate.review import run as review

    return {label["name_en"]: label["label_id"] for label in review.labels(ds)}


def decide(ds: Any, particle_id: str, label_id: str, by: str = "sato") -> None:
    from sem_curate.review import run as review

    review.decide(ds, particle_id, "label", label_id=label_id, by=by, request_id=uuid.uuid4().hex)


def apply(ds: Any, kind: str, label_id: str, **wanted: Any) -> str:
    from sem_curate.review import relabel

    return str(relabel.apply(ds, kind, label_id, wanted, by="ito", reason="why not")["change"]["change_id"])


def names(ds: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What every slice of every particle shows, straight from the database."""
    from sem_curate import dataset, schema

    fields = (schema.LABEL, schema.PROPOSAL, schema.MASTER_OF, schema.DECISION)
    everything = dataset.read_views(ds, sorted(one for part in dataset.each_particle(ds) for one in part), fields)
    return {
        particle_id: sorted(
            (
                name, view.get(schema.DECISION), view.get(schema.MASTER_OF),
                *((view.get(field) or {}).get(key) for field in fields[:2] for key in ("label", "label_id")),
            )
            for name, view in views.items()
        )
        for particle_id, views in everything.items()
    }  # fmt: skip


def assert_mirror_follows_history(ds: Any) -> None:
    """Every slice shows the name under which the registry reads what the history says."""
    from sem_curate import dataset, mirror
    from sem_curate.registry import history, label_log, label_model, masters

    record = dataset.record(ds)
    known = label_log.catalogue(record.catalogue)
    spoken = mirror.language(ds)
    snapshot = masters.in_force(record.dataset_id).masters

    def called(label_id: str) -> str:
        return known[label_model.resolve(known, label_id)].name(spoken)

    everything = names(ds)
    states = history.states(record.dataset_id, everything)
    for particle_id, rows in everything.items():
        state = states.get(particle_id)
        expected = (called(state.label_id), state.label_id) if state and state.label_id else (None, None)
        for _, _, master_of, label, label_id, proposal, proposed in rows:
            assert (label, label_id) == expected
            assert master_of == (called(snapshot[particle_id]) if particle_id in snapshot else None)
            assert proposal == (called(proposed) if proposed else None)


def test_a_rename_shows_everywhere_and_touches_nothing_else(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset, mirror, schema
    from sem_curate.registry import history, labels, records
    from sem_curate.review import label_cards, relabel

    record = dataset.record(ds)
    before, events = names(ds), len(records.of_dataset(record.dataset_id))
    tried = relabel.dry_run(ds, "rename", ids["needle-like"], {"name_en": "acicular"})
    assert (tried["particles"], tried["masters"], tried["nearest"]["count"]) == (2, 2, 0)
    assert tried["proposals"] >= 2
    assert tried["valid"] == {"embeddings": True, "heads": True, "certificates": True, "why": []}
    assert names(ds) == before  # a dry run changes nothing
    new = {"name_en": "$set.a <img src=x onerror=alert(1)> \"'🔬", "name_ja": "針" * 300}
    made = relabel.apply(ds, "rename", ids["needle-like"], new, by="ito")
    shown = labels.get(ids["needle-like"]).name(mirror.language(ds))
    assert dataset.count_particles(ds, {f"{schema.LABEL}.label": shown}) == 2
    assert ds.match({f"{schema.LABEL}.label": shown}).count() == 2  # what the App's filter asks
    assert_mirror_follows_history(ds)
    assert dataset.count_pending(ds)[schema.STAGE_PROPOSE] == 0
    assert len(records.of_dataset(record.dataset_id)) == events + 1
    assert label_cards.tab(ds, search="$SET.a <IMG")["labels"][0]["label_id"] == ids["needle-like"]
    assert label_cards.tab(ds, search="x")["labels"][0]["counts"]["decided"] == 2
    relabel.roll_back(ds, made["change"]["change_id"], by="ito")
    assert names(ds) == before
    assert history.unmirrored(record.dataset_id) == []


def test_merge_reads_both_ids_as_one_and_back(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset, schema
    from sem_curate.decide.run import propose
    from sem_curate.review import label_cards, relabel
    from sem_curate.review import run as review

    before = names(ds)
    tried = relabel.dry_run(ds, "merge", ids["porous"], {"into": ids["spherical"]})
    assert (tried["masters"], tried["valid"]["embeddings"], tried["valid"]["certificates"]) == (2, True, False)
    change = apply(ds, "merge", ids["porous"], into=ids["spherical"])
    assert_mirror_follows_history(ds)
    shown = {row["label_id"]: row for row in label_cards.tab(ds)["labels"]}
    assert shown[ids["spherical"]]["counts"]["decided"] == 4
    assert shown[ids["porous"]]["status"] == "merged"
    propose(ds)
    proposed = {
        (row.get(schema.PROPOSAL) or {}).get("label_id") for row in dataset.find_particles(ds, {}, (schema.PROPOSAL,))
    }
    assert ids["porous"] not in proposed
    decide(ds, "P-porous-2", ids["porous"])  # somebody's screen still showed the old label
    assert review.card(ds, "P-porous-2")["decision"]
    relabel.roll_back(ds, change, by="ito")
    propose(ds)
    after = names(ds)
    assert {key: rows for key, rows in after.items() if key != "P-porous-2"} == {
        key: rows for key, rows in before.items() if key != "P-porous-2"
    }
    assert_mirror_follows_history(ds)


def test_a_dry_run_names_the_particles_whose_nearest_label_would_change(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset, schema
    from sem_curate.decide.run import propose
    from sem_curate.review import relabel

    tried = relabel.dry_run(ds, "deprecate", ids["needle-like"], {})
    changed = {row["particle_id"]: row["to"] for row in tried["nearest"]["changed"] if row["from"] != row["to"]}
    assert {"P-needle-2", "P-needle-3"} <= set(changed)
    apply(ds, "deprecate", ids["needle-like"])
    propose(ds)
    rows = dataset.find_particles(ds, {}, (schema.PROPOSAL,))
    now = {row[schema.PARTICLE_ID]: (row.get(schema.PROPOSAL) or {}).get("label_id") for row in rows}
    assert {key: now[key] for key in changed} == changed  # what was said is what happened
    with pytest.raises(InputError, match="deprecated"):
        decide(ds, "P-needle-2", ids["needle-like"])
    assert_mirror_follows_history(ds)


def test_a_split_is_reviewed_in_bundles_sorted_by_definition(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import relabel, relabel_bundles

    decide(ds, "P-porous-2", ids["needle-like"])
    decide(ds, "P-sphere-2", ids["needle-like"])
    dataset.set_encoder_keys(ds, {**dataset.encoder_keys(ds), "vlm": dataset.encoder_keys(ds)["dino"]})
    parts = [{"name_en": "thin"}, {"name_en": "round", "definition_en": "like a ball"}]
    change = apply(ds, "split", ids["needle-like"], parts=parts)
    thin, ball = labels.get(ids["needle-like"]).split_into

    def texts(words: Any) -> Any:  # "thin" looks like a needle, the other words like a sphere
        return np.array([np.eye(8, dtype=np.float32)[0 if word == "thin" else 1] for word in words])

    found = relabel_bundles.bundles(ds, ids["needle-like"], texts=texts)
    suggested = {particle: bundle["suggested"] for bundle in found for particle in bundle["particles"]}
    assert {key for key, label in suggested.items() if label == thin} >= {"P-needle-0", "P-needle-1"}
    assert suggested["P-sphere-2"] == ball
    assert sorted(suggested) == ["P-needle-0", "P-needle-1", "P-porous-2", "P-sphere-2"]
    decide(ds, "P-needle-0", thin)
    again = relabel_bundles.bundles(ds, ids["needle-like"], texts=texts)
    assert [one["particles"] for one in again] == [one["particles"] for one in found]
    assert sum(one["left"] for one in again) == 3
    relabel.roll_back(ds, change, by="ito")
    assert_mirror_follows_history(ds)  # the work done in between is read as the whole label again
    with pytest.raises(InputError, match="not split"):
        relabel_bundles.bundles(ds, ids["needle-like"])


def test_without_text_vectors_the_parts_masters_sort_the_bundles(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate.registry import labels
    from sem_curate.review import relabel_bundles

    decide(ds, "P-sphere-2", ids["needle-like"])
    decide(ds, "P-sphere-1", ids["needle-like"])
    parts = [{"name_en": "thin", "masters": ["P-needle-0"]}, {"name_en": "ball", "masters": ["P-sphere-1"]}]
    apply(ds, "split", ids["needle-like"], parts=parts)
    thin, ball = labels.get(ids["needle-like"]).split_into
    found = relabel_bundles.bundles(ds, ids["needle-like"])
    suggested = {particle: bundle["suggested"] for bundle in found for particle in bundle["particles"]}
    assert (suggested["P-needle-1"], suggested["P-sphere-2"]) == (thin, ball)


def test_the_ledger_shows_drift_and_what_would_not_match(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate.review import label_cards, relabel_bundles

    needle = ids["needle-like"]
    decide(ds, "P-sphere-2", needle)  # a mistake of the first days, under version 1
    apply(ds, "redefine", needle, definition_en="aspect ratio above 5")
    for particle in ("P-needle-0", "P-needle-1", "P-needle-3"):
        decide(ds, particle, needle)
    found = relabel_bundles.timeline(ds, needle)
    first, second = found["versions"]
    assert (first["decisions"], second["decisions"], found["in_force"]) == (1, 3, 2)
    assert second["shift"] > 0.2
    assert second["definition_en"] == "aspect ratio above 5"
    assert found["outdated"] == 1
    (bundle,) = relabel_bundles.bundles(ds, needle, why="drift")
    assert (bundle["particles"], bundle["left"]) == (["P-sphere-2"], 1)
    decide(ds, "P-sphere-2", ids["spherical"])
    assert relabel_bundles.bundles(ds, needle, why="drift")[0]["left"] == 0
    apply(ds, "rename", needle, name_en="acicular")  # words do not make decisions doubtful
    card = label_cards.card(ds, needle)
    assert card["timeline"]["outdated"] == 0
    assert card["masters"][0]["filepath"]
    assert [one["kind"] for one in card["history"]] == ["create", "redefine", "rename"]


def bundled(ds: Any) -> dict[str, int]:
    """Which particles the fields show to wait in a bundle, each slice the same."""
    from sem_curate import dataset, schema

    everything = sorted(one for part in dataset.each_particle(ds) for one in part)
    shown = dataset.read_views(ds, everything, (schema.BUNDLE, schema.BUNDLE_ORDER))
    found = {}
    for particle, views in shown.items():
        ((bundle, order),) = {(view.get(schema.BUNDLE), view.get(schema.BUNDLE_ORDER)) for view in views.values()}
        if bundle is not None:
            found[particle] = order
    return found


def test_what_a_split_left_is_a_queue_bundle_by_bundle(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import mirror
    from sem_curate.registry import labels
    from sem_curate.review import bundle_queue, relabel_bundles
    from sem_curate.review import run as review

    needle = ids["needle-like"]
    for particle in ("P-sphere-2", "P-sphere-1"):
        decide(ds, particle, needle)
    assert review.next_id(ds, queue="bundles") is None
    parts = [{"name_en": "thin", "masters": ["P-needle-0"]}, {"name_en": "ball", "masters": ["P-sphere-1"]}]
    apply(ds, "split", needle, parts=parts)
    thin, _ = labels.get(needle).split_into
    assert review.counts(ds)["bundles"] == len(waiting := set(carrying(ds, needle)))
    first = review.next_card(ds, queue="bundles", by="sato")
    assert first is not None
    order = sorted(bundled(ds), key=bundled(ds).__getitem__)
    assert set(order) == waiting
    assert order == [key for one in relabel_bundles.bundles(ds, needle) for key in one["particles"]]
    assert first["particle_id"] == order[0]
    assert first["reasons"][0]["code"] == "again_split"
    assert "probably" in first["reasons"][0]["en"]
    walked, at = [order[0]], order[0]
    while (at := str(review.next_id(ds, queue="bundles", after=at))) != order[0]:
        walked.append(at)
    assert walked == order
    decide(ds, order[0], thin)
    assert sorted(bundled(ds), key=bundled(ds).__getitem__) == order[1:]
    decide(ds, order[2], thin)
    assert review.next_id(ds, queue="bundles", after=order[2]) == (order[3:] or order[1:2])[0]
    review.undo(ds, by="sato", request_id=uuid.uuid4().hex)
    assert review.counts(ds)["bundles"] == len(order) - 1
    review.undo(ds, by="sato", request_id=uuid.uuid4().hex)  # in doubt again
    assert set(bundled(ds)) == set(order)
    decide(ds, order[0], thin)
    before = bundled(ds)
    apply(ds, "rename", thin, name_en="slender")  # words put nothing into the queue and take nothing out
    ds._sample_collection.update_many({}, {"$unset": {"bundle_order": "", "bundle": ""}})
    mirror.rebuild(ds)
    assert bundled(ds) == before
    said = [str(bundle_queue.reason(one["bundle_id"])) for one in relabel_bundles.bundles(ds, needle)]
    assert any("slender" in one for one in said)


def carrying(ds: Any, label_id: str) -> list[str]:
    from sem_curate import dataset, schema

    rows = dataset.find_particles(ds, {f"{schema.LABEL}.label_id": label_id})
    return [row[schema.PARTICLE_ID] for row in rows]


def test_a_rolled_back_split_leaves_the_queue_and_comes_back_with_it(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate.review import relabel
    from sem_curate.review import run as review

    decide(ds, "P-sphere-2", ids["needle-like"])
    change = apply(ds, "split", ids["needle-like"], parts=[{"name_en": "thin"}, {"name_en": "round"}])
    assert review.next_id(ds, queue="bundles") is not None
    before = bundled(ds)
    back = relabel.roll_back(ds, change, by="ito")["change"]["change_id"]
    assert (bundled(ds), review.counts(ds)["bundles"]) == ({}, 0)
    relabel.roll_back(ds, back, by="ito")
    assert bundled(ds) == before


def test_what_a_redefinition_left_in_doubt_joins_the_queue(ds: Any, ids: dict[str, str], monkeypatch: Any) -> None:
    from sem_curate.review import bundle_queue
    from sem_curate.review import run as review

    needle = ids["needle-like"]
    decide(ds, "P-sphere-2", needle)
    apply(ds, "redefine", needle, definition_en="aspect ratio above 5")
    assert review.next_id(ds, queue="bundles") is None  # nothing was decided under the new meaning yet
    for particle in ("P-needle-0", "P-needle-1", "P-needle-3"):
        decide(ds, particle, needle)
    monkeypatch.setattr(bundle_queue, "MINUTE", 0.0)
    card = review.next_card(ds, queue="bundles")
    assert card is not None
    assert (card["particle_id"], card["reasons"][0]["code"]) == ("P-sphere-2", "again_drift")
    decide(ds, "P-sphere-2", needle)  # it does fit
    assert review.next_id(ds, queue="bundles") is None


def test_a_killed_mirror_is_caught_up_with(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.registry import labels

    catalogue = dataset.record(ds).catalogue
    labels.change(catalogue, "merge", ids["porous"], {"into": ids["spherical"]}, by="ito")  # died before the fields
    mirror.catch_up(ds)
    assert_mirror_follows_history(ds)
    assert mirror.follow_labels(ds) == 0


def test_a_decision_written_while_a_label_is_renamed_shows_the_new_name(ds: Any, ids: Any, monkeypatch: Any) -> None:
    from sem_curate.registry import labels

    read, renamed = labels.by_ids, []

    def slow(label_ids: Any) -> Any:
        found = read(label_ids)
        if not renamed:  # between reading the old name and writing it, somebody else renames and is done
            renamed.append(True)
            apply(ds, "rename", ids["porous"], name_en="holey", name_ja="穴")
        return found

    monkeypatch.setattr(labels, "by_ids", slow)
    decide(ds, "P-needle-2", ids["porous"])
    assert_mirror_follows_history(ds)


def test_repair_finds_names_that_somebody_overwrote(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate import dataset, mirror

    before = names(ds)
    apply(ds, "rename", ids["porous"], name_en="holey")
    dataset.rename_label(ds, ids["porous"], "gone")
    mirror.rebuild(ds)
    assert_mirror_follows_history(ds)
    assert names(ds) != before


@pytest.mark.parametrize("start", range(0, 50, 10))
def test_merge_work_split_rollback_in_random_order(start: int, ds: Any, ids: dict[str, str]) -> None:
    """Ten random sequences on one dataset; after each of them everything is rolled back and exactly as before."""
    for seed in range(start, start + 10):
        pick = random.Random(seed)
        made: list[tuple[str, dict[str, Any]]] = []
        for step in range(6):
            if pick.random() < 0.4:
                _work(ds, pick)
            else:
                state = _registry(ds)
                change = _change(ds, pick, f"{seed}-{step}")
                made += [(change, state)] if change else []
            assert_mirror_follows_history(ds)
        for change, state in reversed(made):
            from sem_curate.review import relabel

            relabel.roll_back(ds, change, by="ito")
            assert _registry(ds) == state
            assert_mirror_follows_history(ds)
        assert {label["label_id"] for label in _choices(ds)} == set(ids.values())


def _registry(ds: Any) -> dict[str, Any]:
    from sem_curate import dataset
    from sem_curate.registry import label_log, masters

    record = dataset.record(ds)
    every = label_log.catalogue(record.catalogue)
    live = {key: label for key, label in every.items() if label.status != "withdrawn"}
    return {"labels": live, "masters": masters.standing(record.dataset_id, record.catalogue).masters}


def _choices(ds: Any) -> list[dict[str, Any]]:
    from sem_curate.review import run as review

    return review.labels(ds)


def _work(ds: Any, pick: random.Random) -> None:
    from sem_curate.review import run as review

    particle = pick.choice(sorted(names(ds)))
    if pick.random() < 0.3:
        review.undo(ds, by="sato", request_id=uuid.uuid4().hex)
    elif choices := _choices(ds):
        decide(ds, particle, pick.choice(choices)["label_id"])


def _change(ds: Any, pick: random.Random, unique: str) -> str | None:
    from sem_curate import dataset
    from sem_curate.registry import label_log

    every = list(label_log.catalogue(dataset.record(ds).catalogue))
    one, other = pick.choice(every), pick.choice(every)
    kind = pick.choice(["merge", "merge", "split", "rename", "deprecate", "redefine"])
    wanted = {
        "merge": {"into": other}, "rename": {"name_en": f"<b>{unique}</b> $.🔬"}, "redefine": {"definition_ja": unique},
        "split": {"parts": [{"name_en": f"a{unique}", "masters": ["P-needle-0"]}, {"name_ja": f"い{unique}"}]},
    }  # fmt: skip
    try:
        return apply(ds, kind, one, **wanted.get(kind, {}))
    except (RegistryError, InputError):
        return None


def test_refusals_change_nothing(ds: Any, ids: dict[str, str]) -> None:
    from sem_curate.review import relabel

    before = names(ds)
    first = apply(ds, "rename", ids["porous"], name_en="holey")
    apply(ds, "rename", ids["porous"], name_en="porous")
    with pytest.raises(ConflictError, match="changed again"):
        relabel.roll_back(ds, first, by="ito")
    with pytest.raises(NameClashError, match="spherical"):
        relabel.dry_run(ds, "rename", ids["porous"], {"name_en": "ＳＰＨＥＲＩＣＡＬ"})
    with pytest.raises(InputError, match="name of who"):
        relabel.apply(ds, "rename", ids["porous"], {"name_en": "x"}, by=" ")
    assert names(ds) == before
