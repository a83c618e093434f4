"""Train ``sem-dino``: one vector per image, without labels, on rendered particles, surfaces by formula, or own images.

Two views of one particle under different imaging conditions are positives, so the network learns to ignore detector,
tilt and magnification; crops of one image are positives where there is no second view. See ``distil`` for the losses.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from sem_curate.arrays import Floats
from sem_curate.embed import bundled, timm_encoder
from sem_curate.embed.network import load_weights, read_state_dict
from sem_curate.embed.trained import WEIGHTS, build_backbone, build_trunk, read_config
from sem_curate.embed.training import checkpoint, loop, whiten
from sem_curate.embed.training.augment import Strength, augment
from sem_curate.embed.training.material import Source, pick
from sem_curate.errors import EncoderError, SetupError
from sem_curate.progress import Progress, silent
from sem_curate.rendering.families import FAMILIES

if TYPE_CHECKING:
    from sem_curate.embed.training.distil import DistilConfig, Distiller
    from sem_curate.embed.training.distil_loop import Tracker

FIRST_SEED: Final = 1_000_000  # benchmarks render seeds below
# A narrow ResNet: in the same minute on one core it learnt more than twice as much as MobileNetV4 or EdgeNeXt of
# equal speed, whose depthwise layers need many more steps than a CPU affords.
ARCHITECTURE: Final = "resnet10t"
CHANNELS: Final = (32, 64, 128, 256)
STEM: Final = 16
# The pooled features themselves: a last linear layer, trained with them, cost 0.03 of AUC on images unlike ours.
DIM: Final = CHANNELS[-1]
# At 128 px unlike images are told apart better (0.92 against 0.91) and simulated particles worse, at twice the cost.
SIZE: Final = 96
MATERIAL_SIZE: Final = 128  # of what is cropped from
MEAN, STD = 0.4, 0.25
# How views are changed for the closing layer: nearly as they will be seen, so that only instruments differ.
CLOSING_CROP: Final = Strength(smallest_area=0.6, gamma=0.4, noise=0.1)
CLOSING_BATCHES: Final = 24
CLOSING_SEED: Final = 7


@dataclass(frozen=True)
class Beginning:
    """The network that a training starts with.

    Attributes:
        model: as in ``config.json``.
        trunk: state of the network without its closing layer, or None for random weights.
        size: input side in pixels.
        mean: per channel.
        std: per channel.
        facts: what is known of its own training.
    """

    model: dict[str, Any]
    trunk: dict[str, torch.Tensor] | None
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    facts: Any = None

    def build(self) -> torch.nn.Module:
        """Return the network without its closing layer."""
        network = build_trunk(self.model)
        if self.trunk is not None:
            load_weights(network, self.trunk, str(self.facts))
        return network


def train(
    sources: Sequence[Source],
    folder: Path,
    config: DistilConfig,
    *,
    start: str | Path | None = None,
    progress: Progress = silent,
    track: Tracker | None = None,
) -> dict[str, Any]:
    """Train and write the encoder to ``folder``; goes on from the checkpoint there, if an earlier run was cut off.

    Args:
        sources: what to learn from.
        folder: receives ``model.safetensors``, ``config.json``, the model card, and while training a checkpoint.
        config: budget and rates; the same as before when a run is resumed.
        start: None for random weights, ``bundled:sem-dino``, a folder that `train` wrote, or ``timm:NAME[@FILE]``.
        progress: called with percent done.
        track: called with the step and what was measured.

    Returns:
        What the model card says: material, steps, seconds, losses, held-out retrieval.

    Raises:
        SetupError: when ``lightly`` is not installed.
        EncoderError: when ``start`` holds another network, or the checkpoint is of another run.
    """
    distil, distil_loop = lightly_modules()
    torch.manual_seed(config.seed)
    begin = beginning(start)
    distiller = distil.Distiller(
        *(distil.Learner(begin.build(), int(begin.model["dim"]), config, len(FAMILIES)) for _ in range(2)),
        config, begin.mean, begin.std,
    )  # fmt: skip
    facts = _facts(sources, config, begin)
    outcome = distil_loop.run(distiller, sources, config, folder, facts, progress, track or distil_loop.ignore)
    network = distiller.teacher.network.float().cpu().eval()
    closing = whiten.within(_closing_views(distiller, sources, begin.size))
    saved: dict[str, Any] = {
        "kind": "image",
        "model": begin.model,
        "preprocessing": {"size": begin.size, "mean": list(begin.mean), "std": list(begin.std)},
        "training": {**facts, **distil_loop.summary(outcome)},
    }
    loop.save(close(begin.model, network, *closing), folder, saved, _card(saved))
    checkpoint.discard(folder)
    done: dict[str, Any] = saved["training"]
    return done


def takes_other_sizes(begin: Beginning) -> bool:
    """Whether the network takes images of half its side; vision transformers usually do not."""
    try:
        with torch.inference_mode():
            begin.build().eval()(torch.zeros(1, len(begin.mean), begin.size // 2, begin.size // 2))
    except (AssertionError, RuntimeError):
        return False
    return True


def close(model: dict[str, Any], trunk: torch.nn.Module, weight: Floats, bias: Floats) -> torch.nn.Module:
    """Return the whole network of a ``config.json``: trunk and closing layer."""
    network = build_backbone(model)
    prefix = "trunk." if "arguments" in model else ""
    state = {f"{prefix}{name}": tensor for name, tensor in trunk.state_dict().items()}
    closing = {"fc.weight": torch.from_numpy(weight), "fc.bias": torch.from_numpy(bias)}
    load_weights(network, {**state, **closing}, "this training")
    return network


def beginning(start: str | Path | None) -> Beginning:
    """Find the network to start with.

    Raises:
        EncoderError: when it is not there, or is no image encoder.
    """
    if start is None:
        model = {"architecture": ARCHITECTURE, "channels": list(CHANNELS), "stem": STEM, "dim": DIM}
        return Beginning(model, None, SIZE, (MEAN,), (STD,))
    if str(start).startswith("timm:"):
        return _from_timm(str(start))
    folder = bundled.FOLDER / "sem-dino" if str(start) == "bundled:sem-dino" else Path(start).expanduser()
    config = read_config(folder)
    if config.get("kind") != "image":
        raise EncoderError(f"'{folder}' holds no image encoder; start from 'bundled:sem-dino', a folder or 'timm:...'")
    state = read_state_dict(folder / WEIGHTS)
    trunk = {name.removeprefix("trunk."): tensor for name, tensor in state.items() if not name.startswith("fc.")}
    inputs = config["preprocessing"]
    return Beginning(
        config["model"], trunk, int(inputs["size"]), tuple(inputs["mean"]), tuple(inputs["std"]), config.get("training")
    )


def _from_timm(name: str) -> Beginning:
    architecture, arguments, network, inputs = timm_encoder.open_trunk(name)
    model = {"architecture": architecture, "arguments": arguments, "dim": int(str(network.num_features))}
    # Not where the file lies: the card is for other people.
    facts = {"name": name.partition("@")[0]}
    return Beginning(model, network.state_dict(), inputs.height, inputs.mean, inputs.std, facts)


def _closing_views(distiller: Distiller, sources: Sequence[Source], size: int) -> Floats:
    """Return (P, 2, D) features of two views each, changed by little more than the instrument."""
    chance = torch.Generator().manual_seed(distiller.config.seed)
    rng = np.random.default_rng([distiller.config.seed, CLOSING_SEED])
    found = []
    for _ in range(CLOSING_BATCHES):
        batch = pick(sources, distiller.config.batch, rng)
        views = [augment(torch.from_numpy(view), size, CLOSING_CROP, chance) for view in (batch.first, batch.second)]
        found.append(torch.stack([distiller.embed(view) for view in views], dim=1).numpy())
    return np.concatenate(found)


def lightly_modules() -> tuple[Any, Any]:
    """Return the modules that need ``lightly``, which only this training uses.

    Raises:
        SetupError: when it is not installed.
    """
    try:
        from sem_curate.embed.training import distil, distil_loop
    except ImportError as error:
        raise SetupError(f"training by self-distillation needs 'pip install sem-curate[train]' ({error})") from error
    return distil, distil_loop


def _facts(sources: Sequence[Source], config: DistilConfig, begin: Beginning) -> dict[str, Any]:
    """Return what identifies a run; plain JSON, so that a checkpoint's copy compares equal."""
    settings = {key: value for key, value in asdict(config).items() if key not in ("threads", "checkpoint_minutes")}
    described = {
        "sources": [{"name": s.name, "things": len(s.images), "views": int(s.images.shape[1]), "share": s.share}
                    for s in sources],
        "settings": settings,
        "seed": config.seed,
        "batch": config.batch,
        "started_from": begin.facts,
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


def runs(facts: dict[str, Any] | None) -> str:
    """Describe a training run in words, and before it the runs it went on from."""
    if not facts:
        return ""
    if "name" in facts:
        return f"started from `{facts['name']}`"
    earlier = runs(facts.get("started_from"))
    if "sources" in facts:
        own = (
            f"{', '.join(_said(source) for source in facts['sources'])}, {facts['steps']} steps of {facts['batch']} "
            f"pairs of views, seed {facts['seed']}, {facts['seconds']} s on a CPU"
        )
        return f"{earlier}; then {own}" if earlier else own
    own = (
        f"{facts['particles']} particles rendered by `sem_curate.rendering` with {facts['views_per_particle']} "
        f"views each, {facts['steps']} steps of {facts['batch']} particles, seed {facts['seed']}, "
        f"{facts['seconds']} s on a CPU"
    )
    return f"{earlier}; then {own}" if earlier else own


def _said(source: dict[str, Any]) -> str:
    views = source["views"]
    return f"{source['things']} {source['name']}" + (f" with {views} views each" if views > 1 else "")


def _card(config: dict[str, Any]) -> str:
    model, facts = config["model"], config["training"]
    own = "arguments" not in model
    what = f"of widths {tuple(model['channels'])}, one grey channel" if own else "from timm"
    settings = facts["settings"]
    return f"""# An image encoder for SEM particles

{model["architecture"]} ({what}), {model["dim"]} dimensions, input {config["preprocessing"]["size"]} px.

- **Trained on**: {runs(facts)}.
- **Objective**: self-distillation (DINO, arXiv:2104.14294; loss, head and schedules of `lightly`, MIT) with two large
  and {settings["local_crops"]} small crops of two views of one thing (weight {settings["distil"]:g}), contrast of the
  two large crops within the batch (SimCLR, weight {settings["contrast"]:g}), and, for rendered particles, a
  cross-entropy on the simulated shape family (weight {settings["family"]:g}).
- **Closing layer**: within-thing covariance normalisation of the pooled features, in closed form.
- **Input**: (H, W) grey, percentile contrast stretch, letterboxed.
- **Limits**: size is not measured; info bars and neighbours can distract it. It knows what its material shows.
- **Licence**: as the package, unless the network or the images it started from say otherwise.
"""
