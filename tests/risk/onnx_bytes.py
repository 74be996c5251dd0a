"""An ONNX file of a few operators, written without the onnx package: enough to try graphs that we don't ship.

Field numbers are onnx.proto's.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

FLOAT, INT64, INT = 1, 7, 2
Node = tuple[str, Sequence[str], Sequence[str], Mapping[str, int]]  # operator, inputs, outputs, integer attributes


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _node(node: Node) -> bytes:
    op, inputs, outputs, attributes = node
    found = b"".join(_field(1, one) for one in inputs) + b"".join(_field(2, one) for one in outputs) + _field(4, op)
    for name, value in attributes.items():
        found += _field(5, _field(1, name) + _field(3, value) + _field(20, INT))
    return found


def _tensor(name: str, values: Sequence[float] | int) -> bytes:
    """A vector of floats, or one integer (an axis)."""
    if isinstance(values, int):
        return _field(1, 1) + _field(2, INT64) + _field(8, name) + _field(9, struct.pack("<q", values))
    data = struct.pack(f"<{len(values)}f", *values)
    return _field(1, len(values)) + _field(2, FLOAT) + _field(8, name) + _field(9, data)


def _value(name: str, width: int | None) -> bytes:
    """A float tensor of (n) or (n, width)."""
    dims = [_field(1, _field(2, "n"))] + ([_field(1, _field(1, width))] if width else [])
    kind = _field(1, _field(1, FLOAT) + _field(2, b"".join(dims)))
    return _field(1, name) + _field(2, kind)


def model(
    nodes: Sequence[Node],
    inputs: Mapping[str, int | None],
    outputs: Mapping[str, int | None],
    constants: Mapping[str, Sequence[float] | int],
) -> bytes:
    """The file, of IR version 9 and operator set 17; inputs and outputs by name with their width (None: (n))."""
    graph = b"".join(_field(1, _node(one)) for one in nodes) + _field(2, "tried")
    graph += b"".join(_field(5, _tensor(*one)) for one in constants.items())
    graph += b"".join(_field(11, _value(*one)) for one in inputs.items())
    graph += b"".join(_field(12, _value(*one)) for one in outputs.items())
    return _field(1, 9) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))
