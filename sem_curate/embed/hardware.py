"""How torch uses this machine: threads and precision."""

from __future__ import annotations

import os
from typing import Final

import torch

from sem_curate.errors import SetupError, did_you_mean
from sem_curate.parallel import available_cores

PRECISION: Final = "SEM_CURATE_PRECISION"  # environment variable
AUTO, FULL, HALF = "auto", "full", "half"
PRECISIONS: Final = (AUTO, FULL, HALF)


def tune_threads() -> None:
    """Give torch the cores of this process; more threads than that wait for each other at every layer.

    torch counts the machine's cores, which in a container may be many times what is allowed. A user's own
    ``OMP_NUM_THREADS`` is left alone.
    """
    cores = available_cores()
    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > cores:
        torch.set_num_threads(cores)


def half_type(device: torch.device) -> torch.dtype | None:
    """Return the type to run networks in on this device, None for float32.

    ``SEM_CURATE_PRECISION=auto`` (default): float16 on a GPU (twice the speed or more, cosine to float32 above 0.999
    for vision transformers), float32 on a CPU. ``full``: float32 everywhere. ``half``: also on a CPU, as bfloat16,
    which pays where the processor multiplies it (AMX, AVX512-BF16).

    Raises:
        SetupError: for another word.
    """
    chosen = os.environ.get(PRECISION, AUTO)
    if chosen not in PRECISIONS:
        raise SetupError(
            f"{PRECISION}={chosen} is not one of {', '.join(PRECISIONS)}.{did_you_mean(chosen, PRECISIONS)}"
        )
    if chosen == FULL or (chosen == AUTO and device.type != "cuda"):
        return None
    return torch.float16 if device.type == "cuda" else torch.bfloat16
