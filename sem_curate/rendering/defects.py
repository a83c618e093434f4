"""What goes wrong between detector and file: charging, focus, drift, noise, exposure, overlays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats

Rng = np.random.Generator
# Info bars of common instruments take 6 to 10 % of the image.
BAR_SHARE = 0.085


def charge(rng: Rng, image: Floats, body: Bools, amount: float) -> Floats:
    """Add a halo round the particle, streaks along the scan lines behind it, and lines of shifted level."""
    if amount <= 0:
        return image
    size = image.shape[0]
    side = min(128, size)
    small = cv2.resize(body.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    halo = cv2.resize(cv2.GaussianBlur(small, (0, 0), 0.07 * side), (size, size))
    reach = max(3, int(0.55 * side))
    tail = np.asarray(np.exp(-np.arange(reach)[::-1] / (0.22 * side)), dtype=np.float32)[None, :]
    behind = cv2.filter2D(small, -1, tail / tail.sum(), anchor=(reach - 1, 0), borderType=cv2.BORDER_CONSTANT)
    behind = cv2.resize(behind, (size, size))
    lines = rng.standard_normal((size, 1), dtype=np.float32)
    runs = cv2.GaussianBlur(lines, (1, 0), 0, sigmaY=max(0.8, 0.008 * size))
    runs = runs.reshape(size, 1) / max(float(runs.std()), 1e-6)
    streaks = np.clip(runs, -0.8, 2.5) * (behind * 0.5 + 0.06) + np.where(runs > 1.9, np.float32(0.1), np.float32(0))
    glow = halo * np.where(body, np.float32(0.35), np.float32(0.6))
    return np.asarray(image + np.float32(amount) * (glow + np.float32(0.75) * streaks), dtype=np.float32)


def defocus(image: Floats, sigma: float, astigmatism: float, angle_deg: float) -> Floats:
    """Blur by a Gaussian of geometric-mean deviation ``sigma`` pixels, stretched along ``angle_deg``."""
    if astigmatism <= 1.02:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
    long, short = sigma * astigmatism**0.5, sigma / astigmatism**0.5
    reach = int(np.ceil(3 * long))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    kernel = np.exp(-(((c * x + s * y) / long) ** 2 + ((c * y - s * x) / short) ** 2) / 2)
    blurred = cv2.filter2D(image, -1, (kernel / kernel.sum()).astype(np.float32), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, dtype=np.float32)


def drift_lines(rng: Rng, size: int, amount: float) -> Floats:
    """Return (H,) sideways displacement of each scan line in pixels, largest absolute value ``amount``."""
    at = np.linspace(-1, 1, size)
    slow = at * rng.choice([-1.0, 1.0]) + rng.uniform(-0.6, 0.6) * at**2
    walk = np.interp(np.arange(size), np.linspace(0, size, 65), np.cumsum(rng.standard_normal(65)) * 0.09)
    jumps = np.where(np.arange(size) > rng.uniform(0.2, 0.8) * size, rng.uniform(-0.5, 0.5), 0.0)
    lines = slow + walk - walk.mean() + jumps
    return np.asarray(lines / max(float(np.abs(lines).max()), 1e-9) * amount, dtype=np.float32)


def visible_drift(lines: Floats) -> float:
    """Return the root mean square deviation of (H,) displacements from their best parabola, in the same unit.

    One image does not show more: a shear or an even bend of the scan might as well be the shape of the particle.
    """
    at = np.linspace(-1, 1, len(lines))
    return float((lines - np.polyval(np.polyfit(at, lines, 2), at)).std())


def drift(field: Floats, lines: Floats) -> Floats:
    """Displace each row of an (H, W) float32 field sideways."""
    rows, columns = field.shape
    x = np.arange(columns, dtype=np.float32)[None, :] + lines[:, None]
    y = np.repeat(np.arange(rows, dtype=np.float32)[:, None], columns, axis=1)
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def grain(rng: Rng, image: Floats, sigma: float, line_share: float) -> Floats:
    """Return shot, read and line noise of mean deviation ``sigma``; brighter pixels are noisier (Poisson)."""
    shot = rng.standard_normal(image.shape, dtype=np.float32)
    shot *= np.sqrt(np.maximum(image, 0) * np.float32(1.2) + np.float32(0.45))
    lines = rng.standard_normal((image.shape[0], 1), dtype=np.float32)
    lines += np.float32(1.5) * cv2.GaussianBlur(lines, (1, 0), 0, sigmaY=2.0)
    noise = shot + np.float32(line_share) * lines
    return np.asarray(noise * np.float32(sigma / max(float(noise.std()), 1e-6)), dtype=np.float32)


@dataclass(frozen=True)
class Overlay:
    """What the microscope burns into the image: ``style`` is ``none``, ``bar`` (info bar) or ``scale`` (scale bar)."""

    style: str
    text: str


def _nice(value: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is <= value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(step for step in (1, 2, 5) if step * power <= value * 1.0001))


def _length(nanometres: float) -> str:
    return f"{nanometres / 1000:g} um" if nanometres >= 1000 else f"{nanometres:g} nm"


def burn(image: NDArray[np.uint8], overlay: Overlay, pixel_size_nm: float) -> tuple[int, int, Bools]:
    """Draw the overlay into ``image`` in place.

    Returns:
        Height of the info bar and length of the scale bar in pixels (0 = none), and (H, W) bool where the overlay
        covers the image.
    """
    size = image.shape[0]
    covered = np.zeros(image.shape, bool)
    if overlay.style == "none" or size < 48:
        return 0, 0, covered
    nanometres = _nice(0.25 * size * pixel_size_nm)
    length = max(2, round(nanometres / pixel_size_nm))
    height = max(7, round(BAR_SHARE * size)) if overlay.style == "bar" else 0
    thick = max(1, size // 170)
    right = size - max(3, size // 30)
    middle = size - height // 2 if height else size - max(4, size // 18)
    if height:
        image[-height:] = 8
        covered[-height:] = True
        # Hershey capitals are about 21 units tall at scale 1.
        letter = 0.6 * height / 21
        cv2.putText(image, overlay.text, (2, size - max(2, round(height * 0.22))), cv2.FONT_HERSHEY_SIMPLEX,
                    letter, 235, max(1, size // 400), cv2.LINE_AA)  # fmt: skip
    top, left = middle - thick // 2, right - length
    image[top : top + thick + 1, left:right] = 255
    covered[top : top + thick + 1, left:right] = True
    if not height and size >= 96:
        letter, text = size / 400, _length(nanometres)
        (width, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, letter, max(1, size // 400))
        base = top - max(2, size // 60)
        at = (min(left, right - width), base)
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, letter, 255, max(1, size // 400), cv2.LINE_AA)
        covered[base - tall : base + 1, at[0] : right] = True
    return height, length, covered
