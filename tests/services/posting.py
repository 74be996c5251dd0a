"""What tests of the outbox share: patients with phones, messages to them, and how these stand."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.people import Staff
from care.records.communications import Communication
from care.records.consents import Consent
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import outbox
from care.services.enrolment import Enrolment, enrol
from care.services.queue import Worked

_NUMBERS = itertools.count()


def person(session: Session, rt: Runtime, nurse: Staff, *contacts: tuple[str, str], country: str = "US") -> Patient:
    """A patient who has consented, with these (channel, address), preferred first."""
    known = tuple((channel, address, None) for channel, address in contacts)
    number = next(_NUMBERS)
    form = Enrolment("Demo Patient", "1950-01-01", f"P-{number}", "en", "UTC", country, known, "test", "1")
    return enrol(session, rt, nurse, form)


def people(session: Session, rt: Runtime, nurse: Staff, count: int, *channels: str) -> list[Patient]:
    """So many patients, each with an address on each of the channels."""
    return [
        person(session, rt, nurse, *((name, f"+1202{next(_NUMBERS):07d}") for name in channels)) for _ in range(count)
    ]


def queue(session: Session, rt: Runtime, patient: Patient, **changes: Any) -> Communication:
    """Queue a reply to a patient, or what the changes say; commits."""
    values: dict[str, Any] = {"purpose": Purpose.REPLY, "text": "Recorded.", "dedupe": f"posted-{next(_NUMBERS)}"}
    message = outbox.enqueue(session, rt.now(), **(values | {"patient": patient} | changes))
    assert message is not None
    session.commit()
    return message


def deliver(session: Session, rt: Runtime, **more: Any) -> Worked:
    """One call of the job."""
    return outbox.deliver_due(session, rt, rt.now(), **more)


def read(session: Session, message: Communication) -> Communication:
    """The message as it stands."""
    session.refresh(message)
    return message


def stands(session: Session) -> Counter[str]:
    """How many messages stand how."""
    return Counter(session.scalars(select(Communication.delivery)))


def allowed() -> ScalarSelect[Any]:
    """For an UPDATE of messages: a decision that allows each, without which the database lets nothing be sent."""
    mine = select(Consent.id).where(Consent.patient_id == Communication.patient_id, Consent.granted)
    return mine.limit(1).correlate(Communication).scalar_subquery()
