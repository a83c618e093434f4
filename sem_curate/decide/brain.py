"""The proposal stage as a FiftyOne Brain run. Saved runs name these classes by path: do not move or rename them."""

from __future__ import annotations

from typing import Any

import fiftyone.core.brain as fob

from sem_curate import schema


class ProposeConfig(fob.BrainMethodConfig):
    """Settings of a proposal run, saved with it."""

    def __init__(self, integrate: Any = None, decide: Any = None, encoder_key: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.integrate, self.decide, self.encoder_key = integrate, decide, encoder_key

    @property
    def type(self) -> str:
        """Return the run type."""
        return "sem_propose"

    @property
    def method(self) -> str:
        """Return the method's name."""
        return "masters"


class Propose(fob.BrainMethod):
    """A proposal run. Deleting it leaves every field: a reviewer may be working with them."""

    def ensure_requirements(self) -> None:
        """Need nothing beyond this package."""

    def get_fields(self, samples: Any, brain_key: str) -> list[str]:
        """Return the fields that show proposals."""
        return [
            schema.PROPOSAL,
            schema.PROPOSAL_STATE,
            schema.MARGIN,
            schema.KNOWNNESS,
            schema.REVIEW_REASONS,
            schema.RETAKE_VIEW,
            schema.AGREEMENT,
            schema.ENTROPY,
            schema.ONE_VIEW,
        ]

    def cleanup(self, samples: Any, brain_key: str) -> None:
        """Keep the fields; proposals are replaced by the next run, decisions never."""


class ProposeResults(fob.BrainResults):
    """What the last run did."""

    def __init__(
        self, samples: Any, config: Any, brain_key: str, summary: dict[str, Any] | None = None, backend: Any = None
    ) -> None:
        super().__init__(samples, config, brain_key, backend=backend)
        self.summary = summary or {}

    @classmethod
    def _from_dict(cls, d: dict[str, Any], samples: Any, config: Any, key: str) -> ProposeResults:
        return cls(samples, config, key, summary=d["summary"])
