"""Visits: a case's patient should be seen. A clinician asks, the nurses arrange it, and it is done or called off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.visit_requests import VisitRequest, visit_of
from care.runtime import Runtime
from care.services import audits
from care.services.addresses import plain
from care.services.escalations import locked

LONGEST_NOTE = 1_000  # characters
ENDS = {"done": "completed", "cancelled": "revoked"}
"""How a request ends, and FHIR's word for it."""
REGRET = timedelta(minutes=10)
"""How long who ended a request may take that back."""


def request_visit(
    session: Session, rt: Runtime, staff: Staff, escalation_id: UUID, priority: str, note: str
) -> VisitRequest:
    """Ask the nurses that the case's patient is seen; commits.

    Raises NotFound, NotAllowed, Invalid (priority, note), Conflict (nobody knows the patient, or it was asked already).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    urgency = _priority(priority)
    words = plain(" ".join(note.split()), "note", LONGEST_NOTE)
    case = locked(session, staff, escalation_id)
    if case.patient_id is None:
        raise Conflict("no-patient", "nobody knows yet whose case this is")
    _refuse_second(session, case.id)
    row = VisitRequest(
        organization_id=case.organization_id,
        patient_id=case.patient_id,
        escalation_id=case.id,
        status="active",
        priority=urgency.value,
        rank=urgency.rank,
        note=words,
        requester_id=staff.id,
        requested_at=rt.now(),
    )
    session.add(row)
    session.flush()
    _noted(session, row.requested_at, staff, row, "visit.request", priority=row.priority)
    session.commit()
    return row


def end_visit(session: Session, rt: Runtime, staff: Staff, visit_id: UUID, how: str) -> VisitRequest:
    """The patient was seen ("done"), or it is not needed any more ("cancelled"); commits.

    Raises NotFound, NotAllowed, Invalid (how), Conflict (it has ended already).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if how not in ENDS:
        raise Invalid("how", "say whether it was done or is cancelled", place="how")
    row = visit_of(session, staff, visit_id, lock=True)
    if row.status != "active":
        raise Conflict("visit-ended", "this visit was done or cancelled before")
    row.status, row.ended_by_id, row.ended_at = ENDS[how], staff.id, rt.now()
    _noted(session, row.ended_at, staff, row, f"visit.{how}")
    session.commit()
    return row


def reopen_visit(session: Session, rt: Runtime, staff: Staff, visit_id: UUID) -> VisitRequest:
    """Who ended it takes that back, soon after; commits. Raises NotFound, NotAllowed, Conflict."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    row = visit_of(session, staff, visit_id, lock=True)
    if row.ended_at is None:
        raise Conflict("visit-open", "this visit is still asked for")
    if not regrettable(row, staff, now):
        raise Conflict("too-late", "only who ended it can take that back, within ten minutes")
    locked(session, staff, row.escalation_id)  # as `request_visit` does: of two that come at once one waits
    _refuse_second(session, row.escalation_id)
    row.status, row.ended_by_id, row.ended_at = "active", None, None
    _noted(session, now, staff, row, "visit.reopen")
    session.commit()
    return row


def regrettable(row: VisitRequest, staff: Staff, now: datetime) -> bool:
    """Whether `staff` may take the end of this request back."""
    return row.ended_at is not None and row.ended_by_id == staff.id and now <= row.ended_at + REGRET


def _priority(priority: str) -> Priority:
    try:
        return Priority(priority)
    except ValueError:
        raise Invalid("priority", "choose how soon the patient should be seen", place="priority") from None


def _refuse_second(session: Session, escalation_id: UUID) -> None:
    asked = select(VisitRequest.id).where(VisitRequest.escalation_id == escalation_id, VisitRequest.status == "active")
    if session.scalars(asked).first() is not None:
        raise Conflict("visit-asked", "a visit is asked for already")


def _noted(session: Session, now: datetime, staff: Staff, row: VisitRequest, action: str, **detail: Any) -> None:
    audits.record(
        session,
        now,
        action,
        "visit_request",
        row.id,
        staff=staff,
        patient_id=row.patient_id,
        escalation=str(row.escalation_id),
        **detail,
    )
