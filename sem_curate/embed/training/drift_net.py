"""The network that sees displaced scan lines: cells of an image, then whole rows, then the image.

Cells are told what their row has in common before they are looked at again, so that an edge that tilts with its row
can be told from one that tilts by itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sem_curate.arrays import Floats
from sem_curate.embed.training import onnx
from sem_curate.quality.drift import BAND, BLOCK, CELL, SIDE, TILTS

WIDE, LONG, STEM, GIST = 24, 32, 48, 16
"""Channels of cells, of rows, of the pixels' first look, and of what is said of the whole image besides rows."""
CELLS = (SIDE // BAND, SIDE // CELL)
Shape = tuple[int, int]
Doubles = NDArray[np.float64]


class Seen(NamedTuple):
    """Outputs: (B, 64) step of the lines per band in pixels, (B,) logit, (B,) ``quality.drift.encoded`` deviation."""

    steps: torch.Tensor
    logit: torch.Tensor
    size: torch.Tensor


class Block(nn.Sequential):
    """Convolution, batch norm, ReLU; ``bare`` for the convolution alone."""

    def __init__(self, narrow: int, wide: int, kernel: Shape, stride: Shape = (1, 1), *, bare: bool = False) -> None:
        reach = (kernel[0] // 2, kernel[1] // 2)
        conv = nn.Conv2d(narrow, wide, kernel, stride, reach, bias=bare)
        super().__init__(*((conv,) if bare else (conv, nn.BatchNorm2d(wide), nn.ReLU())))


class Network(nn.Module):
    """Tilts (B, 12, 64, 32) and pixels (B, 16, 64, 64) in, ``Seen`` out."""

    def __init__(self) -> None:
        super().__init__()
        self.look = Block(BLOCK * BLOCK, STEM, (3, 3), (1, 2))
        self.from_look = Block(STEM, WIDE, (3, 3), (1, 2), bare=True)
        self.from_tilts = Block(TILTS, WIDE, (3, 3), (1, 2), bare=True)
        self.norm = nn.BatchNorm2d(WIDE)
        self.first = Block(WIDE, WIDE, (3, 3))
        self.row = Block(WIDE, LONG, (5, 1))
        self.told = Block(LONG, WIDE, (3, 1), bare=True)
        self.second = Block(WIDE, WIDE, (3, 3))
        self.third = Block(WIDE, LONG, (3, 3))
        self.rows1 = Block(2 * LONG, LONG, (5, 1))
        self.rows2 = Block(LONG, LONG, (5, 1))
        self.step = Block(LONG, 1, (1, 1), bare=True)
        self.gist = Block(LONG, GIST, (3, 1))
        self.whole = Block(GIST + LONG + 1, 32, (1, 1), bare=True)
        self.said = Block(32, 2, (1, 1), bare=True)

    def forward(self, tilts: torch.Tensor, pixels: torch.Tensor) -> Seen:
        """Look at cells, at rows, at cells again, and sum up."""
        cells = self.first(torch.relu(self.norm(self.from_tilts(tilts) + self.from_look(self.look(pixels)))))
        row = self.row(cells.mean(3, keepdim=True))
        again = self.third(self.second(torch.relu(cells + self.told(row))))
        rows = self.rows2(self.rows1(torch.cat([again.mean(3, keepdim=True), row], 1)))
        step = self.step(rows)
        whole = torch.cat([self.gist(rows), rows, step * step], 1).mean((2, 3), keepdim=True)
        said = self.said(torch.relu(self.whole(whole)))
        return Seen(step[:, 0, :, 0], said[:, 0, 0, 0], said[:, 1, 0, 0])


def to_onnx(network: Network) -> bytes:
    """Return the ONNX bytes of a trained network: inputs ``tilts`` and ``pixels``, output ``drift`` (1, 2, 1, 1)."""
    graph = _Graph(network)
    graph.block("look", "pixels")
    graph.joined()
    graph.block("first", "cells")
    graph.mean("first_mean", "first")
    graph.block("row", "first_mean")
    graph.block("told", "row")
    graph.add("told_sum", ["first", "told"])
    graph.relu("told_cells", "told_sum")
    graph.block("second", "told_cells")
    graph.block("third", "second")
    graph.mean("third_mean", "third")
    graph.concat("both", ["third_mean", "row"])
    graph.block("rows1", "both")
    graph.block("rows2", "rows1")
    graph.block("step", "rows2")
    graph.block("gist", "rows2")
    graph.nodes.append(onnx.Node("Mul", ["step", "step"], "square"))
    graph.concat("seen", ["gist", "rows2", "square"])
    graph.nodes.append(onnx.Node("GlobalAveragePool", ["seen"], "seen_mean"))
    graph.block("whole", "seen_mean")
    graph.relu("whole_said", "whole")
    graph.block("said", "whole_said", output="drift")
    inputs = {"tilts": (1, TILTS, *CELLS), "pixels": (1, BLOCK * BLOCK, SIDE // BLOCK, SIDE // BLOCK)}
    return onnx.model(graph.nodes, graph.weights, inputs, {"drift": (1, 2, 1, 1)})


class _Graph:
    """Nodes and weights as they are written down."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes: list[onnx.Node] = []
        self.weights: dict[str, Floats] = {}

    def block(self, name: str, source: str, output: str = "") -> None:
        """Write a block, batch norm folded into its convolution."""
        block = getattr(self.network, name)
        normed = len(block) > 1
        gain, bias = _fold(block[1]) if normed else (np.ones(len(block[0].bias)), _array(block[0].bias))
        end = output or name
        self._conv(name, source, f"{end}_sum" if normed else end, gain, bias)
        if normed:
            self.relu(end, f"{end}_sum")

    def joined(self) -> None:
        """Write the sum of both first looks, with the batch norm that follows it."""
        gain, bias = _fold(self.network.norm)
        before = sum(_array(self.network.get_parameter(f"{name}.0.bias")) for name in ("from_tilts", "from_look"))
        self._conv("from_tilts", "tilts", "from_tilts", gain, bias + gain * before)
        self._conv("from_look", "look", "from_look", gain, np.zeros(WIDE))
        self.add("cells_sum", ["from_tilts", "from_look"])
        self.relu("cells", "cells_sum")

    def _conv(self, name: str, source: str, output: str, gain: Doubles, bias: Doubles) -> None:
        conv = getattr(self.network, name)[0]
        self.weights[f"{name}_weight"] = (_array(conv.weight) * gain[:, None, None, None]).astype(np.float32)
        self.weights[f"{name}_bias"] = bias.astype(np.float32)
        attributes: dict[str, int | str | tuple[int, ...]] = {
            "kernel_shape": conv.kernel_size, "strides": conv.stride, "pads": conv.padding * 2, "dilations": (1, 1),
            "group": 1,
        }  # fmt: skip
        self.nodes.append(onnx.Node("Conv", [source, f"{name}_weight", f"{name}_bias"], output, attributes))

    def relu(self, output: str, source: str) -> None:
        """Write max(0, x)."""
        self.nodes.append(onnx.Node("Relu", [source], output))

    def add(self, output: str, sources: list[str]) -> None:
        """Write a sum; the second may be one column, which every column gets."""
        self.nodes.append(onnx.Node("Add", sources, output))

    def concat(self, output: str, sources: list[str]) -> None:
        """Write channels side by side."""
        self.nodes.append(onnx.Node("Concat", sources, output, {"axis": 1}))

    def mean(self, output: str, source: str) -> None:
        """Write the mean of each row."""
        attributes: dict[str, int | str | tuple[int, ...]] = {
            "kernel_shape": (1, CELLS[1] // 2), "strides": (1, 1), "pads": (0, 0, 0, 0)
        }  # fmt: skip
        self.nodes.append(onnx.Node("AveragePool", [source], output, attributes))


def _fold(norm: nn.BatchNorm2d) -> tuple[Doubles, Doubles]:
    """Return what batch norm multiplies by and adds."""
    mean, variance = (_array(part) for part in (norm.running_mean, norm.running_var))
    gain = _array(norm.weight) / np.sqrt(variance + norm.eps)
    return gain, _array(norm.bias) - mean * gain


def _array(tensor: torch.Tensor | None) -> Doubles:
    if tensor is None:
        raise ValueError("this layer has no such weights")
    array: Doubles = tensor.detach().cpu().double().numpy()
    return array
