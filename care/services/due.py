"""Due: the ids of the rows that wait in a queue now, most pressing first. Nothing is claimed by looking."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from care.domain.codes import Priority
from care.records.communications import Communication
from care.services import scoring, turns
from care.services.queue import Queue

# Turns are taken under a lock and not a lease; as rows that wait they are a queue like any other.
TURNS = Queue(
    turns.QUEUE,
    Communication,
    "take_at",
    order=(Communication.recorded_at.asc(),),
    only=Communication.direction == "in",
)
QUEUES: dict[str, Queue] = {"turns": TURNS, "score": scoring.QUEUE}


class Waiting(NamedTuple):
    """A row that is due and that nobody has leased; `pressing` when its priority is above routine."""

    id: UUID
    pressing: bool


# Each channel and priority has a head of its own: what one provider cannot get rid of hides nothing of another's. The
# bounds are rows because then one index alone fits: with `=` the planner may walk all that is due for each of them.
_DELIVER = text(
    "WITH RECURSIVE named AS (SELECT min(channel) AS channel FROM communication WHERE send_at IS NOT NULL"
    " UNION ALL SELECT (SELECT min(c.channel) FROM communication c WHERE c.send_at IS NOT NULL"
    " AND c.channel > named.channel) FROM named WHERE named.channel IS NOT NULL)"
    " SELECT c.id, c.priority > 0 FROM named CROSS JOIN unnest(CAST(:priorities AS smallint[])) AS p(priority)"
    " CROSS JOIN LATERAL (SELECT c.id, c.priority, c.send_at, c.recorded_at FROM communication c"
    " WHERE (c.channel, c.priority) >= (named.channel, p.priority) AND c.send_at IS NOT NULL"
    " AND (c.channel, c.priority, c.send_at) <= (named.channel, p.priority, CAST(:now AS timestamptz))"
    " AND (c.lease_until IS NULL OR c.lease_until < clock_timestamp())"
    " ORDER BY c.channel, c.priority, c.send_at, c.recorded_at LIMIT :most) c"
    " WHERE named.channel IS NOT NULL ORDER BY c.priority DESC, c.send_at, c.recorded_at"
)
_PRIORITIES = [priority.rank for priority in Priority]


def waiting(session: Session, name: str, now: datetime, limit: int) -> list[Waiting]:
    """Up to `limit` rows of a queue (turns | score | deliver) that could be claimed now, in the order of claims.

    Of messages, up to `limit` for each channel and priority. Ends the transaction that it read in. Raises KeyError for
    another name.
    """
    if name == "deliver":
        found = session.execute(_DELIVER, {"now": now, "most": limit, "priorities": _PRIORITIES})
        rows = [Waiting(*row) for row in found]
    else:
        rows = [Waiting(row, False) for row in session.scalars(_waiting(QUEUES[name], now).limit(limit))]
    session.rollback()
    return rows


def _waiting(queue: Queue, now: datetime) -> Select[UUID]:
    model, column = queue.model, getattr(queue.model, queue.column)
    free = or_(model.lease_until.is_(None), model.lease_until < func.clock_timestamp())
    found = select(model.id).where(column <= now, free)
    if queue.only is not None:
        found = found.where(queue.only)
    return found.order_by(*queue.order, column)
