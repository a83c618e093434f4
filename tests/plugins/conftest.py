"""Our two plugins, found and loaded by FiftyOne itself, and a small dataset for them to work on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def contexts() -> dict[str, Any]:
    """FiftyOne's own plugin contexts, by plugin name."""
    from fiftyone.plugins.context import build_plugin_contexts

    from sem_curate.app import plugins

    plugins.install()
    return {context.name: context for context in build_plugin_contexts() if context.name.startswith("@sem-curate/")}


@pytest.fixture(scope="session")
def operators(contexts: dict[str, Any]) -> dict[str, Any]:
    return {operator.name: operator for operator in contexts["@sem-curate/operators"].instances}


@pytest.fixture(scope="session")
def part_of(contexts: dict[str, Any]) -> Any:
    """Return a module of the operators plugin as FiftyOne loaded it, e.g. ``part_of("_scope")``."""
    package = type(contexts["@sem-curate/operators"].instances[0]).__module__.rpartition(".")[0]
    return lambda name: sys.modules[f"{package}.{name}"]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("particles")


@pytest.fixture
def ds(dataset_name: str, small: ModuleType, images: Path) -> Any:
    """Twelve particles with masters and proposals, fresh for each test."""
    return small.build(dataset_name, images)


@pytest.fixture
def reviewer(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SEM_CURATE_REVIEWER", "佐藤")
    return "佐藤"
