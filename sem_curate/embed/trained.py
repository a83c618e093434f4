"""Family ``trained:<folder>``: ``model.safetensors`` and ``config.json`` as ``sem-curate train`` writes them.

``config.json`` holds ``kind`` ("image" or "image-text"), ``preprocessing`` (mean, std, size) and ``model``, the
arguments that build the network. The weights may be float16; they are used as float32.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch

from sem_curate.embed import clip_encoder
from sem_curate.embed.network import TorchEncoder, load_weights, read_state_dict
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.embed.tokenizer import Tokenizer
from sem_curate.errors import EncoderError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def load(name: str, rest: str) -> TorchEncoder:
    """Load an encoder that this project trained.

    Args:
        name: the full encoder name, kept as its id.
        rest: the folder.

    Raises:
        EncoderError: files are missing or do not belong together.
    """
    folder = Path(rest).expanduser()
    config = read_config(folder)
    build = {"image": _image, "image-text": _image_text}.get(config.get("kind", ""))
    if build is None:
        raise EncoderError(f"'{folder / CONFIG}' names kind '{config.get('kind')}'; expected 'image' or 'image-text'")
    try:
        return build(name, config, folder / WEIGHTS)
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(f"'{folder / CONFIG}' does not describe an encoder ({error})") from error


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.json`` of a trained encoder.

    Raises:
        EncoderError: when it is missing or no JSON object.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"'{folder}' has no readable {CONFIG}; train one with 'sem-curate train'") from error
    if not isinstance(config, dict):
        raise EncoderError(f"'{folder / CONFIG}' must hold one JSON object")
    return config


def build_backbone(model: dict[str, Any]) -> torch.nn.Module:
    """Build the untrained image network of a ``config.json``: grey channels in, ``dim`` numbers out.

    Ours is a narrow network with its own closing layer; one that began as a timm model (``arguments``) gets one.
    """
    dim = int(model["dim"])
    if "arguments" in model:
        parts = {"trunk": build_trunk(model), "fc": torch.nn.Linear(dim, dim)}
        return torch.nn.Sequential(OrderedDict(parts))
    return _create(model, num_classes=dim)


def build_trunk(model: dict[str, Any]) -> torch.nn.Module:
    """Build the same network without its closing layer; it answers pooled features."""
    return _create(model, num_classes=0)


def _create(model: dict[str, Any], **given: Any) -> torch.nn.Module:
    widths = {} if "arguments" in model else {
        "in_chans": 1, "channels": tuple(model["channels"]), "stem_width": int(model["stem"]),
    }  # fmt: skip
    arguments = {**model.get("arguments", {}), **widths, **given}
    network: torch.nn.Module = timm.create_model(model["architecture"], pretrained=False, **arguments)
    return network.to(memory_format=torch.channels_last)  # 1.5 times faster on a CPU


def build_clip(model: dict[str, Any]) -> Any:
    """Build the untrained image-text network of a ``config.json``.

    open_clip's own timm tower takes colour images and no widths, so ours takes its place.
    """
    text = open_clip.CLIPTextCfg(**model["text"])
    placeholder = open_clip.CLIPVisionCfg(layers=1, width=64, patch_size=32, image_size=32)
    clip = open_clip.CustomTextCLIP(embed_dim=int(model["vision"]["dim"]), vision_cfg=placeholder, text_cfg=text)
    clip.visual = build_backbone(model["vision"])
    return clip


def preprocessing(entry: dict[str, Any], pooling: str) -> Preprocessing:
    """Return what the ``preprocessing`` of a ``config.json`` says; ``pooling`` is part of the encoder's identity."""
    return Preprocessing(
        height=int(entry["size"]), width=int(entry["size"]), mean=tuple(entry["mean"]), std=tuple(entry["std"]),
        pooling=pooling,
    )  # fmt: skip


def _image(name: str, config: dict[str, Any], weights: Path) -> TorchEncoder:
    model = build_backbone(config["model"])
    load_weights(model, read_state_dict(weights), str(weights))
    return TorchEncoder(name, model, preprocessing(config["preprocessing"], "native"), images=model)


def build_image_text(config: dict[str, Any]) -> tuple[Any, Any]:
    """Build the untrained image-text network of a ``config.json``, ours or one of open_clip's, and its tokenizer."""
    model = config["model"]
    if "open_clip" in model:
        return clip_encoder.untrained(str(model["open_clip"]))
    length = int(model["text"]["context_length"])
    return build_clip(model), Tokenizer(config["vocabulary"], buckets=int(config["buckets"]), length=length)


def _image_text(name: str, config: dict[str, Any], weights: Path) -> TorchEncoder:
    model, tokenizer = build_image_text(config)
    load_weights(model, read_state_dict(weights), str(weights))
    note = json.dumps(config.get("vocabulary", config["model"]), ensure_ascii=False)
    return clip_encoder.wrap(name, model, tokenizer, preprocessing(config["preprocessing"], "clip"), note=note)
