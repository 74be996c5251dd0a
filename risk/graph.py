"""The operators of an ONNX file, read from its bytes without the onnx package.

An ONNX file is a protobuf message. Only its frame is read here: which operators the graph holds, and whether anything
in it could reach outside the file or hide code (external data, subgraphs, functions). Field numbers are onnx.proto's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from care.errors import AssessmentError

ALLOWED_OPS = frozenset(
    {"Add", "Sub", "Mul", "ReduceSum", "Sigmoid", "Identity", "Clip", "Concat", "ai.onnx.ml:TreeEnsembleRegressor"}
)

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_IR, _MODEL_GRAPH, _MODEL_OPSET = 1, 7, 8
_MODEL_KNOWN = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14})  # without training_info (20), functions (25), configuration (26)
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_REFUSED = (5, 10), frozenset({6, 11, 22, 23})
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What the file says about itself: IR version, opset by domain ('' is ai.onnx), operators in sorted order."""

    ir: int
    opset: dict[str, int]
    ops: tuple[str, ...]


def read_graph(data: bytes) -> GraphFacts:
    """The facts of an ONNX file; AssessmentError when it is malformed, or holds what a bundle may not."""
    try:
        return _read_model(data)
    except (IndexError, UnicodeDecodeError, TypeError) as error:
        raise _refused("the ONNX file is malformed") from error


def _refused(message: str) -> AssessmentError:
    return AssessmentError("bundle-graph", message)


def _read_model(data: bytes) -> GraphFacts:
    ir = 0
    opset: dict[str, int] = {}
    ops: set[str] = set()
    for number, value in _fields(data):
        if number not in _MODEL_KNOWN:
            raise _refused("the ONNX file holds functions or training code")
        if number == _MODEL_IR:
            ir = _int(value)
        elif number == _MODEL_OPSET:
            fields = dict(_fields(_blob(value)))
            domain = _text(fields.get(1, b""))
            opset[domain] = _int(fields.get(2, 0))
        elif number == _MODEL_GRAPH:
            ops |= _operators(_blob(value))
    if not ops:
        raise _refused("the ONNX file holds no graph")
    return GraphFacts(ir, opset, tuple(sorted(ops)))


def _operators(graph: bytes) -> set[str]:
    ops: set[str] = set()
    for number, value in _fields(graph):
        if number == _GRAPH_NODE:
            ops.add(_operator(_blob(value)))
        elif number == _GRAPH_INITIALIZER:
            _check_tensor(_blob(value))
        elif number == _GRAPH_SPARSE:
            raise _refused("sparse tensors are not allowed")
    return ops


def _operator(node: bytes) -> str:
    op = domain = ""
    for number, value in _fields(node):
        if number == _NODE_OP:
            op = _text(value)
        elif number == _NODE_DOMAIN:
            domain = _text(value)
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(_blob(value))
    name = op if domain in ("", "ai.onnx") else f"{domain}:{op}"
    if name not in ALLOWED_OPS:
        raise _refused(f"operator off the list: {name[:60]}")
    return name


def _check_attribute(attribute: bytes) -> None:
    for number, value in _fields(attribute):
        if number in _ATTRIBUTE_REFUSED:
            raise _refused("subgraphs and sparse tensors are not allowed")
        if number in _ATTRIBUTE_TENSORS:
            _check_tensor(_blob(value))


def _check_tensor(tensor: bytes) -> None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise _refused("data outside the file is not allowed")


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field of one message in order: (number, integer or bytes)."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if wire == _VARINT:
            value, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
            value, at = data[at : at + size], at + size
        elif wire == _BYTES:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise IndexError("unknown wire type")
        if at > end:
            raise IndexError("a field runs past the end")
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number runs past 64 bits")


def _blob(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("expected a message")
    return value


def _text(value: int | bytes) -> str:
    return _blob(value).decode("utf-8")


def _int(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise TypeError("expected a number")
    return value
