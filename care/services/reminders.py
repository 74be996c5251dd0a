"""Reminders: tasks whose moment has come are decided, asked for, asked for again, or closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, exists, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from care.domain.codes import CarePlanStatus, CommunicationStatus, Delivery, Priority, Purpose, TaskStatus
from care.domain.plan import PlanDefinition
from care.domain.reminder import Close, Decision, Due, Send, Wait, decide
from care.domain.triage import Alarm
from care.records.arrays import as_arrays, update_arrays
from care.records.ids import new_id
from care.records.patients import Patient
from care.records.tasks import DueTask, Task, due_tasks, read_due
from care.runtime import Runtime
from care.services import content
from care.services.alarms import Case, raise_many
from care.services.departures import QUIET
from care.services.openings import Openings
from care.services.pile import Pile
from care.services.queue import Queue, Worked, work
from care.services.reaching import placed

QUEUE = Queue("reminders", Task, "remind_at", read=due_tasks)
ONCE = (timedelta(),)  # for a task whose action the plan's present version no longer has
IN_CONVERSATION = timedelta(seconds=15)
LATE = timedelta(hours=1)  # a first reminder later than this was held up by an outage
_TICK = timedelta(microseconds=1)
_STATUS = {status.value: status for status in TaskStatus}
_ANY_REMINDER = {
    "direction": "out",
    "purpose": Purpose.REMINDER.value,
    "priority": Priority.ROUTINE.rank,
    "status": CommunicationStatus.PREPARATION.value,
    "delivery": Delivery.QUEUED.value,
    "attempts": 0,
}
_MOVED, _ENDED = ("reminders_sent", "remind_at", "asked_at"), ("status", "status_reason")


_FREE = {"lease_until": None, "attempts": 0}
_MOVE, _END = update_arrays(Task, _MOVED, **_FREE), update_arrays(Task, _ENDED, remind_at=None, **_FREE)
_NEWER = aliased(Task)
_OVERTAKEN = select(Task.id).where(
    Task.id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
    exists().where(
        _NEWER.care_plan_id == Task.care_plan_id,
        _NEWER.action_id == Task.action_id,
        _NEWER.nominal > Task.nominal,
        _NEWER.due_at <= bindparam("now"),
        _NEWER.status != TaskStatus.CANCELLED.value,  # nobody is asked for it, so it takes nobody's place
    ),
)


def send_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 500, ids: Collection[UUID] | None = None
) -> Worked:
    """Remind of the tasks (of `ids`, if given) whose moment has come, and close those whose time is over; commits.

    The reminder itself asks the question where only the patient sees it and can answer it, in no other conversation;
    elsewhere it is a constant notice. However many processes do this at once, a reminder is queued once.
    """

    def handle(inner: Session, rows: list[Any]) -> None:
        _remind(inner, rt, placed(inner, rt, [read_due(row) for row in rows]), now)

    worked = work(session, QUEUE, handle, now, limit=limit, bury=_bury, ids=ids)
    if worked.claimed:
        session.expire_all()  # what this session saw before has been changed by statements
    return worked


def _remind(session: Session, rt: Runtime, tasks: Sequence[DueTask], now: datetime) -> None:
    """Decide about tasks that are locked for us, write down what was decided, and do it."""
    plans = {one: content.plan(session, one) for one in {task.definition_id for task in tasks}}
    overtaken = _overtaken(session, tasks, plans, now)
    decisions = [_decide(task, plans, task.id in overtaken if overtaken else False, now) for task in tasks]
    talking = [task.person.id for task, one in zip(tasks, decisions, strict=True) if _touches_talk(one)]
    openings = Openings(session, now, talking, rt.public_url)
    changes = _Changes([], [], [], [])
    for task, decision in zip(tasks, decisions, strict=True):
        _change(task, decision, openings, changes, rt, now)
    for statement, names, rows in ((_MOVE, _MOVED, changes.moved), (_END, _ENDED, changes.ended)):
        if rows:
            session.execute(statement, as_arrays(rows, ("id", *names)))
    pile = Pile()
    for task in changes.over:
        openings.end(task)
    for task in changes.asked:
        words, notice = openings.words(task, plans[task.definition_id], rt.channels.get(task.channel or ""))
        pile.add(_message(task, now + len(pile) * _TICK, now) | {"notice": notice}, words, None)
    pile.write(session)
    openings.write()


class _Changes(NamedTuple):
    """What is to be written of the tasks (rows by name), and the tasks on which something follows."""

    moved: list[dict[str, Any]]
    ended: list[dict[str, Any]]
    over: list[DueTask]
    asked: list[DueTask]


def _change(
    task: DueTask, decision: Decision, openings: Openings, changes: _Changes, rt: Runtime, now: datetime
) -> None:
    """What is to be written of one task, and whether something follows."""
    sent, asked_at = task.reminders_sent, task.asked_at
    if _touches_talk(decision) and task.person.id not in openings.locked:
        remind_at: datetime | None = now + IN_CONVERSATION  # somebody is answering there
    elif isinstance(decision, Wait):
        remind_at = decision.until
    elif isinstance(decision, Close):
        if _touches_talk(decision):
            changes.ended.append({"id": task.id, "status": decision.status.value, "status_reason": decision.reason})
            changes.over.append(task)
            return
        remind_at = None  # it was closed before, with its reason
    elif (writing := openings.held(task) or openings.still_writing(task)) is not None:
        remind_at = min(writing, task.expires_at)
    else:
        sent, remind_at = sent + 1, decision.next_at
        asked_at = openings.asks(task, rt.channels.get(task.channel or "")) or asked_at
        if task.contact_id is not None:
            changes.asked.append(task)
    changes.moved.append({"id": task.id, "reminders_sent": sent, "remind_at": remind_at, "asked_at": asked_at})


def _message(task: DueTask, moment: datetime, now: datetime) -> dict[str, Any]:
    """The reminder's row. Its name is new: the task is ours, and its count moved on in this transaction."""
    person = task.person
    return _ANY_REMINDER | {
        "id": new_id(),
        "organization_id": person.organization_id,
        "patient_id": person.id,
        "care_team_id": person.care_team_id,
        "contact_point_id": task.contact_id,
        "channel": task.channel,
        "dedupe": f"reminder:{task.id}:{task.reminders_sent}",
        "address_token": task.address_token,
        "at": now,
        "recorded_at": moment,
        "send_at": now,
        "task_id": task.id,
    }


def _touches_talk(decision: Decision) -> bool:
    return isinstance(decision, Send) or (isinstance(decision, Close) and decision.reason != "already-closed")


def _decide(task: DueTask, plans: Mapping[UUID, PlanDefinition], overtaken: bool, now: datetime) -> Decision:
    action = plans[task.definition_id].action(task.action_id)
    due = Due(
        status=_STATUS[task.status],
        due_at=task.due_at,
        expires_at=task.expires_at,
        reminders_sent=task.reminders_sent,
        remind_after=action.remind_after if action else ONCE,
        answered=False,  # an answered task is completed by the transaction that kept its report
        overtaken=overtaken,
    )
    reachable = task.contact_id is not None and task.person.status == "active"
    return decide(due, now, task.person.time_zone, QUIET, reachable and task.plan_status == CarePlanStatus.ACTIVE)


def _overtaken(
    session: Session, tasks: Sequence[DueTask], plans: Mapping[UUID, PlanDefinition], now: datetime
) -> Collection[UUID]:
    """Tasks that an outage held up and that a newer one of their action has caught up with."""
    late = []
    for task in tasks:
        if task.reminders_sent == 0 and now - task.due_at > LATE:
            action = plans[task.definition_id].action(task.action_id)
            if action is not None and action.catch_up != "all":
                late.append(task.id)
    return set(session.execute(_OVERTAKEN, {"ids": late, "now": now}).scalars()) if late else ()


def _bury(session: Session, task: Task, error: str, now: datetime) -> None:
    """A task that can't even be decided is a nurse's to look at."""
    patient = session.get_one(Patient, task.patient_id)
    alarm = Alarm("dead-letter", Priority.ROUTINE, "dead-letter", {}, "doubt", origin=error)
    raise_many(session, now, [Case(patient.organization_id, patient.care_team_id, patient.id, now, (alarm,))])
