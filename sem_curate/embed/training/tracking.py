"""An experiment tracker beside the progress bar, where one is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sem_curate.errors import SetupError


@contextmanager
def tracker(uri: str | None, settings: Mapping[str, Any]) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Give a function that takes a step and measurements; they go to MLflow when ``uri`` is given, else nowhere.

    Args:
        uri: of an MLflow tracking server or folder, or None.
        settings: written down as the run's parameters.

    Raises:
        SetupError: when MLflow is asked for and not installed.
    """
    if uri is None:
        yield lambda step, measured: None
        return
    try:
        mlflow = importlib.import_module("mlflow")
    except ImportError as error:
        raise SetupError(f"--mlflow needs 'pip install mlflow-skinny' ({error}); or leave the option out") from error
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("sem-curate")
    with mlflow.start_run():
        mlflow.log_params({key: str(value) for key, value in settings.items() if value is not None})
        yield lambda step, measured: mlflow.log_metrics(measured, step=step)
