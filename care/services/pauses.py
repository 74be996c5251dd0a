"""Pauses: a plan rests until a day, or until somebody ends the pause, and why is written down (sealed).

What was asked and not answered is taken back, and nothing is asked meanwhile. The days of the pause are not made up
for: the plan goes on with the day that the calendar has. What the patient writes is read as ever.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, update
from sqlalchemy.orm import Session

from care.domain.civil import local, start_of_day, zone_of
from care.domain.codes import CarePlanStatus, Role, TaskStatus
from care.domain.people import Staff
from care.domain.plan import PlanDefinition
from care.errors import Conflict, Invalid
from care.records.care_plans import CarePlan, care_plan_of
from care.records.patients import Patient
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import audits, content
from care.services.addresses import plain
from care.services.horizon import AHEAD, PAUSED, align, look_again

LONGEST_REASON = 1_000
FARTHEST = timedelta(days=366)
OPEN = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)


def pause_plan(
    session: Session, rt: Runtime, staff: Staff, care_plan_id: UUID, until: date | None, reason: str
) -> CarePlan:
    """Let a plan rest until the morning of `until` where the patient is, or until somebody ends it. Commits.

    Raises NotFound, NotAllowed, Invalid (no reason; a day that is not to come, or more than a year away), Conflict (the
    plan does not run).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    words = plain(" ".join(reason.split()), "reason", LONGEST_REASON)
    now = rt.now()
    plan = care_plan_of(session, staff, care_plan_id, lock=True)
    if plan.status != CarePlanStatus.ACTIVE:
        raise Conflict("not-running", "this plan does not run")
    patient = session.get_one(Patient, plan.patient_id, populate_existing=True)
    over = _morning(content.plan(session, plan.definition_id), patient, until, now) if until else None
    plan.status, plan.paused_until, plan.expand_at = CarePlanStatus.ON_HOLD.value, over, over
    plan.pause_reason = words
    resting = Task.care_plan_id == plan.id, Task.status.in_(OPEN)
    cancelled = {"status": TaskStatus.CANCELLED.value, "status_reason": PAUSED, "remind_at": None}
    session.execute(update(Task).where(and_(*resting)).values(**cancelled))
    _audit(session, now, "care-plan.pause", plan, staff, until=until.isoformat() if until else "")
    session.commit()
    return plan


def resume_plan(session: Session, rt: Runtime, staff: Staff, care_plan_id: UUID) -> CarePlan:
    """End a pause now: what is still to come today is asked again. Commits.

    Raises NotFound, NotAllowed, Conflict (the plan does not pause).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    plan = care_plan_of(session, staff, care_plan_id, lock=True)
    if plan.status != CarePlanStatus.ON_HOLD:
        raise Conflict("not-paused", "this plan does not pause")
    patient = session.get_one(Patient, plan.patient_id, populate_existing=True)
    wake(session, now, plan, content.plan(session, plan.definition_id), patient)
    _audit(session, now, "care-plan.resume", plan, staff)
    session.commit()
    return plan


def wake_due(session: Session, now: datetime, plan: CarePlan, protocol: PlanDefinition, patient: Patient) -> None:
    """The pause of a plan is over by itself (no commit)."""
    wake(session, now, plan, protocol, patient)
    _audit(session, now, "care-plan.resume", plan, None)


def wake(session: Session, now: datetime, plan: CarePlan, protocol: PlanDefinition, patient: Patient) -> None:
    """A paused plan runs again: its tasks from now on are written or come back (no commit)."""
    plan.status, plan.paused_until, plan.pause_reason = CarePlanStatus.ACTIVE.value, None, None
    until = max(plan.expanded_until or now, now + AHEAD)
    align(session, plan, protocol, patient, now, until, now)
    look_again(plan, protocol, patient, until, now, now + AHEAD)


def _morning(protocol: PlanDefinition, patient: Patient, day: date, now: datetime) -> datetime:
    """The first moment of a day by the plan's clock. Raises Invalid for one that is not to come."""
    zone = zone_of(protocol.time_zone or patient.time_zone)
    if not local(now, zone).date() < day <= (now + FARTHEST).date():
        raise Invalid("until", "the plan goes on tomorrow at the earliest, within a year", place="until")
    return start_of_day(day, zone)


def _audit(session: Session, now: datetime, action: str, plan: CarePlan, staff: Staff | None, **detail: Any) -> None:
    audits.record(
        session,
        now,
        action,
        "care_plan",
        plan.id,
        staff=staff,
        patient_id=plan.patient_id,
        organization_id=plan.organization_id,
        **detail,
    )
