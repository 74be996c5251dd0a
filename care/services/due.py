"""Due: the ids of the rows that wait in a queue now, most pressing first. Nothing is claimed by looking."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import Session

from care.domain.codes import Priority
from care.records.communications import Communication
from care.services import deliveries, scoring, turns
from care.services.queue import Queue

# Turns are taken under a lock and not a lease; as rows that wait they are a queue like any other.
TURNS = Queue(
    turns.QUEUE,
    Communication,
    "take_at",
    order=(Communication.recorded_at.asc(),),
    only=Communication.direction == "in",
)
QUEUES: dict[str, Queue] = {"turns": TURNS, "score": scoring.QUEUE, "deliver": deliveries.QUEUE}


class Waiting(NamedTuple):
    """A row that is due and that nobody has leased; `pressing` when its priority is above routine."""

    id: UUID
    pressing: bool


def waiting(session: Session, name: str, now: datetime, limit: int) -> list[Waiting]:
    """Up to `limit` rows of a queue (turns | score | deliver) that could be claimed now, in the order of claims.

    Ends the transaction that it read in. Raises KeyError for another name.
    """
    queue = QUEUES[name]
    model, column = queue.model, getattr(queue.model, queue.column)
    pressing: ColumnElement[Any] = literal(False)
    if name == "deliver":
        pressing = Communication.priority > Priority.ROUTINE.rank
    found = select(model.id, pressing).where(
        column <= now, or_(model.lease_until.is_(None), model.lease_until < func.clock_timestamp())
    )
    if queue.only is not None:
        found = found.where(queue.only)
    rows = [Waiting(*row) for row in session.execute(found.order_by(*queue.order, column).limit(limit))]
    session.rollback()
    return rows
