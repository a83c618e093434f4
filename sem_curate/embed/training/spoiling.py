"""Random imaging faults for training scenes, far beyond what the renderer does: real microscopes differ more."""

from __future__ import annotations

import cv2
import numpy as np

from sem_curate.arrays import Floats

Rng = np.random.Generator


def spoil(rng: Rng, image: Floats) -> Floats:
    """Change shading, gamma, gain, focus, noise, polarity and compression of an (S, S) image, each now and then."""
    image = _noise(rng, _blur(rng, _tone(rng, _shade(rng, image))))
    if rng.random() < 0.05:
        image = 1 - image
    if rng.random() < 0.25:
        image = _compress(rng, image)
    return np.asarray(image, np.float32)


def _shade(rng: Rng, image: Floats) -> Floats:
    if rng.random() < 0.6:
        return image
    side = image.shape[0]
    corners = rng.normal(0, 0.12, (2, 2)).astype(np.float32)
    slope = cv2.resize(corners, (side, side), interpolation=cv2.INTER_LINEAR)
    shaded: Floats = image * (1 + 2 * slope) if rng.random() < 0.5 else image + slope
    return shaded


def _tone(rng: Rng, image: Floats) -> Floats:
    image = np.clip(image, 0, None) ** np.float32(np.exp(rng.normal(0, 0.3)))
    gain = np.exp(rng.normal(0, 0.3)) if rng.random() < 0.85 else rng.uniform(0.1, 0.4)
    return np.asarray(image * np.float32(gain) + np.float32(rng.normal(0, 0.05)), np.float32)


def _blur(rng: Rng, image: Floats) -> Floats:
    if rng.random() < 0.65:
        return image
    blurred: Floats = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.5) if rng.random() < 0.8 else 3.0))
    return blurred


def _noise(rng: Rng, image: Floats) -> Floats:
    spread = float(image.std()) + 0.02
    if rng.random() < 0.7:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        if rng.random() < 0.3:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * 2
        image = image + np.float32(spread * abs(rng.normal(0, 0.45))) * noise
    if rng.random() < 0.2:
        lines = rng.standard_normal((image.shape[0], 1), dtype=np.float32)
        image = image + np.float32(spread * abs(rng.normal(0, 0.25))) * lines
    return np.clip(image, 0, 1) if rng.random() < 0.8 else image


def _compress(rng: Rng, image: Floats) -> Floats:
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 92))])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)
