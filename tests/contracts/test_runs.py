"""Saved FiftyOne runs name our classes by dotted path: moving or renaming one breaks every saved run."""

from __future__ import annotations

import importlib

import pytest

CONFIGS = [
    "sem_curate.quality.run.QualityConfig",
    "sem_curate.embed.run.EmbedConfig",
    "sem_curate.decide.brain.ProposeConfig",
    "sem_curate.search.backend.FaissSimilarityConfig",
]


@pytest.mark.parametrize("dotted", CONFIGS)
def test_config_classes_stay_where_saved_runs_look_for_them(dotted: str) -> None:
    module, name = dotted.rsplit(".", 1)
    config = getattr(importlib.import_module(module), name)
    assert f"{config.__module__}.{config.__qualname__}" == dotted
    # FiftyOne finds the run class by cutting "Config" off the name.
    assert hasattr(importlib.import_module(module), name.removesuffix("Config"))
