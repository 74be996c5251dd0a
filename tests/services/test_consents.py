"""Consents: the last decision counts, the database lets nothing be sent without one, STOP is in time or too late."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming, Outgoing
from care.records.consents import ledger
from care.records.patients import Patient, contact_points
from care.runtime import Runtime
from care.services import claiming, consents, enrolment, inbox, outbox, sending
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.posting import deliver, person, queue, read
from tests.services.test_enrolment import FORM

PHONE = "+12025550101"


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    return person(session, rt, clinic.nurse, ("sms", PHONE))


def test_a_stop_counts_though_the_clock_was_put_back_since_the_consent(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock
) -> None:
    patient = enrolment.enrol(session, rt, clinic.nurse, replace(FORM, time_zone="UTC"))
    clock.forward(hours=-3)
    inbox.receive(session, rt, Incoming("sms", "+12025550101", "STOP", "SM1", rt.now()))
    inbox.take_turns_due(session, rt, rt.now())
    assert not consents.ledger_of(session, [patient.id]).allows(patient.id, "sms")


def test_who_comes_back_after_a_stop_is_written_to_again_though_the_clock_was_put_back(
    session: Session, rt: Runtime, clinic: Clinic, clock: Clock
) -> None:
    patient = enrolment.enrol(session, rt, clinic.nurse, replace(FORM, time_zone="UTC"))
    for hours, granted in ((1, False), (-5, True), (-1, False), (-1, True)):
        consents.decide(session, clock.forward(hours=hours), patient, granted=granted, source="paper", channel="sms")
        session.commit()
        assert consents.ledger_of(session, [patient.id]).allows(patient.id, "sms") is granted


# -- the ledger ------------------------------------------------------------------------------------------------------


def test_a_decision_says_what_for_where_by_which_words_in_which_language_when_and_how(
    session: Session, rt: Runtime, patient: Patient
) -> None:
    consents.decide(session, rt.now(), patient, granted=False, source="text", channel="sms", version="2")
    session.commit()
    newest, first = ledger(session, patient.id)
    assert (first.purpose, first.channel, first.granted, first.version, first.language, first.source) == (
        "follow-up",
        "*",
        True,
        "1",
        "en",
        "test",
    )
    assert (newest.channel, newest.granted, newest.version, newest.source) == ("sms", False, "2", "text")
    assert newest.at > first.at


@pytest.mark.parametrize(
    "statement", ["UPDATE consent SET granted = true", "DELETE FROM consent", "TRUNCATE consent CASCADE"]
)
def test_what_was_decided_is_never_edited(session: Session, patient: Patient, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text(statement))


# -- what the database itself refuses ----------------------------------------------------------------------------------

SENDING = "UPDATE communication SET delivery = 'sending', consent_id = CAST(:consent AS uuid) WHERE id = :id"
GRANT = "SELECT id FROM consent WHERE patient_id = :patient AND granted ORDER BY at DESC LIMIT 1"


@pytest.mark.parametrize("purpose", [one for one in Purpose if one.needs_consent])
def test_nothing_that_needs_consent_is_sent_without_naming_it(
    session: Session, rt: Runtime, patient: Patient, purpose: Purpose
) -> None:
    message = queue(session, rt, patient, purpose=purpose)
    with pytest.raises(IntegrityError):
        session.execute(text(SENDING), {"id": message.id, "consent": None})
    session.rollback()
    mine = session.execute(text(GRANT), {"patient": patient.id}).scalar_one()
    session.execute(text(SENDING), {"id": message.id, "consent": mine})
    session.commit()
    assert read(session, message).delivery == "sending"


@pytest.mark.parametrize("whose", ["another patient's", "a withdrawal", "another channel's", "nobody's"])
def test_the_consent_that_is_named_has_to_be_one(
    session: Session, rt: Runtime, clinic: Clinic, patient: Patient, whose: str
) -> None:
    message = queue(session, rt, patient)
    named = message.id  # nobody's: the id of no decision
    if whose == "another patient's":
        other = person(session, rt, clinic.nurse, ("sms", "+12025550102"))
        named = session.execute(text(GRANT), {"patient": other.id}).scalar_one()
    elif whose != "nobody's":
        granted, channel = (False, "*") if whose == "a withdrawal" else (True, "whatsapp")
        made = consents.decide(session, rt.now(), patient, granted=granted, source="test", channel=channel)
        session.commit()
        named = made.id
    with pytest.raises(IntegrityError):
        session.execute(text(SENDING), {"id": message.id, "consent": named})


def test_a_message_that_is_being_sent_is_not_moved_to_a_channel_without_consent(
    session: Session, rt: Runtime, patient: Patient
) -> None:
    made = consents.decide(session, rt.now(), patient, granted=True, source="test", channel="sms")
    message = queue(session, rt, patient)
    session.execute(text(SENDING), {"id": message.id, "consent": made.id})
    session.commit()
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE communication SET channel = 'whatsapp' WHERE id = :id"), {"id": message.id})


def test_nor_is_one_inserted_as_being_sent(session: Session, patient: Patient) -> None:
    statement = (
        "INSERT INTO communication (id, organization_id, patient_id, direction, channel, purpose, priority, status,"
        " delivery, at, recorded_at, attempts) VALUES (gen_random_uuid(), :organization, :patient, 'out', 'sms',"
        " 'reminder', 0, 'in-progress', 'sending', now(), now(), 1)"
    )
    with pytest.raises(IntegrityError):
        session.execute(text(statement), {"organization": patient.organization_id, "patient": patient.id})


@pytest.mark.parametrize("purpose", [one for one in Purpose if not one.needs_consent])
def test_what_needs_none_is_sent_without(session: Session, rt: Runtime, patient: Patient, purpose: Purpose) -> None:
    message = queue(session, rt, patient, purpose=purpose)
    session.execute(text(SENDING), {"id": message.id, "consent": None})
    session.commit()
    assert read(session, message).delivery == "sending"


def test_a_message_that_left_names_the_decision_that_allowed_it(
    session: Session, rt: Runtime, patient: Patient
) -> None:
    message = queue(session, rt, patient)
    deliver(session, rt)
    assert read(session, message).consent_id == session.execute(text(GRANT), {"patient": patient.id}).scalar_one()


# -- STOP while a message is in the outbox, by two connections ---------------------------------------------------------


def stop(engine: Engine, rt: Runtime, external_id: str = "SM-stop") -> None:
    """The patient's STOP, heard and taken by another process."""
    with Session(engine, expire_on_commit=False) as other:
        inbox.receive(other, rt, Incoming("sms", PHONE, "STOP", external_id, rt.now()))
        inbox.take_turns_due(other, rt, rt.now())


def test_a_stop_before_the_claim_stops_what_waits(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, empty_database: Engine
) -> None:
    message = queue(session, rt, patient)
    contact = contact_points(session, patient.id)[0]
    stop(empty_database, rt)
    late = queue(session, rt, patient, contact=contact)
    deliver(session, rt)
    assert (read(session, message).delivery, message.status_reason) == ("stopped", "opted-out")
    assert read(session, late).delivery == "stopped", "and what another act queued meanwhile"
    assert [one.id for one in sms.sent if one.id in (message.id, late.id)] == []


def test_a_stop_after_the_claim_is_too_late_for_that_message_and_in_time_for_the_next(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, empty_database: Engine
) -> None:
    message = queue(session, rt, patient)
    contact = contact_points(session, patient.id)[0]

    def stop_once(leaving: Outgoing) -> None:
        sms.on_send = None
        stop(empty_database, rt)

    sms.on_send = stop_once
    deliver(session, rt)
    outbox.settle(session, rt, rt.now(), seconds=30)
    after = queue(session, rt, patient, contact=contact)
    deliver(session, rt)
    assert (read(session, message).delivery, read(session, after).delivery) == ("sent", "stopped")
    assert after.id not in {one.id for one in sms.sent}


def test_a_stop_in_the_middle_of_the_claim_waits_for_it(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, empty_database: Engine
) -> None:
    message = queue(session, rt, patient)
    picked = claiming.pick_of(session, rt.now(), [message.id], 1)
    stopping = threading.Thread(target=stop, args=(empty_database, rt))
    stopping.start()
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with Session(empty_database) as onlooker:
        while stopping.is_alive() and not onlooker.execute(waits).scalar_one():
            onlooker.rollback()
            threading.Event().wait(0.01)
    assert stopping.is_alive(), "it waits for the message that is in hand"
    batch = sending.decide(session, rt, claiming.leaving(session, picked.ids, rt.now()), rt.now())
    sending.write(session, batch, rt.now())
    session.commit()
    stopping.join(30)
    assert [one.row.id for one in batch.leaving] == [message.id]
    assert read(session, message).delivery == "sending", "it leaves"
    assert not consents.ledger_of(session, [patient.id]).allows(patient.id, "sms")


def test_a_start_lets_the_next_message_leave(
    session: Session, rt: Runtime, sms: FakeChannel, patient: Patient, clock: Clock, empty_database: Engine
) -> None:
    stop(empty_database, rt)
    clock.forward(minutes=1)
    inbox.receive(session, rt, Incoming("sms", PHONE, "START", "SM-start", rt.now()))
    inbox.take_turns_due(session, rt, rt.now())
    message = queue(session, rt, patient, send_at=rt.now() + timedelta(seconds=1))
    clock.forward(seconds=5)
    deliver(session, rt)
    assert read(session, message).delivery == "sent"
