"""Departures: whether a queued message may leave now, decided when it leaves and not when it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose, TaskStatus
from care.domain.reminder import QuietHours
from care.records.among import among
from care.records.communications import Communication
from care.records.patients import ContactPoint, Patient
from care.records.tasks import Task
from care.services.consents import Ledger, ledger_of

QUIET = QuietHours()


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: the patient sleeps."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """Not any more; `reason` is a code."""

    reason: str


Decision = Go | Later | Stop


@dataclass(frozen=True)
class Facts:
    """What the decisions about a batch need."""

    ledger: Ledger
    contacts: dict[UUID, ContactPoint]
    open_tasks: set[UUID]
    zones: dict[UUID, str]


def facts_for(session: Session, messages: Sequence[Communication], now: datetime) -> Facts:
    """Load what is needed for a batch, one query a noun."""
    asking = {one.patient_id for one in messages if one.patient_id and Purpose(one.purpose).needs_consent}
    contact_ids = {one.contact_point_id for one in messages if one.contact_point_id}
    reminders = [one for one in messages if one.purpose == Purpose.REMINDER]
    found = select(ContactPoint).where(among(ContactPoint.id, contact_ids)).execution_options(populate_existing=True)
    contacts = session.scalars(found) if contact_ids else ()
    return Facts(
        ledger_of(session, asking),
        {contact.id: contact for contact in contacts},
        _open(session, {one.task_id for one in reminders if one.task_id}, now),
        _zones(session, {one.patient_id for one in reminders if one.patient_id}),
    )


def departure(message: Communication, facts: Facts, now: datetime) -> Decision:
    """Consent and opt-out bind all but the exempt purposes; quiet hours and closed tasks concern reminders only."""
    purpose = Purpose(message.purpose)
    if purpose.needs_consent and message.patient_id is not None:
        contact = facts.contacts.get(message.contact_point_id) if message.contact_point_id else None
        if contact is not None and contact.status != "active":
            return Stop("opted-out" if contact.status == "opted-out" else "address-failed")
        if not facts.ledger.allows(message.patient_id, message.channel):
            return Stop("no-consent")
    if purpose is Purpose.REMINDER and message.patient_id is not None:
        if message.task_id is not None and message.task_id not in facts.open_tasks:
            return Stop("task-closed")
        over = QUIET.over_at(now, facts.zones[message.patient_id])
        if over > now:
            return Later(over)
    return Go()


def _open(session: Session, task_ids: set[UUID], now: datetime) -> set[UUID]:
    if not task_ids:
        return set()
    statuses = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)
    found = select(Task.id).where(Task.id.in_(task_ids), Task.status.in_(statuses), Task.expires_at > now)
    return set(session.scalars(found))


def _zones(session: Session, patient_ids: set[UUID]) -> dict[UUID, str]:
    if not patient_ids:
        return {}
    rows = session.execute(select(Patient.id, Patient.time_zone).where(among(Patient.id, patient_ids)))
    return {row.id: row.time_zone for row in rows}
