from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sem_curate.app import plugins, worker
from sem_curate.cli.worker import command

PLUGIN = """
import fiftyone.operators as foo

class Add(foo.Operator):
    @property
    def config(self):
        return foo.OperatorConfig(name="add", allow_delegated_execution=True)

    def execute(self, ctx):
        if ctx.params.get("fail"):
            raise ValueError("as asked")
        return {"sum": ctx.params["a"] + 1}

def register(p):
    p.register(Add)
"""


@pytest.fixture
def two_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two plugins with one operator each; the worker takes only the first for ours."""
    folders = []
    for organisation in ("worker-ours", "worker-theirs"):
        folder = plugins.plugins_dir() / organisation
        folder.mkdir(parents=True)
        (folder / "fiftyone.yml").write_text(f"name: '@{organisation}/test'\noperators:\n  - add\n")
        (folder / "__init__.py").write_text(PLUGIN)
        folders.append(folder)
    monkeypatch.setattr(worker, "OURS", ("@worker-ours/test/",))
    yield
    for folder in folders:
        shutil.rmtree(folder)


def _queue(operator: str, dataset_name: str, **params: object) -> None:
    import fiftyone.operators as foo

    foo.execute_operator(operator, ctx={"dataset": dataset_name, "request_delegation": True, "params": params})


def _states(dataset_name: str) -> dict[str, list[str]]:
    from fiftyone.operators.delegated import DelegatedOperationService

    found: dict[str, list[str]] = {}
    for operation in DelegatedOperationService().list_operations(dataset_name=dataset_name):
        found.setdefault(operation.operator, []).append(operation.run_state)
    return found


@pytest.mark.fiftyone
def test_runs_ours_once_and_leaves_theirs(dataset_name: str, two_plugins: None) -> None:
    import fiftyone as fo

    fo.Dataset(dataset_name)
    _queue("@worker-ours/test/add", dataset_name, a=1)
    _queue("@worker-theirs/test/add", dataset_name, a=1)
    reported: list[worker.Ran] = []
    ran = worker.work(once=True, report=reported.append)
    assert ran == reported == [worker.Ran("@worker-ours/test/add")]
    assert _states(dataset_name) == {"@worker-ours/test/add": ["completed"], "@worker-theirs/test/add": ["queued"]}
    assert worker.work(once=True) == []


@pytest.mark.fiftyone
def test_command_reports_failures_as_json_and_exit_code(dataset_name: str, two_plugins: None) -> None:
    import fiftyone as fo

    fo.Dataset(dataset_name)
    _queue("@worker-ours/test/add", dataset_name, fail=True)
    result = CliRunner().invoke(command, ["--once", "--json"], standalone_mode=False)
    report = json.loads(result.stdout)
    assert (result.return_value, report["failed"]) == (1, 1)
    assert "as asked" in report["ran"][0]["error"]


@pytest.mark.fiftyone
def test_a_failing_operator_is_reported_and_the_next_one_runs(dataset_name: str, two_plugins: None) -> None:
    import fiftyone as fo

    fo.Dataset(dataset_name)
    _queue("@worker-ours/test/add", dataset_name, fail=True)
    _queue("@worker-ours/test/add", dataset_name, a=1)
    ran = worker.work(once=True)
    assert [bool(done.error) for done in ran] == [True, False]
    assert "as asked" in ran[0].error
    assert sorted(_states(dataset_name)["@worker-ours/test/add"]) == ["completed", "failed"]


@pytest.mark.fiftyone
def test_an_interrupted_operator_is_marked_as_failed(
    dataset_name: str, two_plugins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fiftyone as fo
    from fiftyone.operators.delegated import DelegatedOperationService

    def interrupt(self: object, operation: object, log: bool = False) -> None:
        raise KeyboardInterrupt

    fo.Dataset(dataset_name)
    _queue("@worker-ours/test/add", dataset_name, a=1)
    monkeypatch.setattr(DelegatedOperationService, "execute_operation", interrupt)
    with pytest.raises(KeyboardInterrupt):
        worker.work(once=True)
    assert _states(dataset_name) == {"@worker-ours/test/add": ["failed"]}


@pytest.mark.fiftyone
def test_the_worker_installs_the_plugins_it_runs(two_plugins: None) -> None:
    plugins.uninstall()
    worker.work(once=True)
    assert all(item.usable for item in plugins.status())
    assert Path(plugins.status()[0].installed_at).parent == plugins.plugins_dir()
