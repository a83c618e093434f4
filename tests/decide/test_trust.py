"""What the panel asks on every step must not grow with the dataset: counted from keys, forecast from a sample."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sem_curate import schema

pytestmark = pytest.mark.fiftyone


@pytest.fixture
def ds(certified: ModuleType, dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    return certified.build(dataset_name, tmp_path, 60)


def stages(ds: Any, where: Any) -> list[str]:
    """Return the stages of MongoDB's plan for counting particles by our keys; among many it is the plan it chooses."""
    from sem_curate import dataset

    query = {f"{schema.GROUP}.name": dataset.anchor(ds), **where}
    asked = {"count": ds._sample_collection.name, "query": query, "hint": "sem_curate_counted"}
    plan = ds._sample_collection.database.command("explain", asked, verbosity="queryPlanner")["queryPlanner"]
    step, found = plan["winningPlan"].get("queryPlan", plan["winningPlan"]), []
    while step:
        found.append(step["stage"])
        step = step.get("inputStage")
    return found


def test_counts_are_read_from_keys_without_reading_a_sample(ds: Any) -> None:
    from sem_curate.decide import auditing
    from sem_curate.review import run as review

    asked = [auditing.POPULATION, *(review.QUEUES[name] for name in ("review", "unknown", "auto"))]
    for where in asked:
        found = stages(ds, where)
        assert "IXSCAN" in found
        assert "FETCH" not in found, where
    assert "FETCH" in stages(ds, {schema.SOURCE_PATH: "x"})  # the check can fail


def test_a_dataset_of_an_older_version_gets_the_indexes_with_its_next_proposals(ds: Any) -> None:
    from sem_curate.decide.run import propose

    ours = [name for name in ds._sample_collection.index_information() if name.startswith("sem_curate_")]
    assert len(ours) == 3
    for name in ours:
        ds._sample_collection.drop_index(name)
    propose(ds)
    assert set(ours) <= set(ds._sample_collection.index_information())


def test_the_forecast_takes_a_sample_and_the_counts_take_all(
    ds: Any, certified: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset
    from sem_curate.decide import auditing, certifying, guarantee, trust
    from sem_curate.registry import audits

    auditing.draw(ds, 6, by="sato", seed=1)
    certified.judge(ds, audits.draws(dataset.dataset_id(ds))[-1].particle_ids)
    whole = certifying.status(ds)
    assert whole["production"] == len(auditing.population(ds)) == whole["left"] == 60 - 20 - 6
    auditing.draw(ds, 4, by="sato", seed=2)
    assert (certifying.status(ds)["production"], certifying.status(ds)["left"]) == (34, 30)
    looked_at = []
    real = guarantee.certify

    def spied(found: Any, production: Any, *rest: Any, **more: Any) -> Any:
        looked_at.append(len(production))
        return real(found, production, *rest, **more)

    monkeypatch.setattr(guarantee, "certify", spied)
    monkeypatch.setattr(trust, "FORESEEN", 12)
    assert certifying.status(ds)["production"] == 34
    certified.judge(ds, audits.draws(dataset.dataset_id(ds))[-1].particle_ids)
    certifying.try_to_certify(ds, certifying.promise_of(ds), by="sato")
    assert looked_at == [12, 30]  # a try looks at all of production


def test_master_health_listens_to_the_newest_decisions(
    ds: Any, certified: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate.decide import health_run

    certified.judge(ds, [certified.name(number) for number in range(30, 36)], lambda _: "unknown")
    certified.judge(ds, [certified.name(number) for number in range(36, 42)])
    monkeypatch.setattr(health_run, "DECIDED", 6)
    found = health_run.masters_health(ds)
    assert sum(row["decided"] for row in found["masters"]) == 6
    assert sum(row["reversals"] for row in found["masters"]) == 0
    monkeypatch.setattr(health_run, "DECIDED", 12)
    assert sum(row["reversals"] for row in health_run.masters_health(ds)["masters"]) == 6
