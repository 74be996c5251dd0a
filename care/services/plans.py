"""Care plans: a patient on one version of a protocol, and its tasks, always written a week ahead.

A task is identified by (plan, action, nominal local time), so that writing it twice writes it once. A version is pinned
until a named person migrates the plan; what was asked or answered stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.domain.civil import instant, local, zone_of
from care.domain.codes import CarePlanStatus, Role, TaskStatus
from care.domain.people import Staff
from care.domain.plan import Occurrence, PlanDefinition, expand
from care.errors import Conflict, Invalid, NotFound
from care.records.care_plans import CarePlan
from care.records.definitions import Definition, definition
from care.records.ids import new_id
from care.records.patients import Patient, patient_of, visible_to
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import audits, content
from care.services.queue import Queue, Worked, work

QUEUE = Queue("expand", CarePlan, "expand_at")
AHEAD = timedelta(days=8)  # written every day, so that there is never less than a week
EVERY = timedelta(days=1)
MARGIN = timedelta(days=2)  # written again each time: covers a change of zone at the edge
FARTHEST = timedelta(days=366)
OPEN = (TaskStatus.READY.value, TaskStatus.IN_PROGRESS.value)


def start_plan(
    session: Session, rt: Runtime, staff: Staff, patient_id: UUID, canonical: str, starts_on: date
) -> CarePlan:
    """Put a patient on a protocol ('url|version') and write the first week's tasks; commits.

    What was due before now on the first day is not asked for. Raises NotFound (patient, protocol), Invalid (a retired
    version, a day more than a year away), Conflict when the patient is on this protocol already.
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    patient = _locked_patient(session, staff, patient_id)
    chosen = _protocol(session, canonical)
    begins = instant(datetime.combine(starts_on, time()), zone_of(patient.time_zone))
    if begins is None or abs(begins - now) > FARTHEST:
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
    _write_ahead(session, [(plan, content.plan(session, chosen.canonical), patient)], max(now, begins), now)
    _audit(session, now, staff, "care-plan.start", plan, definition=chosen.canonical)
    session.commit()
    return plan


def migrate_plan(session: Session, rt: Runtime, staff: Staff, care_plan_id: UUID, canonical: str) -> CarePlan:
    """Move a plan to another version of its protocol from the patient's next midnight on; commits.

    Today's tasks and everything asked or answered stay; later tasks follow the new version. Raises NotFound, Invalid
    (another protocol, a retired version), Conflict (the plan has ended).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    now = rt.now()
    plan = _locked_plan(session, staff, care_plan_id)
    before, after = session.get_one(Definition, plan.definition_id), _protocol(session, canonical)
    if before.url != after.url:
        raise Invalid("another-protocol", "a plan is migrated to a version of its own protocol", place="protocol")
    patient = session.get_one(Patient, plan.patient_id)
    zone = zone_of(patient.time_zone)
    midnight = instant(datetime.combine(local(now, zone).date() + EVERY, time()), zone) or now + EVERY
    plan.definition_id, plan.status = after.id, CarePlanStatus.ACTIVE.value
    protocol = content.plan(session, after.canonical)
    until = max(plan.expanded_until or now, now + AHEAD)
    wanted = expand(protocol, plan.starts_on, patient.time_zone, midnight, until)
    _align(session, plan, protocol, wanted, midnight)
    _insert(session, [_row(plan, protocol, one) for one in wanted])
    _look_again(plan, protocol, patient, until, now)
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
    session.execute(
        update(Task)
        .where(Task.care_plan_id == plan.id, Task.status.in_(OPEN))
        .values(status=TaskStatus.CANCELLED.value, status_reason="plan-stopped", remind_at=None)
    )
    _audit(session, now, staff, "care-plan.stop", plan, reason=reason[:60])
    session.commit()
    return plan


def expand_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Write the tasks of the coming week for the plans whose turn it is; commits. Running it twice writes them once."""

    def handle(inner: Session, plans: list[CarePlan]) -> None:
        found = inner.scalars(select(Patient).where(Patient.id.in_({plan.patient_id for plan in plans})))
        patients = {patient.id: patient for patient in found}
        rows = []
        for plan in plans:
            if plan.status == CarePlanStatus.ACTIVE:
                rows.append((plan, content.plan(inner, plan.definition_id), patients[plan.patient_id]))
            else:
                plan.expand_at = None
        _write_ahead(inner, rows, None, now)

    session.expire_all()  # a plan that this session saw before is read as it is now
    return work(session, QUEUE, handle, now, limit=limit)


def retime(session: Session, patient: Patient, now: datetime) -> None:
    """After a change of zone: tasks not yet asked for move to the same local times there (no commit)."""
    plans = select(CarePlan).where(CarePlan.patient_id == patient.id, CarePlan.status == CarePlanStatus.ACTIVE.value)
    for plan in session.scalars(plans.with_for_update()):
        protocol = content.plan(session, plan.definition_id)
        until = (plan.expanded_until or now) + MARGIN
        _align(session, plan, protocol, expand(protocol, plan.starts_on, patient.time_zone, now - MARGIN, until), now)


def _write_ahead(
    session: Session,
    rows: Iterable[tuple[CarePlan, PlanDefinition, Patient]],
    since: datetime | None,
    now: datetime,
) -> None:
    """Write each plan's tasks for the coming week, from `since` or from where the last time ended."""
    tasks = []
    for plan, protocol, patient in rows:
        first = since or max(plan.created_at, (plan.expanded_until or plan.created_at) - MARGIN)
        until = max(now, first if since else now) + AHEAD
        for one in expand(protocol, plan.starts_on, patient.time_zone, first, until):
            tasks.append(_row(plan, protocol, one))
        _look_again(plan, protocol, patient, until, now)
    _insert(session, tasks)


def _look_again(plan: CarePlan, protocol: PlanDefinition, patient: Patient, until: datetime, now: datetime) -> None:
    """When the plan's next tasks are written; a plan whose last task is over is completed."""
    plan.expanded_until = until
    end = _end(protocol, plan.starts_on, patient.time_zone)
    if end is None or until < end:
        plan.expand_at = now + EVERY
    elif now < end:
        plan.expand_at = end
    else:
        plan.status, plan.expand_at = CarePlanStatus.COMPLETED.value, None


def _end(protocol: PlanDefinition, starts_on: date, zone: str) -> datetime | None:
    """When the last task of all has expired; None for a protocol without end."""
    ends = []
    for action in protocol.actions:
        if action.last_day is None:
            return None
        after = datetime.combine(starts_on + timedelta(days=action.last_day + 1), time())
        ends.append((instant(after, zone_of(zone)) or after.astimezone(zone_of(zone))) + action.expires_after)
    return max(ends)


def _row(plan: CarePlan, protocol: PlanDefinition, one: Occurrence) -> dict[str, Any]:
    action = protocol.action(one.action_id)
    return {
        "id": new_id(),
        "organization_id": plan.organization_id,
        "patient_id": plan.patient_id,
        "care_plan_id": plan.id,
        "action_id": one.action_id,
        "nominal": one.nominal,
        "questionnaire": action.questionnaire if action else "",
        "status": TaskStatus.READY.value,
        "due_at": one.due_at,
        "expires_at": one.expires_at,
        "remind_at": one.due_at,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        once = insert(Task).on_conflict_do_nothing(index_elements=[Task.care_plan_id, Task.action_id, Task.nominal])
        session.execute(once, rows)


def _align(
    session: Session, plan: CarePlan, protocol: PlanDefinition, wanted: Sequence[Occurrence], since: datetime
) -> None:
    """Make the tasks due from `since` on that nobody was asked for what they are `wanted` to be; cancel the others."""
    by_name = {(one.action_id, one.nominal): one for one in wanted}
    open_tasks = select(Task).where(
        Task.care_plan_id == plan.id,
        Task.status == TaskStatus.READY.value,
        Task.reminders_sent == 0,
        Task.due_at >= since,
    )
    for task in session.scalars(open_tasks.with_for_update()):
        one = by_name.get((task.action_id, task.nominal))
        action = protocol.action(task.action_id)
        if one is None or action is None:
            task.status, task.status_reason, task.remind_at = TaskStatus.CANCELLED.value, "plan-changed", None
        else:
            task.questionnaire = action.questionnaire
            task.due_at, task.expires_at, task.remind_at = one.due_at, one.expires_at, one.due_at


def _locked_patient(session: Session, staff: Staff, patient_id: UUID) -> Patient:
    """The patient, locked: two who start the same plan wait for each other."""
    patient_of(session, staff, patient_id)
    return session.get_one(Patient, patient_id, with_for_update=True)


def _locked_plan(session: Session, staff: Staff, care_plan_id: UUID) -> CarePlan:
    found = select(CarePlan).where(CarePlan.id == care_plan_id, visible_to(staff, CarePlan)).with_for_update()
    plan = session.scalars(found.execution_options(populate_existing=True)).first()
    if plan is None:
        raise NotFound("care-plan", "no such plan")
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
