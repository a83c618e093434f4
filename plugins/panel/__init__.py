"""FiftyOne plugin ``@sem-curate/panel``: the SEM Curate panel."""

from __future__ import annotations

from typing import Any

from .panel import SemCuratePanel


def register(plugin: Any) -> None:
    """Register the panel; FiftyOne calls this."""
    plugin.register(SemCuratePanel)
