"""The cores this process may use, and numpy on all of them. Without torch, which takes seconds to import. Pure."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from threadpoolctl import threadpool_limits

In = TypeVar("In")
Out = TypeVar("Out")


def on_cores(function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
    """Apply a function of numpy arrays to each item in as many threads as there are cores; results in order.

    Numpy works outside the interpreter's lock. Each matrix product stays in one thread: cores then share whole items
    and not the few products that are large enough, and no digit depends on how many threads divided a product.
    """
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(function, items))


def available_cores() -> int:
    """Return how many cores this process may use, at least 1: affinity and container quota, not what is built in."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, quota(Path("/sys/fs/cgroup")) or allowed))


def quota(root: Path) -> int | None:
    """Return the cores that a container's limit leaves (rounded up), None without a limit; cgroup v2, then v1."""
    with suppress(OSError, ValueError):
        share, period = (root / "cpu.max").read_text(encoding="ascii").split()[:2]
        return None if share == "max" else math.ceil(int(share) / int(period))
    with suppress(OSError, ValueError):
        v1 = [int((root / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii")) for name in ("quota", "period")]
        return math.ceil(v1[0] / v1[1]) if v1[0] > 0 else None
    return None
