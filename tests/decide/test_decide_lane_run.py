"""The whole decision lane on a real dataset: what is stored, what may confirm, what odd input gives, replay of many."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate import schema
from sem_curate.cli.train import integrator
from sem_curate.config import DecideConfig
from sem_curate.errors import InputError, StateError

pytestmark = pytest.mark.fiftyone

DIM = 24
CENTRES = np.random.default_rng(1_000_000).normal(size=(4, DIM))


def image(name: str, particle_id: str, view: str) -> str:
    """Return a made-up content hash."""
    return hashlib.sha256(f"{name}-{particle_id}-{view}".encode()).hexdigest()


def make(
    name: str, folder: Path, per_label: int, *, labels: int = 3, noise: float = 0.6, seed: int = 1_000_001
) -> tuple[Any, dict[str, int]]:
    """Particles of some labels with made-up vectors, five views each, some of them missing."""
    import fiftyone as fo

    from sem_curate import dataset
    from sem_curate.embed import store

    picture = folder / "picture.png"
    cv2.imwrite(str(picture), np.full((16, 16), 99, np.uint8))
    ds = dataset.create_dataset(name, views=VIEWS)
    key = f"made-{uuid.uuid4().hex[:8]}"
    store.open_store(key, dim=DIM, meta={"key": key, "weights": "none", "preprocessing_hash": "abc"})
    dataset.set_encoder_keys(ds, {"dino": key})
    truth = {f"P-{i:04d}": i % labels for i in range(per_label * labels)}
    rng = np.random.default_rng(seed)
    samples, hashes, vectors = [], [], []
    for particle_id, label in truth.items():
        for view in VIEWS:
            if view != VIEWS[0] and rng.random() < 0.2:
                continue
            hashes.append(image(name, particle_id, view))
            vectors.append(CENTRES[label] + rng.normal(size=DIM) * noise * rng.choice([1, 3]))
            samples.append(
                fo.Sample(
                    str(picture),
                    group=fo.Group(id=dataset.group_id(dataset.dataset_id(ds), particle_id)).element(view),
                    particle_id=particle_id, view=view, present=True, usable=True, quality=float(rng.uniform(0.3, 1)),
                    content_hash=hashes[-1], decision=schema.UNDECIDED, n_views=len(VIEWS),
                    pending=["propose"] if view == VIEWS[0] else [],
                )
            )  # fmt: skip
    ds.add_samples(samples, progress=False)
    store.open_store(key).append(hashes, np.array(vectors, np.float32))
    return ds, truth


VIEWS = ("view1", "view2", "view3", "view4", "view5")


def enroll(ds: Any, truth: dict[str, int], count: int, labels: int = 3) -> dict[str, list[str]]:
    from sem_curate.decide.run import register_masters

    chosen = {f"label {at}": [key for key in truth if truth[key] == at][:count] for at in range(labels)}
    register_masters(ds, chosen, by="sato")
    return chosen


def opt_in(ds: Any, on: bool = True) -> None:
    from sem_curate import dataset
    from sem_curate.registry import choices

    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": on}, by="sato", reason="test")


def stored(ds: Any, fields: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Return fields and the receipt of every particle."""
    from sem_curate import dataset
    from sem_curate.registry import history

    rows = dataset.find_particles(ds, {}, (*fields, schema.RECEIPT_ID))
    contents = history.get_receipts([row[schema.RECEIPT_ID] for row in rows if row.get(schema.RECEIPT_ID)])
    return {row["particle_id"]: {**row, "receipt": contents.get(row.get(schema.RECEIPT_ID) or "")} for row in rows}


PARTICLE = (
    schema.PROPOSAL_STATE, schema.REVIEW_REASONS, schema.CONFIDENCE_RANK, schema.AGREEMENT, schema.ENTROPY,
    schema.ONE_VIEW, schema.STALE, schema.MASTER_SET_VERSION, schema.DECISION,
)  # fmt: skip


def test_fields_and_receipts_say_what_every_view_did(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose
    from sem_curate.review import run as review

    ds, truth = make(dataset_name, tmp_path, 30, noise=1.2)
    enroll(ds, truth, 4)
    propose(ds)
    found = stored(ds, PARTICLE)
    fields = (schema.PRESENT, schema.VIEW_WEIGHT, schema.VIEW_CONTRIBUTION, schema.VIEW_REMOVAL)
    for key, views in dataset.read_views(ds, list(truth), fields).items():
        receipt = found[key]["receipt"]
        assert receipt["integrator"]["rung"] == "quality_mean"
        assert receipt["encoder"]["preprocessing_hash"] == "abc"
        assert set(receipt["label_versions"].values()) == {1}
        assert (receipt["certificate_id"], receipt["auto_without_certificate"]) == (None, False)
        for view in VIEWS:
            kinds = [receipt[kind][view] for kind in ("weights", "contributions", "removal")]
            there = view in views and views[view][schema.PRESENT]
            assert [value is not None for value in kinds] == [there] * 3
            assert (receipt["images"][view] is not None) == there
            if there:
                assert [views[view][field] for field in fields[1:]] == kinds
        total = sum(value for value in receipt["contributions"].values() if value is not None)
        assert total == pytest.approx(receipt["total"], abs=1e-3)
        for field, name in (
            (schema.CONFIDENCE_RANK, "score"), (schema.AGREEMENT, "agreement"), (schema.ENTROPY, "entropy"),
            (schema.ONE_VIEW, "one_view"), (schema.PROPOSAL_STATE, "state"), (schema.REVIEW_REASONS, "reasons"),
        ):  # fmt: skip
            assert found[key][field] == receipt[name]
    wonders = [key for key, row in found.items() if row[schema.ONE_VIEW]]
    assert wonders
    assert all("one_view" in found[key][schema.REVIEW_REASONS] for key in wonders)
    card = review.card(ds, wonders[0])
    reason = next(row for row in card["reasons"] if row["code"] == "one_view")
    assert found[wonders[0]][schema.ONE_VIEW] in reason["ja"]
    assert f"without {found[wonders[0]][schema.ONE_VIEW]}" in reason["en"]


def test_without_a_certificate_nothing_is_automatic_unless_somebody_opted_in(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose
    from sem_curate.registry import history
    from sem_curate.review import run as review

    ds, truth = make(dataset_name, tmp_path, 20)
    enroll(ds, truth, 4)
    confirm = DecideConfig(auto_confirm=True)
    assert (propose(ds, decide=confirm)["auto"], propose(ds, decide=confirm)["in"]) == (0, 0)
    held_back = {
        key for key, row in stored(ds, PARTICLE).items() if row[schema.REVIEW_REASONS] == ["not_certified"]
    }  # fmt: skip
    assert len(held_back) > 5
    opt_in(ds)
    opted = propose(ds, decide=confirm)
    assert opted["auto"] == len(held_back)
    found = stored(ds, PARTICLE)
    assert {key for key, row in found.items() if row[schema.PROPOSAL_STATE] == schema.AUTO} == held_back
    assert all(found[key]["receipt"]["auto_without_certificate"] for key in held_back)
    person = sorted(held_back - {key for key in truth if found[key][schema.DECISION] == schema.CONFIRMED})[0]
    review.decide(ds, person, "unknown", by="ito", request_id=uuid.uuid4().hex)
    opt_in(ds, on=False)
    assert propose(ds)["auto"] == 0
    decisions = {key: row[schema.DECISION] for key, row in stored(ds, PARTICLE).items()}
    assert schema.AUTO not in decisions.values()  # withdrawn
    assert decisions[person] == schema.UNKNOWN  # a person's word stands
    events = history.of_particles(dataset.dataset_id(ds), [person])[person]
    assert [event.by for event in events] == ["sem-curate", "ito"]


@dataclass(frozen=True)
class Held:
    certificate_id: str
    status: str
    threshold: float | None


def test_a_certificate_decides_by_the_score_alone_and_a_suspended_one_stops_everything(
    dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate.decide import run as lane

    ds, truth = make(dataset_name, tmp_path, 20, noise=1.0)
    enroll(ds, truth, 4)
    lane.propose(ds)
    scores = {key: row[schema.CONFIDENCE_RANK] for key, row in stored(ds, PARTICLE).items()}
    threshold = float(np.float32(sorted(scores.values())[20]))
    asked = []

    def active(status: str) -> Any:
        def answer(identity: str, reference_id: str) -> Held:
            asked.append(reference_id)
            return Held("ct_1", status, threshold)

        return answer

    monkeypatch.setattr(lane, "_active_certificate", active("certified"))
    lane.propose(ds)
    found = stored(ds, PARTICLE)
    assert {row["receipt"]["reference_id"] for row in found.values()} == set(asked)
    auto = {key for key, row in found.items() if row[schema.PROPOSAL_STATE] == schema.AUTO}
    assert auto == {key for key, score in scores.items() if np.float32(score) >= threshold}
    assert all(found[key]["receipt"]["certificate_id"] == "ct_1" for key in truth)
    overruled = [found[key]["receipt"] for key in auto if found[key]["receipt"]["suggested_state"] != schema.AUTO]
    assert all(receipt["set_aside"] and not receipt["reasons"] for receipt in overruled)
    assert lane.replay_all(ds)["same"] == len(truth)
    opt_in(ds)  # does not help while something is known to be wrong
    monkeypatch.setattr(lane, "_active_certificate", active("suspended"))
    assert lane.propose(ds)["auto"] == 0
    reasons = [row[schema.REVIEW_REASONS] for row in stored(ds, PARTICLE).values()]
    assert ["certificate_suspended"] in reasons


def test_a_thousand_receipts_come_out_the_same_bit_for_bit(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose, replay, replay_all
    from sem_curate.registry import labels

    ds, truth = make(dataset_name, tmp_path, 350, noise=1.5)
    enroll(ds, truth, 5)
    propose(ds)
    found = replay_all(ds)
    assert (found["receipts"], found["same"], found["different"], found["cannot"]) == (1050, 1050, 0, 0)
    receipts = {key: row[schema.RECEIPT_ID] for key, row in stored(ds).items()}
    for key in list(truth)[::211]:  # alone, too
        assert replay(ds, key, receipts[key])["same"]
    # A definition of today does not change what was proposed yesterday.
    label = labels.find(dataset.record(ds).catalogue, "label 1")
    labels.rename(label.label_id, name_en="rod", by="ito")
    assert replay_all(ds)["same"] == 1050
    sample = dataset.read_views(ds, ["P-0100"], ())["P-0100"]["view1"]["_id"]
    dataset.write_views(ds, {sample: {schema.CONTENT_HASH: image(ds.name, "P-0001", "view1")}})
    found = replay_all(ds)
    assert (found["same"], found["different"]) == (1049, 1)
    assert found["examples"][0]["particle_id"] == "P-0100"
    assert "view1 shows another image" in found["examples"][0]["changes"]


def test_only_what_depends_on_new_pictures_and_masters_is_proposed_again(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide import explain
    from sem_curate.decide.run import propose, register_masters
    from sem_curate.review import run as review

    ds, truth = make(dataset_name, tmp_path, 20)
    enroll(ds, truth, 3)
    assert propose(ds)["out"] == 60
    before = stored(ds, PARTICLE)
    person = "P-0050"
    review.decide(ds, person, "unknown", by="ito", request_id=uuid.uuid4().hex)
    # A replaced picture of one particle: that one alone.
    sample = dataset.read_views(ds, ["P-0040"], ())["P-0040"]["view1"]["_id"]
    dataset.write_views(ds, {sample: {schema.CONTENT_HASH: image(ds.name, "P-0002", "view1")}})
    dataset.mark_pending(ds, (schema.STAGE_PROPOSE,), ["P-0040"])
    assert propose(ds)["out"] == 1
    after = stored(ds, PARTICLE)
    assert [key for key in truth if after[key][schema.RECEIPT_ID] != before[key][schema.RECEIPT_ID]] == ["P-0040"]
    # New masters: everything rests on them, is marked at once on every slice, and proposed again in one run.
    register_masters(ds, {"label 0": ["P-0030"]}, by="sato")
    marked = dataset.read_views(ds, list(truth), (schema.STALE,))
    assert {view.get(schema.STALE) for views in marked.values() for view in views.values()} == {True}
    assert dataset.count_pending(ds)[schema.STAGE_PROPOSE] == 60
    assert propose(ds)["out"] == 60
    newest = stored(ds, PARTICLE)
    assert {row[schema.STALE] for row in newest.values()} == {False}
    assert {row[schema.MASTER_SET_VERSION] for row in newest.values()} == {2}
    assert newest[person][schema.DECISION] == schema.UNKNOWN
    words = explain.changes(after["P-0010"]["receipt"], newest["P-0010"]["receipt"])
    assert "another master set: 1, now 2" in words


def test_an_adopted_integrator_is_used_replayed_and_taken_back(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide import adopted, teach_integrator
    from sem_curate.decide.batches import read_batch
    from sem_curate.decide.run import propose, replay_all
    from sem_curate.integrate import models
    from sem_curate.integrate.contract import QualityMean
    from sem_curate.integrate.learned import TrainConfig, train
    from sem_curate.registry import integrators

    ds, truth = make(dataset_name, tmp_path, 20, noise=1.2)
    enroll(ds, truth, 5)
    propose(ds)
    first = stored(ds)
    identity, key = dataset.dataset_id(ds), dataset.encoder_keys(ds)["dino"]
    views = read_batch(ds, key, sorted(truth))[0].views
    target = np.array([truth[name] for name in sorted(truth)])
    config = TrainConfig(epochs=10, patience=10, seed=1_000_000)
    learned = train("gated_attention", views, target, start=QualityMean.of(views), config=config)
    models.save(learned, adopted.root(identity))
    figures = {"rows": [], "winner": learned.rung}
    made = integrators.add(
        identity, rung=learned.rung, model=learned.version, encoder_key=key, figures=figures, by="sato"
    )  # fmt: skip
    assert integrators.add(
        identity, rung=learned.rung, model=learned.version, encoder_key=key, figures=figures, by="ito"
    ) == made  # fmt: skip
    assert propose(ds)["in"] == 0  # stored is not in force
    assert teach_integrator.use(ds, 1, by="sato", reason="looked better") == {"in_force": 1}
    assert propose(ds)["out"] == 60
    second = stored(ds)
    assert {row["receipt"]["integrator"]["version"] for row in second.values()} == {learned.version}
    assert replay_all(ds)["same"] == 60
    with pytest.raises(InputError, match="there is no integrator 7; known versions: 1"):
        teach_integrator.use(ds, 7, by="sato")
    assert teach_integrator.use(ds, None, by="ito") == {"in_force": None}
    propose(ds)
    assert {key: row[schema.RECEIPT_ID] for key, row in stored(ds).items()} == {
        key: row[schema.RECEIPT_ID] for key, row in first.items()
    }
    assert [(row["version"], row["by"]) for row in integrators.activations(identity)] == [(1, "sato"), (None, "ito")]
    # Other vectors: it cannot be used, and that is said.
    integrators.add(identity, rung=learned.rung, model=learned.version, encoder_key="other", figures={}, by="sato")
    teach_integrator.use(ds, 2, by="sato")
    assert "trained on other vectors" in propose(ds)["notice"]
    # Gone from disk: said in words, with the way out.
    teach_integrator.use(ds, 1, by="sato")
    adopted._load.cache_clear()
    for file in adopted.root(identity).rglob("model.json"):
        file.unlink()
    with pytest.raises(StateError, match="train integrator --revert"):
        propose(ds)


def test_a_rung_that_wins_is_adopted_with_its_table_and_used(
    dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset
    from sem_curate.decide import rungs, teach_integrator
    from sem_curate.decide.run import propose
    from sem_curate.integrate.contract import QualityMean
    from sem_curate.integrate.learned import TrainConfig, train
    from sem_curate.registry import integrators

    ds, truth = make(dataset_name, tmp_path, 8)
    enroll(ds, truth, 5)

    def won(views: Any, labels: Any, groups: Any, *, pool: Any, config: TrainConfig) -> rungs.Comparison:
        # Whether one wins is measured elsewhere; here it did.
        rows = (
            rungs.Row("quality_mean", 0.8, 0.0, 0.0, 0.0, False),
            rungs.Row("deep_sets", 0.9, 0.1, 0.05, 0.15, True),
        )
        model = train("deep_sets", views, labels, start=QualityMean.of(pool), groups=groups, config=config)
        return rungs.Comparison(rows, "deep_sets", model, len(labels), 10)

    monkeypatch.setattr(rungs, "compare", won)
    config = TrainConfig(epochs=2, patience=2, seed=1_000_000)
    found = teach_integrator.train(ds, by="sato", reason="trial", config=config, plot=tmp_path / "gain.png")
    assert (found["in_force"], found["winner"]) == (1, "deep_sets")
    assert (tmp_path / "gain.png").stat().st_size > 1000
    (stored_version,) = integrators.versions(dataset.dataset_id(ds))
    assert stored_version.figures["rows"][1]["gain"] == pytest.approx(0.1)
    assert (stored_version.by, stored_version.reason) == ("sato", "trial")
    propose(ds)
    used = {
        (row["receipt"]["integrator"]["rung"], row["receipt"]["integrator"]["version"]) for row in stored(ds).values()
    }
    assert used == {("deep_sets", found["version"])}
    assert found["doubt"] is None

    def lost(views: Any, labels: Any, groups: Any, *, pool: Any, config: TrainConfig) -> rungs.Comparison:
        rows = (
            rungs.Row("quality_mean", 0.8, 0.0, 0.0, 0.0, True),
            rungs.Row("deep_sets", 0.75, -0.05, -0.08, -0.02, False),
        )
        return rungs.Comparison(rows, "quality_mean", None, len(labels), 10)

    monkeypatch.setattr(rungs, "compare", lost)
    later = CliRunner().invoke(integrator, ["--dataset", ds.name])
    assert later.exit_code == 0, later.output
    assert "integrator 1 (deep_sets) stays in force, but now loses to the quality mean (-5.0 points" in later.output
    assert f"sem-curate train integrator --dataset {ds.name} --revert" in later.output
    reverted = CliRunner().invoke(integrator, ["--dataset", ds.name, "--revert"])
    assert "the quality mean integrates" in reverted.output
    assert teach_integrator.train(ds, by="sato", config=config)["doubt"] is None


def test_a_rule_chosen_for_the_dataset_holds_until_another_is_asked_for(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose
    from sem_curate.registry import choices

    ds, truth = make(dataset_name, tmp_path, 10)
    enroll(ds, truth, 3)
    methods = []
    for name in ("auto", "neighbours"):
        choices.choose(dataset.dataset_id(ds), choices.RULE, {"name": name}, by="sato")
        assert propose(ds)["out"] == 30
        methods.append({row["receipt"]["method"] for row in stored(ds).values()})
    propose(ds, decide=DecideConfig(rule="logistic"))
    methods.append({row["receipt"]["method"] for row in stored(ds).values()})
    assert methods == [{"mixture"}, {"neighbours"}, {"logistic"}]


@pytest.mark.parametrize("count", [1, 3])
def test_one_label_is_never_automatic_and_it_says_why(dataset_name: str, tmp_path: Path, count: int) -> None:
    from sem_curate.decide.run import propose

    ds, truth = make(dataset_name, tmp_path, 6)
    enroll(ds, truth, count, labels=1)
    opt_in(ds)
    summary = propose(ds)
    assert (summary["out"], summary["review"] + summary["unknown"]) == (18, 18)
    assert "only one label, label 0" in summary["notice"]
    assert [note["code"] for note in summary["notes"]] == ["one_label"]
    assert all("too_few_masters" in row[schema.REVIEW_REASONS] for row in stored(ds, PARTICLE).values())


def test_one_master_per_label_proposes_by_the_nearest(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    ds, truth = make(dataset_name, tmp_path, 10, noise=0.2)
    enroll(ds, truth, 1)
    assert propose(ds)["out"] == 30
    rows = dataset.find_particles(ds, {}, (schema.PROPOSAL,))
    right = [row[schema.PROPOSAL]["label"] == f"label {truth[row['particle_id']]}" for row in rows]
    assert np.mean(right) > 0.9
    assert {row["receipt"]["method"] for row in stored(ds).values()} == {"prototype"}


def test_masters_and_particles_without_views_are_told_apart(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    ds, truth = make(dataset_name, tmp_path, 10)
    chosen = enroll(ds, truth, 3)
    gone = [chosen["label 0"][0], "P-0029"]
    views = dataset.read_views(ds, gone, ())
    dataset.write_views(ds, {view["_id"]: {schema.PRESENT: False} for one in views.values() for view in one.values()})
    summary = propose(ds)
    assert summary["masters_without_view"] == gone[:1]
    assert f"1 masters have no usable view (e.g. '{gone[0]}')" in summary["notice"]
    row = stored(ds, PARTICLE)["P-0029"]
    assert row[schema.REVIEW_REASONS][0] == "no_usable_view"
    assert row[schema.PROPOSAL_STATE] == schema.REVIEW
    assert row["receipt"]["label_id"] is None
    assert set(row["receipt"]["contributions"].values()) == {None}
    assert (row["receipt"]["score"], row["receipt"]["candidates"], row["receipt"]["masters"]) == (0.0, [], [])


def test_two_labels_with_the_same_masters_are_named(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    ds, truth = make(dataset_name, tmp_path, 10)
    chosen = enroll(ds, truth, 2)
    # The masters of label 1 show the very pictures of the masters of label 0.
    for one, other in zip(chosen["label 0"], chosen["label 1"], strict=True):
        shown = dataset.read_views(ds, [one, other], (schema.CONTENT_HASH, schema.QUALITY))
        for view, row in shown[other].items():
            same = shown[one].get(view)
            values = {schema.PRESENT: same is not None}
            if same:
                values |= {schema.CONTENT_HASH: same[schema.CONTENT_HASH], schema.QUALITY: same[schema.QUALITY]}
            dataset.write_views(ds, {row["_id"]: values})
        extra = {row["_id"]: {schema.PRESENT: False} for view, row in shown[one].items() if view not in shown[other]}
        dataset.write_views(ds, extra)
    opt_in(ds)
    summary = propose(ds)
    assert "two labels share a master" in summary["notice"]
    assert "label 0" in summary["notice"]
    assert "lb_" not in summary["notice"]
    masters = {key for keys in chosen.values() for key in keys}
    found = stored(ds, PARTICLE)
    mixed = [key for key in truth if truth[key] in (0, 1) and key not in masters]
    assert [key for key in mixed if found[key][schema.PROPOSAL_STATE] == schema.AUTO] == []
    # A master meets its twin of the other label; what a person said stands.
    assert {found[key][schema.DECISION] for key in masters} == {schema.CONFIRMED}


def test_broken_vectors_count_as_missing_and_are_named(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose, replay_all
    from sem_curate.embed import store

    ds, truth = make(dataset_name, tmp_path, 10)
    enroll(ds, truth, 3)
    # Only damage from outside puts NaN into a store; it refuses to take them.
    folder = store.store_folder(dataset.encoder_keys(ds)["dino"])
    rows = np.fromfile(folder / store.VECTORS, dtype="<f4").reshape(-1, DIM)
    at = store.open_store(dataset.encoder_keys(ds)["dino"])._rows([image(ds.name, "P-0020", "view1")]).popitem()[1]
    rows[at, 3] = np.nan
    rows.tofile(folder / store.VECTORS)
    summary = propose(ds)
    assert "1 views have broken vectors and count as missing (e.g. 'P-0020' view1)" in summary["notice"]
    receipt = stored(ds)["P-0020"]["receipt"]
    assert receipt["weights"]["view1"] is None
    assert receipt["label_id"]
    assert replay_all(ds)["same"] == len(truth)


def test_vectors_that_are_gone_are_missed_in_words(dataset_name: str, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide.run import propose

    ds, truth = make(dataset_name, tmp_path, 4)
    enroll(ds, truth, 1)
    dataset.set_encoder_keys(ds, {"dino": "no-such-vectors"})
    with pytest.raises(StateError, match="run the embed stage first"):
        propose(ds)


def test_masters_that_were_all_removed_leave_marked_proposals_and_people_alone(
    dataset_name: str, tmp_path: Path
) -> None:
    from sem_curate.decide.run import propose, remove_masters

    ds, truth = make(dataset_name, tmp_path, 6)
    chosen = enroll(ds, truth, 2)
    propose(ds)
    remove_masters(ds, [key for keys in chosen.values() for key in keys], by="sato")
    summary = propose(ds)
    assert summary["out"] == 0
    assert "no masters yet" in summary["notice"]
    found = stored(ds, PARTICLE)
    assert all(row[schema.STALE] for row in found.values())
    assert {found[key][schema.DECISION] for keys in chosen.values() for key in keys} == {schema.CONFIRMED}
