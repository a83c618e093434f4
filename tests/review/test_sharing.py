"""Several reviewers at one queue, on a real database."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sem_curate import schema
from sem_curate.cli import cli
from sem_curate.errors import ConflictError, InputError
from sem_curate.registry import leases

pytestmark = pytest.mark.fiftyone
PARTICLES = [f"P{n}" for n in range(6)]


@pytest.fixture
def ds(tmp_path: Path, dataset_name: str) -> Any:
    """Six particles that wait for review, in order; P0 is a boundary sample."""
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    for at, particle_id in enumerate(PARTICLES):
        cv2.imwrite(str(tmp_path / f"{particle_id}_view1.png"), np.full((24, 24), 50 + at, np.uint8))
    ingest(tmp_path, dataset_name, views=("view1",))
    ds = dataset.load_dataset(dataset_name)
    waiting = {schema.PROPOSAL_STATE: schema.REVIEW}
    boundary = {schema.REVIEW_REASONS: ["close_candidates"]}
    dataset.write_particles(
        ds, {key: {**waiting, schema.REVIEW_PRIORITY: float(at), **(boundary if at == 0 else {})}
             for at, key in enumerate(PARTICLES)}
    )  # fmt: skip
    return ds


def identity(ds: Any) -> str:
    from sem_curate import dataset

    return dataset.dataset_id(ds)


def test_two_reviewers_get_different_particles_until_a_claim_runs_out(ds: Any) -> None:
    from sem_curate.registry import datasets
    from sem_curate.review import run as review

    assert review.next_id(ds, by="sato") == "P0"
    assert review.next_id(ds, by="$ito.{}") == "P1"  # a name is never read as an expression
    assert review.next_id(ds, by="sato") == "P0"
    assert review.next_id(ds) == "P0"  # without a reviewer nothing is claimed
    assert review.next_id(ds, by="sato", after="P0") == "P2"  # and P0 is free again
    assert leases.held(identity(ds)) == {"P2": "sato", "P1": "$ito.{}"}
    assert review.next_id(ds, by="abe") == "P0"
    datasets.change_settings(identity(ds), {"lease_seconds": 0.2})
    assert review.next_id(ds, by="kato") == "P3"
    time.sleep(0.4)
    assert review.next_id(ds, by="mori") == "P3"
    assert leases.claim(identity(ds), "P1", by="mori", seconds=60) == "$ito.{}"


def test_of_many_who_ask_at_once_each_gets_another_particle(ds: Any) -> None:
    from sem_curate.review import run as review

    got: list[str | None] = []
    ready = threading.Barrier(5)

    def ask(name: str) -> None:
        ready.wait()
        got.append(review.next_id(ds, by=name))

    threads = [threading.Thread(target=ask, args=(f"r{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(key) for key in got) == PARTICLES[:5]


def test_the_second_of_two_is_told_who_was_first_and_shown_what_they_decided(ds: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import run as review

    label = labels.create(dataset.record(ds).catalogue, name_ja="針状", name_en="needle", by="sato")
    seen = review.card(ds, "P0")["seq"]
    review.decide(ds, "P0", "label", label_id=label.label_id, by="sato", request_id=f"a{ds.name}", seen_seq=seen)
    with pytest.raises(ConflictError, match="sato") as caught:
        review.decide(ds, "P0", "unknown", by="ito", request_id=f"b{ds.name}", seen_seq=seen)
    standing = caught.value.standing
    assert standing is not None
    assert (standing["by"], standing["decision"], standing["name_ja"]) == ("sato", "confirmed", "針状")
    assert review.card(ds, "P0")["decision"] == "confirmed"
    again = review.decide(ds, "P0", "unknown", by="ito", request_id=f"b{ds.name}", seen_seq=standing["seq"])
    assert again["card"]["decision"] == "unknown"
    assert leases.held(identity(ds)) == {}


def test_a_boundary_sample_goes_to_further_reviewers_who_do_not_see_the_first_word(ds: Any) -> None:
    from sem_curate.review import run as review
    from sem_curate.review import sharing

    def decide(by: str, action: str, particle: str = "P0") -> None:
        review.decide(ds, particle, action, by=by, request_id=f"{by}{particle}{ds.name}")

    for particle in PARTICLES:
        decide("sato", "unknown", particle)
    assert review.next_card(ds, by="ito") is None  # one reviewer is enough, unless somebody says otherwise
    sharing.set_wanted(ds, 2)
    assert review.next_card(ds, by="sato") is None
    card = review.next_card(ds, by="ito")
    assert card is not None
    assert (card["particle_id"], card["decision"], card["decided_by"], card["seq"]) == ("P0", "undecided", None, 1)
    decide("ito", "unknown")
    assert review.next_id(ds, queue="second", by="abe") is None  # they agree


def test_agreeing_and_disagreeing_reviewers_are_a_reason_and_a_third_is_asked(ds: Any) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.registry import labels
    from sem_curate.review import relabel, sharing
    from sem_curate.review import run as review

    catalogue = dataset.record(ds).catalogue
    ids = {name: labels.create(catalogue, name, by="sato").label_id for name in ("rod", "needle")}
    dataset.write_particles(ds, {"P1": {schema.REVIEW_REASONS: ["close_candidates"]}})

    def decide(particle: str, name: str, by: str) -> dict[str, Any]:
        request = f"{by}{particle}{name}{ds.name}"
        return dict(review.decide(ds, particle, "label", label_id=ids[name], by=by, request_id=request)["card"])

    def shown(particle: str) -> str | None:
        (value,) = {view.get(schema.REVIEWERS) for view in dataset.read_views(ds, [particle], (schema.REVIEWERS,))[
            particle].values()}  # fmt: skip
        return value

    decide("P1", "rod", "sato")  # before anybody asked for several: it is asked of others all the same
    assert shown("P1") is None
    sharing.set_wanted(ds, 2)
    assert (shown("P1"), review.counts(ds)["second"]) == ("waiting", 1)
    assert [row["code"] for row in decide("P0", "rod", "sato")["reasons"]] == ["close_candidates", "reviewers_waiting"]
    decide("P2", "rod", "sato")  # no boundary sample
    assert shown("P2") is None
    assert [sharing.asks(ds, "P0", who) for who in ("sato", "ito")] == [False, True]
    card = decide("P0", "needle", "ito")
    assert card["reasons"][-1] == {"code": "reviewers_disagree", "ja": "担当者間で不一致", "en": "reviewers disagree"}
    decide("P1", "rod", "ito")
    assert sharing.standing(ds) == {"wanted": 2, "waiting": 0, "disagree": 1, "agree": 1}
    assert review.next_id(ds, queue="second", by="ito") is None
    third = review.next_card(ds, queue="second", by="abe")
    assert third is not None
    assert (third["particle_id"], third["label"], third["decided_by"]) == ("P0", None, None)
    merged = relabel.apply(ds, "merge", ids["needle"], {"into": ids["rod"]}, by="sato")["change"]["change_id"]
    assert shown("P0") == "agree"  # two names for one thing are no disagreement
    relabel.roll_back(ds, merged, by="sato")
    assert shown("P0") == "disagree"
    # A proposal made anew says nothing of close candidates; what was asked stays asked.
    dataset.write_particles(ds, {"P0": {schema.REVIEW_REASONS: [], schema.REVIEWERS: None}})
    dataset.write_particles(ds, {"P0": {schema.REVIEWERS: "waiting"}})
    mirror.rebuild(ds)
    assert shown("P0") == "disagree"
    assert decide("P0", "rod", "abe")["label"]["name_en"] == "rod"
    assert (shown("P0"), sharing.standing(ds)["disagree"]) == ("agree", 0)
    review.undo(ds, by="abe", request_id=f"u{ds.name}")
    assert shown("P0") == "disagree"
    sharing.set_wanted(ds, 1)
    assert (shown("P0"), review.counts(ds)["second"]) == (None, 0)
    with pytest.raises(InputError, match="1 to 10 reviewers"):
        sharing.set_wanted(ds, 0)


def test_the_command_line_asks_for_several_and_shows_what_came_of_it(ds: Any) -> None:
    def call(*arguments: str) -> Any:
        result = CliRunner().invoke(cli, [*arguments, "--dataset", ds.name, "--json"], standalone_mode=False)
        assert result.exception is None, result.output
        return json.loads(result.stdout)

    assert call("review", "reviewers")["wanted"] == 1
    call("review", "decide", "P0", "unknown", "--by", "sato")
    assert call("review", "reviewers", "2") == {"wanted": 2, "waiting": 1, "disagree": 0, "agree": 0}
    assert call("review", "queue", "--queue", "second", "--by", "sato")["next"] is None
    asked = call("review", "queue", "--queue", "second", "--by", "ito")
    assert (asked["next"]["particle_id"], asked["next"]["decision"], asked["counts"]["second"]) == (
        "P0", "undecided", 1,
    )  # fmt: skip
    said = CliRunner().invoke(cli, ["status", "--dataset", ds.name]).output
    assert "boundary samples are asked of 2 reviewers: 0 agreed on, 1 wait for another one, on 0 they disagree" in said
