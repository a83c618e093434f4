"""The reader's network as one table, so that what torch trains and what ONNX carries cannot differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sem_curate.arrays import Floats
from sem_curate.embed.training import onnx
from sem_curate.quality.reader import SIDE

MAPS, CHARGING = "maps", "charging"
"""Outputs: (B, 8, S/2, S/2) logits, each 2 x 2 block of particle then of others; (B, 1, 1, 1) log(1 + charging)."""


@dataclass(frozen=True)
class Conv:
    """3 x 3 (or 1 x 1) convolution; all but the last of a branch with batch norm and ReLU."""

    output: str
    source: str
    narrow: int
    wide: int
    stride: int = 1
    dilation: int = 1
    kernel: int = 3
    last: bool = False


@dataclass(frozen=True)
class Join:
    """Concatenation of channels; with ``grow``, of the first source at twice its size."""

    output: str
    sources: tuple[str, ...]
    grow: bool = False


@dataclass(frozen=True)
class Pool:
    """Mean over the image."""

    output: str
    source: str


@dataclass(frozen=True)
class Spread:
    """Sum of ``source`` and the 1 x 1 ``added``: what the whole image looks like, told to every place."""

    output: str
    source: str
    added: str


LAYERS: tuple[Conv | Join | Pool | Spread, ...] = (
    Conv("a1", "image", 1, 16, stride=2),
    Conv("a2", "a1", 16, 16),
    Conv("b1", "a2", 16, 32, stride=2),
    Conv("b2", "b1", 32, 32),
    Conv("c1", "b2", 32, 64, stride=2),
    Conv("c2", "c1", 64, 64),
    Conv("d1", "c2", 64, 96, stride=2),
    Conv("d2", "d1", 96, 96, dilation=2),
    Pool("whole", "d2"),
    Conv("gist", "whole", 96, 96, kernel=1, last=True),
    Spread("d2g", "d2", "gist"),
    Conv("d3", "d2g", 96, 96),
    Join("up_c", ("d3", "c2"), grow=True),
    Conv("c3", "up_c", 160, 64),
    Join("up_b", ("c3", "b2"), grow=True),
    Conv("b3", "up_b", 96, 32),
    Join("up_a", ("b3", "a2"), grow=True),
    Conv("a3", "up_a", 48, 24),
    Conv(MAPS, "a3", 24, 8, last=True),
    Pool("fine", "b2"),
    Pool("middle", "c2"),
    Pool("coarse", "d3"),
    Join("seen", ("fine", "middle", "coarse")),
    Conv("s1", "seen", 192, 32, kernel=1, last=True),
    Conv(CHARGING, "s1", 32, 1, kernel=1, last=True),
)


class Network(nn.Module):
    """The table, trainable."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({layer.output: _block(layer) for layer in LAYERS if isinstance(layer, Conv)})

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, 2, S, S) and (B,) log(1 + charging) of (B, 1, S, S) images; S divisible by 16."""
        values = {"image": image}
        for layer in LAYERS:
            values[layer.output] = self._run(layer, values)
        return functional.pixel_shuffle(values[MAPS], 2), values[CHARGING].flatten()

    def _run(self, layer: Conv | Join | Pool | Spread, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        if isinstance(layer, Conv):
            result: torch.Tensor = self.blocks[layer.output](values[layer.source])
            return result
        if isinstance(layer, Pool):
            return values[layer.source].mean(dim=(2, 3), keepdim=True)
        if isinstance(layer, Spread):
            return values[layer.source] + values[layer.added]
        parts = [values[source] for source in layer.sources]
        if layer.grow:
            parts[0] = functional.interpolate(parts[0], scale_factor=2, mode="nearest")
        return torch.cat(parts, dim=1)


def _block(layer: Conv) -> nn.Sequential:
    reach = layer.dilation * (layer.kernel // 2)
    conv = nn.Conv2d(layer.narrow, layer.wide, layer.kernel, layer.stride, reach, layer.dilation, bias=layer.last)
    return nn.Sequential(conv) if layer.last else nn.Sequential(conv, nn.BatchNorm2d(layer.wide), nn.ReLU())


def to_onnx(network: Network) -> bytes:
    """Return the ONNX bytes of a trained network, batch norm folded into the convolutions."""
    nodes: list[onnx.Node] = []
    weights: dict[str, Floats] = {"twice": np.array([1, 1, 2, 2], np.float32)}
    for layer in LAYERS:
        if isinstance(layer, Conv):
            nodes += _conv_nodes(layer)
            weights |= _folded(layer.output, network.blocks[layer.output])
        elif isinstance(layer, Pool):
            nodes.append(onnx.Node("GlobalAveragePool", [layer.source], layer.output))
        elif isinstance(layer, Spread):
            nodes.append(onnx.Node("Add", [layer.source, layer.added], layer.output))
        else:
            nodes += _join_nodes(layer)
    outputs = {MAPS: (1, 8, SIDE // 2, SIDE // 2), CHARGING: (1, 1, 1, 1)}
    return onnx.model(nodes, weights, {"image": (1, 1, SIDE, SIDE)}, outputs)


def _conv_nodes(layer: Conv) -> list[onnx.Node]:
    reach = layer.dilation * (layer.kernel // 2)
    attributes: dict[str, int | str | tuple[int, ...]] = {
        "kernel_shape": (layer.kernel,) * 2,
        "strides": (layer.stride,) * 2,
        "pads": (reach,) * 4,
        "dilations": (layer.dilation,) * 2,
        "group": 1,
    }
    raw = layer.output if layer.last else f"{layer.output}_linear"
    conv = onnx.Node("Conv", [layer.source, f"{layer.output}_weight", f"{layer.output}_bias"], raw, attributes)
    return [conv] if layer.last else [conv, onnx.Node("Relu", [raw], layer.output)]


def _join_nodes(layer: Join) -> list[onnx.Node]:
    if not layer.grow:
        return [onnx.Node("Concat", layer.sources, layer.output, {"axis": 1})]
    first, *rest = layer.sources
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    grown = f"{layer.output}_grown"
    return [
        onnx.Node("Resize", [first, "", "twice"], grown, how),
        onnx.Node("Concat", [grown, *rest], layer.output, {"axis": 1}),
    ]


def _folded(name: str, block: nn.Module) -> dict[str, Floats]:
    state = {key: value.detach().cpu().double().numpy() for key, value in block.state_dict().items()}
    weight = state["0.weight"]
    if "1.running_var" not in state:
        return {f"{name}_weight": weight.astype(np.float32), f"{name}_bias": state["0.bias"].astype(np.float32)}
    gain = state["1.weight"] / np.sqrt(state["1.running_var"] + 1e-5)
    bias = state["1.bias"] - state["1.running_mean"] * gain
    folded = weight * gain[:, None, None, None]
    return {f"{name}_weight": folded.astype(np.float32), f"{name}_bias": bias.astype(np.float32)}
