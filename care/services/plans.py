"""Care plans: a patient on one version of a protocol, and its tasks, always written a week ahead.

A task is identified by (plan, action, nominal local time), so that writing it twice writes it once. A version is pinned
until a named person migrates the plan; what was asked or answered stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from care.domain.civil import local, start_of_day, zone_of
from care.domain.codes import CarePlanStatus, Role, TaskStatus
from care.domain.people import Staff
from care.domain.plan import Occurrence, PlanDefinition, catch_up, ends_at, expand, remind_at
from care.errors import Conflict, Invalid, NotFound
from care.records.arrays import as_arrays, insert_arrays
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
MISSED = "missed"  # over before anybody could be asked: an outage, or a move to a zone where its time has passed
CHANGED = "plan-changed"

_CHANGING = (
    "questionnaire",
    "status",
    "status_reason",
    "due_at",
    "expires_at",
    "opens_at",
    "closes_at",
    "remind_at",
)
_COLUMNS = ("id", "organization_id", "patient_id", "care_plan_id", "action_id", "nominal", *_CHANGING)


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
    if abs(_begins(protocol, starts_on, patient) - now) > FARTHEST:
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
    _write_ahead(session, [(plan, protocol, patient)], now, starting=True)
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
    patient = session.get_one(Patient, plan.patient_id, populate_existing=True)
    zone = zone_of(patient.time_zone)
    midnight = start_of_day(local(now, zone).date() + EVERY, zone)
    expires = _write_today(session, plan, patient, midnight, now)
    plan.definition_id, plan.status = after.id, CarePlanStatus.ACTIVE.value
    protocol = content.plan(session, after.canonical)
    until = max(plan.expanded_until or now, now + AHEAD)
    _align(session, plan, protocol, patient, midnight, until, now)
    _look_again(plan, protocol, patient, until, now, max(midnight, expires))
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
        _write_ahead(inner, rows, now)

    session.expire_all()  # a plan that this session saw before is read as it is now
    return work(session, QUEUE, handle, now, limit=limit)


def _write_today(session: Session, plan: CarePlan, patient: Patient, midnight: datetime, now: datetime) -> datetime:
    """Write what the version that the plan leaves asks until `midnight`, where an outage kept it from being written.

    Returns when the last of it expires, or `now`.
    """
    since = max(plan.created_at, (plan.expanded_until or plan.created_at) - MARGIN)
    if (plan.expanded_until or since) >= midnight:
        return now
    rows = _rows(plan, content.plan(session, plan.definition_id), patient, since, midnight, now)
    _insert(session, rows)
    return max((row["expires_at"] for row in rows), default=now)


def retime(session: Session, patient: Patient, now: datetime) -> None:
    """After a change of zone: tasks not yet asked for move to the same local times there (no commit).

    What was due before is as it was. A time that has passed there already is caught up with as its action says; one
    that was left out here and exists there is asked.
    """
    living = (CarePlanStatus.ACTIVE.value, CarePlanStatus.ON_HOLD.value)
    plans = select(CarePlan).where(CarePlan.patient_id == patient.id, CarePlan.status.in_(living))
    for plan in session.scalars(plans.with_for_update().execution_options(populate_existing=True)):
        protocol = content.plan(session, plan.definition_id)
        _align(session, plan, protocol, patient, now, max(now, plan.expanded_until or now), now)


def _write_ahead(
    session: Session,
    rows: Iterable[tuple[CarePlan, PlanDefinition, Patient]],
    now: datetime,
    *,
    starting: bool = False,
) -> None:
    """Write each plan's tasks for the coming week, from its start or from where the last time ended."""
    tasks: list[dict[str, Any]] = []
    for plan, protocol, patient in rows:
        if starting:
            since = _begins(protocol, plan.starts_on, patient)
        else:
            since = max(plan.created_at, (plan.expanded_until or plan.created_at) - MARGIN)
        until = (max(now, since) if starting else now) + AHEAD
        written = _rows(plan, protocol, patient, since, until, now, starting=starting)
        tasks += written
        expires = max((row["expires_at"] for row in written), default=now)
        _look_again(plan, protocol, patient, until, now, expires)
    _insert(session, tasks)


def _rows(
    plan: CarePlan,
    protocol: PlanDefinition,
    patient: Patient,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    starting: bool = False,
) -> list[dict[str, Any]]:
    """The rows of what is due from `since` to `until`: what is asked, and after an outage what was missed in it.

    When a plan starts, what it would have asked before is not part of it, unless it is caught up.
    """
    found = expand(protocol, plan.starts_on, patient.time_zone, since, until)
    late = catch_up(protocol, found, now, starting=starting)
    missed = [] if starting else [_row(plan, protocol, one, missed=True) for one in late.missed]
    return missed + [_row(plan, protocol, one) for one in late.asked]


def _begins(protocol: PlanDefinition, starts_on: date, patient: Patient) -> datetime:
    """The first moment of the plan's first day."""
    return start_of_day(starts_on, zone_of(protocol.time_zone or patient.time_zone))


def _look_again(
    plan: CarePlan,
    protocol: PlanDefinition,
    patient: Patient,
    until: datetime,
    now: datetime,
    expires: datetime,
) -> None:
    """When the plan's next tasks are written; a plan whose last task is over (not before `expires`) is completed."""
    plan.expanded_until = max(until, plan.expanded_until or until)  # a plan that starts later was written from there
    end = ends_at(protocol, plan.starts_on, patient.time_zone)
    if end is None or plan.expanded_until < end:
        plan.expand_at = now + EVERY
    elif now < max(end, expires):
        plan.expand_at = max(end, expires)
    else:
        plan.status, plan.expand_at = CarePlanStatus.COMPLETED.value, None


def _row(plan: CarePlan, protocol: PlanDefinition, one: Occurrence, *, missed: bool = False) -> dict[str, Any]:
    action = protocol.action(one.action_id)
    assert action is not None, "an occurrence is one of an action of its plan"
    status = TaskStatus.FAILED if missed else TaskStatus.READY
    return {
        "id": new_id(),
        "organization_id": plan.organization_id,
        "patient_id": plan.patient_id,
        "care_plan_id": plan.id,
        "action_id": one.action_id,
        "nominal": one.nominal,
        "questionnaire": action.questionnaire,
        "status": status.value,
        "status_reason": MISSED if missed else None,
        "due_at": one.due_at,
        "expires_at": one.expires_at,
        "opens_at": one.opens_at,
        "closes_at": one.closes_at,
        "remind_at": None if missed else remind_at(action, one, plan.id),
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        once = insert_arrays(Task, _COLUMNS).on_conflict_do_nothing(
            index_elements=[Task.care_plan_id, Task.action_id, Task.nominal]
        )
        session.execute(once, as_arrays(rows, _COLUMNS))


def _align(
    session: Session,
    plan: CarePlan,
    protocol: PlanDefinition,
    patient: Patient,
    since: datetime,
    until: datetime,
    now: datetime,
) -> None:
    """Make the tasks due from `since` on that nobody was asked for what the protocol wants, and write what is missing.

    A task that is wanted no more is cancelled; one whose time has passed by a move is caught up with or missed, as
    after an outage. Either comes back when it is wanted again: its name is taken for good.
    """
    late = catch_up(protocol, expand(protocol, plan.starts_on, patient.time_zone, since - MARGIN, until + MARGIN), now)
    asked = {(one.action_id, one.nominal): one for one in late.asked}
    missed = {(one.action_id, one.nominal): one for one in late.missed}
    ready = and_(Task.status == TaskStatus.READY.value, Task.due_at >= since)
    changed = and_(Task.status == TaskStatus.CANCELLED.value, Task.status_reason == CHANGED)
    passed = and_(Task.status == TaskStatus.FAILED.value, Task.status_reason == MISSED)
    back = and_(or_(changed, passed), Task.due_at >= since - MARGIN)
    unasked = select(Task).where(Task.care_plan_id == plan.id, Task.reminders_sent == 0, or_(ready, back))
    for task in session.scalars(unasked.with_for_update().execution_options(populate_existing=True)):
        name = (task.action_id, task.nominal)
        if name in asked and (asked[name].due_at >= since or task.status == TaskStatus.READY):
            _follow(task, _row(plan, protocol, asked[name]))
        elif name in missed and task.status == TaskStatus.READY:
            _follow(task, _row(plan, protocol, missed[name], missed=True))
        elif task.status == TaskStatus.READY:
            task.status, task.status_reason, task.remind_at = TaskStatus.CANCELLED.value, CHANGED, None
    session.flush()
    _insert(session, [_row(plan, protocol, one) for one in late.asked if since <= one.due_at < until])


def _follow(task: Task, row: dict[str, Any]) -> None:
    """The task becomes what `row` says; who it is of and its name are the same."""
    for name in _CHANGING:
        setattr(task, name, row[name])


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
