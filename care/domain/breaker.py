"""Breaker: whether a provider is worth calling. It opens after failures in a row, tries again, closes on success.

Pure: `now` is monotonic seconds and always an argument; each method gives the breaker as it is afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

State = Literal["closed", "open", "half-open"]

TRIPS = 50
"""The weight of failures in a row that opens it."""

HEAVY, LIGHT = 10, 1
"""A refused connection, a server's error or a time-out weighs HEAVY; a plea for a pause (429), which costs nobody more
than the asking and may be meant for one message alone, weighs LIGHT."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Breaker:
    """`opened_at` is when the outage began; `retry_at` when it may be tried again; `probing` that somebody tries."""

    weight: int = 0
    opened_at: float | None = None
    retry_at: float = 0.0
    pause: float = FIRST_PAUSE
    probing: bool = False

    def state(self, now: float) -> State:
        """closed: call freely. open: don't. half-open: a few may find out whether it is back."""
        if self.opened_at is None:
            return "closed"
        return "open" if now < self.retry_at else "half-open"

    def wait(self, now: float) -> float:
        """Seconds until it may be called again; 0 when it may now."""
        return 0.0 if self.opened_at is None else max(0.0, self.retry_at - now)

    def outage(self, now: float) -> float:
        """Seconds since it opened; 0 when it is closed."""
        return 0.0 if self.opened_at is None else max(0.0, now - self.opened_at)

    def succeed(self) -> Breaker:
        """An answer came, whatever it said of the message: the provider lives."""
        return self if self.opened_at is None and not self.weight else Breaker()

    def probe(self) -> Breaker:
        """Somebody calls while it is half-open."""
        return replace(self, probing=True)

    def fail(self, now: float, weight: int = HEAVY) -> Breaker:
        """A call failed. While it is open only the failure of a probe counts: the others began before."""
        if self.opened_at is not None:
            return self._longer(now) if self.probing else self
        if self.weight + weight < TRIPS:
            return replace(self, weight=self.weight + weight)
        return self.stall(now)

    def stall(self, now: float) -> Breaker:
        """Calls are out and none comes back: as good as failed, without waiting for their time-outs."""
        if self.opened_at is None:
            return Breaker(self.weight, now, now + FIRST_PAUSE)
        return self._longer(now) if self.probing else self

    def _longer(self, now: float) -> Breaker:
        pause = min(self.pause * 2, LONGEST_PAUSE)
        return replace(self, retry_at=now + pause, pause=pause, probing=False)
