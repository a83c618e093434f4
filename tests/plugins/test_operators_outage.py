"""What operators say when the database goes away while they are at work."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

pytestmark = pytest.mark.fiftyone
WORDS = "start MongoDB and do the last step again"


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a function of ours ask a server that is not there."""
    from sem_curate.app import ports

    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def lost(*_: Any, **__: Any) -> Any:
        pymongo.MongoClient(f"mongodb://127.0.0.1:{ports.free_port()}", serverSelectionTimeoutMS=50).admin.command(
            "ping"
        )

    return lambda owner, name: monkeypatch.setattr(owner, name, lost)


def context(ds: Any, *, delegated: bool = False, **params: Any) -> Any:
    from fiftyone.operators.executor import ExecutionContext, Executor

    request = {"dataset_name": ds.name, "params": params, "delegated": delegated}
    return ExecutionContext(request_params=request, executor=Executor())


def test_a_run_that_loses_the_database_says_so_without_a_traceback(ds: Any, operators: Any, gone: Any) -> None:
    import fiftyone.operators as foo

    from sem_curate.review import run as review

    gone(review, "undo")
    result = foo.execute_operator(
        "@sem-curate/operators/undo", ctx={"dataset": ds, "params": {"count": 1, "by": "sato", "confirm": True}}
    )
    assert result.error is None
    assert WORDS in result.result["error"]
    notices = [request.params for request in result.executor._requests if request.operator_uri == "notify"]
    assert [(notice["variant"], WORDS in notice["message"]) for notice in notices] == [("error", True)]


def test_a_stage_that_loses_the_database_says_so(ds: Any, operators: Any, gone: Any) -> None:
    from sem_curate import pipeline

    gone(pipeline, "run_stages")
    said = [message.body for message in operators["propose"].execute(context(ds, scope="pending"))]
    told = [body.params for body in said if body.operator_uri.endswith("notify")]
    assert [(one["variant"], WORDS in one["message"]) for one in told] == [("error", True)]


def test_a_delegated_run_fails_with_the_same_words(ds: Any, operators: Any, gone: Any) -> None:
    from sem_curate import pipeline
    from sem_curate.errors import DatabaseUnavailableError

    gone(pipeline, "run_stages")
    with pytest.raises(DatabaseUnavailableError, match=WORDS):
        operators["propose"].execute(context(ds, delegated=True, scope="pending"))


def test_a_form_that_cannot_be_drawn_says_why(ds: Any, operators: Any, gone: Any) -> None:
    from sem_curate.decide import certifying
    from sem_curate.review import sharing

    gone(sharing, "standing")
    gone(certifying, "status")
    for name in ("independent_reviewers", "draw_audits"):
        shown = operators[name].resolve_input(context(ds)).to_json()
        assert WORDS in str(shown)
        assert "'invalid': True" in str(shown)


def test_a_bug_stays_a_bug(ds: Any, operators: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sem_curate.review import sharing

    monkeypatch.setattr(sharing, "set_wanted", lambda *_: {}["x"])
    with pytest.raises(KeyError):
        operators["independent_reviewers"].execute(context(ds, number=2))


def test_several_reviewers_are_asked_from_the_app(ds: Any, operators: Any) -> None:
    import fiftyone.operators as foo

    from sem_curate.review import sharing

    result = foo.execute_operator("@sem-curate/operators/independent_reviewers",
                                  ctx={"dataset": ds, "params": {"number": 3}})  # fmt: skip
    assert result.result["wanted"] == sharing.wanted(ds) == 3
