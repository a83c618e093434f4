"""The life of a certificate in the real App: tried, in force, suspended by drift and by a new meaning, brought back."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e
NAME = "e2e-certificate"
DRAWN = 24
SIZE = 88  # pixels: images of its own, and with them vectors of its own


@pytest.fixture(scope="module")
def dataset_under_audit(served: Any, small: Any, folder: Path) -> Any:
    """A dataset of its own, with audits that were all judged right."""
    from sem_curate import dataset
    from sem_curate.decide import auditing
    from sem_curate.registry import audits, certificates, labels
    from sem_curate.review import run as review

    # With 30 more the number of particles does not double, which would make new proposals.
    ds = small.build(NAME, folder / "certificate", per_family=22, size=SIZE)
    identity = dataset.dataset_id(ds)
    certificates.opt_in(identity, False, by="test")
    auditing.draw(ds, DRAWN, by="test", seed=1)
    catalogue = dataset.record(ds).catalogue
    ids = {family: labels.find(catalogue, en).label_id for family, (_, en) in small.NAMES.items()}
    for key in audits.draws(identity)[-1].particle_ids:
        label = ids[small.family_of(key)]
        review.decide(ds, key, "label", label_id=label, by="佐藤", request_id=uuid.uuid4().hex)
    return ds


def trust(screens: Any, name: str) -> Any:
    """Open the Trust tab in English; with SEM_CURATE_SCREENSHOTS it is kept in both languages."""
    screen = screens(NAME, lang="en", width=2000, height=1100)
    screen.find("tab-trust").click()
    screen.find("health-row").first.wait_for()
    screen.shoot(f"{name}-en")
    screen.find("language").click()
    screen.shoot(f"{name}-ja")
    screen.find("language").click()
    return screen


def heading(screen: Any) -> str:
    return str(screen.find("certificate").locator("h2").inner_text())


def test_audits_are_in_and_one_click_certifies(screens: Any, dataset_under_audit: Any) -> None:
    from sem_curate.decide import certifying
    from sem_curate.decide.certificate import Promise

    assert "more audits needed" in heading(trust(screens, "trust-suggestion"))
    certifying.set_promise(dataset_under_audit, Promise(0.2, 0.3))
    screen = trust(screens, "trust-try")
    assert f"{DRAWN} audits are in" in heading(screen)
    screen.find("alpha").fill("20")
    screen.find("delta").fill("20")
    screen.find("certify").click()
    screen.wait_for_text("certificate", f"certified: at most 20 % wrong, from {DRAWN} audits")
    assert screen.find("reinstate").count() == 0
    assert screen.find("draw").count() == 0
    # Every master is shown by a picture that loads.
    screen.page.wait_for_function(
        "() => { const found = [...document.querySelectorAll('[data-cy=semc-health-row] img')];"
        " return found.length >= 6 && found.every(image => image.complete && image.naturalWidth > 0) }"
    )
    screen.find("tab-review").click()
    screen.card()
    assert screen.find("certificate-line").get_attribute("data-status") == "certified"
    screen.shoot("review-certified-en")
    screen.find("tab-trust").click()
    screen.find("health-row").first.wait_for()
    screen.shoot("trust-certified-en")
    screen.find("language").click()
    screen.shoot("trust-certified-ja")


def test_a_batch_that_looks_different_suspends_says_why_and_a_person_may_bring_it_back(
    screens: Any, small: Any, folder: Path, dataset_under_audit: Any
) -> None:
    from sem_curate import dataset
    from sem_curate.registry import certificates

    small.more(dataset_under_audit, folder / "moved", start=40, per_family=10, noise=2.0, size=SIZE)
    screen = screens(NAME, lang="en", width=2000, height=1100)
    screen.card()
    assert screen.find("certificate-line").get_attribute("data-status") == "suspended"
    screen.wait_for_text("certificate-line", "differ from what was audited")
    screen.shoot("review-suspended-en")
    screen = trust(screens, "trust-suspended-drift")
    screen.find("draw").wait_for()  # the way out: audit again
    assert "to certify again" in heading(screen)
    screen.find("reinstate").locator("summary").click()
    assert screen.find("reinstate-go").is_disabled()
    screen.find("reinstate-reason").fill("new magnification, looked at by hand")
    screen.find("reinstate-go").click()
    screen.wait_for_text("certificate", "certified: at most 20 % wrong")
    log = certificates.attempts(dataset.dataset_id(dataset_under_audit))[-1].log
    assert [entry["status"] for entry in log] == ["active", "suspended", "active"]
    assert (log[-1]["by"], log[-1]["reason"]) == ("佐藤", "new magnification, looked at by hand")


def test_another_meaning_of_a_label_suspends_it_too(screens: Any, dataset_under_audit: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels
    from sem_curate.review import relabel

    label = labels.find(dataset.record(dataset_under_audit).catalogue, "needle-like")
    wanted = {"definition_en": "at least five times as long as wide", "definition_ja": "長さが幅の5倍以上"}
    relabel.apply(dataset_under_audit, "redefine", label.label_id, wanted, by="佐藤")
    screen = trust(screens, "trust-suspended-meaning")
    screen.wait_for_text("certificate", "means something else now")
    assert "suspended" in heading(screen)


def test_new_masters_are_told_with_how_many_are_out_of_date_and_proposed_again_at_once(
    screens: Any, small: Any, dataset_under_audit: Any
) -> None:
    from sem_curate import dataset, schema
    from sem_curate.decide import certifying
    from sem_curate.decide.run import register_masters
    from sem_curate.registry import labels, masters

    identity = dataset.dataset_id(dataset_under_audit)
    people = dataset.find_particles(dataset_under_audit, {schema.DECIDED_BY: "佐藤"}, (schema.LABEL,))
    label = labels.find(dataset.record(dataset_under_audit).catalogue, "porous")
    fresh = next(
        key for key in (small.particle_name("porous", index) for index in range(4, 22))
        if key not in {row["particle_id"] for row in people}
    )  # fmt: skip
    before = masters.in_force(identity).version
    register_masters(dataset_under_audit, {label.label_id: [fresh]}, by="佐藤")
    assert masters.in_force(identity).version == before + 1
    count = certifying.count_stale(dataset_under_audit)
    screen = trust(screens, "trust-stale")
    screen.wait_for_text("stale", f"{count} proposals are out of date")
    screen.find("repropose").click()
    screen.find("stale").wait_for(state="detached")
    assert certifying.count_stale(dataset_under_audit) == 0
    after = dataset.find_particles(dataset_under_audit, {schema.DECIDED_BY: "佐藤"}, (schema.LABEL,))
    assert {row["particle_id"]: row[schema.LABEL]["label_id"] for row in after if row["particle_id"] != fresh} == {
        row["particle_id"]: row[schema.LABEL]["label_id"] for row in people
    }
    screen.shoot("trust-other-masters-en")
    screen.find("language").click()
    screen.shoot("trust-other-masters-ja")
