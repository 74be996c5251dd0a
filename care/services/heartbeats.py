"""Heartbeats: a process of time or work says that it lives, by the database's clock.

One row a kind of process, not a process: with several workers the row says that at least one lives, and a dead one's
rows come back by their leases.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.records.heartbeats import Heartbeat
from care.records.ids import new_id

EXPECTED = frozenset({"clock", "worker"})
SILENT_AFTER = 60.0  # seconds without a sign of life after which a kind of process counts as gone


def beat(session: Session, name: str) -> None:
    """Say that `name` lives; commits."""
    sign = insert(Heartbeat).values(id=new_id(), name=name, at=func.clock_timestamp())
    session.execute(sign.on_conflict_do_update(index_elements=[Heartbeat.name], set_={"at": func.clock_timestamp()}))
    session.commit()


def ages(session: Session) -> dict[str, float]:
    """Seconds since the last sign of life, by name."""
    age = func.extract("epoch", func.clock_timestamp() - Heartbeat.at)
    return {name: float(seconds) for name, seconds in session.execute(select(Heartbeat.name, age))}


def silent(session: Session, expected: Collection[str] = ()) -> list[str]:
    """The names that have not beaten for SILENT_AFTER seconds, and those of `expected` that never have.

    A sign of life from the future counts as none: the database's clock was put back, and who lives has beaten since.
    """
    known = ages(session)
    old = {name for name, age in known.items() if abs(age) > SILENT_AFTER}
    return sorted(old | (set(expected) - known.keys()))
