"""Alarms: few of them, and none that is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from care.domain.codes import Outcome, Priority
from care.domain.triage import Alarm
from care.records.escalations import Escalation, EscalationLink
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.runtime import Runtime
from care.services import escalations
from care.services.alarms import REST, Case, raise_many
from tests.conftest import NOON, Clinic, Clock

GLUCOSE = "2339-0"
HIGH = Alarm("glucose-high", Priority.ROUTINE, "glucose-high-twice", {}, "rule")
LOW = Alarm("glucose-low", Priority.URGENT, "glucose-low", {}, "rule", timedelta(minutes=20))
DOUBT = Alarm("unscorable", Priority.URGENT, "unscorable", {"failure": "unit"}, "doubt", timedelta(hours=1))
PERSON = Alarm("needs-person", Priority.ROUTINE, "asked-for-person", {}, "doubt")


@pytest.fixture
def patient(session: Session, clinic: Clinic) -> Patient:
    made = Patient(
        organization_id=clinic.organization.id,
        care_team_id=clinic.team.id,
        identity={"name": "Demo Patient"},
        language="en",
        time_zone="UTC",
        country="US",
        created_at=NOON,
    )
    session.add(made)
    session.commit()
    return made


def report(session: Session, clock: Clock, patient: Patient, *alarms: Alarm) -> list[Escalation]:
    """A glucose reading of this moment, with what was made of it."""
    belongs = {"organization_id": patient.organization_id, "patient_id": patient.id}
    row = QuestionnaireResponse(
        **belongs,
        questionnaire="q|1",
        status="completed",
        source="text",
        document={},
        authored_at=clock.now,
        recorded_at=clock.now,
    )
    session.add(row)
    session.flush()
    session.add(
        Observation(
            **belongs, response_id=row.id, code=GLUCOSE, value=100, unit="mg/dL", at=clock.now, recorded_at=clock.now
        )
    )
    case = Case(
        patient.organization_id,
        patient.care_team_id,
        patient.id,
        clock.now,
        alarms,
        frozenset({GLUCOSE}),
        response_id=row.id,
    )
    raised = raise_many(session, clock.now, [case])
    session.commit()
    return raised


def close(session: Session, rt: Runtime, clinic: Clinic, row: Escalation) -> None:
    escalations.accept(session, rt, clinic.nurse, row.id)
    escalations.complete(session, rt, clinic.nurse, row.id, Outcome.PHONED, "")


def test_a_routine_cause_that_was_closed_rests_a_week_and_every_report_is_linked(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    (first,) = report(session, clock, patient, HIGH)
    close(session, rt, clinic, first)
    clock.forward(days=2)
    assert report(session, clock, patient, HIGH) == []
    linked = session.scalar(select(func.count()).select_from(EscalationLink).filter_by(escalation_id=first.id))
    assert linked == 2
    clock.forward(days=REST.days)
    assert len(report(session, clock, patient, HIGH)) == 1


def test_what_is_more_than_routine_never_rests(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    (first,) = report(session, clock, patient, LOW)
    close(session, rt, clinic, first)
    clock.forward(minutes=30)
    assert len(report(session, clock, patient, LOW)) == 1


def gain(level: float, **changes: Any) -> Alarm:
    """Weight that has risen by so much, which may rest a day."""
    alarm = Alarm("weight-gain", Priority.URGENT, "weight-gain", {"delta": f"{level:g}"}, "rule")
    return replace(alarm, cooldown=timedelta(hours=24), level=level, **changes)


def test_an_urgent_cause_rests_as_long_as_its_rule_says_unless_it_is_worse(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    (first,) = report(session, clock, patient, gain(2.1))
    close(session, rt, clinic, first)
    clock.forward(hours=2)
    assert report(session, clock, patient, gain(2.1)) == []
    assert report(session, clock, patient, gain(2.0)) == []
    linked = session.scalar(select(func.count()).select_from(EscalationLink).filter_by(escalation_id=first.id))
    assert linked == 3
    (worse,) = report(session, clock, patient, gain(2.2))
    close(session, rt, clinic, worse)
    clock.forward(hours=24)
    assert len(report(session, clock, patient, gain(2.0))) == 1


def test_what_became_worse_while_somebody_had_it_is_not_raised_again_for_less(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    (first,) = report(session, clock, patient, gain(2.1))
    assert report(session, clock, patient, gain(3.0)) == []
    close(session, rt, clinic, first)
    clock.forward(hours=1)
    assert report(session, clock, patient, gain(2.5)) == []
    assert len(report(session, clock, patient, gain(3.1))) == 1


@pytest.mark.parametrize(
    "worse",
    [
        {"priority": Priority.ASAP, "cooldown": None},
        {"reason": "weight-gain-otherwise"},
        {"level": None},
        {"cooldown": None},
        {"cooldown": timedelta()},
        {"source": "doubt"},
    ],
)
def test_nothing_else_rests(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient, worse: dict[str, Any]
):
    (first,) = report(session, clock, patient, gain(2.1))
    close(session, rt, clinic, first)
    clock.forward(hours=1)
    assert len(report(session, clock, patient, replace(gain(2.1), **worse))) == 1


def test_a_routine_cause_may_rest_for_a_time_of_its_own(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    alarm = replace(HIGH, cooldown=timedelta(days=2))
    (first,) = report(session, clock, patient, alarm)
    close(session, rt, clinic, first)
    clock.forward(days=1)
    assert report(session, clock, patient, alarm) == []
    clock.forward(days=1)
    assert len(report(session, clock, patient, alarm)) == 1


def test_a_patient_who_asks_for_a_person_again_is_on_the_list_again(
    session: Session, rt: Runtime, clock: Clock, clinic: Clinic, patient: Patient
):
    (first,) = report(session, clock, patient, PERSON)
    close(session, rt, clinic, first)
    clock.forward(hours=1)
    assert len(report(session, clock, patient, PERSON)) == 1


def test_a_fine_second_reading_puts_off_the_page_of_a_rule_once(session: Session, clock: Clock, patient: Patient):
    (row,) = report(session, clock, patient, LOW)
    clock.forward(minutes=15)
    report(session, clock, patient)
    put_off = row.page_at
    assert put_off is not None
    assert put_off > clock.now + timedelta(hours=3)
    clock.forward(minutes=15)
    report(session, clock, patient)
    assert row.page_at == put_off


def test_a_fine_reading_does_not_put_off_the_page_for_a_report_that_could_not_be_scored(
    session: Session, clock: Clock, patient: Patient
):
    (row,) = report(session, clock, patient, DOUBT)
    before = row.page_at
    clock.forward(minutes=15)
    report(session, clock, patient)
    assert row.page_at == before
