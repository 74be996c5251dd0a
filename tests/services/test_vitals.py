"""Vitals: what waits, what is open, what was lost; counted as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.records.dead_letters import DeadLetter
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import audits, content, escalations, heartbeats, inbox, outbox
from care.services.vitals import QUEUES, Backlog, vitals
from tests.care_api.serving import PHONE, enrolled
from tests.conftest import Clinic, Clock


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    content.publish_seeds(session, rt.now())
    made = enrolled(session, rt, clinic.nurse)
    session.execute(text("UPDATE communication SET send_at = NULL"))
    session.commit()
    return made


def test_an_installation_at_rest_has_empty_queues(session: Session, rt: Runtime, patient: Patient):
    found = vitals(session, rt.now())
    names = {"expand", "fetch", "reminders", "turns", "reports", "pages", "outbox"}
    assert set(found.queues) == names == {queue.name for queue in QUEUES}
    assert set(found.queues.values()) == {Backlog(0, 0.0)}
    assert (found.dead_letters, found.escalations, found.heartbeats) == ({}, {}, {})
    assert found.lost == {"failed": 0, "unknown": 0}


def test_what_is_due_is_counted_with_its_age_and_what_is_not_due_is_not(
    session: Session, clock: Clock, rt: Runtime, patient: Patient
):
    for number, later in enumerate((0, 10, 3_600)):
        outbox.enqueue(
            session, rt.now(), purpose=Purpose.NURSE, text="x", dedupe=f"a{number}", patient=patient,
            send_at=rt.now() + timedelta(seconds=later),
        )  # fmt: skip
    session.commit()
    clock.forward(seconds=60)
    assert vitals(session, rt.now()).queues["outbox"] == Backlog(2, 60.0)


def test_open_escalations_are_counted_and_those_that_page_nobody_apart(session: Session, rt: Runtime, patient: Patient):
    inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
    found = vitals(session, rt.now())
    assert (found.escalations, found.without_moment) == ({"stat": 1}, {})
    assert found.queues["pages"].due == 1
    session.execute(text("UPDATE escalation SET page_at = NULL"))
    session.commit()
    assert vitals(session, rt.now()).without_moment == {"stat": 1}
    session.execute(text("UPDATE escalation SET status = 'completed'"))
    session.commit()
    assert vitals(session, rt.now()).escalations == {}


def test_what_was_lost_in_a_day_is_counted_and_what_was_lost_before_is_not(
    session: Session, clock: Clock, rt: Runtime, patient: Patient
):
    for number in range(3):
        outbox.enqueue(session, rt.now(), purpose=Purpose.NURSE, text="x", dedupe=f"a{number}", patient=patient)
        clock.forward(hours=20)
    session.execute(text("UPDATE communication SET delivery = 'unknown', send_at = NULL WHERE dedupe IN ('a0', 'a1')"))
    session.execute(text("UPDATE communication SET delivery = 'failed', send_at = NULL WHERE dedupe = 'a2'"))
    session.commit()
    clock.forward(hours=-20)
    assert vitals(session, rt.now()).lost == {"unknown": 1, "failed": 1}


def test_open_dead_letters_heartbeats_and_the_sealers_lag(
    session: Session, clock: Clock, rt: Runtime, patient: Patient
):
    for resolved in (None, rt.now()):
        session.add(DeadLetter(queue="reports", row_id=patient.id, error="X", at=rt.now(), resolved_at=resolved))
    heartbeats.beat(session, "clock")
    clock.forward(seconds=90)
    found = vitals(session, rt.now())
    assert found.dead_letters == {"reports": 1}
    assert 0 <= found.heartbeats["clock"] < 60
    assert found.unsealed == 90
    audits.seal_due(session, rt.now())
    assert vitals(session, rt.now()).unsealed == 0


def test_reading_them_gives_up_rather_than_wait(session: Session, rt: Runtime, patient: Patient):
    with Session(session.get_bind()) as other:
        other.execute(text("LOCK TABLE task IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(OperationalError):
            vitals(session, rt.now(), seconds=0.2)
    assert vitals(session, rt.now()).queues["reminders"].due == 0
    assert session.execute(text("SHOW statement_timeout")).scalar() == "0"


def test_pages_that_are_sent_leave_the_queue(session: Session, rt: Runtime, patient: Patient):
    inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
    escalations.page_due(session, rt, rt.now())
    assert vitals(session, rt.now()).queues["pages"] == Backlog(0, 0.0)
