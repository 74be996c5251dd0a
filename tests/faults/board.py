"""A few numbers that all processes of a run see at once: the simulated clock, the pause, what the provider still owes.

The memory is shared by forking, so that nothing has to be asked for.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime

SEATS = 16
_CLOCK, _PAUSED, _ROUND, _OWED, _BEGUN, _ACKS = 0, 8, 16, 24, 32, 40


class Board:
    """Written by one process a field: the clock and the pause by the conductor, `owed` by the provider, acks by each."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _ACKS + 8 * SEATS)

    def _get(self, place: int) -> int:
        return int(struct.unpack_from("q", self._memory, place)[0])

    def _put(self, place: int, value: int) -> None:
        struct.pack_into("q", self._memory, place, value)

    def now(self) -> datetime:
        """The simulated time, aware, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self._get(_CLOCK) / 1e6, UTC)

    def set(self, moment: datetime) -> None:
        """Move the simulated time."""
        self._put(_CLOCK, round(moment.timestamp() * 1e6))

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

    def checkpoint(self, seat: int) -> None:
        """Called by a worker between two ticks: wait while a pause is on."""
        while self._get(_PAUSED):
            self._put(_ACKS + 8 * seat, self._get(_ROUND))
            time.sleep(0.001)
