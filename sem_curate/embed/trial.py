"""Networks to measure with: random weights in a local checkpoint, any precision, the network without its pipeline."""

from __future__ import annotations

import os
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from sem_curate.arrays import Floats
from sem_curate.embed import bundled, hardware, trained
from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.network import TorchEncoder

TINY = "test_vit"  # timm's network for tests: a vision transformer of 0.4 million parameters


def random_checkpoint(folder: Path, model: str, **arguments: object) -> str:
    """Save a timm network with random weights as a local checkpoint; returns the encoder name ``timm:...``."""
    torch.manual_seed(0)
    state = timm.create_model(model, pretrained=False, num_classes=0, **arguments).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(folder / f"{model}.safetensors"))
    return f"timm:{model}@{folder / f'{model}.safetensors'}"


def random_twin(name: str) -> TorchEncoder:
    """Return a bundled network as it was before any training."""
    config = trained.read_config(bundled.FOLDER / name)
    torch.manual_seed(0)
    model = trained.build_backbone(config["model"])
    return TorchEncoder("random", model, trained.preprocessing(config["preprocessing"], "native"), images=model)


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


def run_bare(encoder: TorchEncoder, inputs: Floats, batch: int) -> None:
    """Run the network alone on prepared (N, C, H, W) inputs, and drop what it answers."""
    tower = encoder.tower()
    with torch.inference_mode():
        for at in range(0, len(inputs), batch):
            tower(torch.from_numpy(inputs[at : at + batch]))
