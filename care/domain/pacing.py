"""Pacing: how many messages a sender may hand over now. A bucket that fills at the sender's rate.

Pure: `now` is seconds on any clock that does not go back. The bucket that counts is shared by all processes
(services.pacing in the database, or in Redis); a copy like this one tells a process how much is worth asking for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Bucket:
    """`rate` in messages a second; at most `burst` are saved up; `tokens` may be negative when urgent ones overdrew."""

    rate: float
    tokens: float
    at: float

    @property
    def burst(self) -> float:
        """A second's worth, and at least one message."""
        return burst_of(self.rate)

    def refilled(self, now: float) -> Bucket:
        """The bucket at `now`."""
        gained = max(0.0, now - self.at) * self.rate
        return Bucket(self.rate, min(self.burst, self.tokens + gained), max(now, self.at))

    def take(self, wanted: int, now: float, overdraw: bool = False) -> tuple[int, Bucket]:
        """How many of `wanted` may leave (all of them when `overdraw`), and the bucket afterwards."""
        full = self.refilled(now)
        granted = wanted if overdraw else max(0, min(wanted, math.floor(full.tokens)))
        return granted, Bucket(full.rate, full.tokens - granted, full.at)


def burst_of(rate: float) -> float:
    """How many messages a sender of this rate may hand over at once: a second's worth, and at least one."""
    return max(1.0, rate)


class Pacer(Protocol):
    """The shared bucket of each sender."""

    def __call__(self, session: Any, sender: str, rate: float, wanted: int, overdraw: bool) -> int:
        """Take up to `wanted` tokens of `sender` (all when `overdraw`); returns how many there were."""
