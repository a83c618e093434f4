"""Labels changed from the App: the dry run stands in the form, and applying it is one change."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.fiftyone


def context(ds: Any, *, selected: list[str] | None = None, **params: Any) -> Any:
    from fiftyone.operators.executor import ExecutionContext, Executor

    request = {"dataset_name": ds.name, "params": params, "selected": selected or []}
    return ExecutionContext(request_params=request, executor=Executor())


def form(operator: Any, ds: Any, **params: Any) -> dict[str, Any]:
    return dict(operator.resolve_input(context(ds, **params)).type.properties)


def run(name: str, ds: Any, *, selected: list[str] | None = None, **params: Any) -> dict[str, Any]:
    import fiftyone.operators as foo

    ctx = {"dataset": ds, "selected": selected or [], "params": params}
    return dict(foo.execute_operator(f"@sem-curate/operators/{name}", ctx=ctx).result)


@pytest.fixture
def ids(ds: Any) -> dict[str, str]:
    from sem_curate.review import run as review

    return {label["name_en"]: label["label_id"] for label in review.labels(ds)}


def test_the_form_shows_the_dry_run_and_refuses_a_clash(ds: Any, ids: dict[str, str], operators: Any) -> None:
    operator = operators["rename_label"]
    assert "dry_run" not in form(operator, ds)
    clash = form(operator, ds, label_id=ids["porous"], name_en="ＳＰＨＥＲＩＣＡＬ")
    assert clash["refused"].invalid
    assert "球状 / spherical" in clash["refused"].error_message
    shown = form(operator, ds, label_id=ids["porous"], name_en="<b>holey</b>")["dry_run"].view.label
    assert "多孔質 / porous → 多孔質 / <b>holey</b>" in shown
    assert "masters 2" in shown
    assert "everything stays valid" in shown


def test_merge_and_roll_back(ds: Any, ids: dict[str, str], operators: Any) -> None:
    from sem_curate.review import run as review

    shown = form(operators["merge_labels"], ds, label_id=ids["porous"], into=ids["spherical"])["dry_run"].view.label
    assert "no longer valid: certificates" in shown
    made = run("merge_labels", ds, label_id=ids["porous"], into=ids["spherical"], by="佐藤", reason="同じもの")
    assert len(review.labels(ds)) == 2
    choices = form(operators["roll_back_labels"], ds)["change_id"].view.choices
    assert choices[0].value == made["change_id"]
    assert "dry_run" in form(operators["roll_back_labels"], ds, change_id=made["change_id"])
    run("roll_back_labels", ds, change_id=made["change_id"], by="佐藤")
    assert {label["label_id"] for label in review.labels(ds)} == set(ids.values())


def test_split_then_review_a_bundle(ds: Any, ids: dict[str, str], operators: Any) -> None:
    import fiftyone.operators as foo

    lines = "長い針: 縦横比 10 以上\nshort needle"
    run("split_label", ds, label_id=ids["needle-like"], parts=lines, by="佐藤")
    ready = form(operators["review_again"], ds, why="split", label_id=ids["needle-like"])
    (bundle,) = ready["bundle_id"].view.choices
    params = {"why": "split", "label_id": ids["needle-like"], "bundle_id": bundle.value}
    result = foo.execute_operator("@sem-curate/operators/review_again", ctx={"dataset": ds, "params": params})
    assert result.result["left"] == 2
    assert [one.operator_uri for one in result.executor._requests] == ["set_view"]


def test_deprecate_restore_redefine_and_pick(ds: Any, ids: dict[str, str], operators: Any) -> None:
    from sem_curate import dataset
    from sem_curate.registry import labels

    run("deprecate_label", ds, label_id=ids["porous"], by="佐藤")
    assert [choice.value for choice in form(operators["restore_label"], ds)["label_id"].view.choices] == [ids["porous"]]
    run("restore_label", ds, label_id=ids["porous"], by="佐藤")
    run("redefine_label", ds, label_id=ids["porous"], definition_ja="穴", synonyms_en="spongy, holey", by="佐藤")
    sample = next(iter(dataset.read_views(ds, ["P-porous-2"], ())["P-porous-2"].values()))["_id"]
    run("pick_examples", ds, selected=[sample], label_id=ids["porous"], role="borderline", note="小さい穴", by="佐藤")
    label = labels.get(ids["porous"])
    assert (label.definition_ja, label.synonyms_en) == ("穴", ("spongy", "holey"))
    assert [(row.particle_id, row.role, row.note) for row in label.picked] == [("P-porous-2", "borderline", "小さい穴")]
