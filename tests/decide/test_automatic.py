"""Automatic decisions of a run: only after the certificate was held against all of it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sem_curate import schema
from sem_curate.config import DecideConfig
from sem_curate.decide.certificate import CERTIFIED, Promise

pytestmark = pytest.mark.fiftyone
CONFIRM = DecideConfig(auto_confirm=True)


@pytest.fixture
def ds(certified: ModuleType, dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dataset under a certificate that covers almost everything."""
    from sem_curate import dataset
    from sem_curate.decide import auditing, certifying
    from sem_curate.registry import audits

    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    made = certified.build(dataset_name, tmp_path, 90)
    auditing.draw(made, 20, by="sato", seed=1)
    certified.judge(made, audits.draws(dataset.dataset_id(made))[-1].particle_ids)
    held = certifying.try_to_certify(made, Promise(0.2, 0.2), by="sato")
    assert held is not None
    assert held.status == CERTIFIED
    return made


def run(ds: Any) -> dict[str, Any]:
    from sem_curate import pipeline

    return pipeline.run_stages(ds, ("propose",), decide=CONFIRM)["propose"]


def automatic_events(ds: Any, particle_ids: list[str]) -> list[str]:
    """Return what was ever decided automatically for these particles, taken back or not."""
    from sem_curate import dataset
    from sem_curate.registry import history

    events = history.of_particles(dataset.dataset_id(ds), particle_ids)
    return [str(event.decision) for key in events for event in events[key] if event.source == "propose"]


def decided(ds: Any) -> int:
    from sem_curate import dataset

    return dataset.count_particles(ds, {schema.DECISION: schema.AUTO})


def test_a_batch_that_suspends_the_certificate_is_never_decided_under_it(
    ds: Any, certified: ModuleType, tmp_path: Path
) -> None:
    from sem_curate.decide import certifying

    assert run(ds)["auto_confirmed"] > 30
    before = decided(ds)
    alike = [certified.name(number) for number in range(200, 207)]
    certified.build(ds.name, tmp_path, 7, start=200, confirm=True)  # looks like what was audited
    assert automatic_events(ds, alike)
    assert decided(ds) > before
    moved = [certified.name(number) for number in range(300, 330)]
    certified.build(ds.name, tmp_path, 30, start=300, noise=3.0, confirm=True)
    assert certifying.status(ds)["status"] == "suspended"
    assert automatic_events(ds, moved) == []  # not even for a moment
    assert decided(ds) == 0  # what was decided before is withdrawn: nobody knows how far back it is wrong


def test_confirming_ends_when_the_terms_change_while_it_runs(ds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate.decide import automatic, certifying
    from sem_curate.registry import certificates

    monkeypatch.setattr(automatic, "BATCH", 10)
    real = automatic._decide

    def interrupted(*args: Any, confirm: bool) -> Any:
        done = real(*args, confirm=confirm)
        if confirm and certifying.status(ds)["status"] == CERTIFIED:
            certifying.change(ds, certificates.SUSPENDED, None, by="tanaka", reason="wrong recipe")
        return done

    monkeypatch.setattr(automatic, "_decide", interrupted)
    assert 0 < run(ds)["auto_confirmed"] <= 10


def test_what_a_killed_or_an_earlier_run_left_is_confirmed_by_the_next(
    ds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset, pipeline
    from sem_curate.decide import automatic

    def killed(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(automatic, "confirm", killed)
        with pytest.raises(KeyboardInterrupt):
            run(ds)
    assert decided(ds) == 0
    assert pipeline.run_stages(ds, ("propose",))["propose"]["auto_confirmed"] == 0  # nobody asked for it
    found = run(ds)
    assert found["in"] == 0
    assert found["auto_confirmed"] == decided(ds) > 30
    assert run(ds)["auto_confirmed"] == 0
    assert dataset.count_particles(ds, {schema.PROPOSAL_STATE: schema.AUTO, schema.DECISION: schema.UNDECIDED}) == 0


def test_a_certificate_outlives_a_doubled_dataset(ds: Any, certified: ModuleType, tmp_path: Path) -> None:
    from sem_curate import dataset
    from sem_curate.decide import auditing
    from sem_curate.registry import certificates

    identity = dataset.dataset_id(ds)
    before, held = auditing.reference_id(identity), certificates.active(identity)
    assert held is not None
    certified.build(ds.name, tmp_path, 60, start=200, confirm=True)  # over 128 in all
    assert auditing.reference_id(identity) == before
    standing = certificates.active(identity, reference_id=before)
    assert standing is not None
    assert (standing.certificate_id, standing.status) == (held.certificate_id, CERTIFIED)
    certificates.change_status(identity, held.certificate_id, certificates.REVOKED, by="sato", reason="enough")
    certified.build(ds.name, tmp_path, 1, start=400)
    assert auditing.reference_id(identity) != before
