"""The publisher: tells the workers, through a broker, which rows are due; and says when the broker does not carry.

It remembers what it has published in memory only, and no more than the rows that wait at the head of each queue. What
is still waiting after a while is published again, so this is also the sweep; after a restart everything is. A row that
is published twice is claimed once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from care.logs import logger
from care.runtime import Runtime
from care.services.due import Waiting, waiting
from care.services.queue import Worked
from scheduler.jobs import JOBS, Carry, Job

Road = Literal["urgent", "reports", "routine"]
ROADS: tuple[Road, ...] = ("urgent", "reports", "routine")
"""The broker's queues. Each has workers of its own, so that no row waits behind a less pressing kind."""

Send = Callable[[Road, str, Sequence[UUID]], None]
"""Hand the ids of one job's rows to the broker. Raises whatever says that it could not."""

HEAD = 5_000  # rows a queue that are published at a time: what waits behind them is published as they are taken
MESSAGE = 50  # ids in one message
PATIENCE = 10.0  # seconds that the broker may refuse before others than its workers take over
OVERDUE = 60.0  # seconds that a published row may wait to be taken before others help
AGAIN_AT_MOST = 600.0
# Seconds after which a row that still waits is published again; then twice as many, so that a broker whose workers
# are gone for a night is not filled with copies. A turn is missed whenever another worker has its patient, so sooner.
AGAIN = {"deliver": 30.0, "score": 30.0, "turns": 3.0}


@dataclass(slots=True)
class Published:
    """When a waiting row was published, by the monotonic clock, and how often."""

    first: float
    last: float
    times: int = 1

    def due_again(self, now: float, after: float) -> bool:
        """Whether it has waited for so long that its message may be lost."""
        return now - self.last >= min(AGAIN_AT_MOST, after * 2 ** (self.times - 1))


class Publisher:
    """What one process has published, and whether it was carried."""

    def __init__(
        self, send: Send, clock: Callable[[], float] = time.monotonic, head: int = HEAD, patience: float = PATIENCE
    ) -> None:
        """`clock` counts seconds; at most `head` rows of a queue are out at a time; see PATIENCE."""
        self._send = send
        self._clock = clock
        self._head = head
        self._patience = patience
        self._known: dict[str, dict[UUID, Published]] = {name: {} for name in AGAIN}
        self._one_at_a_time = threading.Lock()
        self._refused_since: float | None = None
        self._handing_over_since: float | None = None

    def publish_due(self, session: Session, rt: Runtime) -> Worked:
        """Publish what is due and was not published lately, the most pressing first. Returns how many ids as done.

        A broker that refuses is logged by type of error and tried again the next time.
        """
        if not self._one_at_a_time.acquire(blocking=False):
            return Worked()
        try:
            found = {name: waiting(session, name, rt.now(), self._head) for name in AGAIN}
            for name, rows in found.items():  # what is no longer waiting at the head was taken: it is forgotten
                known = self._known[name]
                self._known[name] = {row.id: known[row.id] for row in rows if row.id in known}
            return Worked(done=self._hand_over(found))
        finally:
            self._one_at_a_time.release()

    def needs_help(self, name: str) -> bool:
        """Whether the rows of this job should be worked without the broker: it is away, or nobody takes them."""
        now = self._clock()
        for since in (self._refused_since, self._handing_over_since):
            if since is not None and now - since > self._patience:
                return True
        published = list(self._known[name].values())  # at once: another thread publishes meanwhile
        return any(now - one.first > OVERDUE for one in published)

    def _hand_over(self, found: dict[str, list[Waiting]]) -> int:
        count = 0
        for road, name, ids in self._messages(found):
            self._handing_over_since = self._clock()
            try:
                self._send(road, name, ids)
            except Exception as error:  # noqa: BLE001  whatever it is, the rows are still due at the next beat
                if self._refused_since is None:
                    self._refused_since = self._handing_over_since
                logger().error("broker away, waiting", job=name, error=type(error).__name__)
                return count
            finally:
                self._handing_over_since = None
            self._refused_since = None
            self._remember(name, ids)
            count += len(ids)
        return count

    def _messages(self, found: dict[str, list[Waiting]]) -> Iterator[tuple[Road, str, list[UUID]]]:
        """What to publish, road after road."""
        for road in ROADS:
            for name, rows in found.items():
                ids = [row.id for row in rows if _road(name, row) == road and self._wanted(name, row.id)]
                for start in range(0, len(ids), MESSAGE):
                    yield road, name, ids[start : start + MESSAGE]

    def _wanted(self, name: str, row: UUID) -> bool:
        known = self._known[name].get(row)
        return known is None or known.due_again(self._clock(), AGAIN[name])

    def _remember(self, name: str, ids: Sequence[UUID]) -> None:
        now = self._clock()
        for row in ids:
            known = self._known[name].get(row)
            self._known[name][row] = (
                Published(now, now) if known is None else Published(known.first, now, known.times + 1)
            )


def clock_jobs(publisher: Publisher) -> list[Job]:
    """The clock's jobs where a broker carries: its own, the publishing, and standing in for the workers.

    Standing in is the workers' own job as it is without a broker, done here only as long as nobody else does it.
    """
    return [
        *(one for one in JOBS if one.lane == "clock"),
        Job("publish", "clock", 0.5, publisher.publish_due),
        *(_stand_in(one, one.carry, publisher) for one in JOBS if one.carry is not None),
    ]


def _stand_in(one: Job, carry: Carry, publisher: Publisher) -> Job:
    def run(session: Session, rt: Runtime) -> Worked:
        if publisher.needs_help(one.name):
            return one.run(session, rt)
        # Of no rows, but not nothing: what is still out from the last help, and what receipts said, is seen to.
        return carry(session, rt, ())

    return Job(f"stand-in-{one.name}", "clock", one.every, run)


def _road(name: str, row: Waiting) -> Road:
    if name != "deliver":
        return "reports"
    return "urgent" if row.pressing else "routine"
