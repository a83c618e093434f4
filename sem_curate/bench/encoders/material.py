"""Files and networks that several parts measure with: simulated images on disk, random weights in a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import timm
import torch
from safetensors.torch import save_file

from sem_curate.embed import hardware
from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.network import TorchEncoder
from sem_curate.rendering import render_views

RENDERED = 320  # pixels a side; enlarged, with noise added at full size, so that files are as large as real ones
NOISE = 6.0  # grey levels
TINY = "test_vit"  # timm's network for tests: a vision transformer of 0.4 million parameters


def write_images(folder: Path, count: int, seed: int, *, size: tuple[int, int] = (1280, 960)) -> list[str]:
    """Write simulated views as 8-bit PNG files of (width, height) ``size``, all different; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[str] = []
    base: dict[int, np.ndarray] = {}
    for index in range(count):
        shown = index % 24  # rendering is slow; the noise makes each file its own
        if shown not in base:
            base[shown] = cv2.resize(_view(seed + shown), size, interpolation=cv2.INTER_CUBIC)
        rng = np.random.default_rng((seed, index))
        noisy = base[shown] + rng.standard_normal((size[1], size[0]), np.float32) * NOISE
        paths.append(str(folder / f"{index:05d}.png"))
        cv2.imwrite(paths[-1], np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return paths


def random_checkpoint(folder: Path, model: str, **arguments: object) -> str:
    """Save a timm network with random weights as a local checkpoint; returns the encoder name ``timm:...``."""
    torch.manual_seed(0)
    state = timm.create_model(model, pretrained=False, num_classes=0, **arguments).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(folder / f"{model}.safetensors"))
    return f"timm:{model}@{folder / f'{model}.safetensors'}"


def _view(seed: int) -> np.ndarray:
    for view in (f"view{number}" for number in range(1, 7)):
        rendered = render_views(seed, [view], size=RENDERED).views[view]
        if rendered is not None:
            return np.asarray(rendered.image, np.float32)
    raise AssertionError(f"particle {seed} shows no view")


def load_torch(name: str, precision: str) -> TorchEncoder:
    """Load an encoder in one of ``hardware.PRECISIONS``, beside what is loaded already."""
    before = os.environ.get(hardware.PRECISION)
    os.environ[hardware.PRECISION] = precision
    get_encoder.cache_clear()
    try:
        encoder = get_encoder(name)
    finally:
        get_encoder.cache_clear()
        os.environ.pop(hardware.PRECISION)
        if before is not None:
            os.environ[hardware.PRECISION] = before
    if not isinstance(encoder, TorchEncoder):
        raise TypeError(f"'{name}' is no torch encoder")
    return encoder
