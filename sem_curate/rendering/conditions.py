"""The six simulated imaging conditions, in slot order."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from sem_curate.schema import DEFAULT_VIEWS


@dataclass(frozen=True)
class Condition:
    """How one view is taken and what its detector sees.

    Attributes:
        name_en: display name.
        name_ja: display name.
        detector: short name burnt into the info bar.
        voltage_kv: acceleration voltage.
        tilt_deg: stage tilt about the horizontal image axis.
        fill: lowest and highest share of the frame that the particle's longer side spans; above 1 it is cut.
        topography: strength of the 1/cos(angle) secondary-electron yield.
        edge: strength of the extra yield at convex edges, and of the loss in hollows.
        side_light: strength of the one-sided collection of a lateral detector.
        shadow: share of signal lost behind an obstacle seen from the detector.
        material: strength of the atomic-number contrast.
        body: signal of a level surface of mean material.
        substrate: brightness of the bare stage.
        contrast: spread of grey levels that the operator sets, 1 = whole range.
        noise: lowest and highest noise deviation in grey levels / 255.
        blur: lowest and highest focus blur in pixels of a 128-pixel image.
        line_noise: share of the noise that is constant along a scan line.
    """

    name_en: str
    name_ja: str
    detector: str
    voltage_kv: float
    tilt_deg: float
    fill: tuple[float, float]
    topography: float
    edge: float
    side_light: float
    shadow: float
    material: float
    body: float
    substrate: float
    contrast: float
    noise: tuple[float, float]
    blur: tuple[float, float]
    line_noise: float = 0.1


_OVERVIEW = Condition(
    "SE overview", "SE 全体像", "SE", 10.0, 0.0, (0.5, 0.82), 0.38, 0.75, 0.22, 0.35, 0.3, 0.39, 0.09, 1.05,
    (0.018, 0.04), (0.45, 0.8),
)  # fmt: skip
_BACKSCATTER = Condition(
    "BSE material contrast", "反射電子（組成）像", "BSE", 15.0, 0.0, (0.5, 0.82),
    0.06, 0.14, 0.0, 0.0, 1.0, 0.52, 0.035, 1.0, (0.025, 0.05), (0.55, 0.95),
)  # fmt: skip
_TILTED = Condition(
    "SE tilted 40°", "SE 傾斜40°", "SE", 10.0, 40.0, (0.5, 0.78), 0.38, 0.75, 0.35, 0.45, 0.3, 0.37, 0.13, 1.05,
    (0.018, 0.045), (0.5, 0.9),
)  # fmt: skip
_CLOSE = Condition(
    "SE high magnification", "SE 高倍率", "SE", 10.0, 0.0, (1.7, 3.0), 0.4, 0.6, 0.25, 0.3, 0.25, 0.4, 0.12, 1.0,
    (0.025, 0.05), (0.6, 1.1),
)  # fmt: skip
_SURFACE = Condition(
    "low-kV side detector", "低加速・側方検出器", "LVSE", 1.0, 0.0, (0.55, 0.88),
    0.1, 0.35, 0.85, 0.85, 0.1, 0.42, 0.26, 1.0, (0.03, 0.055), (0.5, 0.9),
)  # fmt: skip
_FAST = Condition(
    "fast scan", "高速スキャン", "SE", 5.0, 0.0, (0.4, 0.7), 0.3, 0.4, 0.2, 0.25, 0.25, 0.5, 0.2, 0.6,
    (0.065, 0.09), (0.6, 1.1), 0.3,
)  # fmt: skip

CONDITIONS = MappingProxyType(
    dict(zip(DEFAULT_VIEWS, (_OVERVIEW, _BACKSCATTER, _TILTED, _CLOSE, _SURFACE, _FAST), strict=True))
)
