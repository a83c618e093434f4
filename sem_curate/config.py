"""Frozen settings, one value per stage. Each default carries its reason; the whole value is saved with each run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class IntegrateConfig:
    """How six views become one particle vector."""

    # Chosen on 480 to 1,600 rendered particles for each of three encoders, 0 to 3 of 6 views spoiled.
    quality_power: float = 0.5  # 1 gains as much on average, but less evenly
    trim_gap: float = 0.4  # a view that agrees so much less than its slot usually does is probably another object
    trim_factor: float = 0.1  # keep a little of it: dropping loses data when the view was right
    quality_floor: float = 0.01  # only what was judged unusable lies below; 0.15 was no better on average

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        _check(0 <= self.quality_power <= 4, "quality_power must be in [0, 4]", self.quality_power)
        _check(self.trim_gap > 0, "trim_gap must be > 0", self.trim_gap)
        _check(0 <= self.trim_factor <= 1, "trim_factor must be in [0, 1]", self.trim_factor)
        _check(0 <= self.quality_floor < 1, "quality_floor must be in [0, 1)", self.quality_floor)


RULES = ("auto", "prototype", "neighbours", "logistic", "mixture")


@dataclass(frozen=True)
class DecideConfig:
    """When a proposal is auto, needs review, or unknown. Uncertified: the shares below are ranks, not error rates."""

    prototype_up_to: int = 5  # masters per label; with more, neighbours vote, because labels become multi-modal
    neighbours: int = 20  # DINO's k; cut to the number of masters when there are fewer
    temperature: float = 0.07  # DINO's kNN vote temperature
    unknown_quantile: float = 0.05  # less known than this share of masters are to their own kind -> unknown
    auto_quantile: float = 0.5  # at least as known as this share of masters are -> may be auto; at 0.25 2 to 3
    # points more of the auto proposals were wrong on rendered particles
    min_margin: float = 0.3  # confidence gap below which two labels are "close candidates"
    min_agreement: float = 0.5  # weight share of views that alone say the same; below it they disagree
    min_quality: float = 0.2  # mean quality of the present views below which people should look
    auto_confirm: bool = False  # write decisions for auto proposals
    rule: str = "auto"  # a proposal rule of decide/rules.py by name; "auto" chooses by the number of masters per label

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        _check(self.rule in RULES, f"rule must be one of {', '.join(RULES)}", self.rule)
        _check(self.neighbours >= 1, "neighbours must be >= 1", self.neighbours)
        _check(self.temperature > 0, "temperature must be > 0", self.temperature)
        _check(0 <= self.unknown_quantile <= self.auto_quantile <= 1,
               "unknown_quantile and auto_quantile must satisfy 0 <= unknown <= auto <= 1",
               (self.unknown_quantile, self.auto_quantile))  # fmt: skip


def as_dict(config: Any) -> dict[str, Any]:
    """Return a settings value as a plain dictionary, for saving with a run."""
    return asdict(config)


def _check(ok: bool, rule: str, value: object) -> None:
    if not ok:
        raise ValueError(f"{rule}; got {value!r}")
