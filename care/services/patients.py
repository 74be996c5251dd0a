"""Patients: opened and found, which is audited; and the few things about them that staff change."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from care.domain.codes import LANGUAGES, Role
from care.domain.people import Staff
from care.errors import Invalid
from care.records.patients import Patient, PatientToken, patient_of, visible_to
from care.runtime import Runtime
from care.services import audits
from care.services.enrolment import zone
from care.services.names import Token, question_tokens
from care.services.plans import retime

MOST = 50


def open_patient(session: Session, rt: Runtime, staff: Staff, patient_id: UUID) -> Patient:
    """The patient, if `staff` may see them; the view is audited; commits. Raises NotFound."""
    patient = patient_of(session, staff, patient_id)
    audits.record(session, rt.now(), "patient.view", "patient", patient.id, staff=staff, patient_id=patient.id)
    session.commit()
    return patient


def find(session: Session, rt: Runtime, staff: Staff, query: str) -> list[Patient]:
    """The team's patients by name (characters, pinyin, initials), record number or a phone's last four digits.

    Several words narrow it down. Commits an audit of the search, without its words.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    whole, parts = question_tokens(query)
    if not parts:
        return []
    wanted = or_(_carries(staff, whole), and_(*(_carries(staff, part) for part in parts)))
    found = list(session.scalars(select(Patient).where(visible_to(staff), wanted).order_by(Patient.id).limit(MOST)))
    audits.record(session, rt.now(), "patient.search", "patient", None, staff=staff, count=len(found))
    session.commit()
    return found


def set_language(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, language: str) -> Patient:
    """Write to the patient in another language from now on; commits. Raises NotFound, Invalid."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if language not in LANGUAGES:
        raise Invalid("unknown-value", f"this must be one of {', '.join(LANGUAGES)}", place="language")
    patient = patient_of(session, staff, patient_id)
    patient.language = language
    return _changed(session, rt, staff, patient, "patient.language", language=language)


def chose_language(session: Session, now: datetime, patient: Patient, language: str) -> None:
    """The patient asked for another language in a text (no commit). Raises Invalid for one that we do not speak."""
    if language not in LANGUAGES:
        raise Invalid("unknown-value", f"this must be one of {', '.join(LANGUAGES)}", place="language")
    patient.language = language
    audits.record(
        session,
        now,
        "patient.language",
        "patient",
        patient.id,
        agent_kind="patient",
        agent_id=patient.id,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        language=language,
    )


def set_time_zone(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, time_zone: str) -> Patient:
    """The patient and the tasks to come follow another clock from now on; commits. Raises NotFound, Invalid."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    name = zone(time_zone)
    patient = patient_of(session, staff, patient_id)
    patient.time_zone = name
    retime(session, patient, rt.now())
    return _changed(session, rt, staff, patient, "patient.time-zone", time_zone=name)


def _changed(session: Session, rt: Runtime, staff: Staff, patient: Patient, action: str, **detail: str) -> Patient:
    audits.record(session, rt.now(), action, "patient", patient.id, staff=staff, patient_id=patient.id, **detail)  # type: ignore[arg-type]
    session.commit()
    return patient


def _carries(staff: Staff, alternatives: list[Token]) -> ColumnElement[bool]:
    """Patients with any of these tokens."""
    any_of = or_(*(and_(PatientToken.kind == kind, PatientToken.token == value) for kind, value in alternatives))
    ids = select(PatientToken.patient_id).where(PatientToken.organization_id == staff.organization_id, any_of)
    return Patient.id.in_(ids)
