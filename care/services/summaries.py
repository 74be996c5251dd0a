"""Summaries: a page about one patient that leaves the screen, on paper or as a file; who made one is audited."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.records.patients import Patient, patient_of
from care.runtime import Runtime
from care.services import audits


def open_summary(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, form: str) -> Patient:
    """The patient whose summary `staff` makes as "page" or "pdf"; commits. Raises NotFound, NotAllowed."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    audits.record(
        session, rt.now(), "patient.summary", "patient", patient.id, staff=staff, patient_id=patient.id, form=form
    )
    session.commit()
    return patient
