"""Train ``sem-clip``: images and Japanese and English sentences in one space.

An open_clip ``CustomTextCLIP`` with a small timm image tower and a small text transformer, trained with open_clip's
``ClipLoss`` on rendered views and their captions (CLIP, arXiv:2103.00020). Each image meets one Japanese and one
English caption per step. Starting from a sem-dino, the image tower is locked first (LiT, arXiv:2111.07991): its
features are computed once, and the text side learns from them in cheap steps.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import open_clip
import torch
from torch.nn import functional

from sem_curate.arrays import Ints
from sem_curate.embed.network import load_weights, read_state_dict
from sem_curate.embed.tokenizer import Tokenizer, normalise
from sem_curate.embed.trained import WEIGHTS, build_clip
from sem_curate.embed.training import dino, loop
from sem_curate.embed.training.augment import Strength, augment
from sem_curate.embed.training.data import LANGUAGES, TrainingSet
from sem_curate.errors import InputError
from sem_curate.progress import Progress, silent

DIM: Final = 128
LENGTH: Final = 24  # tokens; longer captions lose their last remark
BUCKETS: Final = 64
WIDTH: Final = 96
LAYERS: Final = 2
# Share of words read in smaller pieces while training, so that unseen words are not empty.
SPLIT: Final = 0.25
# Milder than for sem-dino: a caption must stay true of what is left in the crop.
STRENGTH: Final = Strength(smallest_area=0.65, invert=0.03)
LOCKED_SHARE: Final = 0.5  # of the budget, when there is a tower to lock
LOOKS: Final = 2  # augmented looks per image while locked

_SCRIPTS = re.compile(r"[a-z]+|[\u3040-\u309f]+|[\u30a0-\u30ffー]+|[\u3400-\u9fff々]+|[0-9]+")


@dataclass(frozen=True)
class _Text:
    """Draws and reads captions."""

    data: TrainingSet
    tokenizer: Tokenizer
    rng: random.Random

    def tokens(self, rows: Ints, views: Ints, language: str) -> torch.Tensor:
        """One caption of each (particle, view), as (B, L) tokens."""
        drawn = [self.rng.choice(self.data.texts[row][view][language]) for row, view in zip(rows, views, strict=True)]
        return self.tokenizer(drawn, split=SPLIT, rng=self.rng)


def train(
    data: TrainingSet,
    folder: Path,
    config: loop.TrainConfig,
    *,
    start: Path | None = None,
    progress: Progress = silent,
) -> loop.Outcome:
    """Train on rendered particles with captions and write the encoder to ``folder``.

    Args:
        data: with captions in both languages.
        folder: receives ``model.safetensors``, ``config.json`` and the model card.
        config: budget and rates.
        start: a trained ``sem-dino`` whose network the image tower starts from.
        progress: called with percent done.

    Raises:
        InputError: when a view has no caption in one of the languages.
        EncoderError: when ``start`` holds another network.
    """
    _check(data)
    torch.manual_seed(config.seed)
    text = _Text(data, Tokenizer(build_vocabulary(data), buckets=BUCKETS, length=LENGTH), random.Random(config.seed))
    entry = _model_entry(text.tokenizer)
    model = build_clip(entry)
    if start is not None:
        start_from(model, start)
        locked, config = _split(config)
        model, _ = loop.run(model, _locked_step(model, text, locked), locked, progress)
        model.requires_grad_(True)
    best, outcome = loop.run(model, _full_step(model, text, config), config, progress)
    facts = dino.facts(data, config, outcome, start)
    loop.save(best, folder, _config(entry, text.tokenizer, facts, config.size), _card(facts))
    return outcome


def build_vocabulary(data: TrainingSet, *, at_least: int = 3) -> list[str]:
    """Return the pieces of the captions: words by script, then single characters, most frequent first."""
    counts: Counter[str] = Counter()
    captions = Counter(
        normalise(text) for views in data.texts for texts in views for language in LANGUAGES for text in texts[language]
    )
    for caption, count in captions.items():
        for piece in [*_SCRIPTS.findall(caption), *{letter for letter in caption if letter.isalnum()}]:
            counts[piece] += count
    seen = [piece for piece, count in counts.most_common() if count >= at_least]
    return list(dict.fromkeys([*seen, *"abcdefghijklmnopqrstuvwxyz0123456789"]))


def start_from(model: Any, folder: Path) -> None:
    """Copy a trained sem-dino network into the image tower, all but its last layer.

    Raises:
        EncoderError: when the folder holds another network.
    """
    kept = {name: tensor for name, tensor in model.visual.state_dict().items() if name.startswith("fc.")}
    trunk = {name: tensor for name, tensor in read_state_dict(folder / WEIGHTS).items() if not name.startswith("fc.")}
    load_weights(model.visual, {**trunk, **kept}, str(folder))


def _split(config: loop.TrainConfig) -> tuple[loop.TrainConfig, loop.TrainConfig]:
    """Divide the budget into a locked part on large batches and a gentle part on everything."""
    steps = None if config.steps is None else max(1, config.steps // 2)
    locked = replace(config, minutes=config.minutes * LOCKED_SHARE, steps=steps, batch=2 * config.batch)
    gentle = replace(
        config, minutes=config.minutes * (1 - LOCKED_SHARE), steps=steps, learning_rate=config.learning_rate / 4
    )
    return locked, gentle


def _locked_step(model: Any, text: _Text, config: loop.TrainConfig) -> Callable[[int], torch.Tensor]:
    """Return the step that trains the text side and the last image layer on stored features."""
    features = _features(model, text.data, config)
    rng = np.random.default_rng(config.seed)
    for name, parameter in model.visual.named_parameters():
        parameter.requires_grad_(name.startswith("fc."))
    picks = loop.batches(len(text.data), config.batch, rng)

    def step(size: int) -> torch.Tensor:
        rows = next(picks)
        views, looks = rng.integers(features.shape[2], size=len(rows)), rng.integers(LOOKS, size=len(rows))
        return _loss(model, model.visual.fc(features[looks, rows, views].float()), text, rows, views)

    return step


def _full_step(model: Any, text: _Text, config: loop.TrainConfig) -> Callable[[int], torch.Tensor]:
    """Return the step that trains everything."""
    rng, chance = np.random.default_rng(config.seed), torch.Generator().manual_seed(config.seed)
    picks = loop.batches(len(text.data), config.batch, rng)

    def step(size: int) -> torch.Tensor:
        rows = next(picks)
        views = rng.integers(text.data.images.shape[1], size=len(rows))
        grey = augment(torch.from_numpy(text.data.images[rows, views]), size, STRENGTH, chance)
        return _loss(model, model.encode_image((grey - dino.MEAN) / dino.STD), text, rows, views)

    return step


def _loss(model: Any, images: torch.Tensor, text: _Text, rows: Ints, views: Ints) -> torch.Tensor:
    loss_of = open_clip.ClipLoss()
    vectors = functional.normalize(images, dim=1)
    scale = model.logit_scale.clamp(max=4.0).exp()
    losses = []
    for language in LANGUAGES:
        sentences = model.encode_text(text.tokens(rows, views, language), normalize=True)
        losses.append(loss_of(vectors, sentences, scale))
    return torch.stack(losses).mean()


def _features(model: Any, data: TrainingSet, config: loop.TrainConfig) -> torch.Tensor:
    """Return (LOOKS, P, V, F) float16 features of the locked tower below its last layer."""
    torch.set_num_threads(config.threads)
    chance = torch.Generator().manual_seed(config.seed)
    visual = model.visual.eval()
    flat = data.images.reshape(-1, *data.images.shape[2:])
    parts = []
    with torch.inference_mode():
        for _ in range(LOOKS):
            for start in range(0, len(flat), 256):
                block = torch.from_numpy(np.array(flat[start : start + 256]))
                grey = augment(block, config.size, STRENGTH, chance)
                maps = visual.forward_features((grey - dino.MEAN) / dino.STD)
                parts.append(visual.forward_head(maps, pre_logits=True).half())
    # A clone outside inference mode may take part in training.
    return torch.cat(parts).clone().view(LOOKS, *data.images.shape[:2], -1)


def _check(data: TrainingSet) -> None:
    bare = [row for row, views in enumerate(data.texts) for texts in views if not all(map(texts.get, LANGUAGES))]
    if bare:
        raise InputError(f"{len(bare)} views lack a caption (e.g. of particle {bare[0]}); render the set again")


def _model_entry(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "vision": {
            "architecture": dino.ARCHITECTURE, "channels": list(dino.CHANNELS), "stem": dino.STEM, "dim": DIM,
        },
        "text": {
            "context_length": LENGTH, "vocab_size": tokenizer.size, "width": WIDTH, "heads": 4, "layers": LAYERS,
        },
    }  # fmt: skip


def _config(entry: dict[str, Any], tokenizer: Tokenizer, facts: dict[str, Any], size: int) -> dict[str, Any]:
    return {
        "kind": "image-text",
        "model": entry,
        "preprocessing": {"size": size, "mean": [dino.MEAN], "std": [dino.STD]},
        "buckets": BUCKETS,
        "training": facts,
        "vocabulary": tokenizer.vocabulary,
    }


def _card(facts: dict[str, Any]) -> str:
    return f"""# sem-clip

A small image-and-text encoder (open_clip CustomTextCLIP: a narrow {dino.ARCHITECTURE} and a {LAYERS}-layer text
transformer, {DIM} dimensions) that finds SEM particles by Japanese or English words. It works offline and on a CPU;
for production use a multilingual SigLIP2 or XLM-R CLIP through `open_clip:`.

- **Trained on simulated images only**, with captions made from the truth of the rendering: {dino.runs(facts)}.
  {
        "The earlier runs trained the image tower as a sem-dino; it was locked for the first half of the last one."
        if facts["started_from"]
        else "The image tower started from random weights."
    }
- **Objective**: open_clip's ClipLoss between an image and one Japanese and one English caption.
- **Text**: NFKC, lower case; words known from the captions, single characters, and {BUCKETS} hashed buckets for all
  other characters, so any text is read, but words it never met say little.
- **Limits**: knows the shapes, surfaces and view defects the renderer makes; does not measure size; does not
  understand "not" (search cuts negations out).
- **Licence**: as the package.
"""
