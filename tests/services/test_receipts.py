"""Receipts: what a provider says of a message ends in one state in any order; and what it says of the address."""

from __future__ import annotations

from itertools import permutations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Receipt
from care.errors import ChannelErrorKind
from care.library import provider_reason, reason
from care.records.communications import Communication
from care.records.consents import Consent
from care.records.escalations import Escalation
from care.records.patients import ContactPoint, Patient
from care.runtime import Runtime
from care.services import outbox
from care.services.enrolment import Enrolment, enrol
from tests.conftest import Clinic

KINDS: dict[str, ChannelErrorKind] = {"21610": "opted_out", "63033": "opted_out", "30005": "permanent"}


def enrolled(session: Session, rt: Runtime, clinic: Clinic, number: int = 0, channel: str = "sms") -> Patient:
    contacts = ((channel, f"+1202555{number:04d}", None),)
    asked = Enrolment("Demo Patient", "1950-01-01", f"T-{number}", "en", "UTC", "US", contacts, "test", "1")
    return enrol(session, rt, clinic.nurse, asked)


def leaving(session: Session, rt: Runtime, patient: Patient, name: str = "a") -> Communication:
    """A message that its provider is just being given."""
    message = outbox.enqueue(
        session, rt.now(), purpose=Purpose.CONFIRMATION, text="hello", dedupe=name, patient=patient
    )
    assert message is not None
    session.execute(
        update(Communication)
        .where(Communication.id == message.id)
        .values(delivery="sending", status="in-progress", handed_at=rt.now())
    )
    session.commit()
    return message


def hear(session: Session, rt: Runtime, message: Communication, word: str) -> None:
    """One receipt: a status word, and behind a slash the error that it names."""
    status, _, code = word.partition("/")
    told = Receipt(message.channel, "SM1", status, id=message.id, error_code=code, kind=KINDS.get(code, ""))
    assert outbox.note_receipt(session, rt, told, rt.now())


def state(session: Session, message: Communication) -> tuple[object, ...]:
    session.refresh(message)
    return (message.delivery, message.status, message.send_at, message.sent_at, message.delivered_at)


def contact(session: Session, patient: Patient) -> ContactPoint:
    found = session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    session.refresh(found)
    return found


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (("sending", "sent", "undelivered/30003", "delivered", "read"), "delivered"),
        (("accepted", "queued", "sending", "sent", "undelivered/30008"), "failed"),
    ],
)
def test_every_order_of_five_receipts_ends_in_one_state(
    session: Session, rt: Runtime, clinic: Clinic, words: tuple[str, ...], end: str
) -> None:
    patient = enrolled(session, rt, clinic)
    ends = set()
    for number, order in enumerate(permutations(words)):
        message = leaving(session, rt, patient, str(number))
        for word in order:
            hear(session, rt, message, word)
        ends.add(state(session, message))
        session.execute(update(Communication).where(Communication.id == message.id).values(external_id=str(number)))
        session.commit()
    assert number == 119
    assert len(ends) == 1
    assert next(iter(ends))[0] == end


def test_an_opt_out_among_the_receipts_is_recorded_in_every_order(
    session: Session, rt: Runtime, clinic: Clinic
) -> None:
    words = ("sending", "sent", "delivered", "undelivered/21610")
    ends = set()
    for number, order in enumerate(permutations(words)):
        patient = enrolled(session, rt, clinic, number)
        message = leaving(session, rt, patient, str(number))
        for word in order:
            hear(session, rt, message, word)
        consent = session.scalars(
            select(Consent).where(Consent.patient_id == patient.id).order_by(Consent.at.desc()).limit(1)
        ).one()
        ends.add((*state(session, message), contact(session, patient).status, consent.granted, consent.source))
        session.execute(update(Communication).where(Communication.id == message.id).values(external_id=str(number)))
        session.commit()
    assert {(end[0], *end[-3:]) for end in ends} == {("delivered", "opted-out", False, "provider")}
    assert len(ends) == 1


@pytest.mark.parametrize(("channel", "code"), [("sms", "21610"), ("whatsapp", "63033")])
def test_an_opt_out_by_receipt_stops_what_waits_and_a_nurse_hears_of_it_once(
    session: Session, rt: Runtime, clinic: Clinic, channel: str, code: str
) -> None:
    patient = enrolled(session, rt, clinic, channel=channel)
    message = leaving(session, rt, patient)
    values = {"purpose": Purpose.REMINDER, "text": "later", "dedupe": "later", "patient": patient}
    waiting = outbox.enqueue(session, rt.now(), **values)
    assert waiting is not None
    session.commit()
    for _ in range(3):
        hear(session, rt, message, f"undelivered/{code}")
    session.refresh(waiting)
    assert (waiting.delivery, contact(session, patient).status) == ("stopped", "opted-out")
    outbox.deliver_due(session, rt, rt.now())
    assert [one.cause for one in session.scalars(select(Escalation))] == ["opted-out"]


def test_an_address_that_is_no_phone_is_not_written_to_again(session: Session, rt: Runtime, clinic: Clinic) -> None:
    patient = enrolled(session, rt, clinic)
    hear(session, rt, leaving(session, rt, patient), "undelivered/30005")
    assert contact(session, patient).status == "failed"
    consent = session.scalars(select(Consent).where(Consent.patient_id == patient.id)).all()
    assert all(one.granted for one in consent), "the phone is at fault, and nobody has taken anything back"


@pytest.mark.parametrize("code", ["30003", "30007", "99999", ""])
def test_a_failure_that_is_not_the_addresss_leaves_it_open(
    session: Session, rt: Runtime, clinic: Clinic, code: str
) -> None:
    patient = enrolled(session, rt, clinic)
    hear(session, rt, leaving(session, rt, patient), f"undelivered/{code}")
    assert contact(session, patient).status == "active"


def test_what_arrived_after_all_says_nothing_against_its_address(session: Session, rt: Runtime, clinic: Clinic) -> None:
    patient = enrolled(session, rt, clinic)
    message = leaving(session, rt, patient)
    for word in ("delivered", "undelivered/30005"):
        hear(session, rt, message, word)
    assert contact(session, patient).status == "active"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("undelivered/30003", provider_reason("en", "30003")),
        ("failed/99999", "99999"),
        ("undelivered", reason("en", "undelivered")),
    ],
)
def test_a_nurse_reads_why(session: Session, rt: Runtime, clinic: Clinic, word: str, told: str) -> None:
    hear(session, rt, leaving(session, rt, enrolled(session, rt, clinic)), word)
    outbox.deliver_due(session, rt, rt.now())
    found = session.scalars(select(Escalation)).one()
    assert found.cause == "undelivered"
    assert told in reason("en", found.reason, found.params)
