"""From a depth map to detector signal.

Secondary-electron yield grows as 1/cos of the surface angle and again at convex edges, where electrons also escape
sideways (Reimer, Scanning Electron Microscopy, 2nd ed., 1998, ch. 4-6, doi:10.1007/978-3-540-38967-5).
"""

from __future__ import annotations

import cv2
import numpy as np

from sem_curate.arrays import Floats
from sem_curate.rendering.conditions import Condition
from sem_curate.rendering.scene import Relief

# The yield law diverges at grazing beams; real yields level off near this multiple.
MAX_YIELD = 3.6
# Shadows and hollows are broad: computing them at this side length at most keeps 1024-pixel frames fast.
COARSE = 128


def _coarse(field: Floats) -> Floats:
    side = min(COARSE, field.shape[0])
    return np.asarray(cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _up(field: Floats, size: int) -> Floats:
    return np.asarray(cv2.resize(field, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _slopes(depth: Floats) -> tuple[Floats, Floats]:
    """Return the depth gradient in pixels per pixel, along columns and rows."""
    gx = cv2.Sobel(depth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125, borderType=cv2.BORDER_REPLICATE)
    return gx, gy


def _relative_height(depth: Floats, sigma: float) -> Floats:
    """Return how far each point stands above its neighbourhood, in units of ``sigma`` pixels, in (-1, 1)."""
    mean = cv2.GaussianBlur(depth, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.tanh((depth - mean) / np.float32(sigma)), dtype=np.float32)


def _shadow(depth: Floats, light: tuple[float, float], rise: float) -> Floats:
    """Return [0, 1] how deep each point lies in the shadow of what stands towards ``light``."""
    side = depth.shape[0]
    worst = np.zeros_like(depth)
    for distance in (1.0, 2.0, 3.5, 6.0, 10.0, 17.0, 28.0):
        move = np.array([[1, 0, -light[0] * distance], [0, 1, -light[1] * distance]], np.float32)
        ahead = cv2.warpAffine(depth, move, (side, side), borderMode=cv2.BORDER_REPLICATE)
        np.maximum(worst, (ahead - depth - np.float32(rise * distance)) / np.float32(1 + 0.4 * distance), out=worst)
    soft = cv2.GaussianBlur(np.minimum(worst, 1), (0, 0), 0.9)
    return np.asarray(soft, dtype=np.float32)


def signal(relief: Relief, condition: Condition, light_deg: float) -> Floats:
    """Return the (H, W) float32 detector signal, >= 0; a level surface of mean material gives about 0.42.

    Args:
        relief: what the beam meets.
        condition: detector settings.
        light_deg: direction in the image from which the detector collects.
    """
    depth = relief.depth
    size = depth.shape[0]
    gx, gy = _slopes(depth)
    steep = np.sqrt(1 + gx * gx + gy * gy)
    gain = np.minimum(steep, np.float32(MAX_YIELD)) - 1
    emitted = np.asarray(1 + np.float32(condition.topography) * gain, dtype=np.float32)
    light = (float(np.cos(np.radians(light_deg))), float(np.sin(np.radians(light_deg))))
    if condition.side_light:
        facing = -(gx * np.float32(light[0]) + gy * np.float32(light[1])) / steep
        emitted *= 1 - np.float32(condition.side_light) * facing
    rim = _relative_height(depth, max(0.8, 0.009 * size))
    emitted *= 1 + np.float32(0.5 * condition.edge) * rim

    ratio = np.float32(min(COARSE, size) / size)
    broad = _coarse(depth) * ratio
    sunk = np.minimum(_relative_height(broad, 0.07 * broad.shape[0]), 0)
    lit = 1 + np.float32(0.55 * min(1.0, condition.edge + 0.15)) * sunk
    if condition.shadow:
        lit = lit * (1 - np.float32(condition.shadow) * _shadow(broad, light, 0.55))
    emitted *= _up(lit, size) * (1 - np.float32(0.75) * relief.hollow)

    solid = relief.mask | relief.others
    material = 1 + np.float32(condition.material) * (relief.tone + np.float32(0.5) * relief.phase - 1)
    stage = np.float32(condition.substrate) * (1 + np.float32(0.13) * relief.grain)
    strength = np.where(solid, np.float32(condition.body) * np.maximum(material, 0.2), np.maximum(stage, 0.0))
    body = np.where(solid, emitted, 1 + np.where(emitted > 1, np.float32(0.25), np.float32(0.8)) * (emitted - 1))
    raw = strength * np.maximum(body, 0)
    # Detectors level off: the brightest edges stay below clipping at normal gain.
    return np.asarray(np.where(raw < 0.6, raw, 0.6 + 0.4 * np.tanh((raw - 0.6) / 0.4)), dtype=np.float32)
