"""Family ``timm:<name>[@checkpoint][#pool=mask|avg]``: any timm backbone as an image encoder.

DINO's class token is better than the mean of its patches for retrieval, but timm pools DINOv3 by mean unless
told otherwise (huggingface/pytorch-image-models#2681); hence ``global_pool="token"`` for DINO ViTs.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch

from sem_curate import paths
from sem_curate.embed import pooling
from sem_curate.embed.encoders import MARK
from sem_curate.embed.network import TorchEncoder
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError, UnknownEncoderError, did_you_mean
from sem_curate.quality.mask import MASK_VERSION

LOCAL = "local-dir:"  # timm's and open_clip's own word for a folder in the hub's format
HUB = "hf-hub:"
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
# DINOv2 was published at 518 px: 46.8 GMACs against 6 at 224 px, and position embeddings are resampled well.
DINOV2_SIZE = 224


def load(name: str, rest: str) -> TorchEncoder:
    """Build a timm encoder.

    Args:
        name: the full encoder name, kept as its id.
        rest: ``model[.tag][@checkpoint][#pool=...]``; the checkpoint is a weights file or a folder with
            ``config.json``. Or ``local-dir:FOLDER``, a folder that names its own model; or ``hf-hub:OWNER/NAME``.

    Raises:
        UnknownEncoderError: timm has no such model, or there is no such pooling for it.
        EncoderError: no weights here and none can be fetched, or they do not fit.
    """
    rest, pooled = pooling.split(rest)
    model_name, checkpoint = _resolve(rest)
    if checkpoint is not None and not checkpoint.exists():
        raise EncoderError(f"checkpoint '{checkpoint}' of encoder '{name}' does not exist; {_remedy(model_name)}")
    model = _create(name, model_name, checkpoint)
    if not pooled:
        return TorchEncoder(name, model, _preprocessing(model), images=model)
    return _pooled(name, model, pooled)


def _resolve(rest: str) -> tuple[str, Path | None]:
    """Return timm's model name, and the local weights to use; None for published ones."""
    if rest.startswith(LOCAL):
        folder = Path(rest.removeprefix(LOCAL)).expanduser()
        architecture = str(_config(folder)["architecture"])
        _check_name(architecture)
        return architecture, folder
    model_name, _, given = rest.partition("@")
    if model_name.startswith(HUB):
        return model_name, None
    _check_name(model_name)
    return model_name, Path(given.removeprefix(LOCAL)).expanduser() if given else find_checkpoint(model_name)


def _pooled(name: str, model: torch.nn.Module, kind: str) -> TorchEncoder:
    grid = pooling.token_grid(model)
    if grid is None:
        raise UnknownEncoderError(
            f"'{name}' asks to pool patch tokens, but this network has none of its own or pools them by attention; "
            f"leave out '{MARK}{kind}', or use a vision transformer such as 'timm:vit_small_patch14_dinov2'"
        )
    masked = kind == pooling.MASK
    # Other masks give other vectors: their version is part of the identity.
    how = f"{kind} of patches, masks {MASK_VERSION}" if masked else f"{kind} of patches"
    images = pooling.TokenPool(model, grid, kind)
    return TorchEncoder(name, model, replace(_preprocessing(model), pooling=how), images=images, takes_mask=masked)


def open_trunk(name: str) -> tuple[str, dict[str, Any], torch.nn.Module, Preprocessing]:
    """Open a timm model to train it on: ``timm:NAME[@FILE]``.

    Returns:
        Its architecture, the arguments that build it again, itself without classifier, and its preprocessing.

    Raises:
        UnknownEncoderError: timm has no such model, or a pooling was asked for.
        EncoderError: no weights here and none can be fetched, or they do not fit.
    """
    rest = name.partition(":")[2]
    if MARK in rest:
        raise UnknownEncoderError(f"'{name}' asks for a pooling, which cannot be trained; leave out '{MARK}...'")
    model_name, _, given = rest.partition("@")
    _check_name(model_name)
    checkpoint = Path(given).expanduser() if given else find_checkpoint(model_name)
    if checkpoint is not None and not checkpoint.exists():
        raise EncoderError(f"checkpoint '{checkpoint}' of '{name}' does not exist; {_remedy(model_name)}")
    own = _read_folder(checkpoint, model_name)[2] if checkpoint is not None and checkpoint.is_dir() else {}
    model = _create(name, model_name, checkpoint)
    arguments = {**own, **_dino_arguments(model_name)}
    return model_name.partition(".")[0], arguments, model, _preprocessing(model)


def find_checkpoint(model_name: str) -> Path | None:
    """Return ``<home>/encoders/<model_name>`` as a folder or weights file, or None."""
    folder = paths.home() / "encoders"
    candidates = [folder / model_name, *(folder / f"{model_name}{suffix}" for suffix in SUFFIXES)]
    return next((path for path in candidates if path.exists()), None)


def _check_name(model_name: str) -> None:
    architecture, _, tag = model_name.partition(".")
    if not timm.is_model(architecture):
        hint = did_you_mean(architecture, timm.list_models())
        raise UnknownEncoderError(f"timm {timm.__version__} has no model '{model_name}'.{hint}")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if tag and tags and tag not in tags:
        raise UnknownEncoderError(f"timm's '{architecture}' has no weights tagged '{tag}'.{did_you_mean(tag, tags)}")


def _create(name: str, model_name: str, checkpoint: Path | None) -> torch.nn.Module:
    arguments: dict[str, Any] = {"pretrained": True, "num_classes": 0, **_dino_arguments(model_name)}
    source, overlay = model_name, dict[str, Any]()
    if checkpoint is not None and checkpoint.is_dir():
        source, overlay, own = _read_folder(checkpoint, model_name)
        arguments = {**own, **arguments}
    try:
        if checkpoint is not None:
            # timm loads loosely as soon as it drops a classifier, so wrong weights would pass as random ones;
            # without a classifier to drop it is strict.
            overlay["state_dict"] = _state_without_classifier(checkpoint, model_name)
            arguments["pretrained_cfg_overlay"] = {**overlay, "num_classes": 0}
        model: torch.nn.Module = timm.create_model(source, **arguments)
    except Exception as error:
        where = f"checkpoint '{checkpoint}'" if checkpoint else "its published weights"
        reason = " ".join(str(error).split())[:240] or type(error).__name__
        raise EncoderError(
            f"encoder '{name}' could not be loaded from {where} ({reason}); {_remedy(model_name)}"
        ) from error
    return model


def _state_without_classifier(checkpoint: Path, model_name: str) -> dict[str, torch.Tensor]:
    """Read a weights file, or the one in a folder, without unpickling code."""
    files = [checkpoint] if checkpoint.is_file() else sorted(p for p in checkpoint.iterdir() if p.suffix in SUFFIXES)
    if not files:
        raise EncoderError(f"folder '{checkpoint}' holds no weights ({', '.join(SUFFIXES)})")
    best = min(files, key=lambda path: SUFFIXES.index(path.suffix) if path.suffix in SUFFIXES else len(SUFFIXES))
    state: dict[str, torch.Tensor] = timm.models.load_state_dict(str(best), weights_only=True)
    classifier = timm.get_pretrained_cfg_value(model_name, "classifier") or ()
    heads = tuple(f"{head}." for head in ((classifier,) if isinstance(classifier, str) else classifier))
    return {name: tensor for name, tensor in state.items() if not name.startswith(heads)} if heads else state


def _dino_arguments(model_name: str) -> dict[str, Any]:
    if not re.match(r"(vit|eva|deit).*dino", model_name.rpartition("/")[2]):
        return {}
    size = {"img_size": DINOV2_SIZE} if "dinov2" in model_name else {}
    return {"global_pool": "token", **size}


def _read_folder(folder: Path, model_name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return architecture, input settings and model arguments of a hub-style folder.

    Raises:
        EncoderError: when it has no readable ``config.json``, or holds another architecture.
    """
    config = _config(folder)
    architecture, inputs = str(config["architecture"]), dict(config.get("pretrained_cfg") or {})
    if architecture != model_name.partition(".")[0]:
        raise EncoderError(f"'{folder}' holds a '{architecture}', not a '{model_name}'; use 'timm:{architecture}@...'")
    kept = {key: tuple(inputs[key]) for key in ("input_size", "mean", "std") if inputs.get(key)}
    return architecture, kept, dict(config.get("model_args") or {})


def _config(folder: Path) -> dict[str, Any]:
    """Read ``config.json`` of a hub-style folder.

    Raises:
        EncoderError: when it is missing, or names no architecture.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config["architecture"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"'{folder}' has no readable config.json naming its architecture") from error
    return config


def _preprocessing(model: torch.nn.Module) -> Preprocessing:
    config = timm.data.resolve_model_data_config(model)
    _, height, width = config["input_size"]
    # A transformer built for another size says so here, and only here.
    height, width = getattr(getattr(model, "patch_embed", None), "img_size", None) or (height, width)
    return Preprocessing(
        height=int(height),
        width=int(width),
        mean=tuple(float(level) for level in config["mean"]),
        std=tuple(float(level) for level in config["std"]),
        pooling=str(getattr(model, "global_pool", "")) if hasattr(model, "blocks") else "native",
    )


def _remedy(model_name: str) -> str:
    if model_name.startswith(HUB):
        return f"check the name and the network, or download the repository and name it 'timm:{LOCAL}/path/to/folder'"
    published = timm.get_pretrained_cfg(model_name)
    source = f"https://huggingface.co/{published.hf_hub_id}" if published and published.hf_hub_id else "its publisher"
    return (
        f"download model.safetensors (and config.json) from {source} on a machine with a network, "
        f"copy the weights here and name them 'timm:{model_name}@/path/to/model.safetensors', "
        f"or put them at '{paths.home() / 'encoders' / (model_name + '.safetensors')}'"
    )
