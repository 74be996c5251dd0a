"""Endings: how a message ends that does not simply arrive, and what that says of its address and to people.

What is not known is never sent again silently. A message that did not arrive, or may not have, leaves a DeadLetter,
which `services.undelivered` brings to a nurse.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Purpose
from care.domain.delivery import is_news, status_of
from care.records.among import among
from care.records.communications import Communication
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.dead_letters import DeadLetter
from care.records.patients import ContactPoint, Patient
from care.services import audits, consents

OUTBOX = "outbox"
OPTED_OUT = "opted-out"
NEEDS_CONSENT = tuple(purpose.value for purpose in Purpose if purpose.needs_consent)
_STATES = frozenset(one.value for one in Delivery)


def end(
    session: Session, given_up: Sequence[tuple[UUID, str]], lost: Sequence[tuple[UUID, str]], now: datetime
) -> None:
    """Give up or lose sight of claimed messages, each with its reason, in the caller's transaction."""
    reasons = dict(given_up) | dict(lost)
    if not reasons:
        return
    found = select(Communication).where(among(Communication.id, reasons)).order_by(Communication.id)
    losing = dict(lost)
    for message in session.scalars(found.execution_options(populate_existing=True)):
        message.lease_until = None
        (lose_sight if message.id in losing else give_up)(session, message, reasons[message.id], now)


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


def learn(message: Communication, news: Delivery, now: datetime) -> bool:
    """Take in what became of a message, unless more is known already. Returns whether it was news."""
    if news in (Delivery.SENT, Delivery.SENT_UNCONFIRMED, Delivery.DELIVERED):
        message.sent_at = message.sent_at or now  # also when it is heard late: any order ends in one state
    known = message.delivery or Delivery.QUEUED
    if known in _STATES and not is_news(Delivery(known), news):  # what is no state of ours tells nothing
        return False
    message.delivery, message.status = news.value, status_of(news).value
    if news in (Delivery.SENT, Delivery.SENT_UNCONFIRMED, Delivery.DELIVERED):
        message.status_reason = None
    if news is Delivery.DELIVERED:
        message.delivered_at = now
    return True


def mourn(session: Session, message: Communication, reason: str, now: datetime) -> None:
    """Leave word that a message did not arrive, or may not have. `reason` is a code."""
    message.status_reason = reason
    _tell(session, message, reason, now)


def stop(message: Communication, reason: str) -> None:
    """A message that must not or need not leave any more."""
    message.status, message.delivery = CommunicationStatus.NOT_DONE.value, Delivery.STOPPED.value
    message.status_reason, message.send_at = reason, None


def close_address(session: Session, message: Communication, status: str, now: datetime) -> bool:
    """What a provider says of an address ("failed", "opted-out") binds everything sent there from now on (no commit).

    An opt-out withdraws the consent for the channel, stops what is queued there, and a nurse hears of it as of a STOP.
    One that is heard of late and was taken back since (the patient has sent START) changes nothing. True when it is
    closed just now.
    """
    contact = session.get(ContactPoint, message.contact_point_id) if message.contact_point_id else None
    if contact is None or contact.channel != message.channel or contact.status in (status, OPTED_OUT):
        return False
    if status == OPTED_OUT and _came_back(session, contact, message.handed_at):
        return False
    contact.status = status
    patient = session.get_one(Patient, contact.patient_id)
    if status == OPTED_OUT:
        consents.decide(session, now, patient, granted=False, source="provider", channel=contact.channel)
        session.flush()
        stop_queued(session, patient.id, contact.channel, OPTED_OUT)
        _tell(session, message, OPTED_OUT, now)
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
    return True


def stop_queued(session: Session, patient_id: UUID, channel: str, reason: str) -> int:
    """Stop what waits to be sent to a patient on a channel and needs consent; in the caller's transaction."""
    waiting = (
        update(Communication)
        .where(
            Communication.patient_id == patient_id,
            Communication.channel == channel,
            Communication.direction == "out",
            Communication.delivery == Delivery.QUEUED.value,
            Communication.purpose.in_(NEEDS_CONSENT),
        )
        .values(
            status=CommunicationStatus.NOT_DONE.value,
            delivery=Delivery.STOPPED.value,
            status_reason=reason,
            send_at=None,
        )
        .returning(Communication.id)
    )
    return len(session.scalars(waiting).all())


def _came_back(session: Session, contact: ContactPoint, handed_at: datetime | None) -> bool:
    """Whether the patient has agreed to the channel after the message was handed over."""
    if handed_at is None:
        return False
    since = select(Consent.granted).where(
        Consent.patient_id == contact.patient_id,
        Consent.purpose == FOLLOW_UP,
        Consent.channel.in_((contact.channel, EVERY_CHANNEL)),
        Consent.at > handed_at,
    )
    newest = session.scalars(since.order_by(Consent.at.desc(), Consent.id.desc())).first()
    return newest is True


def _tell(session: Session, message: Communication, reason: str, now: datetime) -> None:
    letter = DeadLetter(queue=OUTBOX, row_id=message.id, patient_id=message.patient_id, error=reason, at=now)
    session.add(letter)
