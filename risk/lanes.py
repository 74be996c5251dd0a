"""A thread's own way through a graph: one row in, the heads' numbers out, in memory that is used again.

`session.run` makes arrays anew for every report; here input and outputs are bound once and only numbers move. The
outputs are blotted out before each run, so that what a graph did not write can never be an earlier report's answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import Struct

import numpy as np
import onnxruntime as ort

Heads = list[tuple[float, list[float], float]]  # each head's risk, contributions and logit
OUTPUTS = 3  # of a head, in the order of `Heads`


class Lane:
    """One input of `width` float32; for each head its outputs' names. Belongs to one thread and one session."""

    def __init__(self, session: ort.InferenceSession, given: str, outputs: Sequence[str], width: int) -> None:
        self.session = session
        self._binding = session.io_binding()
        numbers = np.zeros((1, width), dtype=np.float32)
        self._given = ort.OrtValue.ortvalue_from_numpy(numbers)
        self._binding.bind_ortvalue_input(given, self._given)
        heads = len(outputs) // OUTPUTS
        told = np.full(heads * (width + 2), math.nan, dtype=np.float32)
        self._told = []
        self._places = []
        for head in range(heads):
            start = head * (width + 2)
            end = start + width
            shares = told[start:end].reshape(1, width)
            parts = (told[end : end + 1], shares, told[end + 1 : end + 2])
            for name, part in zip(outputs[head * OUTPUTS :], parts, strict=False):
                value = ort.OrtValue.ortvalue_from_numpy(part)
                self._binding.bind_ortvalue_output(name, value)
                self._told.append(value)
            self._places.append((start, end))
        self._write, self._read = Struct(f"={width}f"), Struct(f"={len(told)}f")
        self._in, self._out = numbers.data.cast("B"), told.data.cast("B")
        self._blank = bytes(told)

    def run(self, numbers: Sequence[float | None]) -> tuple[tuple[float, ...], Heads]:
        """(the numbers as the graph read them, what it says of them). Raises whatever the runtime raises."""
        self._write.pack_into(self._in, 0, *numbers)
        self._out[:] = self._blank
        self.session.run_with_iobinding(self._binding)
        told = self._read.unpack_from(self._out)
        heads = [(told[end], list(told[start:end]), told[end + 1]) for start, end in self._places]
        return self._write.unpack_from(self._in), heads
