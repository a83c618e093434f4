"""Train ``sem-clip``: images and Japanese and English words in one space.

An open_clip ``CustomTextCLIP`` with a small timm image tower and a small text transformer (CLIP, arXiv:2103.00020).
What is true of an image is known from the rendering, so the loss uses the whole table of truth instead of one caption
per image; see ``clip_loss.truth_loss``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from sem_curate.embed import bundled, clip_encoder
from sem_curate.embed.network import load_weights, read_state_dict
from sem_curate.embed.tokenizer import Tokenizer, normalise
from sem_curate.embed.trained import WEIGHTS, build_clip, build_image_text, read_config
from sem_curate.embed.training import checkpoint, clip_loop, clip_tower, dino, loop
from sem_curate.embed.training.clip_loop import ClipConfig, Everything, Inputs, Learner, Part, Step, Tokens
from sem_curate.embed.training.lessons import CODES, Material, Rendered
from sem_curate.errors import EncoderError
from sem_curate.progress import Progress, silent

DIM: Final = 128
SIZE: Final = 128  # surfaces are drawn in few pixels: at 96 px half of what tells them apart is lost
LENGTH: Final = 24  # tokens; longer captions lose their last remark
BUCKETS: Final = 64
WIDTH: Final = 128
LAYERS: Final = 2
# Of the budget, where everything but the image tower is new: the tower learns from the table of truth, then words are
# fitted to it, and what is left goes to both together.
TOWER_SHARE: Final = 0.55
WORDS_SHARE: Final = 0.3

_SCRIPTS = re.compile(r"[a-z]+|[\u3040-\u309f]+|[\u30a0-\u30ffー]+|[\u3400-\u9fff々]+|[0-9]+")


@dataclass(frozen=True)
class Beginning:
    """The network that a training starts with.

    Attributes:
        model: with ``encode_image`` and ``encode_text``.
        tokens: texts -> (T, L); ours takes ``split`` and ``rng`` too.
        config: ``config.json`` without ``training``.
    """

    model: Any
    tokens: Tokens
    config: dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """A start that was found, before the texts are known that a new vocabulary is made from.

    Attributes:
        build: takes those texts.
        size: input side in pixels.
        inputs: mean and deviation of the network's channels.
        whole: whether both towers were trained before, so that old and new weights may be mixed.
        resizes: whether the image tower takes images of other sides too.
        facts: what is known of its own training.
    """

    build: Callable[[Sequence[str]], Beginning]
    size: int
    inputs: Inputs
    whole: bool = False
    resizes: bool = True
    facts: Any = None


def train(
    materials: Sequence[Material],
    folder: Path,
    config: ClipConfig,
    opened: Opened,
    *,
    lock: bool = False,
    keep: float = 0.0,
    described: dict[str, Any] | None = None,
    progress: Progress = silent,
    track: clip_loop.Tracker = lambda step, measured: None,
) -> dict[str, Any]:
    """Train and write the encoder to ``folder``; goes on from the checkpoint there, if an earlier run was cut off.

    Args:
        materials: images and texts; they take turns.
        folder: receives ``model.safetensors``, ``config.json``, the model card, and while training a checkpoint.
        config: budget and rates; the same as before when a run is resumed.
        opened: where to start, from `opening`.
        lock: train the text side alone.
        keep: share of the old weights in the result, in [0, 1): new and old are averaged, which keeps more of what the
            old ones knew (WiSE-FT, arXiv:2109.01903). Only where both towers were trained before.
        described: what the material is, for the model card.
        progress: called with percent done.
        track: called with the step and what was measured.

    Returns:
        What the model card says: material, steps, seconds, losses, held-out figure.

    Raises:
        EncoderError: when the start holds another network, ``keep`` has nothing to keep, or the checkpoint is of
            another run.
    """
    if not 0 <= keep < 1 or (keep and not opened.whole):
        raise EncoderError(f"--keep {keep:g} needs a share in [0, 1) and a --start that reads images and texts")
    torch.manual_seed(config.seed)
    begin = opened.build([text for material in materials for text in material.texts()])
    old = {name: tensor.clone() for name, tensor in begin.model.state_dict().items()} if keep else {}
    facts = _facts(config, opened, {**(described or {}), "image_tower_locked": lock, "kept": keep})
    learner = Learner(begin.model, begin.tokens, opened.inputs, config)
    tables = [material for material in materials if isinstance(material, Rendered)]
    # What is new learns from the table first; what is whole already is only moved.
    staged = not opened.whole and not lock and len(tables) == len(materials) == 1
    everything = clip_loop.Everything(begin.model, len(CODES) if staged else 0)
    parts = _three(learner, tables[0]) if staged else [_one(learner, materials, lock=lock)]
    standings = clip_loop.run(everything, parts, config, folder, facts, progress, track)
    model = everything.model.eval()
    if keep:
        model.load_state_dict(mix(old, model.state_dict(), keep))
    done = {**facts, **_summary(standings), "held_out_map": round(clip_loop.held_out(learner, materials), 3)}
    loop.save(model, folder, {**begin.config, "training": done}, card(begin.config, done))
    checkpoint.discard(folder)
    return done


def _one(learner: Learner, materials: Sequence[Material], *, lock: bool, share: float = 1.0, rate: float = 1.0) -> Part:
    def prepare(everything: Everything, fresh: bool) -> Step:
        return clip_loop.joint_step(learner, everything.temperature, materials)

    def exam(everything: Everything) -> float:
        return clip_loop.held_out(replace(learner, model=everything.model), materials)

    words = tuple(f"model.{name}" for name, _ in learner.model.named_parameters() if not name.startswith("visual."))
    locked = ("model.visual",) if lock else ()
    return Part("all", share, ("temperature", *(words if lock else ("model.",))), rate, prepare, exam, locked)


def _three(learner: Learner, material: Rendered) -> list[Part]:
    def tower(everything: Everything, fresh: bool) -> Step:
        return clip_tower.tower_step(learner, material, everything)

    def words(everything: Everything, fresh: bool) -> Step:
        stored = clip_tower.Stored(learner, material)
        if fresh:
            clip_tower.close(everything, stored)
        return clip_tower.words_step(learner, everything, stored, material)

    def exam(everything: Everything) -> float:
        return clip_loop.held_out(replace(learner, model=everything.model), [material])

    names = [name for name, _ in learner.model.named_parameters()]
    trunk = tuple(f"model.{name}" for name in names if name.startswith("visual.") and not name.startswith("visual.fc"))
    rest = tuple(f"model.{name}" for name in names if f"model.{name}" not in trunk)
    return [
        Part("image tower", TOWER_SHARE, ("head.", *trunk), 1.0, tower,
             partial(clip_tower.tower_exam, learner, material)),
        Part("words", WORDS_SHARE, ("temperature.", *rest), 1.0, words, exam, locked=("model.visual",)),
        _one(learner, [material], lock=False, share=1 - TOWER_SHARE - WORDS_SHARE, rate=0.2),
    ]  # fmt: skip


def mix(old: dict[str, torch.Tensor], new: dict[str, torch.Tensor], keep: float) -> dict[str, torch.Tensor]:
    """Average two states, ``keep`` of the old one; counters and masks of minus infinity are the new one's."""
    return {
        name: torch.lerp(tensor, old[name].to(tensor.dtype), keep)
        if tensor.is_floating_point() and bool(torch.isfinite(tensor).all())
        else tensor
        for name, tensor in new.items()
    }


def opening(start: str | Path | None) -> Opened:
    """Find the network to start with.

    Args:
        start: None for random weights; ``bundled:sem-dino`` or another image encoder of ours for the image tower only;
            ``bundled:sem-clip`` or a folder that `train` wrote; or ``open_clip:ARCH/TAG-OR-FILE``.

    Raises:
        EncoderError: when it is not there, or is of another kind.
    """
    if start is None:
        return Opened(_new, SIZE, Inputs((dino.MEAN,), (dino.STD,)))
    name = str(start)
    if name.startswith("open_clip:"):
        return _from_open_clip(name)
    folder = bundled.FOLDER / name.removeprefix("bundled:") if name.startswith("bundled:") else Path(name).expanduser()
    config = read_config(folder)
    facts = config.pop("training", None)
    if config.get("kind") == "image":
        tower = config["model"]
        if tower.get("architecture") != dino.ARCHITECTURE or tower.get("channels") != list(dino.CHANNELS):
            raise EncoderError(f"'{folder}' holds another image network than sem-clip's; start from bundled:sem-dino")
        build = partial(_on_image_tower, folder)
        return Opened(build, SIZE, Inputs((dino.MEAN,), (dino.STD,)), facts=facts)
    if config.get("kind") != "image-text":
        raise EncoderError(
            f"'{folder}' holds no encoder of ours; start from bundled:sem-dino, a folder or open_clip:..."
        )
    told = config["preprocessing"]
    return Opened(
        lambda texts: _whole(folder, config), int(told["size"]), Inputs(tuple(told["mean"]), tuple(told["std"])),
        whole=True, resizes="open_clip" not in config["model"], facts=facts,
    )  # fmt: skip


def build_vocabulary(texts: Sequence[str]) -> list[str]:
    """Return the pieces of some texts: words by script, then single characters, most frequent first."""
    counts: Counter[str] = Counter()
    for text in {normalise(text): None for text in texts}:
        counts.update([*_SCRIPTS.findall(text), *dict.fromkeys(letter for letter in text if letter.isalnum())])
    return list(dict.fromkeys([*(piece for piece, _ in counts.most_common()), *"abcdefghijklmnopqrstuvwxyz0123456789"]))


def _new(texts: Sequence[str]) -> Beginning:
    tokenizer = Tokenizer(build_vocabulary(texts), buckets=BUCKETS, length=LENGTH)
    entry = {
        "vision": {
            "architecture": dino.ARCHITECTURE, "channels": list(dino.CHANNELS), "stem": dino.STEM, "dim": DIM,
        },
        "text": {
            "context_length": LENGTH, "vocab_size": tokenizer.size, "width": WIDTH, "heads": 4, "layers": LAYERS,
        },
    }  # fmt: skip
    config = {
        "kind": "image-text",
        "model": entry,
        "preprocessing": {"size": SIZE, "mean": [dino.MEAN], "std": [dino.STD]},
        "buckets": BUCKETS,
        "vocabulary": tokenizer.vocabulary,
    }
    return Beginning(build_clip(entry), tokenizer, config)


def _on_image_tower(folder: Path, texts: Sequence[str]) -> Beginning:
    """Copy a trained image network, all but its last layer, and put a new text tower beside it."""
    new = _new(texts)
    kept = {name: tensor for name, tensor in new.model.visual.state_dict().items() if name.startswith("fc.")}
    trunk = {name: tensor for name, tensor in read_state_dict(folder / WEIGHTS).items() if not name.startswith("fc.")}
    load_weights(new.model.visual, {**trunk, **kept}, str(folder))
    return new


def _whole(folder: Path, config: dict[str, Any]) -> Beginning:
    model, tokens = build_image_text(config)
    load_weights(model, read_state_dict(folder / WEIGHTS), str(folder))
    return Beginning(model, tokens, config)


def _from_open_clip(name: str) -> Opened:
    architecture, model, tokens, told = clip_encoder.open_model(name, name.partition(":")[2])
    config = {
        "kind": "image-text",
        "model": {"open_clip": architecture},
        "preprocessing": {"size": told.height, "mean": list(told.mean), "std": list(told.std)},
    }
    # Not where the file lies: the card is for other people.
    facts = {"name": f"open_clip:{architecture}"}
    inputs = Inputs(told.mean, told.std)
    return Opened(
        lambda texts: Beginning(model, tokens, config), told.height, inputs, whole=True, resizes=False, facts=facts
    )


def _facts(config: ClipConfig, opened: Opened, described: dict[str, Any]) -> dict[str, Any]:
    """Return what identifies a run; plain JSON, so that a checkpoint's copy compares equal."""
    settings = {key: value for key, value in asdict(config).items() if key not in ("threads", "checkpoint_minutes")}
    plain: dict[str, Any] = json.loads(
        json.dumps({**described, "settings": settings, "started_from": opened.facts})
    )  # fmt: skip
    return plain


def _summary(standings: Sequence[clip_loop.Standing]) -> dict[str, Any]:
    losses = [[part for part in torch.tensor(standing.losses).tensor_split(5) if len(part)] for standing in standings]
    return {
        "steps": sum(standing.steps for standing in standings),
        "seconds": round(sum(standing.seconds for standing in standings)),
        "losses": [[round(float(fifth.mean()), 3) for fifth in parts] for parts in losses],
        "held_out_by_check": [[round(value, 3) for value in standing.held_out] for standing in standings],
    }


def card(config: dict[str, Any], facts: dict[str, Any]) -> str:
    """Return the model card."""
    model = config["model"]
    if "open_clip" in model:
        what = f"{model['open_clip']} of open_clip"
    else:
        what = (
            f"open_clip CustomTextCLIP: {model['vision']['architecture']} of widths "
            f"{tuple(model['vision']['channels'])}, one grey channel, and a {model['text']['layers']}-layer text "
            f"transformer of width {model['text']['width']}; {model['vision']['dim']} dimensions"
        )
    size = config["preprocessing"]["size"]
    return f"""# An image and text encoder for SEM particles

{what}; input {size} px.

- **Trained on**: {runs(facts)}.
- **Objective**: for each text, true images against the others, from the whole table of what is true of what: the
  pairwise sigmoid loss of SigLIP (arXiv:2303.15343) and a softmax with several positives (arXiv:2004.11362).
- **Held-out mean average precision of single words, one view at a time**: {facts["held_out_map"]}.
- **Weights kept from the start** (WiSE-FT, arXiv:2109.01903): {facts["kept"]:g}.
- **Input**: (H, W) grey, percentile contrast stretch, letterboxed.
- **Limits**: words that it never met say little; size is not measured; "not" is not understood (search cuts it out).
- **Licence**: as the package, unless the network or the images it started from say otherwise.
"""


def runs(facts: dict[str, Any] | None) -> str:
    """Describe a training run in words, and before it the runs it went on from."""
    if not facts:
        return "random weights"
    if "held_out_map" not in facts:
        return f"the image tower of {dino.runs(facts)}" if "name" not in facts else f"the weights of `{facts['name']}`"
    shown = [
        f"{facts['particles']} rendered particles with {facts['views_per_particle']} views each"
        if "particles" in facts else "",
        f"{facts['own_images']} own images with captions" if "own_images" in facts else "",
    ]  # fmt: skip
    settings = facts["settings"]
    locked = ", the image tower locked" if facts["image_tower_locked"] else ""
    return (
        f"{' and '.join(filter(None, shown)) or 'images that nobody described'}, {facts['steps']} steps of "
        f"{settings['batch']} images, seed {settings['seed']}, {facts['seconds']} s on a CPU{locked}; before that "
        f"{runs(facts['started_from'])}"
    )
