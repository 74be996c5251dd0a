"""Reminders: tasks whose moment has come are decided, asked for, asked for again, or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import CarePlanStatus, Priority, Purpose, TaskStatus
from care.domain.plan import PlanDefinition
from care.domain.reminder import Close, Decision, Due, Send, Wait, decide
from care.domain.triage import Alarm
from care.records.among import among
from care.records.care_plans import CarePlan
from care.records.patients import ContactPoint, Patient
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import content, outbox
from care.services.alarms import Case, raise_many
from care.services.consents import Ledger, ledger_of
from care.services.departures import QUIET
from care.services.openings import Openings
from care.services.queue import Queue, Worked, work

QUEUE = Queue("reminders", Task, "remind_at")
ONCE = (timedelta(),)  # for a task whose action the plan's present version no longer has
IN_CONVERSATION = timedelta(seconds=15)


@dataclass(frozen=True)
class _Facts:
    """What a batch of tasks needs, one query a noun."""

    patients: dict[UUID, Patient]
    contacts: dict[UUID, list[ContactPoint]]
    plans: dict[UUID, tuple[CarePlan, PlanDefinition]]
    ledger: Ledger

    def contact(self, task: Task) -> ContactPoint | None:
        """Where the patient may be reminded: the best active contact point with a consent; None when nowhere."""
        care_plan, _ = self.plans[task.care_plan_id]
        patient = self.patients[task.patient_id]
        if patient.status != "active" or care_plan.status != CarePlanStatus.ACTIVE:
            return None
        known = self.contacts.get(patient.id, ())
        return next((one for one in known if self.ledger.allows(patient.id, one.channel)), None)


def send_due(session: Session, rt: Runtime, now: datetime, *, limit: int = 500) -> Worked:
    """Remind of the tasks whose moment has come, and close those whose time is over; commits.

    The reminder itself asks the question where the patient can answer by text and is in no other conversation. However
    many processes do this at once, a reminder is queued once.
    """

    def handle(inner: Session, tasks: list[Task]) -> None:
        _remind(inner, rt, tasks, now)

    session.expire_all()  # what this session saw before is read as it is now
    return work(session, QUEUE, handle, now, limit=limit, bury=_bury)


def _remind(session: Session, rt: Runtime, tasks: Sequence[Task], now: datetime) -> None:
    facts = _facts(session, tasks)
    decided = [(task, facts.contact(task)) for task in tasks]
    decisions = [(task, contact, _decide(task, contact, facts, now)) for task, contact in decided]
    talking = {task.patient_id for task, _, decision in decisions if _touches_talk(decision)}
    openings = Openings(session, now, talking)
    for task, contact, decision in decisions:
        if _touches_talk(decision) and task.patient_id not in openings.locked:
            task.remind_at = now + IN_CONVERSATION  # somebody is answering this patient at this moment
            continue
        match decision:
            case Wait(until):
                task.remind_at = until
            case Close(status, reason):
                if reason != "already-closed":
                    task.status, task.status_reason = status.value, reason
                    openings.end(task, facts.patients[task.patient_id])
                task.remind_at = None
            case Send(next_at):
                _queue(session, rt, task, contact, facts, openings, now)
                task.reminders_sent += 1
                task.remind_at = next_at
    openings.write(facts.patients)


def _touches_talk(decision: Decision) -> bool:
    return isinstance(decision, Send) or (isinstance(decision, Close) and decision.reason != "already-closed")


def _decide(task: Task, contact: ContactPoint | None, facts: _Facts, now: datetime) -> Decision:
    action = facts.plans[task.care_plan_id][1].action(task.action_id)
    due = Due(
        status=TaskStatus(task.status),
        due_at=task.due_at,
        expires_at=task.expires_at,
        reminders_sent=task.reminders_sent,
        remind_after=action.remind_after if action else ONCE,
        answered=False,  # an answered task is completed by the transaction that kept its report
    )
    return decide(due, now, facts.patients[task.patient_id].time_zone, QUIET, contact is not None)


def _queue(
    session: Session,
    rt: Runtime,
    task: Task,
    contact: ContactPoint | None,
    facts: _Facts,
    openings: Openings,
    now: datetime,
) -> None:
    if contact is None:
        return
    patient = facts.patients[task.patient_id]
    protocol = facts.plans[task.care_plan_id][1]
    outbox.enqueue(
        session,
        now,
        purpose=Purpose.REMINDER,
        text=openings.words(task, protocol, patient, rt.channels.get(contact.channel)),
        dedupe=f"reminder:{task.id}:{task.reminders_sent}",
        patient=patient,
        contact=contact,
        task_id=task.id,
        check=False,  # the task is locked, and its count moves on in this transaction
    )


def _facts(session: Session, tasks: Sequence[Task]) -> _Facts:
    patient_ids = {task.patient_id for task in tasks}
    patients = session.scalars(select(Patient).where(among(Patient.id, patient_ids)))
    contacts: dict[UUID, list[ContactPoint]] = {}
    active = select(ContactPoint).where(among(ContactPoint.patient_id, patient_ids), ContactPoint.status == "active")
    for contact in session.scalars(active.order_by(ContactPoint.rank, ContactPoint.id)):
        contacts.setdefault(contact.patient_id, []).append(contact)
    care_plans = session.scalars(select(CarePlan).where(among(CarePlan.id, {task.care_plan_id for task in tasks})))
    return _Facts(
        {patient.id: patient for patient in patients},
        contacts,
        {one.id: (one, content.plan(session, one.definition_id)) for one in care_plans},
        ledger_of(session, patient_ids),
    )


def _bury(session: Session, task: Task, error: str, now: datetime) -> None:
    """A task that can't even be decided is a nurse's to look at."""
    patient = session.get_one(Patient, task.patient_id)
    alarm = Alarm("dead-letter", Priority.ROUTINE, "dead-letter", {}, "doubt", origin=error)
    raise_many(session, now, [Case(patient.organization_id, patient.care_team_id, patient.id, now, (alarm,))])
