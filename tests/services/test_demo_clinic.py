"""The demo clinic: made once, through the real services, with log-ins that work and charts that show something."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.questionnaire import check, from_response
from care.errors import NotSignedIn
from care.records.care_plans import CarePlan
from care.records.communications import Communication
from care.records.escalations import Escalation
from care.records.observations import Observation, series
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.worklist import open_escalations
from care.runtime import Runtime
from care.services import content, signin
from care.services.demo_clinic import PATIENTS, WEEKS, seed_demo
from care.services.scoring import score_due
from tests.conftest import Clock, FakeChannel


def test_a_demo_clinic_is_made_once_and_its_log_ins_work(session: Session, rt: Runtime) -> None:
    logins = seed_demo(session, rt)
    assert [login["role"] for login in logins] == ["admin", "nurse", "clinician", "nurse"]
    assert seed_demo(session, rt) == []
    seen = Counter()
    for login in logins:
        token = signin.staff_sign_in(session, rt, login["username"], login["password"])
        seen[signin.staff_by_token(session, rt.now(), token).role.value] += 1
    assert seen == {"admin": 1, "nurse": 2, "clinician": 1}


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


def test_an_interrupted_making_is_ended_by_the_next_one(session: Session, rt: Runtime, clock: Clock) -> None:
    ticks = iter(range(25))

    def until_interrupted() -> datetime:
        if next(ticks, None) is None:
            raise Interrupted
        return clock.now

    with pytest.raises(Interrupted):
        seed_demo(session, replace(rt, clock=until_interrupted))
    session.rollback()
    session.expunge_all()
    assert 0 < len(session.scalars(select(Patient)).all()) < len(PATIENTS)
    logins = seed_demo(session, rt, again=True)
    seed_demo(session, rt, again=True)
    assert len(session.scalars(select(Patient)).all()) == len(PATIENTS)
    assert len(session.scalars(select(CarePlan)).all()) == len(PATIENTS)
    reported = set(session.scalars(select(QuestionnaireResponse.patient_id)))
    assert len(reported) == len(PATIENTS)
    with pytest.raises(NotSignedIn):
        signin.staff_sign_in(session, rt, logins[1]["username"], logins[1]["password"])  # replaced by the third time


def test_every_demo_patient_has_weeks_of_valid_reports_behind_them(session: Session, rt: Runtime) -> None:
    seed_demo(session, rt)
    patients = session.scalars(select(Patient)).all()
    assert sorted(patient.name for patient in patients) == sorted(one.name for one in PATIENTS)
    for patient in patients:
        measured = series(session, patient.id, rt.now() - WEEKS, rt.now())
        assert len(measured) >= 20
    assert session.scalars(select(Observation).where(Observation.at > rt.now())).first() is None
    for report in session.scalars(select(QuestionnaireResponse).limit(40)):
        form = content.questionnaire(session, report.questionnaire)
        assert check(form, from_response(form, report.document)) == []


def test_the_worklist_of_the_demo_has_something_to_do_and_not_too_much(
    session: Session, rt: Runtime, console: FakeChannel
) -> None:
    logins = seed_demo(session, rt)
    while score_due(session, rt, rt.now()).claimed:
        pass
    rows = session.scalars(select(Escalation)).all()
    causes = Counter(row.cause for row in rows if row.cause != "unscorable")  # no model is installed here
    assert causes["glucose-low"] == 1
    assert causes["weight-gain"] == 1
    assert causes["needs-person"] == 1
    assert sum(causes.values()) <= 6
    token = signin.staff_sign_in(session, rt, "demo-nurse", logins[1]["password"])
    nurse = signin.staff_by_token(session, rt.now(), token)
    assert open_escalations(session, nurse)
    assert session.scalars(select(Communication).where(Communication.waits_since.is_not(None))).first()
