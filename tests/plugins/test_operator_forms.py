"""Scope, confirmation and refusals: what a form lets through, in the App and on the server alike."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.fiftyone


def context(ds: Any, *, selected: list[str] | None = None, **params: Any) -> Any:
    from fiftyone.operators.executor import ExecutionContext, Executor

    request = {"dataset_name": None if ds is None else ds.name, "params": params, "selected": selected or []}
    return ExecutionContext(request_params=request, executor=Executor())


def sample_ids(ds: Any, particle_id: str, views: tuple[str, ...]) -> list[str]:
    from sem_curate import dataset

    found = dataset.read_views(ds, [particle_id], ())[particle_id]
    return [found[view]["_id"] for view in views]


def errors(operator: Any, ctx: Any) -> set[str]:
    """Names of the parts that make the form invalid."""
    properties = operator.resolve_input(ctx).type.properties
    return {name for name, part in properties.items() if part.invalid}


def label_of(operator: Any, ctx: Any, choice: str) -> str:
    choices = operator.resolve_input(ctx).type.properties["scope"].view.choices
    return next(found.label for found in choices if found.value == choice)


def test_selected_samples_of_any_slice_lead_to_their_particle(ds: Any, part_of: Any) -> None:
    chosen = [*sample_ids(ds, "P-needle-0", ("view3", "view5")), *sample_ids(ds, "P-sphere-1", ("view2",))]
    assert part_of("_scope").selected_particles(context(ds, selected=chosen)) == ["P-needle-0", "P-sphere-1"]


@pytest.mark.parametrize("slice_name", ["view1", "view4"])
def test_current_view_means_its_particles_whatever_slice_is_shown(ds: Any, part_of: Any, slice_name: str) -> None:
    from fiftyone import ViewField

    scope = part_of("_scope")
    everything = SimpleNamespace(dataset=ds, view=ds.view())
    ds.group_slice = slice_name
    assert len(scope.view_particles(everything)) == 12
    some = ds.match(ViewField("proposal.label_id") == ds.first().proposal.label_id)
    named = scope.view_particles(SimpleNamespace(dataset=ds, view=some))
    assert 0 < len(named) < 12
    flat = some.select_group_slices(["view2", "view3"])
    assert set(scope.view_particles(SimpleNamespace(dataset=ds, view=flat))) <= set(named)
    ds.group_slice = "view1"


def test_current_view_of_dynamic_groups(ds: Any, part_of: Any) -> None:
    grouped = ds.select_group_slices("view1").group_by("proposal.label")
    assert set(part_of("_scope").view_particles(SimpleNamespace(dataset=ds, view=grouped)))


def test_an_unknown_scope_is_refused_rather_than_meaning_everything(ds: Any, part_of: Any) -> None:
    for wrong in ("", None, "everything"):
        with pytest.raises(ValueError, match="scope must be 'selected' or 'view'"):
            part_of("_scope").particles(context(ds), wrong)


def test_nothing_selected_makes_the_form_invalid(ds: Any, operators: dict[str, Any]) -> None:
    ctx = context(ds, scope="selected")
    assert errors(operators["decide"], ctx) == {"empty_scope"}
    assert label_of(operators["decide"], ctx, "selected").endswith("(0)")
    assert label_of(operators["decide"], ctx, "view").endswith("(12)")


def test_nothing_selected_is_refused_by_the_server_too(ds: Any, operators: dict[str, Any]) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionError

    from sem_curate.review import run as review

    before = review.counts(ds)
    params = {"scope": "selected", "action": "accept", "by": "佐藤"}
    with pytest.raises(ExecutionError):
        foo.execute_operator("@sem-curate/operators/decide", ctx={"dataset": ds, "selected": [], "params": params})
    del params["scope"]
    with pytest.raises(ExecutionError, match="Required property"):
        foo.execute_operator("@sem-curate/operators/decide", ctx={"dataset": ds, "selected": [], "params": params})
    assert review.counts(ds) == before


def test_many_particles_need_a_tick(ds: Any, operators: dict[str, Any], part_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(part_of("_forms"), "CONFIRM_ABOVE", 11)
    assert errors(operators["decide"], context(ds, scope="view")) == {"not_confirmed"}
    assert errors(operators["decide"], context(ds, scope="view", confirm="yes")) == {"not_confirmed"}
    assert errors(operators["decide"], context(ds, scope="view", confirm=True)) == set()
    properties = operators["decide"].resolve_input(context(ds, scope="view")).type.properties
    assert "12" in properties["confirm"].view.label or "12" in str(properties["confirm"].to_json())


def test_few_particles_need_no_tick(ds: Any, operators: dict[str, Any]) -> None:
    ctx = context(ds, selected=sample_ids(ds, "P-needle-2", ("view2",)), scope="selected")
    assert errors(operators["decide"], ctx) == set()
    assert "confirm" not in operators["decide"].resolve_input(ctx).type.properties


def test_recomputing_says_what_else_is_processed(ds: Any, operators: dict[str, Any]) -> None:
    from sem_curate import dataset

    dataset.mark_pending(ds, ["quality"], ["P-needle-0"])
    pending = dataset.count_pending(ds)["quality"]
    ctx = context(ds, scope="view")
    assert label_of(operators["run_quality"], ctx, "pending").endswith(f"({pending})")
    properties = operators["run_quality"].resolve_input(ctx).type.properties
    assert f"({pending})" in str(properties["again"].to_json())


def test_nothing_pending_says_so(ds: Any, operators: dict[str, Any]) -> None:
    assert errors(operators["propose"], context(ds, scope="pending")) == {"empty_scope"}


@pytest.mark.parametrize(
    "name",
    [
        "run_quality",
        "embed",
        "propose",
        "run_all",
        "register_masters",
        "decide",
        "correct_tags",
        "undo",
        "search",
        "condition_report",
    ],
)
def test_datasets_of_others_are_refused(name: str, operators: dict[str, Any], dataset_name: str) -> None:
    import fiftyone as fo

    other = fo.Dataset(dataset_name)
    assert errors(operators[name], context(other)) == {"foreign_dataset"}
    assert errors(operators[name], context(None)) == {"no_dataset"}


def test_correcting_tags_needs_images_and_tags(ds: Any, operators: dict[str, Any]) -> None:
    correct = operators["correct_tags"]
    assert errors(correct, context(ds)) == {"nothing_selected", "no_tags"}
    chosen = sample_ids(ds, "P-needle-2", ("view2",))
    assert errors(correct, context(ds, selected=chosen)) == {"no_tags"}
    assert errors(correct, context(ds, selected=chosen, add=["blur"])) == set()


def test_ingest_needs_allowed_folders(ds: Any, operators: dict[str, Any], monkeypatch: Any, tmp_path: Any) -> None:
    ingest = operators["ingest"]
    monkeypatch.delenv("SEM_CURATE_ROOTS", raising=False)
    assert errors(ingest, context(ds)) == {"no_roots"}
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    (allowed / "link").symlink_to(outside)
    monkeypatch.setenv("SEM_CURATE_ROOTS", str(allowed))
    assert errors(ingest, context(ds, path=str(allowed))) == set()
    for path in (str(outside), "../outside", str(allowed / "link"), "/etc", str(allowed / "nowhere")):
        assert errors(ingest, context(ds, path=path)) == {"bad_path"}, path


def test_ingest_without_a_dataset_asks_for_a_name(operators: dict[str, Any], monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("SEM_CURATE_ROOTS", str(tmp_path))
    properties = operators["ingest"].resolve_input(context(None)).type.properties
    assert "target" not in properties
    assert properties["dataset_name"].required
