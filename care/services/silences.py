"""Silences: what only a person knows of a silent patient (in hospital, does not want to answer) is written down.

It is a Flag, one per cause. Only a pause of the plan keeps questions from being sent.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.domain.silence import MARKED, Cause
from care.errors import Invalid
from care.records.flags import Flag
from care.records.patients import Patient, patient_of
from care.runtime import Runtime
from care.services import audits
from care.services.locks import wait_for_patient


def mark(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, cause: str) -> Flag:
    """The patient is silent for this cause of MARKED; marking twice is marking once. Commits.

    Raises NotFound, NotAllowed, Invalid (a cause that nobody can mark).
    """
    known, flag, patient = _asked(session, staff, patient_id, cause)
    if flag is None:
        flag = Flag(
            organization_id=patient.organization_id,
            patient_id=patient.id,
            care_team_id=patient.care_team_id,
            cause=known.value,
            status="active",
            since=rt.now(),
            ended_at=None,
        )
        session.add(flag)
        _audit(session, rt, staff, patient_id, "silence.mark", known)
    session.commit()
    return flag


def unmark(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, cause: str) -> None:
    """It holds no longer: home again, or willing again; commits. Raises NotFound, NotAllowed, Invalid."""
    known, flag, _ = _asked(session, staff, patient_id, cause)
    if flag is not None:
        flag.status, flag.ended_at = "inactive", rt.now()
        _audit(session, rt, staff, patient_id, "silence.unmark", known)
    session.commit()


def _asked(session: Session, staff: Staff, patient_id: UUID, cause: str) -> tuple[Cause, Flag | None, Patient]:
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    known = next((one for one in MARKED if one.value == cause), None)
    if known is None:
        raise Invalid("unknown-value", "choose one of the causes", place="cause")
    wait_for_patient(session, patient.id)
    found = select(Flag).where(Flag.patient_id == patient.id, Flag.cause == known.value, Flag.status == "active")
    return known, session.scalars(found.execution_options(populate_existing=True)).first(), patient


def _audit(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, action: str, cause: Cause) -> None:
    audits.record(
        session, rt.now(), action, "patient", patient_id, staff=staff, patient_id=patient_id, cause=cause.value
    )
