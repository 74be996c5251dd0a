"""Finding and opening a patient: the way a nurse asks, only one's own, always audited without the words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import enrolment, patients
from tests.conftest import Clinic
from tests.services.test_enrolment import FORM


@pytest.fixture
def people(session: Session, rt: Runtime, clinic: Clinic) -> dict[str, Patient]:
    """Three invented patients of the first team and one of the second."""
    forms = {
        "one": FORM,
        "two": replace(
            FORM, name="Demo Patient Two", record_number="MRN-77", contacts=(("sms", "+12025550177", None),)
        ),
        "zh": replace(FORM, name="单示例", record_number="ZH-1", contacts=(("sms", "+8613800138000", None),)),
    }
    found = {key: enrolment.enrol(session, rt, clinic.nurse, form) for key, form in forms.items()}
    found["other"] = enrolment.enrol(session, rt, clinic.other_nurse, replace(FORM, record_number="O-1"))
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("demo", {"one", "two"}),
        ("Démo  PATIENT", {"one", "two"}),
        ("patient two", {"two"}),
        ("two demo", {"two"}),
        ("demo three", set()),
        ("mrn0012", {"one"}),
        ("MRN 001-2", {"one"}),
        ("0177", {"two"}),
        ("+1 202 555 0177", {"two"}),
        ("8000", {"zh"}),
        ("单示例", {"zh"}),
        ("示例", {"zh"}),
        ("shan shi li", {"zh"}),
        ("shanshili", {"zh"}),
        ("danshili", {"zh"}),
        ("ssl", {"zh"}),
        ("", set()),
        ("   ", set()),
        ("\x00", set()),
        ("x" * 5_000, set()),
    ],
)
def test_a_patient_is_found_the_way_a_nurse_asks(
    session: Session, rt: Runtime, clinic: Clinic, people: dict[str, Patient], query: str, expected: set[str]
) -> None:
    names = {patient.id: key for key, patient in people.items()}
    assert {names[found.id] for found in patients.find(session, rt, clinic.nurse, query)} == expected


def test_a_search_is_audited_without_its_words(
    session: Session, rt: Runtime, clinic: Clinic, people: dict[str, Patient]
) -> None:
    patients.find(session, rt, clinic.nurse, "demo")
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.search")).one()
    assert (event.agent_id, event.detail) == (clinic.nurse.id, {"count": 2})


def test_opening_a_patient_is_audited(
    session: Session, rt: Runtime, clinic: Clinic, people: dict[str, Patient]
) -> None:
    opened = patients.open_patient(session, rt, clinic.clinician, people["one"].id)
    assert opened.name == "Demo Patient One"
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.view")).one()
    assert (event.agent_id, event.patient_id) == (clinic.clinician.id, opened.id)


def test_another_teams_patient_is_not_there(
    session: Session, rt: Runtime, clinic: Clinic, people: dict[str, Patient]
) -> None:
    for staff in (clinic.other_nurse, clinic.admin):
        with pytest.raises(NotFound):
            patients.open_patient(session, rt, staff, people["one"].id)
    with pytest.raises(NotAllowed):
        patients.find(session, rt, clinic.admin, "demo")
    with pytest.raises(NotFound):
        patients.set_language(session, rt, clinic.other_nurse, people["one"].id, "en")


def test_the_language_can_be_changed_to_one_we_speak(
    session: Session, rt: Runtime, clinic: Clinic, people: dict[str, Patient]
) -> None:
    assert patients.set_language(session, rt, clinic.nurse, people["one"].id, "zh-Hant").language == "zh-Hant"
    with pytest.raises(Invalid):
        patients.set_language(session, rt, clinic.nurse, people["one"].id, "tlh")
