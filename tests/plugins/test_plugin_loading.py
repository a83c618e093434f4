"""What fiftyone.yml lists is what FiftyOne registers, and every operator introduces itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FOLDERS = {"@sem-curate/operators": REPOSITORY / "operators", "@sem-curate/panel": REPOSITORY / "plugins" / "panel"}

pytestmark = pytest.mark.fiftyone


@pytest.mark.parametrize("plugin", FOLDERS)
def test_plugin_loads_without_errors_and_registers_what_it_lists(plugin: str, contexts: dict[str, Any]) -> None:
    listed = yaml.safe_load((FOLDERS[plugin] / "fiftyone.yml").read_text(encoding="utf-8"))
    assert listed["name"] == plugin
    assert contexts[plugin].errors == []
    registered = [instance.name for instance in contexts[plugin].instances]
    assert registered == listed.get("operators", []) + listed.get("panels", [])


def test_fiftyone_version_is_pinned_like_the_dependency() -> None:
    for folder in FOLDERS.values():
        listed = yaml.safe_load((folder / "fiftyone.yml").read_text(encoding="utf-8"))
        assert listed["fiftyone"]["version"] == ">=1.22,<1.23"
    assert '"fiftyone>=1.22,<1.23"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def test_every_operator_has_a_bilingual_label_and_a_description(operators: dict[str, Any]) -> None:
    for operator in operators.values():
        assert operator.config.label.startswith("SEM: ")
        assert " / " in operator.config.label
        assert len(operator.config.description) > 20
        assert operator.config.view_target is False  # our own scope question replaces FiftyOne's


def test_labels_are_different(operators: dict[str, Any]) -> None:
    labels = [operator.config.label for operator in operators.values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", ["run_quality", "embed", "propose", "run_all", "ingest"])
def test_long_work_may_run_now_or_be_delegated(name: str, operators: dict[str, Any]) -> None:
    config = operators[name].config
    assert config.allow_immediate_execution
    assert config.allow_delegated_execution
    assert config.execute_as_generator


def test_the_panel_shows_in_grid_and_modal(contexts: dict[str, Any]) -> None:
    from sem_curate.app import plugins

    (panel,) = contexts["@sem-curate/panel"].instances
    assert (panel.config.name, panel.config.label) == (plugins.PANEL, "SEM Curate")
    assert panel.config.surfaces == "grid modal"


@pytest.mark.parametrize("icon", ["decide.svg", "masters.svg", "tags.svg"])
def test_placement_icons_exist(icon: str) -> None:
    assert (FOLDERS["@sem-curate/operators"] / "assets" / icon).is_file()
