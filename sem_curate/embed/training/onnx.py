"""Write a small network as an ONNX file, without the onnx package: the few operators that ``quality.reader`` runs.

Field numbers are those of ``onnx.proto`` (ONNX 1.x, IR version 7); the wire format is Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sem_curate.arrays import Floats

IR_VERSION, OPSET = 7, 13
_FLOAT = 1  # TensorProto.DataType


@dataclass(frozen=True)
class Node:
    """One operator: its ONNX name, the names of what it reads and writes, and integer or text attributes."""

    operator: str
    inputs: Sequence[str]
    output: str
    attributes: Mapping[str, int | str | Sequence[int]] = field(default_factory=dict)


def model(
    nodes: Sequence[Node],
    weights: Mapping[str, Floats],
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
) -> bytes:
    """Return the bytes of an ONNX model; the same arguments give the same bytes.

    Args:
        nodes: in the order they run.
        weights: float32 arrays by name.
        inputs: shape by name.
        outputs: shape by name.
    """
    graph = b"".join(
        [
            *(_bytes(1, _node(node)) for node in nodes),
            _text(2, "reader"),
            *(_bytes(5, _tensor(name, array)) for name, array in weights.items()),
            *(_bytes(11, _value(name, shape)) for name, shape in inputs.items()),
            *(_bytes(12, _value(name, shape)) for name, shape in outputs.items()),
        ]
    )
    return _number(1, IR_VERSION) + _text(2, "sem-curate") + _bytes(7, graph) + _bytes(8, _number(2, OPSET))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3) + _varint(value)


def _bytes(key: int, value: bytes) -> bytes:
    return _varint(key << 3 | 2) + _varint(len(value)) + value


def _text(key: int, value: str) -> bytes:
    return _bytes(key, value.encode())


def _node(node: Node) -> bytes:
    named = b"".join(_text(1, name) for name in node.inputs) + _text(2, node.output) + _text(3, node.output)
    attributes = b"".join(_bytes(5, _attribute(name, value)) for name, value in node.attributes.items())
    return named + _text(4, node.operator) + attributes


def _attribute(name: str, value: int | str | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    return _text(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _tensor(name: str, array: Floats) -> bytes:
    dims = b"".join(_number(1, length) for length in array.shape)
    return dims + _number(2, _FLOAT) + _text(8, name) + _bytes(9, np.ascontiguousarray(array, "<f4").tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, length)) for length in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, dims)))
