"""What a benchmark prints: a figure, the baseline of the same run, the target, and whether it holds."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number or text. ``direction`` says which way is better; ``holds`` is None without a target."""

    name: str
    value: float | str
    baseline: float | str | None = None
    target: float | str | None = None
    direction: str | None = None
    holds: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as JSON values."""
        return asdict(self)


def at_least(name: str, value: float, target: float, baseline: float | None = None) -> Figure:
    """Return a figure that should reach ``target``."""
    return Figure(name, value, baseline, target, "higher", value >= target)


def at_most(name: str, value: float, target: float, baseline: float | None = None) -> Figure:
    """Return a figure that should stay at or below ``target``."""
    return Figure(name, value, baseline, target, "lower", value <= target)


def equals(name: str, value: float | str, target: float | str) -> Figure:
    """Return a figure that must be exactly ``target``."""
    return Figure(name, value, None, target, "equal", value == target)


def machine() -> dict[str, Any]:
    """Describe the machine in a few words: figures mean little without it."""
    return {"system": platform.system(), "machine": platform.machine(), "python": platform.python_version(),
            "cores": os.cpu_count()}  # fmt: skip
