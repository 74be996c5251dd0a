"""The ONNX file is read from its bytes; what could hide code or reach outside is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.errors import AssessmentError
from risk.graph import read_graph
from tests.risk.conftest import DIRECTORY

MODEL = (DIRECTORY / "model.onnx").read_bytes()


def field(number: int, content: bytes | int) -> bytes:
    """One protobuf field; short contents only."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def test_the_shipped_graph_holds_five_plain_operators():
    facts = read_graph(MODEL)
    assert facts.ops == ("Add", "Mul", "ReduceSum", "Sigmoid", "Sub")
    assert (facts.ir, facts.opset) == (9, {"": 17})


NODE = field(4, b"Add")


@pytest.mark.parametrize(
    "added",
    [
        field(7, field(1, field(4, b"Loop"))),
        field(7, field(1, field(4, b"Add") + field(7, b"com.example"))),
        field(7, field(1, NODE + field(5, field(6, b"")))),
        field(7, field(1, NODE + field(5, field(11, b"")))),
        field(7, field(1, NODE + field(5, field(5, field(13, b"path"))))),
        field(7, field(5, field(13, field(1, b"location") + field(2, b"/etc/passwd")))),
        field(7, field(5, field(14, 1))),
        field(7, field(15, b"")),
        field(20, b""),
        field(25, b""),
    ],
    ids=[
        "a loop",
        "an operator of someone's own",
        "a subgraph",
        "subgraphs",
        "external data in an attribute",
        "external data",
        "external location",
        "sparse tensor",
        "training code",
        "a function",
    ],
)
def test_what_could_hide_code_or_reach_outside_is_refused(added):
    with pytest.raises(AssessmentError) as refused:
        read_graph(MODEL + added)  # protobuf merges what is appended
    assert refused.value.reason == "bundle-graph"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_never_a_crash(data):
    with suppress(AssessmentError):
        assert read_graph(data).ops


@given(st.integers(0, len(MODEL) - 1), st.integers(0, 255))
def test_any_byte_changed_is_read_or_refused_never_a_crash(where, byte):
    data = bytearray(MODEL)
    data[where] = byte
    with suppress(AssessmentError):
        assert read_graph(bytes(data)).ops
