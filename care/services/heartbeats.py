"""Heartbeats: a process of time or work says that it lives, by the database's clock."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.records.heartbeats import Heartbeat
from care.records.ids import new_id


def beat(session: Session, name: str) -> None:
    """Say that `name` lives; commits."""
    sign = insert(Heartbeat).values(id=new_id(), name=name, at=func.clock_timestamp())
    session.execute(sign.on_conflict_do_update(index_elements=[Heartbeat.name], set_={"at": func.clock_timestamp()}))
    session.commit()


def ages(session: Session) -> dict[str, float]:
    """Seconds since the last sign of life, by name."""
    age = func.extract("epoch", func.clock_timestamp() - Heartbeat.at)
    return {name: float(seconds) for name, seconds in session.execute(select(Heartbeat.name, age))}
