"""Deliveries: what is queued is claimed, decided, marked as leaving, handed over, and what became of it noted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import settled
from care.domain.message import Outgoing
from care.errors import CareError
from care.records.among import among
from care.records.communications import Communication, CommunicationContent, contents
from care.runtime import Runtime
from care.services.departures import Facts, Later, Stop, departure, facts_for
from care.services.outcomes import OUTBOX, give_up, lose_sight, note_outcomes, stop
from care.services.queue import Queue, Worked, claim
from care.services.sending import send_all

QUEUE = Queue(
    OUTBOX,
    Communication,
    "send_at",
    order=(Communication.priority.desc(), Communication.send_at.asc(), Communication.recorded_at.asc()),
    lease=timedelta(minutes=5),
)
_SENDING_SECONDS = QUEUE.lease.total_seconds() / 2  # what has begun by then ends before the lease does


def deliver_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 500, ids: Collection[UUID] | None = None
) -> Worked:
    """Send what is due (of `ids`, if given), most pressing first; commits before and after, holds nothing in between.

    A message is marked as being sent before it is handed over. Found so marked by a later claim, its sender died and
    nobody knows whether it left: a page is sent again, anything else is left to a nurse.
    """
    leases = claim(session, QUEUE, now, limit, ids)
    if not leases:
        return Worked()
    ready = _prepare(session, leases, now)
    outcomes = send_all(rt.channels, ready, _SENDING_SECONDS)
    failed = note_outcomes(session, rt, leases, ready, outcomes, now)
    return Worked(len(leases), len(leases) - failed, failed)


def _prepare(session: Session, leases: dict[UUID, datetime], now: datetime) -> list[Outgoing]:
    """Decide for each claimed message whether it leaves, and mark those that do; commits."""
    messages = _locked(session, leases)
    facts = facts_for(session, messages, now)
    words = contents(session, [message.id for message in messages])
    ready = []
    for message in messages:
        outgoing = _outgoing(session, message, words, facts, now)
        if outgoing is None:
            message.lease_until, message.attempts = None, 0
        else:
            ready.append(outgoing)
    session.execute(
        update(Communication)
        .where(among(Communication.id, [one.id for one in ready]))
        .values(status=CommunicationStatus.IN_PROGRESS.value, delivery=Delivery.SENDING.value)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return ready


def _locked(session: Session, leases: dict[UUID, datetime]) -> list[Communication]:
    found = select(Communication).where(among(Communication.id, leases)).order_by(*QUEUE.order, Communication.id)
    rows = session.scalars(found.with_for_update().execution_options(populate_existing=True))
    return [row for row in rows if row.lease_until == leases[row.id]]


def _outgoing(
    session: Session,
    message: Communication,
    words: dict[UUID, CommunicationContent],
    facts: Facts,
    now: datetime,
) -> Outgoing | None:
    """The message as it leaves, or None after it was stopped, put off, settled or given to a nurse."""
    known = Delivery(message.delivery or Delivery.QUEUED)
    if settled(known):
        message.send_at = None
        return None
    if known is not Delivery.QUEUED and message.purpose != Purpose.PAGE:
        lose_sight(session, message, "sender-died", now)
        return None
    match departure(message, facts, now):
        case Stop(reason):
            stop(message, reason)
            return None
        case Later(at):
            message.send_at = at
            return None
    try:
        content = words[message.id]
        return Outgoing(message.id, message.channel, content.address or "", content.text)
    except (CareError, KeyError):
        give_up(session, message, "unreadable", now)
        return None
