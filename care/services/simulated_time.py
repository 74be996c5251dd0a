"""Simulated time: the clock of a demonstration is the wall's, and as far ahead as one row says. Never in production.

What ticks by the database's clock (leases, heartbeats) does not move: a process lives as long as it lives. What lies
between two positions of the clock happens at the later one, as after an outage of that length.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import create_engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from care.errors import Invalid
from care.records.practitioners import StaffSession
from care.records.sign_ins import PatientSession, Throttle
from care.records.simulated_clock import ONLY, SimulatedClock
from care.records.tasks import Task
from care.runtime import Runtime, wall_clock

EVERY = 0.5  # seconds for which what was read of the row is believed
FURTHEST = timedelta(days=2 * 366)
NOT_MOVED = timedelta(0)


class MovedClock:
    """The time of a demonstration: `wall()` and what `ahead()` says, which is asked at most every half second.

    While it cannot be asked (the database is away), what was known last goes on.
    """

    def __init__(
        self,
        ahead: Callable[[], timedelta],
        wall: Callable[[], datetime] = wall_clock,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ahead, self._wall, self._elapsed = ahead, wall, elapsed
        self._known, self._until = NOT_MOVED, float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The time now, aware, in UTC."""
        if self._elapsed() >= self._until:
            self.look()
        return self._wall() + self._known

    def look(self) -> None:
        """Ask how far ahead it is, unless another thread does."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._known = self._ahead()
        except SQLAlchemyError:
            pass  # whoever uses the database next says so
        finally:
            self._until = self._elapsed() + EVERY
            self._lock.release()


def moved_clock(database_url: str, wall: Callable[[], datetime] = wall_clock) -> MovedClock:
    """The clock of a process of a demonstration. It reads on a connection of its own, outside any transaction."""
    engine = create_engine(database_url, poolclass=NullPool, connect_args={"connect_timeout": 2})

    def read() -> timedelta:
        with Session(engine) as session:
            return ahead(session)

    return MovedClock(read, wall)


def ahead(session: Session) -> timedelta:
    """How far ahead of the wall the clock is."""
    return session.scalars(select(SimulatedClock.ahead)).first() or NOT_MOVED


def move(session: Session, by: timedelta) -> timedelta:
    """Move the clock forward; commits. How far ahead it is now. Raises Invalid for a step back, or too far.

    Who is signed in stays signed in: a session lasts as long as on the wall.
    """
    if by < NOT_MOVED or ahead(session) + by > FURTHEST:
        raise Invalid("clock", "the clock moves forward, two years at most", place="by")
    moved = insert(SimulatedClock).values(id=ONLY, ahead=by)
    further = {"ahead": SimulatedClock.ahead + moved.excluded.ahead}
    session.execute(moved.on_conflict_do_update(index_elements=[SimulatedClock.id], set_=further))
    _carry_sessions(session, by)
    session.commit()
    return ahead(session)


def back_to_real(session: Session, rt: Runtime) -> None:
    """Back to the wall's time; commits. What has happened stays, and lies in the future until the wall gets there."""
    gone = ahead(session)
    session.execute(delete(SimulatedClock))
    _carry_sessions(session, -gone)
    session.execute(delete(Throttle).where(Throttle.window_start > rt.now() - gone))
    session.commit()


def next_reminder(session: Session, patient_id: UUID, now: datetime) -> datetime | None:
    """When the patient is next reminded, after now; None when nothing is planned.

    What is decided when a task expires is no reminder.
    """
    due = select(func.min(Task.remind_at)).where(
        Task.patient_id == patient_id, Task.remind_at > now, Task.remind_at < Task.expires_at
    )
    return session.scalars(due).one()


def _carry_sessions(session: Session, by: timedelta) -> None:
    for kind in (StaffSession, PatientSession):
        session.execute(update(kind).values(expires_at=kind.expires_at + by))
