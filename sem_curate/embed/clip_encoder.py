"""Family ``open_clip:<arch>/<tag or path>``: contrastive models that read images and sentences.

A path is a weights file for a built-in architecture, or a folder with ``open_clip_config.json`` (then the
architecture in the name is only a title). An absolute path gives a double slash: ``open_clip:ViT-B-32//data/b32.pt``;
``open_clip:ViT-B-32@/data/b32.pt`` means the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import open_clip
import torch

from sem_curate.embed.network import TorchEncoder
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError, UnknownEncoderError, did_you_mean

LOCAL = "local-dir:"


def load(name: str, rest: str) -> TorchEncoder:
    """Build an open_clip encoder.

    Args:
        name: the full encoder name, kept as its id.
        rest: ``<arch>/<pretrained tag, file or folder>``, ``local-dir:<folder>`` or ``hf-hub:<owner>/<name>``.

    Raises:
        UnknownEncoderError: open_clip has no such architecture or tag.
        EncoderError: no weights here and none can be fetched, or they do not fit.
    """
    _, model, tokenizer, preprocessing = open_model(name, rest)
    return wrap(name, model, tokenizer, preprocessing)


def open_model(name: str, rest: str) -> tuple[str, Any, Any, Preprocessing]:
    """Return open_clip's name of a model, the model with its weights, its tokenizer and what its images go through.

    Raises:
        UnknownEncoderError: open_clip has no such architecture or tag.
        EncoderError: no weights here and none can be fetched, or they do not fit.
    """
    architecture, _, source = _split(rest)
    model_name, pretrained = _resolve(name, architecture, source)
    model, tokenizer = _create(name, model_name, pretrained)
    return model_name, model, tokenizer, _preprocessing(model)


def untrained(architecture: str) -> tuple[Any, Any]:
    """Build one of open_clip's networks, to be filled with weights of our own, and its tokenizer.

    Raises:
        EncoderError: its tokenizer is neither here nor can be fetched.
    """
    return _create(f"open_clip:{architecture}", architecture, None, trained=False)


def wrap(name: str, model: Any, tokenizer: Any, preprocessing: Preprocessing, *, note: str = "") -> TorchEncoder:
    """Make an `Encoder` of any open_clip model and a tokenizer (T strings -> (T, L) int64)."""

    def texts(sentences: Sequence[str]) -> torch.Tensor:
        tokens = tokenizer(list(sentences)).to(next(model.parameters()).device)
        encoded: torch.Tensor = model.encode_text(tokens)
        return encoded

    return TorchEncoder(name, model, preprocessing, images=model.encode_image, texts=texts, preprocess_note=note)


def _split(rest: str) -> tuple[str, str, str]:
    if rest.startswith(LOCAL):
        return "", "/", rest.removeprefix(LOCAL)
    matched = re.match(r"((?:hf-hub:[^/@]+/)?[^/@]+)([/@])(.+)", rest)
    return (matched[1], matched[2], matched[3]) if matched else (rest, "", "")


def _resolve(name: str, architecture: str, source: str) -> tuple[str, str | None]:
    """Return open_clip's own (model name, pretrained) for ours."""
    path = Path(source).expanduser()
    if source and path.is_dir():
        if not (path / "open_clip_config.json").is_file():
            raise EncoderError(f"folder '{path}' of encoder '{name}' has no open_clip_config.json")
        return f"local-dir:{path}", None
    if architecture.startswith("hf-hub:"):
        return architecture, None
    if not architecture:
        raise EncoderError(f"there is no folder '{path}' for encoder '{name}'")
    if architecture not in open_clip.list_models():
        hint = did_you_mean(architecture, open_clip.list_models())
        raise UnknownEncoderError(f"open_clip has no architecture '{architecture}'.{hint}")
    if path.is_file():
        return architecture, str(path)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if source not in tags:
        raise UnknownEncoderError(
            f"'{source}' is neither a file, a folder nor one of {len(tags)} weights published for '{architecture}' "
            f"({', '.join(tags[:6]) or 'none'}).{did_you_mean(source, tags)}"
        )
    return architecture, source


def _create(name: str, model_name: str, pretrained: str | None, *, trained: bool = True) -> tuple[Any, Any]:
    try:
        # open_clip's messages go to the root logger, which would print them into the user's terminal.
        logging.getLogger().addFilter(_quiet)
        model = open_clip.create_model(
            model_name, pretrained=pretrained, weights_only=True, require_pretrained=trained, pretrained_text=False
        )
        return model, open_clip.get_tokenizer(model_name)
    except Exception as error:
        reason = " ".join(str(error).split())[:240] or type(error).__name__
        raise EncoderError(
            f"encoder '{name}' could not be loaded ({reason}); {_source(model_name, pretrained)}copy the weights here "
            f"and name them 'open_clip:ARCH//path/to/weights.safetensors', or 'open_clip:{LOCAL}FOLDER' with "
            f"open_clip_config.json, weights and tokenizer files"
        ) from error
    finally:
        logging.getLogger().removeFilter(_quiet)


def _source(model_name: str, pretrained: str | None) -> str:
    """Say where published weights can be downloaded; nothing for local ones."""
    published = open_clip.get_pretrained_cfg(model_name, pretrained) if pretrained else {}
    hub, url = published.get("hf_hub", "").strip("/"), published.get("url", "")
    where = f"https://huggingface.co/{hub}" if hub else url
    return f"download them from {where} on a machine with a network, " if where else ""


def _quiet(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.CRITICAL


def _preprocessing(model: Any) -> Preprocessing:
    config = open_clip.get_model_preprocess_cfg(model)
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return Preprocessing(
        height=int(height), width=int(width), mean=tuple(config["mean"]), std=tuple(config["std"]), pooling="clip"
    )
