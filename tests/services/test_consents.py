"""Consents: of a patient's decisions the last one made counts, whatever the clock said meanwhile."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from care.domain.message import Incoming
from care.runtime import Runtime
from care.services import consents, enrolment, inbox
from tests.conftest import Clinic, Clock
from tests.services.test_enrolment import FORM


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
