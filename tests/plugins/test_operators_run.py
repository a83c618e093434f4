"""The operators on a real dataset, called the way the App calls them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.fiftyone


def run(name: str, ds: Any, *, selected: list[str] | None = None, **params: Any) -> Any:
    import fiftyone.operators as foo

    ctx = {"dataset": ds, "selected": selected or [], "params": params}
    return foo.execute_operator(f"@sem-curate/operators/{name}", ctx=ctx)


def samples(ds: Any, *particles: str, view: str = "view2") -> list[str]:
    from sem_curate import dataset

    return [found[view]["_id"] for found in dataset.read_views(ds, particles, ()).values()]


def fields(ds: Any, particle_id: str) -> list[tuple[str, str | None]]:
    """Decision and label on every slice of a particle, straight from the database."""
    from sem_curate import dataset, schema

    views = dataset.read_views(ds, [particle_id], (schema.DECISION, schema.LABEL))[particle_id]
    return [(view[schema.DECISION], (view.get(schema.LABEL) or {}).get("label")) for view in views.values()]


def triggered(result: Any) -> list[str]:
    return [request.operator_uri for request in result.executor._requests]


def messages(operator: Any, ds: Any, **params: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a generator operator tells the App, in order."""
    from fiftyone.operators.executor import ExecutionContext, Executor

    ctx = ExecutionContext(request_params={"dataset_name": ds.name, "params": params}, executor=Executor())
    return [(message.body.operator_uri, message.body.params) for message in operator.execute(ctx)]


# -- decisions -------------------------------------------------------------------------------------------------


def test_accept_writes_history_and_all_six_slices(ds: Any, operators: dict[str, Any], reviewer: str) -> None:
    from sem_curate import dataset
    from sem_curate.registry import history

    result = run("decide", ds, selected=samples(ds, "P-needle-2"), scope="selected", action="accept", by=reviewer)
    assert result.result == {"decided": 1, "refused": 0}
    assert triggered(result) == ["reload_dataset", "notify"]
    shown = fields(ds, "P-needle-2")
    assert len(shown) == 5  # one view is missing
    assert {decision for decision, _ in shown} == {"confirmed"}
    assert len({label for _, label in shown}) == 1
    (event,) = history.of_particles(dataset.dataset_id(ds), ["P-needle-2"])["P-needle-2"]
    assert (event.by, event.decision) == (reviewer, "confirmed")


def test_only_the_selected_particles_are_decided(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate.review import run as review

    before = review.counts(ds)["by_people"]
    chosen = samples(ds, "P-porous-2", "P-sphere-2")
    run("decide", ds, selected=chosen, scope="selected", action="unknown", by="佐藤")
    assert review.counts(ds)["by_people"] == before + 2


def test_one_label_for_the_current_view(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate import schema
    from sem_curate.review import run as review

    label = review.labels(ds)[0]
    view = ds.match({schema.PARTICLE_ID: {"$in": ["P-needle-2", "P-sphere-2"]}})
    params = {"scope": "view", "action": "label", "label_id": label["label_id"], "by": "佐藤"}
    import fiftyone.operators as foo

    result = foo.execute_operator("@sem-curate/operators/decide", ctx={"view": view, "params": params})
    assert result.result["decided"] == 2
    assert {name for _, name in fields(ds, "P-sphere-2")} == {label["name"]}


def test_what_cannot_be_accepted_is_counted_and_explained(
    dataset_name: str, small: Any, images: Path, operators: Any
) -> None:
    ds = small.build(dataset_name, images, masters=0)
    result = run("decide", ds, selected=samples(ds, "P-needle-0"), scope="selected", action="accept", by="佐藤")
    assert result.result["decided"] == 0
    assert result.result["refused"] == 1
    assert "no proposal" in result.result["first_refusal"]


def test_undo_takes_back_the_newest_first(ds: Any, operators: dict[str, Any]) -> None:
    for particle in ("P-needle-2", "P-needle-3", "P-sphere-2"):
        run("decide", ds, selected=samples(ds, particle), scope="selected", action="unknown", by="佐藤")
    result = run("undo", ds, count=2, by="佐藤")
    assert result.result == {"actions": 2, "undone": 2, "kept": 0, "particles": "P-sphere-2, P-needle-3"}
    assert {decision for decision, _ in fields(ds, "P-sphere-2")} == {"undecided"}
    assert {decision for decision, _ in fields(ds, "P-needle-2")} == {"unknown"}


def test_one_undo_takes_back_a_bulk_decision(ds: Any, operators: dict[str, Any]) -> None:
    chosen = samples(ds, "P-porous-2", "P-sphere-2", "P-needle-2")
    run("decide", ds, selected=chosen, scope="selected", action="unknown", by="佐藤")
    result = run("undo", ds, count=1, by="佐藤").result
    assert (result["actions"], result["undone"], result["kept"]) == (1, 3, 0)
    for particle in ("P-porous-2", "P-sphere-2", "P-needle-2"):
        assert {decision for decision, _ in fields(ds, particle)} == {"undecided"}


def test_undo_stops_where_there_is_nothing_left(ds: Any, operators: dict[str, Any]) -> None:
    assert run("undo", ds, count=5, by="誰でもない").result["undone"] == 0


# -- masters ---------------------------------------------------------------------------------------------------


def test_register_a_new_label(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate.review import run as review

    chosen = samples(ds, "P-porous-2", "P-sphere-2")
    result = run("register_masters", ds, selected=chosen, scope="selected", which="new", new_label="空洞", by="佐藤")
    assert result.result["added"] == 2
    assert "空洞" in [label["name_ja"] for label in review.labels(ds)]
    assert review.card(ds, "P-porous-2")["is_master"]


def test_register_under_an_existing_label_by_id(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate.review import run as review

    label = review.labels(ds)[0]
    result = run(
        "register_masters", ds, selected=samples(ds, "P-needle-2"), scope="selected", which="existing",
        label_id=label["label_id"], by="佐藤", reason="良い例",
    )  # fmt: skip
    assert result.result["masters"] == 7
    assert len(review.labels(ds)) == 3


def test_register_needs_a_name(ds: Any, operators: dict[str, Any]) -> None:
    from fiftyone.operators.executor import ExecutionError

    with pytest.raises(ExecutionError, match="Required property"):
        run(
            "register_masters",
            ds,
            selected=samples(ds, "P-needle-2"),
            scope="selected",
            which="new",
            new_label="",
            by="x",
        )


# -- stages ----------------------------------------------------------------------------------------------------


def test_quality_reports_progress_and_then_the_result(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate import dataset

    dataset.mark_pending(ds, ["quality"])
    sent = messages(operators["run_quality"], ds, scope="pending")
    names = [name for name, _ in sent]
    assert names[-2:] == ["reload_dataset", "notify"]
    assert set(names[:-2]) == {"set_progress"}
    assert all(0 <= params["progress"] <= 1 for name, params in sent if name == "set_progress")
    assert sent[-1][1]["variant"] == "success"
    assert sent[-1][1]["message"].startswith("quality: ")
    assert dataset.count_pending(ds)["quality"] == 0


def test_selected_particles_are_proposed_again(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate import dataset, schema

    dataset.write_particles(ds, {"P-needle-2": {schema.PROPOSAL_STATE: None}})
    run("propose", ds, selected=samples(ds, "P-needle-2", view="view4"), scope="selected")
    (found,) = dataset.find_particles(ds, {schema.PARTICLE_ID: "P-needle-2"}, (schema.PROPOSAL_STATE,))
    assert found[schema.PROPOSAL_STATE] in schema.PROPOSAL_STATES


def test_proposing_without_masters_says_so(dataset_name: str, small: Any, images: Path, operators: Any) -> None:
    ds = small.build(dataset_name, images, masters=0)
    assert "no masters yet" in messages(operators["propose"], ds, scope="pending")[-1][1]["message"]


def test_a_deliberate_error_becomes_a_message(dataset_name: str, small: Any, images: Path, operators: Any) -> None:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    small.render(images, per_family=1)
    ingest(images / "manifest.csv", dataset_name)
    sent = messages(operators["propose"], dataset.load_dataset(dataset_name), scope="pending")
    assert [name for name, _ in sent] == ["reload_dataset", "notify"]
    assert sent[-1][1]["variant"] == "error"
    assert "embed" in sent[-1][1]["message"]


def test_a_bug_stays_an_error(ds: Any, operators: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate import dataset, pipeline

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(pipeline, "run_stages", broken)
    dataset.mark_pending(ds, ["quality"])
    with pytest.raises(RuntimeError, match="a bug"):
        messages(operators["run_quality"], ds, scope="pending")


def test_delegated_work_runs_in_a_worker_and_keeps_its_result(ds: Any, operators: dict[str, Any]) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    from sem_curate import dataset

    dataset.mark_pending(ds, ["quality"], ["P-needle-0"])
    uri = "@sem-curate/operators/run_quality"
    foo.execute_operator(uri, ctx={"dataset": ds, "params": {"scope": "pending"}, "request_delegation": True})
    assert dataset.count_pending(ds)["quality"] > 0  # only queued
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=uri, limit=1)
    (done,) = service.list_operations(operator=uri, dataset_name=ds.name)
    assert (done.run_state, done.result.error) == ("completed", None)
    assert done.result.result["result"].startswith("quality: ")
    assert done.status.progress == 1
    assert dataset.count_pending(ds)["quality"] == 0


def test_closing_the_form_does_not_stop_the_work(ds: Any, operators: dict[str, Any]) -> None:
    from fiftyone.operators.executor import ExecutionContext, Executor

    from sem_curate import dataset

    dataset.mark_pending(ds, ["quality"])
    ctx = ExecutionContext(
        request_params={"dataset_name": ds.name, "params": {"scope": "pending"}}, executor=Executor()
    )
    told = operators["run_quality"].execute(ctx)
    next(told)
    told.close()
    for thread in threading.enumerate():
        if thread.name == "sem-curate-work":
            thread.join(timeout=60)
    assert dataset.count_pending(ds)["quality"] == 0


# -- ingest ----------------------------------------------------------------------------------------------------


def test_ingest_a_manifest_inside_the_allowed_folder(
    dataset_name: str, small: Any, images: Path, operators: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate import dataset

    small.render(images, per_family=1)
    monkeypatch.setenv("SEM_CURATE_ROOTS", str(images))
    run("ingest", None, path="manifest.csv", dataset_name=dataset_name)
    assert dataset.count_particles(dataset.load_dataset(dataset_name)) == 3


# -- search ----------------------------------------------------------------------------------------------------


def test_search_sets_an_ordered_view_of_groups(
    dataset_name: str, small: Any, images: Path, operators: dict[str, Any]
) -> None:
    from fiftyone import DatasetView

    from sem_curate.search import run as search

    ds = small.build(dataset_name, images, masters=0, text=True)
    result = run("search", ds, text="針状", k=5)
    assert result.result["found"] == 5
    assert triggered(result) == ["set_group_slice", "set_view"]
    view = DatasetView._build(ds, result.executor._requests[1].params["view"])
    assert view.media_type == "group"
    assert view.values("particle_id") == [hit["particle_id"] for hit in search.search(ds, "針状", k=5)["hits"]]


# -- quality tags and imaging conditions --------------------------------------------------------------------------


def tags_of(ds: Any, particle_id: str) -> dict[str, tuple[set[str], str | None]]:
    from sem_curate import dataset, schema

    views = dataset.read_views(ds, [particle_id], (schema.QUALITY_TAGS, schema.TAGS_BY))[particle_id]
    return {name: (set(view[schema.QUALITY_TAGS] or ()), view.get(schema.TAGS_BY)) for name, view in views.items()}


def test_tags_are_corrected_on_the_selected_images_only_and_undone(ds: Any, operators: dict[str, Any]) -> None:
    before = tags_of(ds, "P-needle-2")
    result = run("correct_tags", ds, selected=samples(ds, "P-needle-2"), add=["drift"], by="佐藤")
    assert (result.result["corrected"], result.result["skipped"]) == (1, 0)
    assert triggered(result) == ["reload_dataset", "notify"]
    after = tags_of(ds, "P-needle-2")
    assert after.pop("view2") == (before["view2"][0] | {"drift"}, "佐藤")
    assert after == {view: value for view, value in before.items() if view != "view2"}
    run("undo", ds, count=1, by="佐藤")
    assert tags_of(ds, "P-needle-2") == before


def test_one_undo_takes_back_tags_of_many_images(ds: Any, operators: dict[str, Any]) -> None:
    particles = ("P-needle-2", "P-sphere-2", "P-porous-2")
    before = [tags_of(ds, particle) for particle in particles]
    corrected = run("correct_tags", ds, selected=samples(ds, *particles), add=["drift"], by="佐藤").result["corrected"]
    assert corrected >= 2  # what is tagged already needs no correction
    assert run("undo", ds, count=1, by="佐藤").result["undone"] == corrected
    assert [tags_of(ds, particle) for particle in particles] == before


def test_the_condition_report_is_a_table(ds: Any, operators: dict[str, Any]) -> None:
    ds.set_values("detector", ["lot|A"] * 12)
    lines = run("condition_report", ds).result["table"].splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [f"view{number}" for number in range(1, 7)]
    grouped = run("condition_report", ds, by="detector").result["table"].splitlines()
    assert grouped[0].startswith("| view | detector | n |")
    assert any("lot\\|A" in line for line in grouped)


# -- audits, certificates, master health -----------------------------------------------------------------------


def test_audits_are_drawn_judged_and_certified_from_the_app(ds: Any, operators: dict[str, Any], reviewer: str) -> None:
    from sem_curate import dataset, schema
    from sem_curate.review import run as review

    drawn = run("draw_audits", ds, count=3, by=reviewer).result
    assert drawn["drawn"] == drawn["waiting"] == 3
    key = review.next_id(ds, queue="audit")
    refused = run("decide", ds, selected=samples(ds, key), scope="selected", action="accept", by=reviewer).result
    assert refused["decided"] == 0
    assert "is an audit" in refused["first_refusal"]
    while (key := review.next_id(ds, queue="audit")) is not None:
        run("decide", ds, selected=samples(ds, key), scope="selected", action="unknown", by=reviewer)
    assert dataset.count_particles(ds, {schema.AUDIT: schema.AUDIT_CLOSED}) == 3
    tried = run("certify", ds, alpha=0.05, delta=0.1, by=reviewer)
    assert tried.result["status"] == "suggestion"
    assert tried.result["errors"] == 3
    assert triggered(tried) == ["notify"]
    nothing = run("change_certificate", ds, to="revoked", reason="test", by=reviewer).result
    assert "no certificate" in nothing["refused"]


def test_opting_in_without_a_certificate_is_remembered(ds: Any, operators: dict[str, Any], reviewer: str) -> None:
    assert run("auto_without_certificate", ds, on=True, by=reviewer).result["opted_in"] is True
    assert run("auto_without_certificate", ds, on=False, by=reviewer).result["opted_in"] is False


def test_proposing_again_needs_no_scope(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate import dataset
    from sem_curate.decide import certifying
    from sem_curate.decide import run as decide
    from sem_curate.registry import masters

    label = next(iter(masters.current(dataset.dataset_id(ds)).masters.values()))
    decide.register_masters(ds, {label: ["P-needle-3"]}, by="test")
    assert certifying.count_stale(ds) > 0
    told = messages(operators["repropose"], ds)
    assert told[-1][1]["variant"] == "success"
    assert certifying.count_stale(ds) == 0


def test_master_health_is_a_table(ds: Any, operators: dict[str, Any]) -> None:
    table = run("master_health", ds).result["table"]
    assert table.count("\n") == 7  # six masters, heads and a rule
    assert "針状" in table or "needle-like" in table
