"""Deliveries: what is queued leaves, the most pressing first, and what became of it is written down.

What is not known is never sent again silently. A message that did not arrive, or may not have, leaves a DeadLetter,
which `services.undelivered` brings to a nurse.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import ATTEMPTS, is_news, pause_after, settled, status_of
from care.domain.message import Outgoing, Sent
from care.errors import CareError, ChannelError
from care.records.communications import Communication, CommunicationContent, contents
from care.records.dead_letters import DeadLetter
from care.records.patients import ContactPoint, Patient
from care.runtime import Runtime
from care.services import audits, consents
from care.services.departures import Facts, Later, Stop, departure, facts_for
from care.services.queue import Queue, Worked, claim
from care.services.sending import Outcome, send_all

OUTBOX = "outbox"
QUEUE = Queue(
    OUTBOX,
    Communication,
    "send_at",
    order=(Communication.priority.desc(), Communication.send_at.asc(), Communication.recorded_at.asc()),
    lease=timedelta(minutes=5),
)
_SENDING_SECONDS = QUEUE.lease.total_seconds() / 2  # what has begun by then ends before the lease does
_PAGE_AGAIN = timedelta(seconds=60)


def deliver_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Send what is due, the most pressing first; commits before and after, and holds nothing while it sends.

    A message is marked as being sent before it is handed over. Found so marked by a later claim, its sender died and
    nobody knows whether it left: a page is sent again, anything else is left to a nurse.
    """
    leases = claim(session, QUEUE, now, limit)
    if not leases:
        return Worked()
    ready = _prepare(session, leases, now)
    outcomes = send_all(rt.channels, ready, _SENDING_SECONDS)
    failed = _note_outcomes(session, rt, leases, outcomes, now)
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
            message.status, message.delivery = CommunicationStatus.IN_PROGRESS.value, Delivery.SENDING.value
            ready.append(outgoing)
    session.commit()
    return ready


def _locked(session: Session, leases: dict[UUID, datetime]) -> list[Communication]:
    found = select(Communication).where(Communication.id.in_(leases)).order_by(*QUEUE.order, Communication.id)
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
        _lose_sight(session, message, "sender-died", now)
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
        _fail(session, message, "unreadable", now)
        return None


def _note_outcomes(
    session: Session, rt: Runtime, leases: dict[UUID, datetime], outcomes: dict[UUID, Outcome], now: datetime
) -> int:
    """Write down what became of each, in one transaction; commits. Returns how many did not leave."""
    if not outcomes:
        return 0
    failed = 0
    found = select(Communication).where(Communication.id.in_(outcomes)).order_by(Communication.id)
    rows = session.scalars(found.with_for_update().execution_options(populate_existing=True)).all()
    for message in rows:
        if message.lease_until == leases[message.id]:
            message.lease_until = None
        outcome = outcomes[message.id]
        if isinstance(outcome, Sent):
            _note_sent(rt, message, outcome, now)
        elif settled(Delivery(message.delivery or Delivery.QUEUED)):
            message.send_at = None  # its receipt was quicker than we are
        elif outcome is None:
            message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
            message.attempts -= 1
        else:
            failed += 1
            _note_failure(session, message, outcome, now)
    session.commit()
    return failed


def _note_sent(rt: Runtime, message: Communication, sent: Sent, now: datetime) -> None:
    message.external_id = message.external_id or sent.external_id
    message.sent_at = message.sent_at or now
    message.send_at, message.attempts = None, 0
    receipts = rt.channels[message.channel].capabilities.receipts
    known = Delivery.SENT if receipts else Delivery.SENT_UNCONFIRMED
    learn(message, Delivery.DELIVERED if sent.delivered else known, now)


def _note_failure(session: Session, message: Communication, error: ChannelError, now: datetime) -> None:
    contact = session.get(ContactPoint, message.contact_point_id) if message.contact_point_id else None
    if error.kind == "retryable" and message.attempts < ATTEMPTS:
        message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
        message.send_at, message.status_reason = now + pause_after(message.attempts, error.retry_after), error.code
    elif error.kind == "unknown":
        if message.purpose == Purpose.PAGE and message.attempts < ATTEMPTS:
            learn(message, Delivery.UNKNOWN, now)
            message.send_at = now + _PAGE_AGAIN
        else:
            _lose_sight(session, message, error.code, now)
    elif error.kind == "opted_out":
        stop(message, "opted-out")
        _set_contact(session, contact, "opted-out", now)
    else:
        _fail(session, message, error.code, now)
        if error.kind == "permanent":
            _set_contact(session, contact, "failed", now)


def _lose_sight(session: Session, message: Communication, reason: str, now: datetime) -> None:
    """Nobody knows whether it left: never sent again by itself, a nurse is told."""
    message.send_at = None
    learn(message, Delivery.UNKNOWN, now)
    mourn(session, message, reason, now)


def _fail(session: Session, message: Communication, reason: str, now: datetime) -> None:
    message.send_at = None
    learn(message, Delivery.FAILED, now)
    mourn(session, message, reason, now)


def _set_contact(session: Session, contact: ContactPoint | None, status: str, now: datetime) -> None:
    """What a provider says of an address binds everything sent there from now on."""
    if contact is None or contact.status == status:
        return
    contact.status = status
    patient = session.get_one(Patient, contact.patient_id)
    if status == "opted-out":
        consents.decide(session, now, patient, granted=False, source="provider", channel=contact.channel)
    audits.record(
        session,
        now,
        f"contact.{status}",
        "contact_point",
        contact.id,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        channel=contact.channel,
    )


def learn(message: Communication, news: Delivery, now: datetime) -> bool:
    """Take in what became of a message, unless more is known already. Returns whether it was news."""
    if not is_news(Delivery(message.delivery or Delivery.QUEUED), news):
        return False
    message.delivery, message.status = news.value, status_of(news).value
    if news in (Delivery.SENT, Delivery.SENT_UNCONFIRMED, Delivery.DELIVERED):
        message.sent_at, message.status_reason = message.sent_at or now, None
    if news is Delivery.DELIVERED:
        message.delivered_at = now
    return True


def mourn(session: Session, message: Communication, reason: str, now: datetime) -> None:
    """Leave word that a message did not arrive, or may not have. `reason` is a code."""
    message.status_reason = reason
    session.add(DeadLetter(queue=OUTBOX, row_id=message.id, patient_id=message.patient_id, error=reason, at=now))


def stop(message: Communication, reason: str) -> None:
    """A message that must not or need not leave any more."""
    message.status, message.delivery = CommunicationStatus.NOT_DONE.value, Delivery.STOPPED.value
    message.status_reason, message.send_at = reason, None
