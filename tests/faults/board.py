"""A few numbers that all processes of a run see at once: the simulated clock, the pause, what the provider still owes.

The memory is shared by forking, so that nothing has to be asked for.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime

SEATS = 16
_CLOCK, _PAUSED, _ROUND, _OWED, _BEGUN, _DUE, _SKEW, _PASSED, _CLOSING, _ACKS = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72


class Board:
    """Written by one process a field: the clock and the pause by the conductor, `owed` by the provider."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _ACKS + 8 * SEATS)

    def _get(self, place: int) -> int:
        return int(struct.unpack_from("q", self._memory, place)[0])

    def _put(self, place: int, value: int) -> None:
        struct.pack_into("q", self._memory, place, value)

    def now(self) -> datetime:
        """The simulated time, aware, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self._get(_CLOCK) / 1e6, UTC)

    def begin(self, moment: datetime) -> None:
        """Set the clock for a new run."""
        self._put(_CLOCK, round(moment.timestamp() * 1e6))
        self._put(_SKEW, 0)
        self._put(_CLOSING, 0)

    def set(self, moment: datetime) -> None:
        """Let time pass until then."""
        before = self._get(_CLOCK)
        self._put(_CLOCK, round(moment.timestamp() * 1e6))
        self._put(_PASSED, self._get(_PASSED) + self._get(_CLOCK) - before)

    def step(self, hours: float) -> None:
        """Put our clock forward or back, as if it had been set: no time passes, and nobody else's clock moves."""
        self._put(_CLOCK, self._get(_CLOCK) + round(hours * 3.6e9))
        self._put(_SKEW, self._get(_SKEW) + round(hours * 3.6e9))

    def elsewhere(self) -> datetime:
        """The time by a clock that nobody has put forward or back."""
        return datetime.fromtimestamp((self._get(_CLOCK) - self._get(_SKEW)) / 1e6, UTC)

    def monotonic(self) -> float:
        """Seconds that only ever pass: the simulated ones beside the real ones."""
        return time.monotonic() + self._get(_PASSED) / 1e6

    @property
    def owed(self) -> int:
        """How many receipts and texts the provider has still to bring."""
        return self._get(_OWED)

    @owed.setter
    def owed(self, count: int) -> None:
        self._put(_OWED, count)

    @property
    def begun(self) -> int:
        """How many of the script's texts the provider has begun to bring."""
        return self._get(_BEGUN)

    @begun.setter
    def begun(self, count: int) -> None:
        self._put(_BEGUN, count)

    @property
    def due(self) -> int:
        """Which jobs have something to do, a bit each: so that idle workers cost nothing while a provider is slow."""
        return self._get(_DUE)

    @due.setter
    def due(self, jobs: int) -> None:
        self._put(_DUE, jobs)

    @property
    def closing(self) -> bool:
        """Whether nothing is left to do but to hear the last receipts."""
        return bool(self._get(_CLOSING))

    def close(self) -> None:
        """From now on the provider holds nothing back."""
        self._put(_CLOSING, 1)

    def pause(self) -> int:
        """Ask every worker to stop between two ticks; returns the number that each of them answers with."""
        self._put(_ROUND, self._get(_ROUND) + 1)
        self._put(_PAUSED, 1)
        return self._get(_ROUND)

    def resume(self) -> None:
        """Let them go on."""
        self._put(_PAUSED, 0)

    def paused(self, seat: int) -> int:
        """The last pause that the worker of this seat answered."""
        return self._get(_ACKS + 8 * seat)

    def checkpoint(self, seat: int, hands_free: Callable[[], bool]) -> None:
        """Called by a worker between two ticks: wait while a pause is on, and say so once it holds nothing."""
        while self._get(_PAUSED):
            number = self._get(_ROUND)
            if hands_free():
                self._put(_ACKS + 8 * seat, number)
            time.sleep(0.002)
