"""What is promised, and audits judged without seeing the proposal, in the real App."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e
AUDITS = 2


@pytest.fixture
def trusted(small: Any, folder: Path) -> Any:
    """A dataset of its own: audits cannot be taken back."""
    return small.build("e2e-trust", folder / "trust", per_family=4)


def both(screen: Any, name: str) -> None:
    """Save a picture in English, and one in Japanese beside it."""
    screen.shoot(name)
    screen.find("language").click()
    screen.shoot(f"{name}-ja")
    screen.find("language").click()


def test_audits_are_judged_blind_and_the_line_says_what_is_missing(screens: Any, trusted: Any) -> None:
    from sem_curate import dataset, schema
    from sem_curate.decide import auditing

    screen = screens("e2e-trust", lang="en")
    screen.card()
    line = screen.find("certificate-line")
    assert line.get_attribute("data-status") == "suggestion"
    screen.wait_for_text("certificate-line", "more audits needed")
    screen.find("contribution-view2").first.wait_for()
    screen.find("weight-view2").first.wait_for()
    both(screen, "review-contributions")

    auditing.draw(trusted, AUDITS, by="test", seed=4)
    screen.find("tab-trust").click()
    screen.find("health-row").first.wait_for()
    screen.wait_for_text("certificate", f"{AUDITS} of them wait")
    both(screen, "trust")
    screen.find("judge").click()
    screen.find("blind").wait_for()
    seen = []
    for _ in range(AUDITS):
        key = screen.card()
        seen.append(key)
        screen.find("blind").wait_for()
        proposal = dataset.find_particles(trusted, {schema.PARTICLE_ID: key}, (schema.PROPOSAL, schema.RECEIPT_ID))[0]
        assert proposal[schema.PROPOSAL] is None
        for hidden in ("proposal", "candidate-1", "accept", "contribution-view2", "notice"):
            assert screen.find(hidden).count() == 0, hidden
        assert "needle-like" not in screen.find("card").inner_text()
        screen.press("a")  # there is nothing to accept
        screen.page.locator(".semc-toast").filter(has_text="nothing to accept").first.wait_for()
        if len(seen) == 1:
            both(screen, "audit-blind")
        screen.press("u")
        if len(seen) < AUDITS:
            screen.wait_for_another_card(key)
    screen.find("queue-empty").wait_for()
    screen.wait_until_saved(seen[-1])
    assert auditing.standing(trusted).waiting == ()
    assert dataset.count_particles(trusted, {schema.AUDIT: schema.AUDIT_CLOSED}) == AUDITS


def test_masters_that_changed_are_told_and_proposed_again_with_one_click(screens: Any, trusted_before: Any) -> None:
    from sem_curate import dataset
    from sem_curate.decide import certifying
    from sem_curate.decide.run import register_masters
    from sem_curate.registry import masters

    label = next(iter(masters.current(dataset.dataset_id(trusted_before)).masters.values()))
    register_masters(trusted_before, {label: ["P-needle-2"]}, by="test")
    screen = screens("e2e-trust", lang="en")
    screen.card()
    screen.wait_for_text("stale", "out of date")
    both(screen, "stale")
    screen.find("repropose").click()
    screen.find("stale").wait_for(state="detached")
    assert certifying.count_stale(trusted_before) == 0


@pytest.fixture
def trusted_before(trusted_name: str = "e2e-trust") -> Any:
    """The dataset of the test above; its proposals are what is needed here."""
    from sem_curate import dataset

    return dataset.load_dataset(trusted_name)
