from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sem_curate.app import plugins
from sem_curate.cli.plugins import command
from sem_curate.errors import SetupError


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for our two plugin folders, so that a test may change them."""
    folder = tmp_path / "sources"
    for plugin in plugins.PLUGINS:
        _write_plugin(folder / plugin.folder, plugin.name)
    monkeypatch.setattr(plugins, "source", lambda plugin: folder / plugin.folder)
    return folder


def _write_plugin(folder: Path, name: str) -> None:
    (folder / "node_modules").mkdir(parents=True)
    (folder / "node_modules" / "big.js").write_text("x")
    (folder / "fiftyone.yml").write_text(f'fiftyone:\n  version: "*"\nname: "{name}"\n')
    (folder / "__init__.py").write_text("def register(p): pass\n")


def _states(target: Path) -> list[str]:
    return [item.state for item in plugins.status(target)]


def test_install_links_and_can_be_repeated(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    assert _states(target) == ["missing", "missing"]
    assert all(item.state == "linked" and item.usable for item in plugins.install(target))
    assert (target / "sem-curate-panel").resolve() == sources / "sem-curate-panel"
    plugins.install(target)
    assert _states(target) == ["linked", "linked"]


def test_install_copy_leaves_node_modules_and_notices_changes(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    plugins.install(target, copy=True)
    assert _states(target) == ["copied", "copied"]
    assert not (target / "sem-curate-panel" / "node_modules").exists()
    (sources / "sem-curate-panel" / "__init__.py").write_text("def register(p): p.register(None)\n")
    assert _states(target) == ["copied", "outdated"]
    plugins.install(target, copy=True)
    assert _states(target) == ["copied", "copied"]


def test_install_copies_where_links_fail(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, other: Path, target_is_directory: bool = False) -> None:
        raise OSError("links are not allowed here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert [item.state for item in plugins.install(tmp_path / "plugins")] == ["copied", "copied"]


def test_install_refuses_a_foreign_folder_and_changes_nothing(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    foreign = target / "sem-curate-panel"
    foreign.mkdir(parents=True)
    (foreign / "fiftyone.yml").write_text("name: '@someone/else'\n")
    with pytest.raises(SetupError, match=r"1 folders are in the way.*sem-curate-panel.*move or rename"):
        plugins.install(target)
    assert _states(target) == ["missing", "foreign"]
    assert plugins.uninstall(target) == ()
    assert foreign.is_dir()


def test_install_refuses_a_link_to_something_else(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    target.mkdir()
    (target / "sem-curate-operators").symlink_to(tmp_path)
    assert _states(target) == ["foreign", "missing"]


def test_install_replaces_a_dead_link(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    target.mkdir()
    (target / "sem-curate-operators").symlink_to(tmp_path / "checkout that was moved")
    assert _states(target) == ["outdated", "missing"]
    plugins.install(target)
    assert _states(target) == ["linked", "linked"]


def test_uninstall_keeps_sources_and_other_plugins(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "plugins"
    (target / "theirs").mkdir(parents=True)
    plugins.install(target)
    assert plugins.uninstall(target) == ("@sem-curate/operators", "@sem-curate/panel")
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert (sources / "sem-curate-panel" / "fiftyone.yml").is_file()
    assert plugins.uninstall(target) == ()


def test_install_says_when_the_folder_cannot_be_made(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot write plugins into .*make it writable"):
        plugins.install(tmp_path / "file" / "plugins")


def test_command_speaks_json_and_exits_with_the_state(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIFTYONE_PLUGINS_DIR", str(tmp_path / "plugins"))
    run = CliRunner().invoke
    assert run(command, ["status"], standalone_mode=False).return_value == 1
    installed = run(command, ["install", "--json"], standalone_mode=False)
    assert [item["usable"] for item in json.loads(installed.stdout)["plugins"]] == [True, True]
    assert run(command, ["status"], standalone_mode=False).return_value == 0
    removed = run(command, ["uninstall", "--json"], standalone_mode=False)
    assert len(json.loads(removed.stdout)["removed"]) == 2


@pytest.mark.parametrize("plugin", plugins.PLUGINS, ids=lambda plugin: plugin.folder)
def test_this_installation_has_its_plugins(plugin: plugins.Plugin) -> None:
    folder = plugins.source(plugin)
    described = plugins.metadata_file(folder)
    assert described is not None
    assert plugins._plugin_name(folder) == plugin.name
