"""The horizon: the tasks of a care plan, always written a week ahead, and what becomes of them when plans change.

A task is identified by (care plan, action, nominal local time), so that writing it twice writes it once. Nothing here
commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from care.domain.civil import start_of_day, zone_of
from care.domain.codes import CarePlanStatus, TaskStatus
from care.domain.plan import Occurrence, PlanDefinition, catch_up, ends_at, expand, remind_at
from care.records.arrays import as_arrays, insert_arrays
from care.records.care_plans import CarePlan
from care.records.ids import new_id
from care.records.patients import Patient
from care.records.tasks import Task
from care.services import content

AHEAD = timedelta(days=8)  # written every day, so that there is never less than a week
EVERY = timedelta(days=1)
MARGIN = timedelta(days=2)  # written again each time: covers a change of zone at the edge
MISSED = "missed"  # over before anybody could be asked: an outage, or a move to a zone where its time has passed
CHANGED = "plan-changed"
PAUSED = "plan-paused"

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


def write_ahead(
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
            since = begins(protocol, plan.starts_on, patient)
        else:
            since = max(plan.created_at, (plan.expanded_until or plan.created_at) - MARGIN)
        until = (max(now, since) if starting else now) + AHEAD
        written = _rows(plan, protocol, patient, since, until, now, starting=starting)
        tasks += written
        expires = max((row["expires_at"] for row in written), default=now)
        look_again(plan, protocol, patient, until, now, expires)
    _insert(session, tasks)


def write_today(session: Session, plan: CarePlan, patient: Patient, midnight: datetime, now: datetime) -> datetime:
    """Write what the version that the plan leaves asks until `midnight`, where an outage kept it from being written.

    Returns when the last of it expires, or `now`.
    """
    since = max(plan.created_at, (plan.expanded_until or plan.created_at) - MARGIN)
    if (plan.expanded_until or since) >= midnight:
        return now
    rows = _rows(plan, content.plan(session, plan.definition_id), patient, since, midnight, now)
    _insert(session, rows)
    return max((row["expires_at"] for row in rows), default=now)


def align(
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
    changed = and_(Task.status == TaskStatus.CANCELLED.value, Task.status_reason.in_((CHANGED, PAUSED)))
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


def look_again(
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


def begins(protocol: PlanDefinition, starts_on: date, patient: Patient) -> datetime:
    """The first moment of the plan's first day."""
    return start_of_day(starts_on, zone_of(protocol.time_zone or patient.time_zone))


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


def _follow(task: Task, row: dict[str, Any]) -> None:
    """The task becomes what `row` says; who it is of and its name are the same."""
    for name in _CHANGING:
        setattr(task, name, row[name])
