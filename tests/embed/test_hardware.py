from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from sem_curate.embed import hardware
from sem_curate.errors import SetupError


@pytest.mark.parametrize(
    ("chosen", "device", "expected"),
    [
        ("auto", "cpu", None),
        ("auto", "cuda", torch.float16),
        ("full", "cuda", None),
        ("half", "cpu", torch.bfloat16),
        ("half", "cuda", torch.float16),
    ],
)
def test_precision_by_device(
    chosen: str, device: str, expected: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hardware.PRECISION, chosen)
    assert hardware.half_type(torch.device(device)) is expected


def test_an_unknown_precision_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hardware.PRECISION, "hafl")
    with pytest.raises(SetupError, match="SEM_CURATE_PRECISION=hafl is not one of auto, full, half"):
        hardware.half_type(torch.device("cpu"))


def test_threads_of_networks_do_not_spin_unless_asked_to() -> None:
    code = "import os, sem_curate; print(os.environ['OMP_WAIT_POLICY'])"
    for given, expected in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
        environment |= {"OMP_WAIT_POLICY": given} if given else {}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
