"""Outcomes: what became of messages that were handed over, and what follows for the address and for people.

What is not known is never sent again silently. A message that did not arrive, or may not have, leaves a DeadLetter,
which `services.undelivered` brings to a nurse.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import ATTEMPTS, is_news, pause_after, settled, status_of
from care.domain.message import Outgoing, Sent
from care.errors import ChannelError
from care.records.among import among
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.patients import ContactPoint, Patient
from care.runtime import Runtime
from care.services import audits, consents
from care.services.sending import Outcome

OUTBOX = "outbox"
PAGE_AGAIN = timedelta(seconds=60)

# What was sent and has not been heard of since, in one statement: this is what happens to nearly all messages.
_SENT = text(
    "UPDATE communication c SET status = 'completed', delivery = :known, status_reason = NULL, send_at = NULL,"
    " attempts = 0, lease_until = NULL, external_id = coalesce(c.external_id, v.external_id),"
    " sent_at = coalesce(c.sent_at, :now), delivered_at = coalesce(c.delivered_at, :delivered_at)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:external AS text[])) AS v(id, external_id)"
    " WHERE c.id = v.id AND c.delivery = 'sending' RETURNING c.id"
)


def note_outcomes(
    session: Session,
    rt: Runtime,
    leases: dict[UUID, datetime],
    ready: Sequence[Outgoing],
    outcomes: dict[UUID, Outcome],
    now: datetime,
) -> int:
    """Write down what became of each, in one transaction; commits. Returns how many did not leave."""
    failed = 0
    channels = {one.id: one.channel for one in ready}
    rest = set(outcomes) - _note_all_sent(session, rt, channels, outcomes, now)
    found = select(Communication).where(among(Communication.id, rest)).order_by(Communication.id)
    rows = session.scalars(found.with_for_update().execution_options(populate_existing=True)).all() if rest else ()
    for message in rows:
        if message.lease_until == leases[message.id]:
            message.lease_until = None
        outcome = outcomes[message.id]
        if isinstance(outcome, Sent):
            _note_sent(rt, message, outcome, now)
        elif settled(Delivery(message.delivery or Delivery.QUEUED)):
            message.send_at = None  # its receipt was quicker than we are
        elif outcome is not None:
            failed += 1
            _note_failure(session, message, outcome, now)
    _hold_back(rows, outcomes)
    session.commit()
    return failed


def _note_all_sent(
    session: Session, rt: Runtime, channels: dict[UUID, str], outcomes: dict[UUID, Outcome], now: datetime
) -> set[UUID]:
    """Write down those that were sent and of which nothing else has become known meanwhile; returns their ids."""
    groups: dict[Delivery, dict[UUID, str]] = {}
    for message_id, outcome in outcomes.items():
        if isinstance(outcome, Sent):
            groups.setdefault(_known(rt, channels[message_id], outcome), {})[message_id] = outcome.external_id
    noted: set[UUID] = set()
    for known, sent in groups.items():
        values = {"ids": list(sent), "external": list(sent.values()), "known": known.value, "now": now}
        values |= {"delivered_at": now if known is Delivery.DELIVERED else None}
        noted.update(session.execute(_SENT, values).scalars())
    return noted


def _hold_back(messages: Sequence[Communication], outcomes: dict[UUID, Outcome]) -> None:
    """What was not begun is queued as before; behind one that is tried again later it waits as long, to keep order."""
    later = {
        (one.channel, one.address_token): one.send_at
        for one in messages
        if outcomes[one.id] is not None and one.delivery == Delivery.QUEUED
    }
    for message in messages:
        if outcomes[message.id] is None and not settled(Delivery(message.delivery or Delivery.QUEUED)):
            message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
            message.attempts -= 1
            message.send_at = later.get((message.channel, message.address_token)) or message.send_at


def _note_sent(rt: Runtime, message: Communication, sent: Sent, now: datetime) -> None:
    message.external_id = message.external_id or sent.external_id
    message.sent_at = message.sent_at or now
    message.send_at, message.attempts = None, 0
    learn(message, _known(rt, message.channel, sent), now)


def _known(rt: Runtime, channel: str, sent: Sent) -> Delivery:
    """What is known of a message that its channel took."""
    if sent.delivered:
        return Delivery.DELIVERED
    return Delivery.SENT if rt.channels[channel].capabilities.receipts else Delivery.SENT_UNCONFIRMED


def _note_failure(session: Session, message: Communication, error: ChannelError, now: datetime) -> None:
    contact = session.get(ContactPoint, message.contact_point_id) if message.contact_point_id else None
    if error.kind == "retryable" and message.attempts < ATTEMPTS:
        message.status, message.delivery = CommunicationStatus.PREPARATION.value, Delivery.QUEUED.value
        message.send_at, message.status_reason = now + pause_after(message.attempts, error.retry_after), error.code
    elif error.kind == "unknown":
        if message.purpose == Purpose.PAGE and message.attempts < ATTEMPTS:
            learn(message, Delivery.UNKNOWN, now)
            message.send_at = now + PAGE_AGAIN
        else:
            lose_sight(session, message, error.code, now)
    elif error.kind == "opted_out":
        stop(message, "opted-out")  # the provider knew of it before us: a nurse hears of it as of a STOP
        mourn(session, message, "opted-out", now)
        _set_contact(session, contact, "opted-out", now)
    else:
        give_up(session, message, error.code, now)
        if error.kind == "permanent":
            _set_contact(session, contact, "failed", now)


def lose_sight(session: Session, message: Communication, reason: str, now: datetime) -> None:
    """Nobody knows whether it left: never sent again by itself, a nurse is told."""
    message.send_at = None
    learn(message, Delivery.UNKNOWN, now)
    mourn(session, message, reason, now)


def give_up(session: Session, message: Communication, reason: str, now: datetime) -> None:
    """It did not leave and won't: a nurse is told. `reason` is a code."""
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
