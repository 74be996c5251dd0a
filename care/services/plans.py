"""Care plans: a patient on one version of a protocol.

A version is pinned until a named person migrates the plan; what was asked or answered stays as it was.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from care.domain.civil import local, start_of_day, zone_of
from care.domain.codes import CarePlanStatus, Role, TaskStatus
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotFound
from care.records.care_plans import CarePlan, care_plan_of
from care.records.definitions import Definition, definition
from care.records.patients import Patient, patient_of
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import audits, content, pauses
from care.services.horizon import AHEAD, EVERY, align, begins, look_again, write_ahead, write_today
from care.services.queue import Queue, Worked, work

QUEUE = Queue("expand", CarePlan, "expand_at")
FARTHEST = timedelta(days=366)
OPEN = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)


def start_plan(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, canonical: str, starts_on: date
) -> CarePlan:
    """Put a patient on a protocol ('url|version') and write the first week's tasks; commits.

    What was due before now is asked for as far as each action's catch-up policy says. Raises NotFound (patient,
    protocol), Invalid (a retired version, a day more than a year away), Conflict when the patient is on this protocol
    already.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    patient = _locked_patient(session, staff, patient_id)
    chosen = _protocol(session, canonical)
    protocol = content.plan(session, chosen.canonical)
    if abs(begins(protocol, starts_on, patient) - now) > FARTHEST:
        raise Invalid("impossible-date", "a plan starts within a year of today", place="starts_on")
    if _on_protocol(session, patient.id, chosen.url):
        raise Conflict("already-on-protocol", "the patient is on this protocol already")
    plan = CarePlan(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        definition_id=chosen.id,
        status=CarePlanStatus.ACTIVE.value,
        starts_on=starts_on,
        author_id=staff.id,
        created_at=now,
    )
    session.add(plan)
    session.flush()
    write_ahead(session, [(plan, protocol, patient)], now, starting=True)
    _audit(session, now, staff, "care-plan.start", plan, definition=chosen.canonical)
    session.commit()
    return plan


def migrate_plan(session: Session, rt: Runtime, staff: Staff, care_plan_id: UUID, canonical: str) -> CarePlan:
    """Move a plan to another version of its protocol from the patient's next midnight on; commits.

    Today's tasks and everything asked or answered stay; later tasks follow the new version. Raises NotFound, Invalid
    (another protocol, a retired version), Conflict (the plan has ended, or it pauses: nothing but its end wakes it).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    plan = _locked_plan(session, staff, care_plan_id)
    if plan.status == CarePlanStatus.ON_HOLD:
        raise Conflict("plan-paused", "this plan pauses: end its pause first")
    before, after = session.get_one(Definition, plan.definition_id), _protocol(session, canonical)
    if before.url != after.url:
        raise Invalid("another-protocol", "a plan is migrated to a version of its own protocol", place="protocol")
    patient = session.get_one(Patient, plan.patient_id, populate_existing=True)
    zone = zone_of(patient.time_zone)
    midnight = start_of_day(local(now, zone).date() + EVERY, zone)
    expires = write_today(session, plan, patient, midnight, now)
    plan.definition_id, plan.status = after.id, CarePlanStatus.ACTIVE.value
    protocol = content.plan(session, after.canonical)
    until = max(plan.expanded_until or now, now + AHEAD)
    align(session, plan, protocol, patient, midnight, until, now)
    look_again(plan, protocol, patient, until, now, max(midnight, expires))
    _audit(session, now, staff, "care-plan.migrate", plan, before=before.canonical, after=after.canonical)
    session.commit()
    return plan


def stop_plan(session: Session, rt: Runtime, staff: Staff, care_plan_id: UUID, reason: str = "") -> CarePlan:
    """End a plan: open tasks are cancelled, what was answered stays; commits. `reason` is a code for the audit.

    Raises NotFound, and Conflict when the plan has ended already.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    plan = _locked_plan(session, staff, care_plan_id)
    plan.status, plan.expand_at = CarePlanStatus.REVOKED.value, None
    plan.paused_until = None
    session.execute(
        update(Task)
        .where(Task.care_plan_id == plan.id, Task.status.in_(OPEN))
        .values(status=TaskStatus.CANCELLED.value, status_reason="plan-stopped", remind_at=None)
    )
    _audit(session, now, staff, "care-plan.stop", plan, reason=reason[:60])
    session.commit()
    return plan


def expand_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Write the tasks of the coming week for the plans whose turn it is; commits. Running it twice writes them once.

    A plan on hold has its turn when its pause is over: then it goes on.
    """

    def handle(inner: Session, plans: list[CarePlan]) -> None:
        found = inner.scalars(select(Patient).where(Patient.id.in_({plan.patient_id for plan in plans})))
        patients = {patient.id: patient for patient in found}
        rows = []
        for plan in plans:
            if plan.status == CarePlanStatus.ON_HOLD:
                protocol = content.plan(inner, plan.definition_id)
                pauses.wake_due(inner, now, plan, protocol, patients[plan.patient_id])
            elif plan.status == CarePlanStatus.ACTIVE:
                rows.append((plan, content.plan(inner, plan.definition_id), patients[plan.patient_id]))
            else:
                plan.expand_at = None
        write_ahead(inner, rows, now)

    session.expire_all()  # a plan that this session saw before is read as it is now
    return work(session, QUEUE, handle, now, limit=limit)


def retime(session: Session, patient: Patient, now: datetime) -> None:
    """After a change of zone: tasks not yet asked for move to the same local times there (no commit).

    What was due before is as it was, and a plan on hold is seen to when it goes on. A time that has passed there
    already is caught up with as its action says; one that was left out here and exists there is asked.
    """
    plans = select(CarePlan).where(CarePlan.patient_id == patient.id, CarePlan.status == CarePlanStatus.ACTIVE.value)
    for plan in session.scalars(plans.with_for_update().execution_options(populate_existing=True)):
        protocol = content.plan(session, plan.definition_id)
        align(session, plan, protocol, patient, now, max(now, plan.expanded_until or now), now)


def _locked_patient(session: Session, staff: Staff, patient_id: UUID) -> Patient:
    """The patient, locked: two who start the same plan wait for each other."""
    patient_of(session, staff, patient_id)
    return session.get_one(Patient, patient_id, with_for_update=True)


def _locked_plan(session: Session, staff: Staff, care_plan_id: UUID) -> CarePlan:
    plan = care_plan_of(session, staff, care_plan_id, lock=True)
    if plan.status in (CarePlanStatus.REVOKED, CarePlanStatus.COMPLETED):
        raise Conflict("plan-ended", "this plan has ended")
    return plan


def _protocol(session: Session, canonical: str) -> Definition:
    found = definition(session, canonical)
    if found.kind != "PlanDefinition":
        raise NotFound("protocol", "this is not a protocol")
    if found.retired:
        raise Invalid("retired", "this version of the protocol is retired", place="protocol")
    return found


def _on_protocol(session: Session, patient_id: UUID, url: str) -> bool:
    found = (
        select(CarePlan.id)
        .join(Definition, Definition.id == CarePlan.definition_id)
        .where(CarePlan.patient_id == patient_id, Definition.url == url)
        .where(CarePlan.status.in_((CarePlanStatus.ACTIVE.value, CarePlanStatus.ON_HOLD.value)))
    )
    return session.scalars(found).first() is not None


def _audit(session: Session, now: datetime, staff: Staff, action: str, plan: CarePlan, **detail: Any) -> None:
    audits.record(session, now, action, "care_plan", plan.id, staff=staff, patient_id=plan.patient_id, **detail)
