"""Reminders: tasks whose moment has come are decided, asked for, asked for again, or closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CarePlanStatus, CommunicationStatus, Delivery, Priority, Purpose, TaskStatus
from care.domain.plan import PlanDefinition
from care.domain.reminder import Close, Decision, Due, Send, Wait, decide
from care.domain.triage import Alarm
from care.records.among import among
from care.records.arrays import as_arrays, update_arrays
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient
from care.records.seal import unseal
from care.records.tasks import DueTask, Task, due_tasks, read_due
from care.runtime import Runtime
from care.services import content
from care.services.alarms import Case, raise_many
from care.services.consents import Ledger, ledger_of
from care.services.departures import QUIET
from care.services.openings import Openings
from care.services.pile import Pile
from care.services.queue import Queue, Worked, work

QUEUE = Queue("reminders", Task, "remind_at", read=due_tasks)
ONCE = (timedelta(),)  # for a task whose action the plan's present version no longer has
IN_CONVERSATION = timedelta(seconds=15)
_TICK = timedelta(microseconds=1)
_CHANGES = ("status", "status_reason", "reminders_sent", "remind_at")
_WRITE = update_arrays(Task, _CHANGES, lease_until=None, attempts=0)


@dataclass(frozen=True, slots=True)
class _Address:
    """An active contact point; its address stays sealed until a message to it is written."""

    id: UUID
    patient_id: UUID
    channel: str
    address_sealed: bytes
    address_token: bytes

    def opened(self) -> str:
        return unseal(ContactPoint.__tablename__, "address_sealed", self.id, bytes(self.address_sealed))


@dataclass(frozen=True)
class _Facts:
    """What a batch of tasks needs, one query a noun."""

    contacts: dict[UUID, list[_Address]]
    plans: dict[UUID, PlanDefinition]
    ledger: Ledger

    def contact(self, task: DueTask) -> _Address | None:
        """Where the patient may be reminded: the best active contact point with a consent; None when nowhere."""
        if task.person.status != "active" or task.plan_status != CarePlanStatus.ACTIVE:
            return None
        patient_id = task.person.id
        known = self.contacts.get(patient_id, ())
        return next((one for one in known if self.ledger.allows(patient_id, one.channel)), None)


def send_due(
    session: Session, rt: Runtime, now: datetime, *, limit: int = 500, ids: Collection[UUID] | None = None
) -> Worked:
    """Remind of the tasks (of `ids`, if given) whose moment has come, and close those whose time is over; commits.

    The reminder itself asks the question where the patient can answer by text and is in no other conversation. However
    many processes do this at once, a reminder is queued once.
    """

    def handle(inner: Session, rows: list[Any]) -> None:
        _remind(inner, rt, [read_due(row) for row in rows], now)

    worked = work(session, QUEUE, handle, now, limit=limit, bury=_bury, ids=ids)
    if worked.claimed:
        session.expire_all()  # what this session saw before has been changed by statements
    return worked


def _remind(session: Session, rt: Runtime, tasks: Sequence[DueTask], now: datetime) -> None:
    facts = _facts(session, tasks)
    decisions = []
    for task in tasks:
        contact = facts.contact(task)
        decisions.append((task, contact, _decide(task, contact, facts, now)))
    talking = {task.person.id for task, _, decision in decisions if _touches_talk(decision)}
    openings = Openings(session, now, talking)
    pile = Pile()
    changes = [_act(rt, task, contact, decision, facts, openings, pile, now) for task, contact, decision in decisions]
    pile.write(session)
    openings.write()
    session.execute(_WRITE, as_arrays(changes, ("id", *_CHANGES)))


def _act(
    rt: Runtime,
    task: DueTask,
    contact: _Address | None,
    decision: Decision,
    facts: _Facts,
    openings: Openings,
    pile: Pile,
    now: datetime,
) -> dict[str, Any]:
    """Do what was decided of one task; the columns of it that are written."""
    change = {
        "id": task.id,
        "status": task.status,
        "status_reason": None,
        "reminders_sent": task.reminders_sent,
        "remind_at": None,
    }
    if _touches_talk(decision) and task.person.id not in openings.locked:
        return change | {"remind_at": now + IN_CONVERSATION}  # somebody is answering this patient at this moment
    match decision:
        case Wait(until):
            change["remind_at"] = until
        case Close(status, reason):
            if reason != "already-closed":
                change["status"], change["status_reason"] = status.value, reason
                openings.end(task)
        case Send(next_at):
            writing = openings.still_writing(task)
            if writing is not None:
                return change | {"remind_at": min(writing, task.expires_at)}
            if contact is not None:
                words = openings.words(task, facts.plans[task.definition_id], rt.channels.get(contact.channel))
                pile.add(_message(task, contact, now + len(pile) * _TICK, now), words, contact.opened())
            change["reminders_sent"], change["remind_at"] = task.reminders_sent + 1, next_at
    return change


def _message(task: DueTask, contact: _Address, moment: datetime, now: datetime) -> dict[str, Any]:
    """The reminder's row. Its name is new: the task is locked, and its count moves on in this transaction."""
    return {
        "id": new_id(),
        "organization_id": task.person.organization_id,
        "patient_id": task.person.id,
        "care_team_id": task.person.care_team_id,
        "contact_point_id": contact.id,
        "direction": "out",
        "channel": contact.channel,
        "purpose": Purpose.REMINDER.value,
        "priority": Priority.ROUTINE.rank,
        "status": CommunicationStatus.PREPARATION.value,
        "delivery": Delivery.QUEUED.value,
        "dedupe": f"reminder:{task.id}:{task.reminders_sent}",
        "address_token": contact.address_token,
        "at": now,
        "recorded_at": moment,
        "send_at": now,
        "attempts": 0,
        "task_id": task.id,
    }


def _touches_talk(decision: Decision) -> bool:
    return isinstance(decision, Send) or (isinstance(decision, Close) and decision.reason != "already-closed")


def _decide(task: DueTask, contact: _Address | None, facts: _Facts, now: datetime) -> Decision:
    action = facts.plans[task.definition_id].action(task.action_id)
    due = Due(
        status=TaskStatus(task.status),
        due_at=task.due_at,
        expires_at=task.expires_at,
        reminders_sent=task.reminders_sent,
        remind_after=action.remind_after if action else ONCE,
        answered=False,  # an answered task is completed by the transaction that kept its report
    )
    return decide(due, now, task.person.time_zone, QUIET, contact is not None)


def _facts(session: Session, tasks: Sequence[DueTask]) -> _Facts:
    patient_ids = {task.person.id for task in tasks}
    contacts: dict[UUID, list[_Address]] = {}
    active = select(
        ContactPoint.id,
        ContactPoint.patient_id,
        ContactPoint.channel,
        ContactPoint.address_sealed,
        ContactPoint.address_token,
    ).where(among(ContactPoint.patient_id, patient_ids), ContactPoint.status == "active")
    for row in session.execute(active.order_by(ContactPoint.rank, ContactPoint.id)):
        contacts.setdefault(row.patient_id, []).append(_Address(*row))
    plans = {one: content.plan(session, one) for one in {task.definition_id for task in tasks}}
    return _Facts(contacts, plans, ledger_of(session, patient_ids))


def _bury(session: Session, task: Task, error: str, now: datetime) -> None:
    """A task that can't even be decided is a nurse's to look at."""
    patient = session.get_one(Patient, task.patient_id)
    alarm = Alarm("dead-letter", Priority.ROUTINE, "dead-letter", {}, "doubt", origin=error)
    raise_many(session, now, [Case(patient.organization_id, patient.care_team_id, patient.id, now, (alarm,))])
